"""How each kind of evidence is read where a workload lies between, below or beyond what was measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

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
    RatePoint,
    RateProfile,
    Role,
    ServingConfig,
)
from fleetopt.scenario.domain import LengthBin, Shortfall, Workload
from fleetopt.units import Latency
from fleetopt.verify.curves import Unsupported
from fleetopt.verify.evidence_aggregated import AggregatedSupport
from fleetopt.verify.evidence_decode import DecodeSupport, kv_tokens, tpot_points
from fleetopt.verify.evidence_prefill import PrefillSupport, largest_throughput
from fleetopt.verify.evidence_rates import RateSupport
from fleetopt.verify.support import Case, Finding

FROM = Provenance("measured", "a bench")
CARD = ModelCard("m", "m", 70.0, 70.0, 80, 1e5, False, 131072, ())
GPU = GpuType("H200", 141.0, 4800.0, 700.0, FROM)
CONFIG = ServingConfig("c", "m", "H200", 8, 8, 1, 1, 1, "fp8", "engine", None, FROM)
WORKLOAD = Workload(
    name="chat", model="m", input_tokens=1000.0, output_tokens=100.0, demand_rps={}, ttft=Latency(1.0),
    tpot=Latency(0.05), ttft_overhead_s=0.0, kv_transfer_s_per_token=0.0, prefix_cache_hit_rate=0.0, queue="mm1",
    decode_fit="pchip", headroom=0.0, shortfall=Shortfall(0.0, 0.0), gpu_types=None, forbidden_gpu_types=(),
    roles=("prefill", "decode", "aggregated"),
)  # fmt: skip
PREFILL = PrefillProfile((PrefillPoint(1000.0, 10000.0), PrefillPoint(4000.0, 20000.0)), FROM)


def case(role: Role, profile: Profile, slow: float = 1.0, config: ServingConfig = CONFIG, **workload: Any) -> Case:
    return Case(Candidate(config, role, profile), replace(WORKLOAD, **workload), CARD, GPU, slow)


def holds(findings: list[Finding]) -> bool:
    return all(finding.slack >= -finding.allowed for finding in findings)


def decode(*points: tuple[float, float, float]) -> DecodeProfile:
    return DecodeProfile(tuple(DecodePoint(*point) for point in points), FROM)


@pytest.mark.parametrize(
    ("input_tokens", "tokens_per_s"),
    [(1000, 10000), (2000, 15000), (4000, 20000), (4030, 20000), (995, 10000), (500, 5000)],
)
def test_prefill_throughput_at_a_prompt_length(input_tokens: float, tokens_per_s: float) -> None:
    assert largest_throughput(PREFILL, input_tokens) == pytest.approx(tokens_per_s)


def test_a_prompt_longer_than_any_measured_is_not_supported() -> None:
    with pytest.raises(Unsupported, match="the longest measured has 4000"):
        PrefillSupport(case("prefill", PREFILL, input_tokens=4041.0), PREFILL)


@pytest.mark.parametrize(
    ("workload", "slow", "groups", "largest"),
    [
        ({}, 1.0, 1, 9.0),  # mu = 10, less 1 / 1 s
        ({"ttft_overhead_s": 0.5}, 1.0, 1, 8.0),
        ({"kv_transfer_s_per_token": 5e-4}, 1.0, 1, 8.0),
        ({"prefix_cache_hit_rate": 0.5}, 1.0, 1, 19.0),
        ({}, 1.25, 1, 7.0),
        ({}, 1.0, 2, 8.0),  # two queues of mu = 5
        ({"ttft": None}, 1.0, 2, 10.0),
        ({"ttft": Latency(1.0, 0.9)}, 1.0, 1, 10.0 - 2.302585093),
    ],
)
def test_prefill_supports_a_rate_up_to_the_ttft(
    workload: dict[str, Any], slow: float, groups: int, largest: float
) -> None:
    config = replace(CONFIG, data_parallel=groups)
    support = PrefillSupport(case("prefill", PREFILL, slow, config, **workload), PREFILL)
    assert holds(support.findings(largest * (1 - 1e-7), None))
    assert not holds(support.findings(largest * 1.001, None))


def test_an_md1_percentile_is_run_forward() -> None:
    support = PrefillSupport(case("prefill", PREFILL, queue="md1", ttft=Latency(1.0, 0.99)), PREFILL)
    # For D = 0.1 s the 99th percentile of the sojourn is 1 s at 7.73487 requests/s.
    assert holds(support.findings(7.734, None))
    assert not holds(support.findings(7.737, None))
    assert support.ttft_floor_s == pytest.approx(0.1)


def test_tpot_between_contexts_is_linear_on_the_batches_both_reach() -> None:
    profile = decode((1000, 10, 0.01), (1000, 20, 0.02), (2000, 10, 0.03), (2000, 20, 0.04), (2000, 40, 0.06))
    assert tpot_points(profile, 1500.0)[0] == [10, 20]
    assert tpot_points(profile, 1500.0)[1] == pytest.approx([0.02, 0.03])
    assert tpot_points(profile, 500.0) == ([10, 20], [0.01, 0.02])
    assert tpot_points(profile, 2015.0) == ([10, 20, 40], [0.03, 0.04, 0.06])
    with pytest.raises(Unsupported, match="the longest measured is 2000"):
        tpot_points(profile, 2021.0)


def test_a_dip_of_tpot_is_not_relied_on() -> None:
    assert tpot_points(decode((1, 10, 0.02), (1, 20, 0.01), (1, 30, 0.03)), 1.0)[1] == [0.02, 0.02, 0.03]


@pytest.mark.parametrize(
    ("batch", "rate", "workload", "slow", "supported"),
    [
        (40.0, 10.0, {}, 1.0, True),  # 40 / 0.04 s / 100 tokens
        (40.0, 10.01, {}, 1.0, False),
        (40.0, 8.0, {}, 1.25, True),
        (45.0, 8.0, {}, 1.25, False),  # TPOT over its limit once slowed
        (60.0, 10.0, {"tpot": None}, 1.0, True),
        (61.0, 10.0, {"tpot": None}, 1.0, False),  # beyond the measured
        (10.0, 9.9, {"tpot": Latency(0.05, 0.99)}, 1.0, False),  # never settles: more make no more
        (9.0, 9.0, {}, 1.0, True),  # below the smallest measured batch TPOT is no better than there
        (9.0, 9.01, {}, 1.0, False),
        (None, 1.0, {}, 1.0, False),
    ],
)
def test_decode_supports_a_batch(
    batch: float | None, rate: float, workload: dict[str, Any], slow: float, supported: bool
) -> None:
    # TPOT is 1 ms a request: flat in what a batch gives, so that only the promise binds.
    profile = decode(*((1050.0, float(b), b / 1000) for b in range(10, 61, 10)))
    support = DecodeSupport(case("decode", profile, slow, **workload), profile)
    try:
        verdict = holds(support.findings(rate, batch))
    except Unsupported:
        verdict = False
    assert verdict is supported


@pytest.mark.parametrize(
    ("batch", "promise", "slow", "supported"),
    [
        (26.5, Latency(0.035, 0.99), 1.0, True),  # 50 at p99
        (27.0, Latency(0.035, 0.99), 1.0, False),  # 51
        (26.5, Latency(0.035, 0.99), 1.01, False),
        (32.0, Latency(0.09, 0.99), 1.0, True),  # 60, the largest measured
        (32.5, Latency(0.09, 0.99), 1.0, False),  # more than were measured
        (34.5, Latency(0.035, 0.9), 1.0, True),  # 50 at p90
        (35.0, Latency(0.035, 0.9), 1.0, False),
    ],
)
@pytest.mark.parametrize("fit", ["pchip", "quadratic"])
def test_at_a_percentile_decode_supports_what_one_finds_there(
    batch: float, promise: Latency, slow: float, *, supported: bool, fit: str
) -> None:
    """Proves the number at a percentile with a step of 10 ms and half a millisecond a request, by whichever curve."""
    profile = decode(*((1050.0, float(b), (10.0 + b / 2) / 1000) for b in range(10, 61, 10)))
    support = DecodeSupport(case("decode", profile, slow, tpot=promise, decode_fit=fit), profile)
    assert holds(support.findings(1.0, batch)) is supported


def test_kv_memory_is_what_weights_leave() -> None:
    whole = (8 * (141 * 0.9 - 2) * 2**30 - 70e9) / 1e5
    assert kv_tokens(CONFIG, CARD, GPU) == pytest.approx(whole)
    assert kv_tokens(replace(CONFIG, max_kv_tokens=5.0), CARD, GPU) == 5.0
    assert kv_tokens(replace(CONFIG, precision="bf16"), CARD, GPU) == pytest.approx(whole - 70e9 / 1e5)
    copied = replace(CARD, kv_replicated_per_gpu=True)
    assert kv_tokens(CONFIG, copied, GPU) == pytest.approx(whole / 8)
    assert kv_tokens(replace(CONFIG, data_parallel=8), copied, GPU) == pytest.approx(whole)
    assert kv_tokens(replace(CONFIG, gpus_per_replica=1, precision="bf16"), CARD, GPU) == 0.0


def test_a_batch_beyond_kv_memory_is_refused() -> None:
    profile = decode((1050.0, 10.0, 0.01), (1050.0, 60.0, 0.04))
    config = replace(CONFIG, max_kv_tokens=40 * 1108.0)
    support = DecodeSupport(case("decode", profile, config=config, tpot=None), profile)
    assert holds(support.findings(1.0, 40.0))
    assert not holds(support.findings(1.0, 40.1))


def test_a_mean_tpot_is_with_the_wait_for_kv_memory() -> None:
    """Proves: a memory that is always full has a queue without end; with a mean of 38 of 40, who waits is within 50 ms.

    Sensitivity: TPOT of the batch alone is 28 ms at 40.
    """
    profile = decode((1050.0, 10.0, 0.01), (1050.0, 60.0, 0.04))
    config = replace(CONFIG, max_kv_tokens=40 * 1108.0)
    support = DecodeSupport(case("decode", profile, config=config), profile)
    assert holds(support.findings(1.0, 30.0))
    assert not holds(support.findings(1.0, 39.5))
    assert not holds(support.findings(1.0, 40.0))


MIX = (LengthBin(15000.0 / 19.0, 100.0, 0.95), LengthBin(5000.0, 100.0, 0.05))


def aggregated(*lengths: tuple[float, float]) -> AggregatedProfile:
    rows = ((8.0, 4.0, 0.2, 0.02), (16.0, 7.0, 0.4, 0.03), (32.0, 9.0, 0.9, 0.06))
    return AggregatedProfile(tuple(AggregatedPoint(*each, *row) for each in lengths for row in rows), FROM)


@pytest.mark.parametrize(
    ("lengths", "supported"),
    [((1000, 100), True), ((995, 101), True), ((2000, 300), True), ((2000, 90), False), ((980, 100), False)],
)
def test_a_series_counts_where_it_covers_the_lengths(lengths: tuple[float, float], supported: bool) -> None:
    profile = aggregated(lengths)
    try:
        verdict = holds(AggregatedSupport(case("aggregated", profile), profile).findings(7.0, None))
    except Unsupported:
        verdict = False
    assert verdict is supported


@pytest.mark.parametrize(
    ("rate", "workload", "slow", "supported"),
    [
        (3.0, {"ttft": Latency(0.2)}, 1.0, True),  # below the least measured, its latencies hold
        (7.0, {"ttft": Latency(0.4)}, 1.0, True),
        (7.0, {"ttft": Latency(0.39)}, 1.0, False),
        (7.0, {"ttft": Latency(0.4), "ttft_overhead_s": 0.01}, 1.0, False),
        (7.0, {"ttft": Latency(0.93, 0.9)}, 1.0, True),  # 0.4 s x 2.303
        (7.0, {"ttft": Latency(0.92, 0.9)}, 1.0, False),
        (7.0, {"ttft": Latency(0.4, 0.5)}, 1.0, True),  # no less than the mean
        (7.0, {"ttft": Latency(0.39, 0.5)}, 1.0, False),
        (7.0, {"ttft": Latency(2.01, 0.96), "lengths": MIX}, 1.0, True),  # 0.4 s x 5000 / 1000, where ln 25 is 3.2
        (7.0, {"ttft": Latency(1.99, 0.96), "lengths": MIX}, 1.0, False),
        (7.0, {"ttft": Latency(0.93, 0.9), "lengths": MIX}, 1.0, True),
        (5.6, {"ttft": Latency(0.5)}, 1.25, True),
        (5.61, {"ttft": Latency(0.5)}, 1.25, False),
        (9.0, {"tpot": None}, 1.0, True),
        (9.0, {"tpot": Latency(0.06)}, 1.0, True),
        (7.0, {"tpot": Latency(0.03, 0.99)}, 1.0, False),  # more than 16 run at p99
        (9.0, {"tpot": Latency(9.0, 0.99)}, 1.0, False),  # more run at p99 than were measured
    ],
)
def test_aggregated_serving_supports_a_rate(
    rate: float, workload: dict[str, Any], slow: float, supported: bool
) -> None:
    profile = aggregated((1000.0, 100.0))
    support = AggregatedSupport(case("aggregated", profile, slow, **workload), profile)
    assert holds(support.findings(rate, None)) is supported


@pytest.mark.parametrize(
    ("point", "asked", "supported"),
    [
        ((1000, 100, 1.0, None), Latency(1.0), True),
        ((1000, 100, 1.1, None), Latency(1.0), False),
        ((1000, 100, 1.0, 0.95), Latency(1.0), True),
        ((1000, 100, 1.0, 0.5), Latency(1.0), False),  # half may be within and the mean far out
        ((1000, 100, 1.0, 0.95), Latency(1.0, 0.9), True),
        ((1000, 100, 1.0, 0.9), Latency(1.0, 0.95), False),
        ((1000, 100, 1.0, None), Latency(1.0, 0.5), False),
        ((1000, 100, 9.0, None), None, True),
        ((999, 100, 1.0, None), Latency(1.0), False),
        ((1000, 0, 1.0, None), Latency(1.0), True),  # prefill does not depend on the output
    ],
)
def test_a_stated_rate_counts_where_it_is_as_hard(
    point: tuple[float, float, float, float | None], asked: Latency | None, supported: bool
) -> None:
    row = RatePoint(*point, tpot_s=float("inf"), tpot_percentile=None, rate_rps=5.0)
    profile = RateProfile("prefill", (row,), FROM)
    try:
        verdict = holds(RateSupport(case("prefill", profile, 1.25, ttft=asked), profile).findings(4.0, None))
    except Unsupported:
        verdict = False
    assert verdict is supported


def test_a_stated_rate_is_slowed_by_its_margin() -> None:
    profile = RateProfile("decode", (RatePoint(1000, 100, float("inf"), None, 0.05, None, 5.0),), FROM)
    assert not holds(RateSupport(case("decode", profile, 1.25), profile).findings(4.01, 1.0))
    with pytest.raises(Unsupported, match="stated for decode"):
        RateSupport(case("prefill", profile), profile)
