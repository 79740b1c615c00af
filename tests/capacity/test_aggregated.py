"""Aggregated replicas: which series is used, which promise binds, and what percentiles assume."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import accumulate
from operator import mul
from typing import Any

import pytest

from fleetopt.capacity.aggregated import MEANS, AggregatedLoad
from fleetopt.capacity.domain import Capacity, Rejection, latency_at
from fleetopt.catalog.domain import AggregatedProfile, Candidate
from fleetopt.scenario.domain import LengthBin, Workload
from fleetopt.units import Latency

Make = Callable[..., Workload]
Carry = Callable[..., Capacity]
Refuse = Callable[..., Rejection]

# (concurrency, requests/s, mean TTFT in s, mean TPOT in s)
ROWS = ((1, 0.5, 0.10, 0.010), (4, 1.6, 0.20, 0.014), (16, 4.0, 0.40, 0.022), (64, 6.0, 1.60, 0.040))
LENGTHS = {"input_tokens": 1024.0, "output_tokens": 256.0, "ttft_overhead_s": 0.0}


@pytest.fixture(scope="module")
def replica(candidate: Callable[..., Candidate], aggregated_profile: Callable[..., AggregatedProfile]) -> Any:
    return lambda series=None, **config: candidate(aggregated_profile(series or {(1024, 256): ROWS}), **config)


def test_the_tighter_promise_binds(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves capacity 4 requests/s at concurrency 16, whether TTFT or TPOT stops it there."""
    by_ttft = carry(workload(**LENGTHS, ttft=Latency(0.4), tpot=Latency(0.030)), replica())
    by_tpot = carry(workload(**LENGTHS, ttft=Latency(1.0), tpot=Latency(0.022)), replica())
    for capacity, binds in ((by_ttft, "ttft"), (by_tpot, "tpot")):
        assert (capacity.capacity_rps, capacity.batch) == pytest.approx((4.0, 16.0))
        assert capacity.binds == binds
        assert capacity.slo_tokens_per_s == pytest.approx(4.0 * 1280)
        assert capacity.raw_tokens_per_s == pytest.approx(6.0 * 1280)
    assert latency_at(by_ttft, by_ttft.capacity_rps).ttft_s == pytest.approx(0.4)
    assert latency_at(by_tpot, by_tpot.capacity_rps).tpot_s == pytest.approx(0.022)


