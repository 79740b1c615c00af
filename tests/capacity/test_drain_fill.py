"""DOPD's ratio by hand, and where it matters that it is scaled by the decode replicas before it is rounded."""

from __future__ import annotations

import math

from fleetopt.capacity.drain_fill import drain_rps, fill_rps, load_ratio, requests_held


def test_prefill_grows_with_the_decode_replicas() -> None:
    """Proves P = ceil(D drain / fill): four decode replicas of 1.5 requests/s need three of prefill at 2.

    Sensitivity: the ratio of one decode replica, 0.75, is one of prefill if it is not scaled, and four if it is rounded
    before it is scaled: too few and too many.
    """
    held = requests_held(100_000, 3000, 500)
    drain, fill = drain_rps(held, 500, 0.04), fill_rps(0.5)
    found = load_ratio(4 * held, held, drain, fill)
    unscaled = math.ceil(drain / fill)
    assert (found.decode, found.prefill) == (4, 3)
    assert (unscaled, found.decode * unscaled) == (1, 4)
    assert unscaled * fill < 4 * drain <= found.prefill * fill


def test_one_decode_replica_has_the_published_ratio() -> None:
    """Proves the ratio itself: with one decode replica nothing is to be scaled."""
    for ttft_s in (0.1, 0.5, 2.0):
        drain, fill = drain_rps(30, 500, 0.04), fill_rps(ttft_s)
        assert load_ratio(30, 30, drain, fill).prefill == math.ceil(drain / fill)


def test_nothing_runs_on_nothing() -> None:
    """Proves the empty load: no request, no replica."""
    assert load_ratio(0, 30, 1.5, 2.0) == (0, 0)
