"""Straight lines between square roots, and the rate of a closed loop that they give."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetopt.capacity.chords import Chords
from fleetopt.capacity.closed_loop import ClosedLoop

STEPS = st.lists(st.tuples(st.floats(0.5, 40.0), st.floats(0.0, 9.0)), min_size=1, max_size=10)
LOOPS = st.lists(
    st.tuples(st.floats(1.2, 4.0), st.floats(0.5, 2.5), st.floats(1e-3, 50.0), st.booleans()), min_size=1, max_size=8
)
brief = settings(max_examples=80, deadline=None)


def _curve(steps: list[tuple[float, float]], power: float) -> Chords:
    x, y = (np.cumsum(column) for column in zip(*steps, strict=True))
    return Chords.through(x.tolist(), (1e-3 + y).tolist(), power=power)


def _loop(steps: list[Any]) -> ClosedLoop:
    """Any closed loop: concurrencies a factor apart, rates that rise or fall, TTFT in or out of keeping with them."""
    load, rate, loads, rates, ttfts = 1.0, 1.0, [], [], []
    for factor, gain, ttft, in_keeping in steps:
        load, rate = load * factor, rate * gain
        loads.append(load)
        rates.append(rate)
        ttfts.append(min(ttft, 0.9 * load / rate) if in_keeping else ttft)
    return ClosedLoop.through(loads, rates, ttfts)


@brief
@given(STEPS, st.sampled_from((0.5, 1.0)), st.floats(0.0, 1.0))
def test_chords_pass_through_the_points_and_never_fall(
    steps: list[tuple[float, float]], power: float, share: float
) -> None:
    """Proves exact values at the points, no dip between them, and the inverse: the largest x within a level."""
    curve = _curve(steps, power)
    assert [curve.at(x) for x in curve.xs] == list(curve.ys)
    values = [curve.at(float(x)) for x in np.linspace(curve.first, curve.last, 40)]
    assert all(later >= earlier for earlier, later in pairwise(values))
    level = curve.ys[0] + share * (curve.ys[-1] - curve.ys[0])
    x = curve.largest_at_most(level)
    assert x is not None
    assert curve.at(x) <= level * (1.0 + 1e-9)
    further = x * (1.0 + 1e-7)
    assert further > curve.last or curve.at(further) >= level * (1.0 - 1e-12)
    assert curve.largest_at_most(curve.ys[0] * 0.99) is None


@brief
@given(STEPS, st.sampled_from((0.5, 1.0)), st.floats(0.001, 0.5))
def test_nothing_is_extrapolated(steps: list[tuple[float, float]], power: float, off: float) -> None:
    """Proves that reading outside the points is an error on either side."""
    curve = _curve(steps, power)
    for x in (curve.first * (1.0 - off), curve.last * (1.0 + off), math.nan):
        with pytest.raises(ValueError, match="outside the measured range"):
            curve.at(x)


@pytest.mark.parametrize("xs", [(), (1.0, 1.0), (2.0, 1.0)])
def test_points_must_be_in_order(xs: tuple[float, ...]) -> None:
    """Proves that repeated or unsorted points are refused."""
    with pytest.raises(ValueError, match="strictly increasing"):
        Chords.through(xs, xs, power=0.5)


def test_a_step_time_that_is_affine_in_the_load_is_nearly_met() -> None:
    """Proves the point of the axes: a + b c between c and 4 c is missed by less than 3 % at 2 c, by 25 % in log c."""
    curve = Chords.through((16.0, 64.0), (10.0 + 16.0, 10.0 + 64.0), power=0.5)
    assert curve.at(32.0) == pytest.approx(42.0, rel=0.03)


@brief
@given(LOOPS)
def test_a_rate_passes_through_the_points_and_turns_at_none_but_them(steps: list[Any]) -> None:
    """Proves measured rates where measured, and between two of them only a rise, or only a fall, within both."""
    loop = _loop(steps)
    assert tuple(loop.at(c) for c in loop.concurrencies) == loop.rates
    for (left, right), (before, after) in zip(pairwise(loop.concurrencies), pairwise(loop.rates), strict=True):
        between = [loop.at(float(c)) for c in np.linspace(left, right, 30)]
        rising = between if after >= before else [-rate for rate in between]
        assert all(later >= earlier - 1e-12 * abs(earlier) for earlier, later in pairwise(rising))


@brief
@given(LOOPS, st.floats(0.01, 1.0))
def test_the_smallest_concurrency_reaches_the_rate_and_no_smaller_one_does(steps: list[Any], share: float) -> None:
    """Proves the search, also where a rate is cut off: there it must not be answered with a later, slower load."""
    loop = _loop(steps)
    wanted = loop.rates[0] + share * (max(loop.rates) - loop.rates[0])
    found = loop.smallest(wanted)
    assert found is not None
    assert loop.at(found) == pytest.approx(wanted, rel=1e-9)
    probes = np.linspace(loop.concurrencies[0], found, 50)[:-1]
    assert all(loop.at(float(c)) <= wanted * (1.0 + 1e-9) for c in probes)
    assert loop.smallest(max(loop.rates) * 1.001) is None


def test_a_peak_between_two_points_is_cut_off_and_found_early() -> None:
    """Proves that where TTFT explodes the rate stays at the measured 1.1, and is reached before the second point."""
    loop = ClosedLoop.through((64.0, 128.0), (1.0, 1.1), (1.0, 90.0))
    assert loop.at(100.0) == 1.1
    found = loop.smallest(1.1)
    assert found is not None
    assert found < 100.0
    assert loop.best(100.0) == 100.0
