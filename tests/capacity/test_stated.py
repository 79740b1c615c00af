"""Stated rates: which rows hold for a workload."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from fleetopt.capacity.domain import Capacity, Rejection, latency_at
from fleetopt.catalog.domain import Candidate, RatePoint, RateProfile, Role
from fleetopt.scenario.domain import Workload
from fleetopt.units import Latency

Make = Callable[..., Workload]
Carry = Callable[..., Capacity]
Refuse = Callable[..., Rejection]
NEVER = math.inf
LENGTHS = {"input_tokens": 1000.0, "output_tokens": 100.0, "ttft_overhead_s": 0.0}


@pytest.fixture(scope="module")
def replica(candidate: Callable[..., Candidate], rate_profile: Callable[..., RateProfile]) -> Any:
    return lambda *points, role="aggregated": candidate(rate_profile(role, *points))


def _row(rate: float, **changes: Any) -> RatePoint:
    values = {
        "input_tokens": 1000.0,
        "output_tokens": 100.0,
        "ttft_s": 1.0,
        "ttft_percentile": None,
        "tpot_s": 0.02,
        "tpot_percentile": None,
    }
    return RatePoint(**{**values, **changes}, rate_rps=rate)


def test_the_largest_rate_that_holds(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves that looser rows and shorter ones are passed over: 9 and 8 do not hold, 5 beats 3."""
    rows = (_row(9.0, tpot_s=0.03), _row(8.0, input_tokens=900.0), _row(5.0), _row(3.0, ttft_s=0.5))
    capacity = carry(workload(**LENGTHS, ttft=Latency(1.0), tpot=Latency(0.02)), replica(*rows))
    assert (capacity.capacity_rps, capacity.binds, capacity.assumptions) == (5.0, "stated", ())
    assert capacity.slo_tokens_per_s == 5.0 * 1100
    at_load = latency_at(capacity, 4.0)
    assert (at_load.ttft_s, at_load.tpot_s) == (1.0, 0.02)
    assert latency_at(capacity, 6.0).ttft_s == NEVER


def test_a_longer_row_is_a_lower_bound(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves that longer lengths are taken aloud."""
    capacity = carry(workload(**LENGTHS), replica(_row(5.0, input_tokens=2000.0)))
    assert capacity.capacity_rps == 5.0
    assert capacity.assumptions[0].startswith("the stated rate is for 2000 + 100 tokens, longer than the workload")


@pytest.mark.parametrize(
    ("stated", "asked", "holds"),
    [
        (None, None, True),
        (0.99, 0.99, True),
        (0.99, 0.90, True),
        (0.90, 0.99, False),
        (None, 0.90, False),
        (0.90, None, False),
    ],
)
def test_percentiles_hold_for_lower_ones_only(
    workload: Make, replica: Any, answer: Any, *, stated: float | None, asked: float | None, holds: bool
) -> None:
    """Proves that a mean says nothing of a percentile, nor the reverse, and P99 says P90."""
    asking = workload(**LENGTHS, ttft=Latency(1.0, asked), tpot=None)
    assert isinstance(answer(asking, replica(_row(5.0, ttft_percentile=stated))), Capacity) == holds


def test_a_row_that_states_no_latency_serves_only_who_asks_none(
    workload: Make, replica: Any, carry: Carry, refuse: Refuse
) -> None:
    """Proves that an infinite latency is no promise."""
    row = replica(_row(5.0, ttft_s=NEVER))
    assert "TTFT 2 s at mean" in refuse(workload(**LENGTHS), row).reason
    capacity = carry(workload(**LENGTHS, ttft=None), row)
    assert latency_at(capacity, 1.0).ttft_s is None


@pytest.mark.parametrize(
    ("role", "row", "tokens"),
    [("prefill", {"tpot_s": NEVER, "output_tokens": 1.0}, 1000.0), ("decode", {"ttft_s": NEVER}, 100.0)],
)
def test_a_role_is_asked_only_for_its_own_latency(
    workload: Make, replica: Any, carry: Carry, *, role: Role, row: dict[str, float], tokens: float
) -> None:
    """Proves that prefill is not asked for TPOT nor decode for TTFT, and which tokens each counts."""
    capacity = carry(workload(**LENGTHS), replica(_row(5.0, **row), role=role))
    assert capacity.slo_tokens_per_s == 5.0 * tokens
    at_load = latency_at(capacity, 1.0)
    assert (at_load.ttft_s is None) == (role == "decode")
    assert (at_load.tpot_s is None) == (role == "prefill")


def test_the_overhead_comes_on_top_of_a_stated_ttft(workload: Make, replica: Any, carry: Carry, refuse: Refuse) -> None:
    """Proves that a replica's second leaves no room for a network inside a promise of one second."""
    late = {**LENGTHS, "ttft_overhead_s": 0.1}
    assert refuse(workload(**late, ttft=Latency(1.0)), replica(_row(5.0))).code == "outside-profile"
    assert latency_at(carry(workload(**late, ttft=Latency(1.1)), replica(_row(5.0))), 1.0).ttft_s == 1.1


def test_a_margin_divides_a_stated_rate_and_caching_is_not_credited(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves 5 / 1.25 = 4 requests/s, both facts told."""
    capacity = carry(workload(**LENGTHS, prefix_cache_hit_rate=0.5), replica(_row(5.0)), 0.25)
    assert capacity.capacity_rps == 4.0
    told = ("prefix caching is not credited to a stated rate", "assumed profile slowed by 25 %")
    assert capacity.assumptions == told
