"""Queues with a mix of lengths and with several servers, against closed forms, exact solutions and simulation."""

from __future__ import annotations

import heapq
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetopt.capacity import md1
from fleetopt.capacity.erlang import erlang_c, mean_wait_s
from fleetopt.capacity.mg1 import Waits
from fleetopt.capacity.pools import pool_sizes
from fleetopt.capacity.queueing import QUEUE_MODELS, Exponential
from fleetopt.capacity.service import Part, Service
from fleetopt.scenario.domain import Queue
from fleetopt.verify import mixes

MIX = Service((Part(0.7, 0.1), Part(0.25, 0.5), Part(0.05, 3.0)))
QUEUES: tuple[Queue, ...] = ("mm1", "md1", "mg1")


@pytest.mark.parametrize(
    ("servers", "offered", "waits"),
    [(1, 0.7, 0.7), (2, 1.0, 1 / 3), (3, 2.0, 4 / 9), (5, 4.0, 0.5541125541125541), (10, 8.0, 0.4091801508)],
)
def test_erlang_c_against_hand_and_tables(servers: int, offered: float, waits: float) -> None:
    """Proves Erlang's C: by hand C(1) = rho, C(2, 1) = 1/3, C(3, 2) = 4/9; five and ten servers as in the tables."""
    assert erlang_c(servers, offered) == pytest.approx(waits, abs=1e-9)


@given(servers=st.integers(1, 400), rho=st.floats(0.01, 0.995))
def test_erlang_c_is_the_sum_over_states(servers: int, rho: float) -> None:
    """Proves the recursion against the definition, sum of a^k/k!, to nine digits, also for hundreds of servers."""
    offered = servers * rho
    assert erlang_c(servers, offered) == pytest.approx(mixes.delay_probability(servers, offered), rel=1e-9, abs=1e-15)


def test_the_mm_c_mean_is_the_textbook_one() -> None:
    """Proves E[W] = C / (c mu - lam): three servers at rho 2/3 wait (4/9) / (3 - 2) service times."""
    assert mean_wait_s(3, 2.0, 1.0, 1.0) == pytest.approx(4 / 9, rel=1e-12)


@given(rho=st.floats(0.01, 0.99), scv=st.floats(0.0, 9.0))
def test_one_server_is_pollaczek_khinchine_at_any_variation(rho: float, scv: float) -> None:
    """Proves that Kimura's and Lee and Longton's forms with one server are lam E[S^2] / (2 (1 - rho)) to 1e-9."""
    assert mean_wait_s(1, rho, 1.0, scv) == pytest.approx(rho * (1.0 + scv) / (2.0 * (1.0 - rho)), rel=1e-9)


def test_a_mix_by_hand() -> None:
    """Proves the moments: 70 % at 0.1, 25 % at 0.5, 5 % at 3 s have mean 0.345 s and E[S^2] = 0.5195 s^2."""
    assert MIX.mean_s == pytest.approx(0.345, rel=1e-12)
    assert MIX.scv == pytest.approx(0.5195 / 0.345**2 - 1.0, rel=1e-12)
    lam = 0.8 / 0.345
    expected = 0.345 + lam * 0.5195 / (2.0 * 0.2)
    assert QUEUE_MODELS["mg1"].sojourn_s(lam, MIX, 1, None) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("rho", [0.2, 0.6, 0.9, 0.98])
def test_without_variation_the_mg1_wait_is_the_md1_wait(rho: float) -> None:
    """Proves the inverted series against the exact M/D/1 distribution away from its kinks, to 5e-6."""
    times = np.array([0.0, 0.2, 0.5, 0.9, 1.3, 2.4, 4.6, 9.7])
    exact = [md1.waits_longer(rho, float(t)) for t in times]
    assert Waits(Service.constant(1.0), 10.0).longer(rho, times) == pytest.approx(exact, abs=5e-6)


