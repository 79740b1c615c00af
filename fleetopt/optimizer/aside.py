"""Work on threads of its own, so that Ctrl-C reaches the main thread at once and is never lost.

While work goes on, Ctrl-C is only taken note of. An exception in the middle of a wait, between taking a lock and
remembering it, as can happen in those of concurrent.futures and of highspy, would leave everybody waiting for ever.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from itertools import count
from queue import Empty, SimpleQueue
from threading import Thread
from types import FrameType
from typing import TypeVar

Result = TypeVar("Result")

PATIENCE_S = 0.2
"""How long to wait before looking whether a thread is done whose word was lost to an interrupt."""


def aside(jobs: Sequence[Callable[[], Result]], threads: int, interrupted: Callable[[], None]) -> list[Result]:
    """What the jobs return, in their order, as many of them at once as there are threads.

    Args:
        jobs: what to do; after an interrupt they are expected to be brief.
        threads: how many to work on.
        interrupted: told of every Ctrl-C while they work.

    Raises:
        the first error of a job, once all have ended.
    """
    results: dict[int, Result] = {}
    errors: list[BaseException] = []
    ended: list[None] = []
    bell: SimpleQueue[None] = SimpleQueue()
    turn = count()

    def work() -> None:
        try:
            while (index := next(turn)) < len(jobs):
                results[index] = jobs[index]()
        except BaseException as error:  # noqa: BLE001  whatever it is, it is raised again where somebody waits for it
            errors.append(error)
        finally:
            ended.append(None)
            bell.put(None)

    crew = [Thread(target=work, daemon=True) for _ in range(min(threads, len(jobs)))]
    with _heard(interrupted):
        for thread in crew:
            thread.start()
        while len(ended) < len(crew):
            listen(bell)
    if errors:
        raise errors[0]
    return [results[index] for index in range(len(jobs))]


@contextmanager
def noticed() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C has come since; whoever listens otherwise, or nobody, is told as ever."""
    came = False

    def note() -> None:
        nonlocal came
        came = True

    with _told(note):
        yield lambda: came


@contextmanager
def _heard(interrupted: Callable[[], None]) -> Iterator[None]:
    """Has Ctrl-C told of instead of raised; whoever listened to it before is told too."""
    with _told(interrupted, suppress(KeyboardInterrupt)):
        yield


@contextmanager
def _told(interrupted: Callable[[], None], beyond: AbstractContextManager[object] | None = None) -> Iterator[None]:
    """Has Ctrl-C told of, before whoever listened to it before is told, within a context."""
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield
        return

    def hear(number: int, frame: FrameType | None) -> None:
        interrupted()
        with beyond or nullcontext():
            usual(number, frame)

    signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


def listen(bell: SimpleQueue[None]) -> None:
    """Waits for a bell for a moment."""
    with suppress(Empty):
        bell.get(timeout=PATIENCE_S)
