"""Measured percentiles of aggregated serving, where a profile has them."""

from __future__ import annotations

import math
from typing import Any, Literal

import pytest

from fleetopt.capacity.domain import latency_at
from fleetopt.catalog.domain import AggregatedPoint, AggregatedProfile, Provenance, Tail
from fleetopt.scenario.domain import LengthBin
from fleetopt.units import Latency

ROWS = ((1.0, 0.5, 0.10, 0.010), (4.0, 1.6, 0.20, 0.014), (16.0, 4.0, 0.40, 0.022), (64.0, 6.0, 1.60, 0.040))
LENGTHS = {"input_tokens": 1024.0, "output_tokens": 256.0, "ttft_overhead_s": 0.0}


def _means(row: tuple[float, float, float, float]) -> tuple[tuple[Literal["ttft", "tpot"], float], ...]:
    return ("ttft", row[2]), ("tpot", row[3])


def _profile(*percentiles: float, lacking: float | None = None) -> AggregatedProfile:
    """P90 is 1.5 times the mean and P99 twice; the second point may lack one percentile."""
    points = []
    for row in ROWS:
        tails = tuple(
            Tail(what, p, mean * (1.5 if p < 0.95 else 2.0))
            for what, mean in _means(row)
            for p in percentiles
            if not (p == lacking and row[0] == 4.0)
        )
        points.append(AggregatedPoint(1024.0, 256.0, *row, tails))
    return AggregatedProfile(tuple(points), Provenance("measured", "test"))


@pytest.mark.parametrize(
    ("percentiles", "asked", "factor"),
    [((0.9, 0.99), 0.9, 1.5), ((0.9, 0.99), 0.95, 2.0), ((0.99,), 0.5, 2.0), ((0.9, 0.99), 0.99, 2.0)],
)
def test_the_smallest_measured_percentile_that_covers_is_read(
    *, percentiles: tuple[float, ...], asked: float, factor: float, workload: Any, candidate: Any, carry: Any
) -> None:
    """Proves concurrency 16 where the limit is that percentile's latency there, for TTFT and for TPOT."""
    replica = candidate(_profile(*percentiles))
    promises = (
        {"ttft": Latency(0.4 * factor, asked), "tpot": None},
        {"ttft": None, "tpot": Latency(0.022 * factor, asked)},
    )
    for promise in promises:
        capacity = carry(workload(**LENGTHS, **promise), replica)
        assert (capacity.capacity_rps, capacity.batch) == pytest.approx((4.0, 16.0))
        what = next(name.upper() for name, one in promise.items() if one)
        said = f"{what} at p{100 * asked:g}: read from the percentiles measured at fixed concurrency"
        assert capacity.assumptions == (said,)
    at_load = latency_at(carry(workload(**LENGTHS, **promises[0]), replica), 4.0)
    assert at_load.ttft_s == pytest.approx(0.4 * factor)


def test_a_tail_measured_at_one_length_is_no_tail_of_a_mix(workload: Any, candidate: Any, refuse: Any) -> None:
    """Proves: where a tenth of a mix is 7.75 times as long as what was measured, a measured P99 of twice the mean is
    not read as theirs. Sensitivity: read so, 0.5 s would be kept with 0.4 s.
    """
    mix = (LengthBin(256.0, 256.0, 0.9), LengthBin(7936.0, 256.0, 0.1))
    refused = refuse(workload(**LENGTHS, lengths=mix, ttft=Latency(0.5, 0.99), tpot=None), candidate(_profile(0.99)))
    assert (refused.code, refused.floor_s) == ("ttft-floor", pytest.approx(7.75 * 2.0 * 0.10))


def test_a_percentile_that_one_point_lacks_is_not_read(workload: Any, candidate: Any, carry: Any) -> None:
    """Proves that a tail with a hole gives way to the next higher one, and in the end to the assumed tail."""
    asked = workload(**LENGTHS, ttft=Latency(0.8, 0.9), tpot=None)
    assert carry(asked, candidate(_profile(0.9, 0.99, lacking=0.9))).batch == pytest.approx(16.0)
    assumed = carry(asked, candidate(_profile(0.9, lacking=0.9)))
    assert "TTFT at p90: a profile of means is given an exponential tail" in assumed.assumptions
    assert latency_at(assumed, assumed.capacity_rps).ttft_s == pytest.approx(0.8)


def test_lower_percentiles_and_means_are_left_alone(workload: Any, candidate: Any, carry: Any) -> None:
    """Proves that a measured P90 answers neither for P99 nor for the mean."""
    replica = candidate(_profile(0.9))
    by_mean = carry(workload(**LENGTHS, ttft=Latency(0.4), tpot=None), replica)
    assert by_mean.batch == pytest.approx(16.0)
    beyond = carry(workload(**LENGTHS, ttft=Latency(0.4 * math.log(100), 0.99), tpot=None), replica)
    assert beyond.batch == pytest.approx(16.0)
    assert "TTFT at p99: a profile of means is given an exponential tail" in beyond.assumptions


def test_a_tail_that_falls_is_raised(workload: Any, candidate: Any, carry: Any) -> None:
    """Proves that a P99 which dips under more load holds back as if it had not."""
    points = [
        AggregatedPoint(1024.0, 256.0, *row, (Tail("ttft", 0.99, p99),))
        for row, p99 in zip(ROWS, (0.2, 0.9, 0.3, 3.0), strict=True)
    ]
    replica = candidate(AggregatedProfile(tuple(points), Provenance("measured", "test")))
    assert carry(workload(**LENGTHS, ttft=Latency(0.5, 0.99), tpot=None), replica).batch < 4.0