def test_the_mg1_wait_against_a_simulation() -> None:
    """Proves the distribution for a mix whose service varies a lot: Lindley's recursion over 4 million requests."""
    rng = np.random.default_rng(20261121)
    lam = 0.8 / MIX.mean_s
    service = rng.choice([part.service_s for part in MIX.parts], 4_000_000, p=[part.share for part in MIX.parts])
    walk = np.concatenate(([0.0], np.cumsum(service[:-1] - rng.exponential(1.0 / lam, service.size - 1))))
    waits = walk - np.minimum.accumulate(walk)
    times = np.array([0.0, 0.3, 1.0, 2.0, 5.0, 10.0])
    simulated = [float((waits > t).mean()) for t in times]
    assert Waits(MIX, 10.0).longer(lam, times) == pytest.approx(simulated, rel=0.08)
    sojourns = waits + service
    assert QUEUE_MODELS["mg1"].sojourn_s(lam, MIX, 1, 0.99) == pytest.approx(np.quantile(sojourns, 0.99), rel=0.03)


def simulated_sojourns(servers: int, lam: float, service: Service, requests: int, seed: int) -> np.ndarray:
    """Sojourns of an M/G/c queue by brute force: each request takes the server that is free first."""
    rng = np.random.default_rng(seed)
    times = rng.choice([p.service_s for p in service.parts], requests, p=[p.share for p in service.parts])
    arrivals = np.cumsum(rng.exponential(1.0 / lam, requests))
    free = [0.0] * servers
    sojourns = np.empty(requests)
    for i, (arrival, busy) in enumerate(zip(arrivals.tolist(), times.tolist(), strict=True)):
        done = max(arrival, heapq.heappop(free)) + busy
        heapq.heappush(free, done)
        sojourns[i] = done - arrival
    return sojourns[requests // 10 :]


@pytest.mark.slow
@pytest.mark.parametrize("servers", [2, 4, 12])
@pytest.mark.parametrize("rho", [0.6, 0.9])
@pytest.mark.parametrize("service", [Service.constant(1.0), Service((Part(0.5, 0.5), Part(0.5, 1.5))), MIX])
def test_the_mgc_approximation_has_its_stated_error(servers: int, rho: float, service: Service) -> None:
    """Proves the error that `erlang` states: mean sojourn within 6 %, P99 within -5 % and +13 % of a simulation."""
    lam = rho * servers / service.mean_s
    sojourns = simulated_sojourns(servers, lam, service, 300_000, seed=7)
    model = QUEUE_MODELS["mg1"]
    assert model.sojourn_s(lam, service, servers, None) == pytest.approx(float(sojourns.mean()), rel=0.06)
    tail = model.sojourn_s(lam, service, servers, 0.99) / float(np.quantile(sojourns, 0.99))
    assert 0.95 <= tail <= 1.13


def test_the_mmc_sojourn_tail_against_its_integral() -> None:
    """Proves P(T > t) of M/M/c: its integral over t is the mean, which Erlang's C gives without it."""
    t = np.linspace(0.0, 60.0, 60_001)
    tail = [Exponential._exceeds(2.4, 1.0, 3, float(at)) for at in t]
    mean = QUEUE_MODELS["mm1"].sojourn_s(2.4, Service.constant(1.0), 3, None)
    assert float(np.trapezoid(tail, t)) == pytest.approx(mean, rel=1e-6)


@pytest.mark.parametrize("lam", [0.1, 0.5, 0.9])
def test_distserve_pipeline_and_tensor_variants(lam: float) -> None:
    """Proves eqs 2 and 3 of DistServe (OSDI'24) from M/D/1: two stages of D/2 each, and one server K times as fast.

    D + R D^2 / (4 (2 - R D)) is a wait for the first half and D in all; D/K + R D^2 / (2 K (K - R D)) is M/D/1 at D/K.
    """
    d, k, model = 1.0, 1.7, QUEUE_MODELS["md1"]
    wait_for_a_stage = model.sojourn_s(lam, Service.constant(d / 2), 1, None) - d / 2
    assert d + wait_for_a_stage == pytest.approx(d + lam * d**2 / (4.0 * (2.0 - lam * d)), rel=1e-12)
    tensor = d / k + lam * d**2 / (2.0 * k * (k - lam * d))
    assert model.sojourn_s(lam, Service.constant(d / k), 1, None) == pytest.approx(tensor, rel=1e-12)


@settings(max_examples=60)
@given(
    queue=st.sampled_from(QUEUES),
    servers=st.sampled_from([1, 2, 3, 8, 40]),
    times=st.floats(0.05, 20.0),
    percentile=st.one_of(st.none(), st.floats(0.5, 0.995)),
)
def test_rate_and_sojourn_are_inverse(queue: Queue, servers: int, times: float, percentile: float | None) -> None:
    """Proves that max_rate finds the rate whose sojourn is the limit, for every queue, and keeps it."""
    model = QUEUE_MODELS[queue]
    limit_s = model.floor_s(MIX, percentile) * (1.0 + times)
    rate = model.max_rate(MIX, servers, limit_s, percentile)
    assert 0.0 < rate < servers / MIX.mean_s
    assert model.sojourn_s(rate, MIX, servers, percentile) <= limit_s * (1.0 + 1e-3)
    if rate < servers / MIX.mean_s * (1.0 - 1e-6):
        assert model.sojourn_s(
            min(rate * 1.02, rate + 0.5 * (servers / MIX.mean_s - rate)), MIX, servers, percentile
        ) > (limit_s * (1.0 - 1e-3))


@settings(max_examples=40)
@given(queue=st.sampled_from(QUEUES), times=st.floats(0.05, 10.0), percentile=st.sampled_from([None, 0.5, 0.9, 0.99]))
def test_the_second_computation_agrees(queue: Queue, times: float, percentile: float | None) -> None:
    """Proves both halves of the house at once: verify's own queues find the limit at the capacity's rate."""
    model = QUEUE_MODELS[queue]
    parts = [(part.share, part.service_s, part.after_s) for part in MIX.parts]
    for servers in (1, 3, 16):
        limit_s = model.floor_s(MIX, percentile) * (1.0 + times)
        rate = model.max_rate(MIX, servers, limit_s, percentile)
        seen = mixes.ttft_s(queue, rate, parts, servers, percentile=percentile, reach_s=1.05 * limit_s)
        assert seen <= limit_s * (1.0 + mixes.LATTICE_TOLERANCE)
        # A percentile of a mix jumps where a length's own service alone takes up the limit.
        if queue != "mg1" or percentile is None:
            assert seen == pytest.approx(limit_s, rel=2e-3)


@given(queue=st.sampled_from(QUEUES), limit=st.floats(1.2, 12.0), percentile=st.sampled_from([None, 0.9, 0.99]))
def test_a_larger_pool_never_carries_less_per_replica(queue: Queue, limit: float, percentile: float | None) -> None:
    """Proves economies of scale, which let a size stand for every larger one."""
    model, service = QUEUE_MODELS[queue], Service.constant(1.0)
    limit_s = model.floor_s(service, percentile) * limit
    each = [model.max_rate(service, c, limit_s, percentile) / c for c in range(2, 30)]
    assert all(later >= earlier * (1.0 - 1e-9) for earlier, later in pairwise(each))


def test_pool_sizes_stop_where_the_demand_is_met() -> None:
    """Proves the tiers by hand: 1 - 1/n each, for 2.5 requests/s: sizes 2, 3 and 4, at four of which 3 are carried."""
    sizes = pool_sizes(lambda n: 1.0 - 1.0 / (n + 1), 2.5)
    assert [(one.replicas, round(one.capacity_rps, 3)) for one in sizes] == [(1, 0.5), (2, 0.667), (3, 0.75), (4, 0.8)]


def test_delays_after_service_are_part_of_a_percentile() -> None:
    """Proves that a KV transfer in proportion to the length counts with its own length: floor at P99 is the longest."""
    mix = Service((Part(0.9, 0.1, 0.01), Part(0.1, 1.0, 0.1)))
    assert mix.floor_s(0.99) == pytest.approx(1.1)
    assert mix.floor_s(0.5) == pytest.approx(0.11)
    assert math.isclose(mix.floor_s(None), 0.19 + 0.019)
