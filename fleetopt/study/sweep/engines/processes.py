"""Tasks in processes on this machine, each started afresh (spawn), so that no state of this one is in them.

Each worker has a pipe and one task at a time, so a worker that dies takes one known task with it, which another gets.
A worker whose parent is gone leaves too. Ctrl-C is for the parent alone.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context, resource_tracker, set_start_method
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from fleetopt.study.sweep.bench import Answer, Bench, Shared, Task
from fleetopt.study.sweep.engines.engine import Again

LOOKS_EVERY_S = 1.0


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    task: Task

    def give(self, task: Task) -> None:
        self.task = task
        with suppress(OSError):  # it has died; its pipe says so when it is waited for
            self.pipe.send(task)

    def answer(self) -> Answer | None:
        """What it sends, None if it has died."""
        try:
            return self.pipe.recv()  # type: ignore[no-any-return]
        except (EOFError, OSError):
            return None

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


class Processes:
    """As many workers as are wanted, or one for each processor."""

    def __init__(self, workers: int | None = None) -> None:
        self._most = workers or len(os.sched_getaffinity(0))

    def run(self, shared: Shared, tasks: Iterator[Task]) -> Generator[Answer]:
        queue, workers = Again(tasks), list[_Worker]()
        try:
            self._fill(workers, shared, queue)
            while workers:
                for pipe in wait([worker.pipe for worker in workers]):
                    worker = next(one for one in workers if one.pipe is pipe)
                    answer = worker.answer()
                    if answer is None:
                        workers.remove(worker)
                        worker.end()
                        answer = queue.retry(worker.task)
                    elif (task := next(queue, None)) is not None:
                        worker.give(task)
                    else:
                        workers.remove(worker)
                        worker.end()
                    self._fill(workers, shared, queue)
                    if answer is not None:
                        yield answer
        finally:
            for worker in workers:
                worker.end()

    def _fill(self, workers: list[_Worker], shared: Shared, queue: Again) -> None:
        while len(workers) < self._most and (task := next(queue, None)) is not None:
            workers.append(_started(shared, task))


def _started(shared: Shared, task: Task) -> _Worker:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, shared, os.getpid()), daemon=True)
    with _without_interrupts():
        process.start()
    theirs.close()
    worker = _Worker(process, ours, task)
    worker.give(task)
    return worker


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """What is started in here has Ctrl-C held back from its first moment on: before it can say that it ignores it, too.

    Here it is held back only for as long, and not lost.
    """
    resource_tracker.ensure_running()  # it lets Ctrl-C through again when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(pipe: Connection, shared: Shared, parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Locks that libraries make here have no name then, so that nothing of a worker that is killed is left over.
    set_start_method("fork", force=True)
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    bench = Bench(shared)
    try:
        while True:
            pipe.send(bench.run(pipe.recv()))
    except (EOFError, OSError):
        return


def _leave_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOKS_EVERY_S)
    os._exit(1)
