"""Decode replicas: the seed paper's case, contexts, memory, percentiles, and data that are not monotone."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest

from fleetopt.capacity.decode import DecodeLoad
from fleetopt.capacity.domain import Capacity, Rejection, latency_at
from fleetopt.catalog.domain import Candidate, DecodeProfile
from fleetopt.scenario.domain import Workload
from fleetopt.units import Latency

Make = Callable[..., Workload]
Carry = Callable[..., Capacity]
Refuse = Callable[..., Rejection]
PLENTY = 10_000_000.0
SEED_BATCHES, SEED_MS = (10.0, 20.0, 30.0, 40.0, 50.0, 60.0), (12.8, 16.4, 18.8, 21.6, 23.9, 26.2)


@pytest.fixture(scope="module")
def replica(candidate: Callable[..., Candidate], decode_profile: Callable[..., DecodeProfile]) -> Any:
    """A decode candidate with plenty of KV memory and curves {context: ((batch, ms), ...)}."""
    return lambda curves=None, **config: candidate(decode_profile(curves), **{"max_kv_tokens": PLENTY, **config})


@pytest.mark.parametrize(("fit", "batch", "tokens_per_s"), [("pchip", 34.29, 1714.5), ("quadratic", 33.83, 1691.66)])
def test_the_seed_paper_replica(
    workload: Make, replica: Any, carry: Carry, *, fit: str, batch: float, tokens_per_s: float
) -> None:
    """Proves TP_D about 1700 tokens/s at 20 ms (arXiv 2603.04716), by interpolation and by the paper's parabola."""
    capacity = carry(workload(decode_fit=fit), replica())
    assert capacity.batch == pytest.approx(batch, abs=0.005)
    assert capacity.slo_tokens_per_s == pytest.approx(tokens_per_s, abs=0.1)
    assert capacity.capacity_rps == pytest.approx(tokens_per_s / 512, abs=1e-3)
    assert (capacity.binds, capacity.assumptions) == ("tpot", ())
    assert latency_at(capacity, capacity.capacity_rps).tpot_s == pytest.approx(0.020, rel=1e-11)


