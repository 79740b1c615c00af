"""Prefill replicas: the seed paper's case, groups, cached prefixes, and prompts of other lengths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fleetopt.capacity.domain import Capacity, Rejection, latency_at
from fleetopt.catalog.domain import Candidate, PrefillProfile
from fleetopt.scenario.domain import Workload
from fleetopt.units import Latency

Make = Callable[..., Workload]
Carry = Callable[..., Capacity]
Refuse = Callable[..., Rejection]


@pytest.fixture(scope="module")
def replica(candidate: Callable[..., Candidate], prefill_profile: Callable[..., PrefillProfile]) -> Any:
    """A prefill candidate with points (input tokens, tokens/s), by default the seed paper's."""
    return lambda *points, **config: candidate(prefill_profile(*points), **config)


def test_the_seed_paper_replica(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves TP_P = 28300 - 6144 / (2 - 0.1) = 25066.3 and the floor of 0.317 s (arXiv 2603.04716, eq. 13)."""
    capacity = carry(workload(), replica())
    assert capacity.slo_tokens_per_s == pytest.approx(25_066.3, abs=0.05)
    assert capacity.raw_tokens_per_s == pytest.approx(28_300.0)
    assert capacity.utilization == pytest.approx(0.88573, abs=1e-5)
    assert capacity.ttft_floor_s == pytest.approx(0.3171, abs=5e-5)
    assert (capacity.binds, capacity.assumptions) == ("ttft", ())
    assert latency_at(capacity, capacity.capacity_rps).ttft_s == pytest.approx(2.0, rel=1e-12)


@pytest.mark.parametrize(("percentile", "tokens_per_s"), [(0.90, 20_854.2), (0.99, 13_408.4)])
def test_percentiles_of_the_seed_paper_replica(
    workload: Make, replica: Any, carry: Carry, percentile: float, tokens_per_s: float
) -> None:
    """Proves the exponential tail: a promise at P99 leaves about half of what the mean does."""
    capacity = carry(workload(ttft=Latency(2.0, percentile)), replica())
    assert capacity.slo_tokens_per_s == pytest.approx(tokens_per_s, abs=0.1)


def test_a_constant_service_time_carries_more(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves that the workload's queue is used: M/D/1 gives 26585 where M/M/1 gives 25066."""
    assert carry(workload(queue="md1"), replica()).slo_tokens_per_s == pytest.approx(26_585.0, abs=0.5)


def test_two_groups_carry_less_than_one_of_their_speed(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves that groups queue apart: TP_P = TPmax - 2 L / budget. Pooled, it would be 3234 tokens/s more."""
    capacity = carry(workload(), replica(data_parallel=2))
    assert capacity.slo_tokens_per_s == pytest.approx(28_300.0 - 2 * 6144 / 1.9)
    assert latency_at(capacity, capacity.capacity_rps).ttft_s == pytest.approx(2.0, rel=1e-12)


def test_a_cached_prefix_is_not_computed_but_is_sent(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves L = 6144 / 2 in the queue and all 6144 tokens in the transfer; mixed up, TTFT would be off by 15 ms."""
    asked = workload(prefix_cache_hit_rate=0.5, kv_transfer_s_per_token=5e-6)
    capacity = carry(asked, replica())
    budget = 2.0 - 0.1 - 5e-6 * 6144
    assert capacity.slo_tokens_per_s == pytest.approx(28_300.0 - 3072 / budget)
    assert capacity.capacity_rps == pytest.approx(capacity.slo_tokens_per_s / 3072)


def test_a_fully_cached_prompt_still_computes_its_last_token(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves that a hit rate of one does not make prefill free, nor divide by zero."""
    assert carry(workload(prefix_cache_hit_rate=1.0), replica()).capacity_rps == pytest.approx(28_300.0, rel=1e-4)


def test_a_limit_below_the_floor_names_the_floor(workload: Make, replica: Any, refuse: Refuse) -> None:
    """Proves that a TTFT no replica count can reach is told apart from a shortage, with the reachable value."""
    rejection = refuse(workload(ttft=Latency(0.3)), replica())
    assert rejection.code == "ttft-floor"
    assert rejection.floor_s == pytest.approx(0.1 + 6144 / 28_300)
    assert rejection.reason == "no number of replicas brings TTFT (mean) below 0.317 s, and 0.3 s is promised"


def test_an_overhead_above_the_promise_is_a_floor_too(workload: Make, replica: Any, refuse: Refuse) -> None:
    """Proves that a negative budget is a rejection and not a negative rate."""
    assert refuse(workload(ttft=Latency(0.05)), replica()).code == "ttft-floor"


def test_without_a_promise_prefill_runs_at_full_throughput(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves the meaning of an unpromised TTFT, and that the plan is told about it."""
    capacity = carry(workload(ttft=None), replica(data_parallel=2))
    assert (capacity.slo_tokens_per_s, capacity.utilization) == pytest.approx((28_300.0, 1.0))
    assert capacity.assumptions == ("no TTFT is promised: prefill is planned at 100 % of its throughput",)
    assert latency_at(capacity, 1.0).ttft_s is None


def test_throughput_between_measured_lengths(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves interpolation over the logarithm of the prompt: halfway between 4096 and 16384 is 8192."""
    capacity = carry(workload(input_tokens=8192.0, ttft=None), replica((4096.0, 30_000.0), (16_384.0, 20_000.0)))
    assert capacity.raw_tokens_per_s == pytest.approx(25_000.0)


def test_a_shorter_prompt_takes_the_time_of_the_shortest_measured(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves the conservative bound below the data: 1024 tokens take as long as 4096, and the plan says so."""
    capacity = carry(workload(input_tokens=1024.0, ttft=None), replica((4096.0, 32_000.0), (8192.0, 30_000.0)))
    assert capacity.capacity_rps == pytest.approx(32_000.0 / 4096.0)
    assert "prefill of shorter prompts is given the time of 4096 tokens, the shortest measured" in capacity.assumptions


@pytest.mark.parametrize("length", [6200.0, 6090.0])
def test_one_measured_length_stands_for_one_percent_around_it(
    workload: Make, replica: Any, carry: Carry, length: float
) -> None:
    """Proves the tolerance on lengths: a prompt of 6200 is the measured 6144."""
    assert carry(workload(input_tokens=length), replica()).raw_tokens_per_s == pytest.approx(28_300.0)


@pytest.mark.parametrize(
    ("length", "points"),
    [
        (4096.0, ((6144.0, 28_300.0),)),
        (8192.0, ((6144.0, 28_300.0),)),
        (9000.0, ((4096.0, 30_000.0), (8192.0, 25_000.0))),
    ],
)
def test_lengths_outside_the_measurements_are_refused(
    workload: Make, replica: Any, refuse: Refuse, length: float, points: tuple[tuple[float, float], ...]
) -> None:
    """Proves that no throughput is made up beyond the data."""
    rejection = refuse(workload(input_tokens=length), replica(*points))
    assert (rejection.code, rejection.floor_s) == ("outside-profile", None)
    assert f"{length:g} input tokens is outside" in rejection.reason


def test_a_margin_slows_the_profile_and_is_told(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves TPmax / 1.25 before the queue; applied after it, TP_P would be 20053 and not 19406."""
    capacity = carry(workload(), replica(), 0.25)
    assert capacity.slo_tokens_per_s == pytest.approx(28_300.0 / 1.25 - 6144 / 1.9)
    assert capacity.assumptions == ("measured profile slowed by 25 %",)
