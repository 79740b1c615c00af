"""Many pieces of work of one kind in two processes that begin as copies of this one.

Writing programs is Python at work, which threads do not make faster. A copy knows all that was known when it was made,
so only results travel. Where copies cannot be made safely, beside running threads or on another system than Linux, and
where there is little to do, the work is done here, one piece after another.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TypeVar

from fleetopt.optimizer.collection import collected_by_hand

Result = TypeVar("Result")

PROCESSES = 2

_works: list[Callable[[int], object]] = []
"""What copies are to do, the last one. It is never sent, as it holds what cannot be: copies find it where it was."""


def forked(work: Callable[[int], Result], count: int, large: bool) -> Generator[Result]:
    """What the work returns for 0, 1, ... count - 1, in that order.

    Args:
        work: a function whose results can be pickled, and that changes nothing.
        count: how many pieces there are.
        large: whether the work is worth two processes.
    """
    with collected_by_hand() as collect:
        if large and count > 1 and _safe():
            yield from _beside(work, count)
            return
        for index in range(count):
            yield work(index)
            collect()


def _safe() -> bool:
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
    return cores > 1 and threading.active_count() == 1


def _beside(work: Callable[[int], Result], count: int) -> Iterator[Result]:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with _left_for_copies(work):
        pool = ProcessPoolExecutor(PROCESSES, get_context("fork"), initializer=_begun)
        try:
            waiting = deque(pool.submit(_done, index) for index in range(count))
            while waiting:
                yield waiting.popleft().result()  # type: ignore[misc]
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _left_for_copies(work: Callable[[int], object]) -> Iterator[None]:
    _works.append(work)
    try:
        yield
    finally:
        _works.remove(work)


def _begun() -> None:
    """Ctrl-C is for the one who waits for the copies; they end with what they are at."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _done(index: int) -> object:
    found = _works[-1](index)
    gc.collect()
    return found
