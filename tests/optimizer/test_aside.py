"""Work aside: results in their order, errors raised where somebody waits, and no interrupt lost."""

from __future__ import annotations

import _thread
from functools import partial
from time import perf_counter, sleep

import pytest

from fleetopt.optimizer.aside import aside, noticed


def never() -> None:
    raise AssertionError("nobody interrupts")


def test_results_come_in_the_order_of_the_jobs() -> None:
    """Proves: the slowest first stays first. Sensitivity: results as they come would turn the order round."""

    def slow(index: int) -> int:
        sleep(0.02 * (3 - index))
        return index

    assert aside([partial(slow, index) for index in range(4)], 2, never) == [0, 1, 2, 3]
    assert aside([], 2, never) == []


def test_an_error_of_a_job_is_raised_where_somebody_waits() -> None:
    """Proves that what goes wrong on a thread is not printed and forgotten."""

    def wrong() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        aside([wrong], 1, never)


@pytest.mark.parametrize("round_", range(5))
def test_an_interrupt_at_any_moment_reaches_who_waits(round_: int) -> None:
    """Proves: signals that come as fast as they can are each told of and never leave the main thread waiting.

    Sensitivity: a wait that can lose a lock to an interrupt hangs here within a few hundred signals.
    """
    told = 0
    finished = False

    def note() -> None:
        nonlocal told
        told += 1

    def storm() -> int:
        nonlocal finished
        end = perf_counter() + 0.2
        while perf_counter() < end:
            _thread.interrupt_main()
            sleep(0.0003)
        sleep(0.1)  # so that the last of them comes while somebody still waits
        finished = True
        return round_

    try:
        assert aside([storm], 1, note) == [round_]
    except KeyboardInterrupt:
        pytest.fail("an interrupt got out")
    assert finished
    assert told > 0


def test_an_interrupt_is_noticed_by_whoever_stands_further_out() -> None:
    """Proves: Ctrl-C while work goes on aside, which is told of it and ends, is known to whoever asked for the work;
    elsewhere it is raised as ever.

    Sensitivity: what comes after the work would begin as if nobody had pressed a key.
    """
    told = list[str]()

    def work() -> None:
        _thread.interrupt_main()
        sleep(0.1)

    with noticed() as before:
        aside([work], 1, lambda: told.append("inside"))
        assert before()
        with noticed() as after:
            assert not after()
            with pytest.raises(KeyboardInterrupt):
                _pressed()
            assert after()
    assert told == ["inside"]


def _pressed() -> None:
    _thread.interrupt_main()
    sleep(1.0)
