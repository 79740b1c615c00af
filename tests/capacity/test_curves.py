"""Curves against scipy, against the seed paper's figures, and at their ends."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator

from fleetopt.capacity.crossing import last_at_most
from fleetopt.capacity.curves import Quadratic, running_maximum
from fleetopt.capacity.pchip import Pchip
from fleetopt.capacity.throughput import best_batch, smallest_batch, tokens_per_s

BATCHES = (10.0, 20.0, 30.0, 40.0, 50.0, 60.0)
TPOT_MS = (12.8, 16.4, 18.8, 21.6, 23.9, 26.2)
VALUES = st.floats(-10.0, 10.0).map(lambda value: round(value, 9))
POINTS = st.lists(st.tuples(st.floats(0.1, 50.0), VALUES), min_size=2, max_size=12)
RISING = st.lists(st.tuples(st.floats(0.5, 50.0), st.floats(0.0, 10.0)), min_size=1, max_size=12)


def _rising(steps: list[tuple[float, float]]) -> Pchip:
    x, y = (np.cumsum(column) for column in zip(*steps, strict=True))
    return Pchip.through(x.tolist(), (1.0 + y).tolist())


@given(POINTS)
def test_the_interpolant_is_scipys(points: list[tuple[float, float]]) -> None:
    """Proves slopes and evaluation on any data, rising, falling or level, to 1e-12 of its spread."""
    x = np.cumsum([step for step, _ in points])
    y = np.array([value for _, value in points])
    ours, theirs = Pchip.through(x.tolist(), y.tolist()), PchipInterpolator(x, y)
    probes = np.linspace(x[0], x[-1], 57)
    assert np.allclose([ours.at(float(p)) for p in probes], theirs(probes), rtol=1e-12, atol=1e-12 * 20.0)


def test_the_seed_papers_decode_curve() -> None:
    """Proves batch 34.29 (1714.5 tokens/s) by interpolation and 33.83 (1691.66) by the paper's parabola at 20 ms."""
    spline, parabola = Pchip.through(BATCHES, TPOT_MS), Quadratic.fit(BATCHES, TPOT_MS)
    spline_batch, parabola_batch = spline.largest_at_most(20.0), parabola.largest_at_most(20.0)
    assert spline_batch == pytest.approx(34.29, abs=0.005)
    assert parabola_batch == pytest.approx(33.83, abs=0.005)
    assert 1e3 * tokens_per_s(spline, spline_batch or 0.0) == pytest.approx(1714.5, abs=0.1)
    assert 1e3 * tokens_per_s(parabola, parabola_batch or 0.0) == pytest.approx(1691.66, abs=0.01)


@given(RISING, st.floats(0.0, 1.0))
def test_the_inverse_finds_the_largest_x(steps: list[tuple[float, float]], share: float) -> None:
    """Proves largest_at_most on rising and level data: the value holds there, and no longer a hair further on."""
    curve = _rising(steps)
    level = curve.ys[0] + share * (curve.ys[-1] - curve.ys[0])
    x = curve.largest_at_most(level)
    assert x is not None
    assert curve.at(x) <= level * (1.0 + 1e-11)
    further = x + 1e-6 * (1.0 + x)
    assert further > curve.last or curve.at(further) >= level * (1.0 - 1e-11)


def test_limits_beyond_the_data() -> None:
    """Proves that a limit above all values ends at the last point, and one below all of them finds nothing."""
    for curve in (Pchip.through(BATCHES, TPOT_MS), Quadratic.fit(BATCHES, TPOT_MS)):
        assert curve.largest_at_most(99.0) == 60.0
        assert curve.largest_at_most(5.0) is None


@pytest.mark.parametrize("x", [9.9, 60.1, float("nan")])
def test_nothing_is_extrapolated(x: float) -> None:
    """Proves that reading a curve outside its points is an error, not a guess."""
    for curve in (Pchip.through(BATCHES, TPOT_MS), Quadratic.fit(BATCHES, TPOT_MS)):
        with pytest.raises(ValueError, match="outside the measured range"):
            curve.at(x)


def test_a_curve_of_one_point() -> None:
    """Proves that a single measurement is used, and only where it was made."""
    curve = Pchip.through((8.0,), (0.01,))
    assert (curve.at(8.0), curve.largest_at_most(0.01), curve.largest_at_most(0.009)) == (0.01, 8.0, None)
    with pytest.raises(ValueError, match="outside"):
        curve.at(9.0)


@pytest.mark.parametrize("xs", [(), (1.0, 1.0), (2.0, 1.0)])
def test_points_must_be_in_order(xs: tuple[float, ...]) -> None:
    """Proves that repeated or unsorted points are refused rather than divided by zero."""
    with pytest.raises(ValueError, match="strictly increasing"):
        Pchip.through(xs, tuple(1.0 for _ in xs))


@pytest.mark.parametrize("ys", [(5.0, 1.0, 5.0, 14.0), (1.0, 5.0, 6.0, 4.0), (9.0, 5.0, 2.0, 1.0)])
def test_a_parabola_never_falls(ys: tuple[float, ...]) -> None:
    """Proves that a fit which turns is held level, so that a limit kept at a batch is kept at every smaller one."""
    fit = Quadratic.fit((1.0, 2.0, 3.0, 4.0), ys)
    values = [fit.at(float(x)) for x in np.linspace(1.0, 4.0, 61)]
    assert all(later >= earlier - 1e-12 for earlier, later in pairwise(values))
    assert fit.largest_at_most(values[30]) is not None


def test_the_running_maximum_says_how_much_it_changed() -> None:
    """Proves the repair of noisy data and the size it reports: 8 raised to 10 is 25 %."""
    assert running_maximum([5.0, 10.0, 8.0, 12.0]) == ((5.0, 10.0, 10.0, 12.0), 0.25)


@given(RISING, st.floats(0.0, 1.0))
def test_the_best_and_the_smallest_batch_agree(steps: list[tuple[float, float]], share: float) -> None:
    """Proves, also where throughput falls, that the smallest batch for the best rate is never above the limit."""
    curve = _rising(steps)
    most = curve.first + share * (curve.last - curve.first)
    best = best_batch(curve, most)
    rate = tokens_per_s(curve, best)
    probes = np.linspace(curve.first, most, 41)
    assert rate >= max(tokens_per_s(curve, float(p)) for p in probes) * (1.0 - 1e-6)
    smallest = smallest_batch(curve, rate)
    assert smallest is not None
    assert smallest <= most * (1.0 + 1e-11)
    assert tokens_per_s(curve, smallest) == pytest.approx(rate, rel=1e-10)


@given(st.floats(0.1, 9.0), st.floats(0.01, 0.99))
def test_a_crossing_is_found_to_machine_precision(power: float, share: float) -> None:
    """Proves that the search keeps its bracket and closes it, for functions steep and flat."""
    level = share**power
    found = last_at_most(lambda x: x**power, 0.0, 1.0, level)
    assert found**power <= level
    assert found == pytest.approx(level ** (1.0 / power), rel=1e-12)
