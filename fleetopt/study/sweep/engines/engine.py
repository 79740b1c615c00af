"""What runs tasks: in this process, in others on this machine, or on several machines. All give the same answers."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from fleetopt.study.sweep.bench import Answer, Bench, Shared, Task, lost

MOST_TRIES = 3
"""How often a task is run whose worker dies before it is known to be what kills them."""


class Engine(Protocol):
    """Answers each task once, in any order; asks for no more tasks than it can hold."""

    def run(self, shared: Shared, tasks: Iterator[Task]) -> Generator[Answer]: ...


class Again:
    """Tasks with those before them that a dead worker left undone, each given out at most MOST_TRIES times."""

    def __init__(self, tasks: Iterator[Task]) -> None:
        self._tasks = tasks
        self._undone: list[Task] = []
        self._tries: dict[str, int] = {}

    def __iter__(self) -> Iterator[Task]:
        return self

    def __next__(self) -> Task:
        return self._undone.pop() if self._undone else next(self._tasks)

    def retry(self, task: Task) -> Answer | None:
        """Takes a task back; or the answer that it has none, if too many workers died of it."""
        self._tries[task.key] = self._tries.get(task.key, 0) + 1
        if self._tries[task.key] < MOST_TRIES:
            self._undone.append(task)
            return None
        return lost(task.key, f"the process that ran it died {MOST_TRIES} times; perhaps it ran out of memory")


class Inline:
    """One task after another in this process."""

    def run(self, shared: Shared, tasks: Iterator[Task]) -> Generator[Answer]:
        bench = Bench(shared)
        for task in tasks:
            with _not_half_done():
                answer = bench.run(task)
            yield answer


@contextmanager
def _not_half_done() -> Iterator[None]:
    """Ctrl-C ends a solve with the best plan so far, which is not what the run would have found: it does not count."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stopped = False
    usual = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: Any) -> None:
        nonlocal stopped
        stopped = True
        signal.default_int_handler(number, frame)

    if usual is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if stopped:
        raise KeyboardInterrupt