def test_the_overhead_is_added_to_ttft_and_no_transfer(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves that the network overhead counts, and that KV never leaves an aggregated replica."""
    asked = {**LENGTHS, "ttft_overhead_s": 0.1, "kv_transfer_s_per_token": 1e-3}
    capacity = carry(workload(**asked, ttft=Latency(0.5), tpot=None), replica())
    assert capacity.capacity_rps == pytest.approx(4.0)
    assert capacity.ttft_floor_s == pytest.approx(0.2)


def test_loose_promises_end_with_the_data(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves that concurrency is not extrapolated, and that unpromised latencies do not bind."""
    capacity = carry(workload(**LENGTHS, ttft=None, tpot=None), replica())
    assert capacity.capacity_rps == pytest.approx(6.0)
    assert capacity.binds == "profile_end"
    assert capacity.assumptions == ("aggregated serving is not planned beyond concurrency 64, the largest measured",)


def test_an_overloaded_replica_is_run_at_its_peak(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves that a rate which falls with concurrency is not taken at the largest concurrency."""
    rows = (*ROWS, (256, 3.0, 5.0, 0.100))
    capacity = carry(workload(**LENGTHS, ttft=None, tpot=None), replica({(1024, 256): rows}))
    assert capacity.capacity_rps == pytest.approx(6.0)
    assert capacity.binds == "throughput"
    assert latency_at(capacity, capacity.capacity_rps).ttft_s == pytest.approx(1.6)


def test_a_series_at_the_same_lengths_decides(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves that exact evidence is preferred to a longer series even where that promises more."""
    better = tuple((c, 2 * rate, ttft, tpot) for c, rate, ttft, tpot in ROWS)
    asked = workload(**{**LENGTHS, "input_tokens": 1030.0}, tpot=Latency(0.022))
    assert carry(asked, replica({(1024, 256): ROWS, (4096, 256): better})).capacity_rps == pytest.approx(4.0)


def test_a_longer_series_is_a_lower_bound(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves that of the covering series the best is used, aloud; the shorter one would overstate."""
    shorter = tuple((c, 9 * rate, ttft, tpot) for c, rate, ttft, tpot in ROWS)
    worse = tuple((c, rate / 2, ttft, tpot) for c, rate, ttft, tpot in ROWS)
    series = {(512, 256): shorter, (2048, 512): ROWS, (4096, 512): worse}
    capacity = carry(workload(**LENGTHS, tpot=Latency(0.022)), replica(series))
    assert capacity.capacity_rps == pytest.approx(4.0)
    assert capacity.assumptions[0].startswith("aggregated serving was measured at 2048 + 512 tokens, longer than")


def test_lengths_beyond_every_series_are_refused(workload: Make, replica: Any, refuse: Refuse) -> None:
    """Proves that longer requests than were measured are not served on a guess."""
    rejection = refuse(workload(), replica())
    assert rejection.code == "outside-profile"
    assert rejection.reason == "aggregated serving was not measured at 6144 + 512 tokens or longer"


@pytest.mark.parametrize(
    ("promises", "code", "floor_s"),
    [
        ({"ttft": Latency(0.05)}, "ttft-floor", 0.10),
        ({"tpot": Latency(0.005)}, "tpot-floor", 0.010),
        ({"ttft": Latency(0.2, 0.99)}, "ttft-floor", 0.10 * math.log(100)),
    ],
)
def test_a_promise_below_one_request_at_a_time(
    workload: Make, replica: Any, refuse: Refuse, *, promises: dict[str, Latency], code: str, floor_s: float
) -> None:
    """Proves that the floor of a lone request is named, at the statistic of the promise."""
    rejection = refuse(workload(**LENGTHS, **promises), replica({(4096, 256): ROWS}))
    assert rejection.code == code
    assert rejection.floor_s == pytest.approx(floor_s)


def test_a_profile_that_starts_too_high_is_no_floor(workload: Make, replica: Any, refuse: Refuse) -> None:
    """Proves that only a lone request tells a floor."""
    rejection = refuse(workload(**LENGTHS, tpot=Latency(0.012)), replica({(1024, 256): ROWS[1:]}))
    assert (rejection.code, rejection.floor_s) == ("outside-profile", None)
    assert "smallest measured concurrency, 4" in rejection.reason


def test_percentiles_of_a_profile_of_means_are_assumed_aloud(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves the exponential tail of TTFT (P90 = 2.303 means), and TPOT with the 16 requests that one finds."""
    asked = workload(**LENGTHS, ttft=Latency(0.4 * math.log(10), 0.9), tpot=None)
    capacity = carry(asked, replica())
    assert capacity.capacity_rps == pytest.approx(4.0)
    assert capacity.binds == "ttft"
    assert "TTFT at p90: a profile of means is given an exponential tail" in capacity.assumptions
    by_tpot = carry(workload(**LENGTHS, ttft=None, tpot=Latency(0.022, 0.99)), replica())
    assert by_tpot.batch is not None
    assert by_tpot.batch < 16.0
    assert isinstance(by_tpot.model, AggregatedLoad)
    busy = [by_tpot.capacity_rps / by_tpot.model.series.rate_at(float(n)) for n in range(1, 65)]
    often = list(accumulate(busy, mul, initial=1.0))
    assert sum(often[:16]) / (sum(often) + often[-1] * busy[-1] / (1 - busy[-1])) == pytest.approx(0.99)
    assert latency_at(by_tpot, by_tpot.capacity_rps).tpot_s == pytest.approx(0.022)
    note = "TPOT at p99: requests come as a Poisson process and share an aggregated replica"
    assert note in by_tpot.assumptions


def test_half_of_the_requests_are_promised_no_less_than_the_mean(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves: a profile of means carries no more at P50 than at the mean, as prompts of one length all take about that.

    Sensitivity: an exponential tail has its median at 69 % of its mean, and allows a mean of 0.58 s for 0.4 s at P50.
    """
    at_mean, at_p50, at_p63 = (
        carry(workload(**LENGTHS, ttft=Latency(0.4, p), tpot=None), replica()) for p in (None, 0.5, 0.632)
    )
    assert at_mean.capacity_rps == at_p50.capacity_rps == at_p63.capacity_rps == pytest.approx(4.0)
    assert latency_at(at_p50, 4.0).ttft_s == pytest.approx(0.4)


MIX = (LengthBin(256.0, 256.0, 0.9), LengthBin(7936.0, 256.0, 0.1))


def test_long_prompts_of_a_mix_have_a_time_of_their_own(
    workload: Make, replica: Any, carry: Carry, refuse: Refuse
) -> None:
    """Proves: at P99 of a mix in which a tenth of the prompts are 7.75 times as long as those measured, TTFT is 7.75
    times the measured mean and not 4.6 times; at P80, which they are no part of, it is as ever; and the plan says what
    it does not know.

    Sensitivity: with the means of the mix alone a lone prompt of 0.775 s would be promised within 0.5 s.
    """
    mixed = {**LENGTHS, "lengths": MIX, "tpot": None}
    refused = refuse(workload(**mixed, ttft=Latency(0.7, 0.99)), replica())
    assert refused.code == "ttft-floor"
    assert refused.floor_s == pytest.approx(0.775)
    by_p99 = carry(workload(**mixed, ttft=Latency(7.75 * 0.4, 0.99)), replica())
    by_p80 = carry(workload(**mixed, ttft=Latency(math.log(5) * 0.4, 0.8)), replica())
    assert (by_p99.capacity_rps, by_p80.capacity_rps) == pytest.approx((4.0, 4.0))
    assert all(MEANS in one.assumptions for one in (by_p99, by_p80))
    assert MEANS not in carry(workload(**LENGTHS), replica()).assumptions


def test_a_margin_slows_latency_and_rate(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves that 25 % slower means the same concurrency under limits 25 % looser, and 4 / 1.25 requests/s."""
    asked = workload(**LENGTHS, ttft=None, tpot=Latency(1.25 * 0.022))
    assert carry(asked, replica(), 0.25).capacity_rps == pytest.approx(3.2)


def test_latencies_that_fall_are_raised_and_told(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves the monotone envelope: TTFT 0.3 s after 0.6 s counts as 0.6 s."""
    rows = ((1, 0.5, 0.10, 0.010), (4, 1.6, 0.60, 0.014), (16, 4.0, 0.30, 0.022))
    capacity = carry(workload(**LENGTHS, ttft=Latency(0.5), tpot=None), replica({(1024, 256): rows}))
    assert capacity.capacity_rps < 1.6
    assert "raised by up to 100.0%" in capacity.assumptions[0]


def test_prefix_caching_is_not_credited(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves that a hit rate changes nothing but the list of assumptions."""
    plain, cached = (carry(workload(**LENGTHS, prefix_cache_hit_rate=rate), replica()) for rate in (0.0, 0.5))
    assert cached.capacity_rps == plain.capacity_rps
    assert any(note.startswith("prefix caching is not credited") for note in cached.assumptions)


def test_one_point_is_a_capacity_at_that_point(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves that a single measurement is usable as it stands, and below it by Little's law."""
    capacity = carry(workload(**LENGTHS), replica({(1024, 256): ROWS[1:2]}))
    assert (capacity.capacity_rps, capacity.batch) == pytest.approx((1.6, 4.0))
    assert latency_at(capacity, 0.8).tpot_s == pytest.approx(0.014)
    assert latency_at(capacity, 1.7).ttft_s == math.inf