def test_raw_throughput_is_that_of_the_largest_measured_batch(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves the yardstick of utilization: 60 requests at 26.2 ms."""
    assert carry(workload(), replica()).raw_tokens_per_s == pytest.approx(60 / 0.0262)


def test_nothing_is_planned_beyond_the_largest_batch(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves that a limit looser than the data ends at the data, and that the plan says so."""
    for promise in (None, Latency(0.050)):
        capacity = carry(workload(tpot=promise), replica())
        assert (capacity.batch, capacity.binds) == (60.0, "profile_end")
        assert "decode is not planned beyond batch 60, the largest measured" in capacity.assumptions


def test_kv_memory_caps_the_batch(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves b (L_in + L_out + half a page) <= KV tokens: 133280 tokens hold 20 requests of 6656 + 8."""
    capacity = carry(workload(tpot=None), replica(max_kv_tokens=133_280.0))
    assert (capacity.batch, capacity.binds) == (20.0, "kv_memory")
    assert capacity.slo_tokens_per_s == pytest.approx(20 / 0.0164)
    assert capacity.utilization == pytest.approx(1.0)


def test_fewer_requests_than_measured_get_no_better_tpot(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves that below the smallest batch TPOT stays at 12.8 ms instead of being guessed downwards."""
    capacity = carry(workload(tpot=None), replica(max_kv_tokens=5 * 6664.0))
    assert capacity.slo_tokens_per_s == pytest.approx(5 / 0.0128)
    assert "KV memory holds 5 requests: TPOT of 10, the smallest measured batch, is used" in capacity.assumptions
    assert latency_at(capacity, capacity.capacity_rps / 2).tpot_s == pytest.approx(0.0128)


def test_a_request_that_does_not_fit_is_refused(workload: Make, replica: Any, refuse: Refuse) -> None:
    """Proves the check per group: 10000 tokens in two groups hold no request of 6656."""
    rejection = refuse(workload(), replica(max_kv_tokens=10_000.0, data_parallel=2))
    assert rejection.code == "kv-memory"
    assert rejection.reason == "one request of 6656 tokens does not fit into KV memory for 5000"


def test_tpot_is_linear_between_contexts(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves interpolation in the context: a quarter of the way from 10 to 18 ms is 12 ms, at the common batches."""
    curves = {4000.0: ((1, 8.0), (8, 10.0), (64, 30.0)), 12_000.0: ((1, 12.0), (8, 18.0))}
    asked = workload(input_tokens=5900.0, output_tokens=200.0, tpot=None)
    capacity = carry(asked, replica(curves))
    assert (capacity.batch, capacity.binds) == (8.0, "profile_end")
    assert capacity.slo_tokens_per_s == pytest.approx(8 / 0.012)


def test_a_shorter_context_uses_the_shortest_measured(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves the conservative curve below the data, and that the plan says so."""
    capacity = carry(workload(input_tokens=1000.0, output_tokens=200.0), replica())
    assert capacity.batch == pytest.approx(34.29, abs=0.005)
    note = "decode at a context of 1100 tokens is given the TPOT of 6400, the shortest measured"
    assert note in capacity.assumptions


def test_a_longer_context_is_refused(workload: Make, replica: Any, carry: Carry, refuse: Refuse) -> None:
    """Proves that contexts are not extrapolated, past one percent of tolerance."""
    assert carry(workload(input_tokens=6200.0), replica()).batch == pytest.approx(34.29, abs=0.005)
    assert refuse(workload(input_tokens=6300.0), replica()).code == "outside-profile"


def test_contexts_without_a_common_batch_are_refused(workload: Make, replica: Any, refuse: Refuse) -> None:
    """Proves that two curves that never overlap do not make a third."""
    curves = {4000.0: ((32, 20.0), (64, 30.0)), 12_000.0: ((1, 12.0), (8, 18.0))}
    assert "no batch lies in the ranges" in refuse(workload(), replica(curves)).reason


def test_a_limit_below_one_request_per_group_is_a_floor(workload: Make, replica: Any, refuse: Refuse) -> None:
    """Proves that TPOT of a lone request is a floor, with its value, slowdown included."""
    rejection = refuse(workload(tpot=Latency(0.005)), replica({6400.0: ((2, 6.0), (4, 8.0))}, data_parallel=2), 0.5)
    assert rejection.code == "tpot-floor"
    assert rejection.floor_s == pytest.approx(0.009)


def test_a_limit_below_a_larger_smallest_batch_is_outside_the_profile(
    workload: Make, replica: Any, refuse: Refuse
) -> None:
    """Proves that a profile starting at batch 10 is not blamed on the hardware."""
    rejection = refuse(workload(tpot=Latency(0.005)), replica())
    assert (rejection.code, rejection.floor_s) == ("outside-profile", None)
    assert "12.8 ms at the smallest measured batch, 10" in rejection.reason


def test_data_that_fall_are_raised_and_told(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves the repair: 14 ms after 16 ms counts as 16 ms (12.5 % would go unsaid otherwise)."""
    curves = {6400.0: ((10, 12.8), (20, 16.0), (30, 14.0), (40, 24.0))}
    capacity = carry(workload(tpot=Latency(0.015)), replica(curves))
    assert capacity.batch is not None
    assert capacity.batch < 20.0
    assert capacity.assumptions[0].startswith("decode TPOT at 6400 tokens is raised by up to 14.3%")


def test_where_throughput_falls_the_peak_is_taken(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves that a looser limit never lowers capacity: 40 requests at 60 ms make less than 20 at 15 ms."""
    curves = {6400.0: ((10, 10.0), (20, 15.0), (40, 60.0))}
    tight, loose = (carry(workload(tpot=Latency(limit)), replica(curves)) for limit in (0.015, 0.060))
    assert loose.capacity_rps >= tight.capacity_rps
    assert loose.binds == "throughput"
    assert loose.batch is not None
    assert 10.0 < loose.batch < 20.0
    assert latency_at(loose, loose.capacity_rps).tpot_s == pytest.approx(loose.batch / loose.slo_tokens_per_s)


def test_a_percentile_leaves_room_for_the_variation_of_the_batch(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves that a request finds 33 others or fewer with probability 0.99: about 19.7 at once on average, where the
    promise at the mean has 34.3, and where numbers that do not slow one another would have 22.7.
    """
    capacity = carry(workload(tpot=Latency(0.020, 0.99)), replica())
    assert capacity.batch is not None
    assert isinstance(capacity.model, DecodeLoad)
    tpot, often = capacity.model.tpot, [1.0]
    for n in range(1, 61):
        often.append(often[-1] * capacity.slo_tokens_per_s * tpot.at(max(n, tpot.first)) / n)
    assert sum(often[:34]) / sum(often) == pytest.approx(0.99, abs=1e-4)  # numbers above 60 add next to nothing
    assert 18.0 < capacity.batch < 21.0
    assert "TPOT at p99: requests come as a Poisson process and share a decode replica" in capacity.assumptions
    at_load = latency_at(capacity, capacity.capacity_rps).tpot_s
    assert at_load is not None
    assert 0.0199 < at_load <= 0.020


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (((10, 12.8), (60, 26.2)), "decode has 2 measured batches, too few for a quadratic: interpolated instead"),
        (((1, 1.0), (30, 20.0), (60, 40.0), (100, 42.0)), "the quadratic fit of decode TPOT misses points by up to"),
        (((1, 5.0), (10, 20.0), (20, 21.0), (60, 22.0)), "the quadratic fit of decode TPOT misses points by up to"),
    ],
)
def test_a_parabola_that_does_not_fit_is_told(
    workload: Make, replica: Any, carry: Carry, points: tuple[tuple[float, float], ...], said: str
) -> None:
    """Proves that a bad fit is replaced or reported, never silent."""
    capacity = carry(workload(decode_fit="quadratic", tpot=None), replica({6400.0: points}))
    assert capacity.assumptions[0].startswith(said)


def test_more_than_a_replica_makes_has_no_latency(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves that a load beyond the data is infinite, not extrapolated, and that a negative one is refused."""
    capacity = carry(workload(), replica())
    assert latency_at(capacity, 10 * capacity.capacity_rps).tpot_s == math.inf
    with pytest.raises(ValueError, match="at least zero"):
        latency_at(capacity, -1.0)


def stays(rate: float, room: int, tokens: float, requests: int) -> float:
    """The mean time per token, with the wait to be let in, of requests that come as a Poisson process at `rate`
    tokens/s to a replica of the seed paper's steps that lets in `room` at once; answers are exponential. Simulated.
    """
    tpot_s = [float(ms) / 1000.0 for ms in np.interp(np.arange(room + 1), SEED_BATCHES, SEED_MS)]
    random = Random(11)
    now, coming, steps, first, took, made = 0.0, 0.0, 0, 0, 0.0, 0
    came: list[float] = []
    running: list[tuple[int, float]] = []
    while made < requests * tokens:
        if not running and first == len(came):
            now = max(now, coming)
        while coming <= now:
            came.append(coming)
            coming += random.expovariate(rate / tokens)
        while len(running) < room and first < len(came):
            asked = 1 + int(random.expovariate(1.0 / tokens))
            heapq.heappush(running, (steps + asked, came[first]))
            first, made = first + 1, made + asked
        now, steps = now + tpot_s[len(running)], steps + 1
        while running and running[0][0] <= steps:
            took += now - heapq.heappop(running)[1]
    return took / made


@pytest.mark.parametrize("room", [4, 12, 30])
def test_the_wait_for_kv_memory_is_part_of_a_mean_tpot(workload: Make, replica: Any, carry: Carry, room: int) -> None:
    """Proves: where KV memory holds fewer than TPOT allows, the rate is one at which requests, with their wait to be
    let in, take no longer than promised (simulated), though not much less, and the plan says what binds.

    Sensitivity: at the rate of a memory that is always full the queue never ends, and the mean is beyond any limit.
    """
    capacity = carry(workload(), replica(max_kv_tokens=room * 6664.0))
    assert capacity.batch is not None
    assert room * 0.5 < capacity.batch < room
    assert capacity.binds == "kv_memory"
    assert latency_at(capacity, capacity.capacity_rps).tpot_s == pytest.approx(0.020, rel=1e-6)
    said = f"KV memory holds {room} requests: TPOT is with the wait of those that come when it is full"
    assert said in capacity.assumptions
    rate = capacity.slo_tokens_per_s
    assert 0.016 < stays(rate, room, 512.0, 6000) < 0.0206
    always_full = 1000.0 * room / float(np.interp(room, SEED_BATCHES, SEED_MS))
    assert stays(always_full, room, 512.0, 6000) > 0.025


def test_memory_for_far_more_than_tpot_allows_takes_nothing_off(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves: with KV memory for 58 requests where 34 keep TPOT, the capacity is what it is with plenty, to 0.1 %, and
    no wait is spoken of. Sensitivity: a limit on the memory's full batch would take the batch down.
    """
    plenty, some = (carry(workload(), replica(max_kv_tokens=tokens)) for tokens in (PLENTY, 58 * 6664.0))
    assert some.capacity_rps == pytest.approx(plenty.capacity_rps, rel=1e-3)
    assert (some.binds, some.assumptions) == (plenty.binds, plenty.assumptions)


def test_kv_memory_that_nobody_stated_is_assumed_aloud(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves that the plan is told when KV memory comes from a formula."""
    capacity = carry(workload(), replica(max_kv_tokens=None))
    note = "KV memory is not stated for h200x8: 90 % of GPU memory less the weights and 2 GiB a GPU is assumed"
    assert capacity.assumptions == (note,)


def test_where_few_run_the_mean_over_tokens_is_said(workload: Make, replica: Any, carry: Carry) -> None:
    """Proves: where k requests take 5 (k + 1) ms, n of them are there (n + 1) q^n (1 - q)^2 of the time with
    q = b/(b + 1), 2b on average, so that a token takes twice what it does at the mean batch b = 2. At the seed paper's
    batch of 34 it is 2 %, which is not worth saying; nor is anything at a percentile, which knows the numbers.
    Sensitivity: a plan would promise 15 ms where its users see 30, and not say so.
    """
    steep = {6400.0: tuple((float(k), 5.0 * (k + 1)) for k in (1, 2, 50, 100, 200))}
    said = "TPOT is that of the mean batch, 2; over the tokens of requests that come at random it is 30 ms"
    capacity = carry(workload(tpot=Latency(0.015)), replica(steep))
    assert capacity.batch == pytest.approx(2.0)
    assert capacity.doubts() == (said,)
    assert carry(workload(), replica()).doubts() == ()
    assert carry(workload(tpot=Latency(0.1, 0.9)), replica(steep)).doubts() == ()
    no_more = {6400.0: ((1.0, 10.0), (2.0, 20.0), (4.0, 40.0))}
    (endless,) = carry(workload(tpot=Latency(0.015)), replica(no_more)).doubts()
    assert endless.endswith("it has no limit, as far as was measured")
