"""Two computations of one capacity, in code that shares nothing: verify/ supports what capacity/ finds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

from fleetopt.capacity.domain import Capacity
from fleetopt.capacity.scattered import ScatteredDecode, scattered_error
from fleetopt.capacity.table import evidence
from fleetopt.catalog.domain import (
    AggregatedPoint,
    AggregatedProfile,
    Candidate,
    DecodePoint,
    DecodeProfile,
    GpuType,
    ModelCard,
    PrefillPoint,
    PrefillProfile,
    Profile,
    Provenance,
    Role,
    ServingConfig,
    Tail,
)
from fleetopt.scenario.domain import Margins, Shortfall, Workload
from fleetopt.units import Latency
from fleetopt.verify.curves import Unsupported
from fleetopt.verify.evidence_aggregated import AggregatedSupport
from fleetopt.verify.evidence_decode import DecodeSupport
from fleetopt.verify.evidence_prefill import PrefillSupport
from fleetopt.verify.support import Case, Finding, Support
from fleetopt.verify.triangles import Triangles

FROM = Provenance("measured", "a bench")
CARD = ModelCard("m", "m", 70.0, 70.0, 80, 1e5, False, 131072, ())
GPU = GpuType("H200", 141.0, 4800.0, 700.0, FROM)
CONFIG = ServingConfig("c", "m", "H200", 8, 8, 1, 1, 1, "fp8", "engine", 1e9, FROM)
WORKLOAD = Workload(
    name="chat", model="m", input_tokens=1000.0, output_tokens=100.0, demand_rps={}, ttft=None, tpot=None,
    ttft_overhead_s=0.0, kv_transfer_s_per_token=0.0, prefix_cache_hit_rate=0.0, queue="mm1", decode_fit="pchip",
    headroom=0.0, shortfall=Shortfall(0.0, 0.0), gpu_types=None, forbidden_gpu_types=(),
    roles=("prefill", "decode", "aggregated"),
)  # fmt: skip
SEEDS = st.integers(0, 10_000)
brief = settings(max_examples=40, deadline=None)


def _both(role: Role, profile: Profile, slow: float, **asked: Any) -> tuple[Capacity, Support]:
    one, workload = Candidate(CONFIG, role, profile), replace(WORKLOAD, **asked)
    found = evidence(one, CARD, GPU, Margins(slow, slow, slow)).carries(workload)
    if not isinstance(found, Capacity):
        reject()
    case = Case(one, workload, CARD, GPU, 1.0 + slow)
    if isinstance(profile, AggregatedProfile):
        return found, AggregatedSupport(case, profile)
    if isinstance(profile, DecodeProfile):
        return found, DecodeSupport(case, profile)
    assert isinstance(profile, PrefillProfile)
    return found, PrefillSupport(case, profile)


def _holds(findings: list[Finding]) -> bool:
    return all(finding.slack >= -finding.allowed for finding in findings)


def _series(seed: int, *, tails: bool) -> AggregatedProfile:
    draw = np.random.default_rng(seed)
    points, ttft, tpot = [], 0.1, 0.01
    for load in (2.0**k for k in range(int(draw.integers(2, 8)))):
        ttft, tpot = ttft * draw.uniform(0.9, 4.0), tpot * draw.uniform(0.95, 1.9)
        rate = load / (ttft + 99.0 * tpot) * draw.uniform(0.97, 1.03)
        p99 = (Tail("ttft", 0.99, 1.9 * ttft), Tail("tpot", 0.99, 1.2 * tpot)) if tails else ()
        points.append(AggregatedPoint(1000.0, 100.0, load, rate, ttft, tpot, p99))
    return AggregatedProfile(tuple(points), FROM)


def _cloud(seed: int) -> tuple[DecodePoint, ...]:
    draw = np.random.default_rng(seed)
    contexts, batches = draw.uniform(300.0, 4_000.0, 16), np.exp(draw.uniform(0.0, 5.0, 16))
    steps = (4e-3 + 2e-5 * batches + 4e-8 * batches * contexts) * draw.uniform(0.8, 1.2, 16)
    return tuple(DecodePoint(*map(float, point)) for point in zip(contexts, batches, steps, strict=True))


@brief
@given(SEEDS, st.booleans(), st.sampled_from((None, 0.9, 0.99)), st.floats(0.1, 3.0), st.floats(0.0, 0.3))
def test_aggregated_capacities_are_supported(
    seed: int, tails: bool, percentile: float | None, limit: float, slow: float
) -> None:
    """Proves that chords, cut rates, measured and assumed tails and error bars come out the same twice."""
    profile = _series(seed, tails=tails)
    promises = {"ttft": Latency(limit, percentile), "tpot": Latency(limit / 20.0, percentile)}
    found, support = _both("aggregated", profile, slow, **promises)
    assert _holds(support.findings(found.capacity_rps, found.batch))
    assert _same(support.errors, found.error, 1e-9)


def _same(errors: tuple[float | None, ...], error: float | None, within: float) -> bool:
    (other,) = errors
    return other is error if other is None or error is None else other == pytest.approx(error, rel=within)


@brief
@given(SEEDS, st.floats(0.011, 0.05))
def test_no_more_than_an_aggregated_capacity_is_supported(seed: int, limit: float) -> None:
    """Proves that a rate 1 % above what TPOT allows is refused, where TPOT and rate rise steadily."""
    steady = [(2.0**k, 0.009 + 0.001 * 2.0**k * (1.0 + seed / 1e4)) for k in range(6)]
    points = (AggregatedPoint(1000.0, 100.0, load, load / (0.1 + 99.0 * t), 0.1, t) for load, t in steady)
    found, support = _both("aggregated", AggregatedProfile(tuple(points), FROM), 0.0, tpot=Latency(limit))
    over = found.capacity_rps * 1.01
    assert found.binds != "tpot" or not _holds(support.findings(over, found.batch))


@settings(brief, max_examples=15)
@given(SEEDS, st.floats(0.005, 0.05), st.floats(400.0, 3_500.0), st.sampled_from((None, 0.9)))
def test_scattered_decode_capacities_are_supported(
    seed: int, limit: float, context: float, percentile: float | None
) -> None:
    """Proves the surface of triangles and its error bar twice: by a hull in a plane and by exchanging corners."""
    profile = DecodeProfile(_cloud(seed), FROM)
    asked = {"input_tokens": context - 50.0, "tpot": Latency(limit, percentile)}
    found, support = _both("decode", profile, 0.1, **asked)
    assert found.batch is not None
    first, _ = Triangles(profile.points).curve(context)
    assume(found.batch >= first[0])
    findings = support.findings(found.capacity_rps, found.batch)
    assert _holds(findings)
    assert not _holds(support.findings(found.capacity_rps * 1.001, found.batch))
    if percentile is None and found.binds == "tpot":
        assert not _holds(support.findings(found.capacity_rps, found.batch * 1.01))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_error_of_scattered_points_comes_out_the_same_twice(seed: int) -> None:
    """Proves the error bar of a surface, each of sixteen points left out in turn."""
    found, support = _both("decode", DecodeProfile(_cloud(seed), FROM), 0.0, input_tokens=2000.0)
    assert found.error is not None
    assert _same(support.errors, found.error, 1e-6)


@settings(brief, max_examples=15)
@given(SEEDS)
def test_triangles_are_the_hull(seed: int) -> None:
    """Proves equal TPOT at fifty batches of a context, on clouds and on grids with points on one circle."""
    grid = [(c, b) for c in (500.0, 1000.0, 2000.0, 4000.0) for b in (1.0, 2.0, 4.0, 8.0, 16.0)]
    draw = np.random.default_rng(seed)
    points = tuple(DecodePoint(c, b, float(draw.uniform(0.01, 0.03))) for c, b in grid) if seed % 2 else _cloud(seed)
    for context in (700.0, 1000.0, 3000.0):
        found = ScatteredDecode(points).at(context)
        if found is None:
            with pytest.raises(Unsupported):
                Triangles(points).curve(context)
            continue
        batches, curve = Triangles(points).curve(context)
        assert (batches[0], batches[-1]) == pytest.approx((found[0].first, found[0].last), rel=1e-9)
        for batch in np.linspace(found[0].first, found[0].last, 50):
            assert curve(float(batch)) == pytest.approx(found[0].at(float(batch)), rel=1e-6)


@brief
@given(SEEDS, st.floats(300.0, 3_000.0))
def test_error_bars_of_curves_come_out_the_same_twice(seed: int, context: float) -> None:
    """Proves the error of prefill, and of decode at, between and below measured contexts."""
    draw = np.random.default_rng(seed)
    rates = PrefillProfile(
        tuple(PrefillPoint(float(100 * 2**k), float(draw.uniform(1e4, 2e4))) for k in range(7)), FROM
    )
    found, support = _both("prefill", rates, 0.0, input_tokens=context)
    assert _same(support.errors, found.error, 1e-9)
    curves = [
        (c, b, float(draw.uniform(0.01, 0.03))) for c in (500.0, 1000.0, 3050.0) for b in (1.0, 4.0, 16.0, 32.0, 64.0)
    ]
    decode = DecodeProfile(tuple(DecodePoint(*point) for point in curves), FROM)
    found, support = _both("decode", decode, 0.0, input_tokens=context)
    assert _same(support.errors, found.error, 1e-9)


def test_too_few_scattered_points_say_nothing_twice() -> None:
    """Proves that an error nobody knows is unknown to both."""
    points = (DecodePoint(100.0, 1.0, 0.01), DecodePoint(200.0, 9.0, 0.02), DecodePoint(900.0, 2.0, 0.03))
    assert scattered_error(ScatteredDecode(points)) is None
    profile = DecodeProfile(points, FROM)
    case = Case(Candidate(CONFIG, "decode", profile), replace(WORKLOAD, input_tokens=150.0), CARD, GPU, 1.0)
    assert DecodeSupport(case, profile).errors == (None,)
