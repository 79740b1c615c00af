"""What must hold for every replica and every SLO."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fleetopt.capacity.domain import Capacity, latency_at
from fleetopt.catalog.domain import Candidate
from fleetopt.scenario.domain import Workload
from fleetopt.units import Latency

pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

STATISTICS = st.one_of(st.none(), st.sampled_from((0.5, 0.9, 0.99)))
STEPS = st.lists(st.tuples(st.floats(1.0, 20.0), st.floats(-1.0, 8.0)), min_size=3, max_size=8)
SEEDS = st.tuples(
    STEPS, st.sampled_from((1, 2, 4)), st.sampled_from(("mm1", "md1")), st.sampled_from(("pchip", "quadratic"))
)
TRIES = st.tuples(st.floats(0.01, 3.0), STATISTICS, st.floats(0.0, 0.5))
PEAK_FIRST = ([(16.0, 0.0), (5.875, 4.0), (1.0, 0.5)], 1, "mm1", "quadratic")
KINDS = ("prefill", "decode", "aggregated")


@pytest.fixture
def build(
    *,
    candidate: Callable[..., Candidate],
    workload: Callable[..., Workload],
    prefill_profile: Any,
    decode_profile: Any,
    aggregated_profile: Any,
    answer: Any,
) -> Any:
    """A function from a drawn replica to a function from (limit, statistic, slowdown) to its answer."""

    def make(kind: str, seed: Any) -> Callable[[float, float | None, float], Any]:
        steps, groups, queue, fit = seed
        batch, ms, rows, curve = 0.0, 10.0, [], []
        for step, rise in steps:
            batch, ms = batch + step, max(1.0, ms + rise)
            curve.append((batch, ms))
            rows.append((batch, batch / (ms * 0.3), 0.02 * ms, ms / 1e3))
        profile = {
            "prefill": prefill_profile,
            "decode": lambda: decode_profile({6400.0: curve}),
            "aggregated": lambda: aggregated_profile({(6144, 512): rows}),
        }[kind]()
        one = candidate(profile, data_parallel=groups)

        def ask(limit: float, percentile: float | None, slowdown: float) -> Any:
            asked = workload(
                ttft=Latency(limit, percentile), tpot=Latency(limit / 40, percentile), queue=queue, decode_fit=fit
            )
            return answer(asked, one, slowdown)

        return ask

    return make


def _rps(found: Any) -> float:
    return found.capacity_rps if isinstance(found, Capacity) else 0.0


@pytest.mark.parametrize("kind", KINDS)
@quick
@given(seed=SEEDS, tried=TRIES, more=st.floats(1.0, 3.0))
def test_a_looser_slo_never_lowers_capacity(kind: str, seed: Any, tried: Any, more: float, build: Any) -> None:
    """Proves monotonicity in the limit for every role, throughput that falls with the batch included."""
    ask, (limit, percentile, slowdown) = build(kind, seed), tried
    assert _rps(ask(limit * more, percentile, slowdown)) >= _rps(ask(limit, percentile, slowdown)) * (1.0 - 1e-9)


@pytest.mark.parametrize("kind", KINDS)
@quick
@given(seed=SEEDS, tried=TRIES, low=st.floats(0.65, 0.9), by=st.floats(0.0, 0.09))
def test_a_higher_percentile_never_raises_capacity(
    *, kind: str, seed: Any, tried: Any, low: float, by: float, build: Any
) -> None:
    """Proves monotonicity in the percentile, and that from P65 on a percentile is no looser than the mean.

    Except in M/D/1, where three requests in four may not wait at all while the mean does.
    """
    ask, (limit, _, slowdown) = build(kind, seed), tried
    lower, higher = _rps(ask(limit, low, slowdown)), _rps(ask(limit, low + by, slowdown))
    assert higher <= lower * (1.0 + 1e-9)
    assert (kind, seed[2]) == ("prefill", "md1") or lower <= _rps(ask(limit, None, slowdown)) * (1.0 + 1e-9)


@pytest.mark.parametrize("kind", KINDS)
@quick
@given(seed=SEEDS, tried=TRIES, more=st.floats(0.0, 1.0))
def test_more_slowdown_never_raises_capacity(kind: str, seed: Any, tried: Any, more: float, build: Any) -> None:
    """Proves that a margin is a margin."""
    ask, (limit, percentile, slowdown) = build(kind, seed), tried
    assert _rps(ask(limit, percentile, slowdown + more)) <= _rps(ask(limit, percentile, slowdown)) * (1.0 + 1e-9)


@pytest.mark.parametrize("kind", KINDS)
@quick
@given(seed=SEEDS, tried=TRIES, share=st.floats(0.0, 1.0))
@example(seed=PEAK_FIRST, tried=(1.0, None, 0.5), share=0.0)
def test_the_slo_holds_at_capacity_and_below(kind: str, seed: Any, tried: Any, share: float, build: Any) -> None:
    """Proves that what is predicted at any load up to capacity is promised, and exact where a mean promise binds.

    Where the smallest measured batch makes the most, the last bit of that rate is no load beyond capacity.
    """
    limit, percentile, slowdown = tried
    found = build(kind, seed)(limit, percentile, slowdown)
    if not isinstance(found, Capacity):
        return
    full, part = (latency_at(found, rps) for rps in (found.capacity_rps, share * found.capacity_rps))
    for at_load, most in ((full.ttft_s, limit), (full.tpot_s, limit / 40)):
        assert at_load is None or at_load <= most * (1.0 + 1e-9)
    for less, more in ((part.ttft_s, full.ttft_s), (part.tpot_s, full.tpot_s)):
        assert (less or 0.0) <= (more or 0.0) * (1.0 + 1e-9)
    if found.binds == "ttft" and (kind == "prefill" or percentile is None):
        assert full.ttft_s == pytest.approx(limit, rel=1e-9)
    if found.binds == "tpot" and percentile is None:
        assert full.tpot_s == pytest.approx(limit / 40, rel=1e-9)
    assert found.capacity_rps > 0.0
    assert 0.0 < found.utilization <= 1.0
    assert found.slo_tokens_per_s <= found.raw_tokens_per_s * (1.0 + 1e-9)


@pytest.mark.parametrize("groups", [2, 4, 8])
@quick
@given(limit=st.floats(0.5, 10.0), percentile=STATISTICS, queue=st.sampled_from(("mm1", "md1")))
def test_groups_never_carry_more_than_one_queue(
    groups: int, limit: float, percentile: float | None, queue: str, build: Any
) -> None:
    """Proves that splitting the same throughput into groups costs capacity."""
    split, whole = (build("prefill", ([], n, queue, "pchip"))(limit, percentile, 0.0) for n in (groups, 1))
    assert _rps(split) < _rps(whole) or _rps(split) == 0.0
