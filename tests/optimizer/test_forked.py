"""Work in copies of the process: the same results, in the same order, and the same errors."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable

import pytest

from fleetopt.optimizer.forked import forked


@pytest.mark.parametrize("large", [False, True])
def test_results_come_in_order(large: bool) -> None:
    """Proves: what work returns comes in the order of the pieces, whoever did it; nothing is collected in between, and
    afterwards all is as before.

    Sensitivity: results in the order in which they are done, or a collector left switched off.
    """
    offset = 100
    assert list(forked(lambda index: index + offset, 20, large)) == list(range(100, 120))
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_results_are_not_looked_through_again() -> None:
    """Proves: where one process does it all, the collector has no more to look at after ten pieces than after one,
    though all that came of them is kept.

    Sensitivity: looked through after every piece, the records of a large plan take hours.
    """
    seen = list[int]()

    def work(_: int) -> list[list[int]]:
        seen.append(len(gc.get_objects()))
        return [[] for _ in range(10_000)]

    kept = list(forked(work, 10, False))
    assert len(kept) == 10
    assert max(seen) < min(seen) + 10_000


def test_copies_do_the_work() -> None:
    """Proves: large work is done by other processes than this one, where two can run.

    Sensitivity: without copies all numbers are our own.
    """
    ids = set(forked(lambda _: os.getpid(), 8, True))
    assert (os.getpid() not in ids) == (len(os.sched_getaffinity(0)) > 1)


@pytest.mark.parametrize("large", [False, True])
def test_an_error_comes_through(large: bool) -> None:
    """Proves: an error of the work is raised where results are asked for.

    Sensitivity: a copy that dies alone would leave us waiting, or with too few results.
    """
    with pytest.raises(ZeroDivisionError):
        list(forked(divided, 3, large))


def divided(index: int) -> float:
    return 1.0 / (1 - index)


def test_who_stops_early_leaves_nothing_behind() -> None:
    """Proves: closing the results ends the copies and forgets the work.

    Sensitivity: work that stays known keeps a case in memory.
    """
    from fleetopt.optimizer import forked as module

    work: Callable[[int], int] = abs
    found = forked(work, 50, True)
    assert next(found) == 0
    found.close()
    assert module._works == []
