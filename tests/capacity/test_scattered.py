"""Decode points that each have a context and a batch of their own."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.interpolate import LinearNDInterpolator

from fleetopt.capacity.decode_curves import DecodeCurves
from fleetopt.capacity.domain import NotCarriedError
from fleetopt.capacity.scattered import ScatteredDecode, _cuts, _lower_hull, is_scattered
from fleetopt.catalog.domain import DecodePoint, DecodeProfile, Provenance
from fleetopt.units import Latency

SEEDS = st.integers(0, 10_000)
brief = settings(max_examples=25, deadline=None)


def _cloud(seed: int, count: int = 25, noise: float = 0.1) -> tuple[DecodePoint, ...]:
    draw = np.random.default_rng(seed)
    contexts, batches = draw.uniform(300.0, 12_000.0, count), np.exp(draw.uniform(0.0, 5.0, count))
    steps = (4e-3 + 2e-5 * batches + 4e-8 * batches * contexts) * draw.uniform(1.0 - noise, 1.0 + noise, count)
    return tuple(sorted((DecodePoint(*map(float, p)) for p in zip(contexts, batches, steps, strict=True)), key=_key))


def _key(point: DecodePoint) -> tuple[float, float]:
    return point.context_tokens, point.batch


def _profile(points: tuple[DecodePoint, ...]) -> DecodeProfile:
    return DecodeProfile(points, Provenance("measured", "test"))


@pytest.mark.parametrize("seed", range(8))
def test_the_surface_is_scipys(seed: int) -> None:
    """Proves the Delaunay interpolant along a context against scipy's, before it is kept from falling."""
    points = _cloud(seed)
    batches = np.array([p.batch for p in points])
    kv = batches * np.array([p.context_tokens for p in points])
    theirs = LinearNDInterpolator(np.column_stack((batches / batches.max(), kv / kv.max())), [p.tpot_s for p in points])
    for context in (1500.0, 4000.0, 9000.0):
        cuts = _lower_hull(_cuts(points, context))
        probes = np.linspace(cuts[0].batch, cuts[-1].batch, 60)[1:-1]
        ours = np.interp(probes, [cut.batch for cut in cuts], [cut.tpot_s for cut in cuts])
        assert np.allclose(ours, theirs(probes / batches.max(), probes * context / kv.max()), rtol=1e-6)


@brief
@given(SEEDS)
def test_it_passes_through_every_point_and_never_falls(seed: int) -> None:
    """Proves measured values at measured places (raised at most), and no dip of TPOT as the batch grows."""
    points = _cloud(seed)
    for point in points:
        found = ScatteredDecode(points).at(point.context_tokens)
        assert found is not None
        tpot, raised = found
        batch = min(max(point.batch, tpot.first), tpot.last)
        assert batch == pytest.approx(point.batch, rel=1e-9)
        assert point.tpot_s * (1.0 - 1e-6) <= tpot.at(batch) <= point.tpot_s * (1.0 + raised) * (1.0 + 1e-6)
        assert all(later >= earlier for earlier, later in pairwise(tpot.ys))


@brief
@given(SEEDS, st.floats(0.0, 1e-4), st.floats(0.0, 1e-7), st.floats(500.0, 11_000.0))
def test_scattered_points_of_a_grids_replica_say_what_the_grid_says(
    seed: int, per_request: float, per_token: float, context: float
) -> None:
    """Proves a step of a + b batch + c KV tokens exactly, from scattered points as from curves at contexts."""

    def step(at: float, batch: float) -> DecodePoint:
        return DecodePoint(at, batch, 5e-3 + per_request * batch + per_token * batch * at)

    grid = _profile(tuple(step(at, batch) for at in (400.0, 3000.0, 12_000.0) for batch in (1.0, 8.0, 32.0, 200.0)))
    scattered = _profile(tuple(step(p.context_tokens, p.batch) for p in _cloud(seed)))
    try:
        ours, _ = DecodeCurves.of(scattered).at(context, "pchip")
    except NotCarriedError:
        assume(False)
    theirs, _ = DecodeCurves.of(grid).at(context, "pchip")
    for batch in np.linspace(ours.first, ours.last, 9):
        assert ours.at(float(batch)) == pytest.approx(theirs.at(max(1.0, float(batch))), rel=1e-7)


@brief
@given(SEEDS, st.floats(1.001, 3.0))
def test_outside_the_hull_nothing_is_known(seed: int, further: float) -> None:
    """Proves that longer and shorter contexts, and larger batches, are refused."""
    curves = DecodeCurves.of(_profile(_cloud(seed)))
    contexts = [point.context_tokens for point in _cloud(seed)]
    for context in (max(contexts) * further, min(contexts) / further):
        with pytest.raises(NotCarriedError, match="outside the hull"):
            curves.at(context, "pchip")
    tpot, _ = curves.at(sorted(contexts)[12], "pchip")
    with pytest.raises(ValueError, match="outside the measured range"):
        tpot.at(tpot.last * further)


@pytest.mark.parametrize(
    ("places", "scattered"),
    [
        ([(100, 1)], False),
        ([(100, 1), (200, 2)], False),
        ([(100, 1), (200, 2), (300, 3)], True),
        ([(100, 1), (200, 2), (300, 3), (300, 4), (300, 5), (300, 6)], False),
        ([(c, b) for c in (1, 2, 3) for b in (1, 2)], False),
        ([(c, b) for c in (1, 2, 3) for b in (1, 2)] + [(4, 1)], True),
    ],
)
def test_what_counts_as_scattered(places: list[tuple[float, float]], scattered: bool) -> None:
    """Proves the rule: three contexts or more, with fewer than two batches each on average."""
    assert is_scattered(tuple(DecodePoint(context, batch, 0.01) for context, batch in places)) is scattered


def test_four_points_on_a_circle_are_read_the_slow_way() -> None:
    """Proves the tie: of the two diagonals of a rectangle of batches and KV tokens, the one with the larger TPOT."""
    corners = [(8.0, 16_000.0, 0.01), (8.0, 8_000.0, 0.03), (16.0, 16_000.0, 0.03), (16.0, 8_000.0, 0.01)]
    # Where the diagonals cross: one says 0.01 s, the other 0.03 s; the pair with the largest value decides.
    points = tuple(DecodePoint(kv / batch, batch, tpot) for batch, kv, tpot in corners)
    assert len({point.context_tokens for point in points}) == 3
    for order in (points, points[::-1]):
        found = ScatteredDecode(order).at(1000.0)
        assert found is not None
        assert found[0].at(12.0) == pytest.approx(0.03)


def test_a_scattered_profile_carries_a_workload(workload: Any, candidate: Any, carry: Any, refuse: Any) -> None:
    """Proves that decode capacity is derived from scattered points as from curves: the batch at the TPOT promised."""
    points = _cloud(1, noise=0.0)
    asked = workload(input_tokens=3000.0, output_tokens=500.0, decode_fit="quadratic", tpot=Latency(0.012))
    one = candidate(_profile(points), max_kv_tokens=1e9)
    capacity = carry(asked, one)
    batch = (0.012 - 4e-3) / (2e-5 + 4e-8 * 3250.0)
    assert capacity.batch == pytest.approx(batch)
    assert capacity.capacity_rps == pytest.approx(batch / 0.012 / 500.0)
    assert capacity.error == pytest.approx(0.0, abs=1e-6)
    assert "decode points are scattered: interpolated instead of a quadratic fit" in capacity.assumptions
    assert refuse(workload(input_tokens=90_000.0), one).code == "outside-profile"
