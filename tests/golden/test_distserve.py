"""DistServe's placement question (Zhong et al., OSDI 2024), with its model, its times and its network."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

import fleetopt
from fleetopt.capacity.fabric import gbit_s, kv_bytes
from fleetopt.scenario.domain import Scenario
from fleetopt.units import Latency
from fleetopt.verify import verify

EXACT = fleetopt.SolveOptions(gap=0.0)


@cache
def loaded(name: str = "scenario.yaml") -> Scenario:
    return fleetopt.load(fleetopt.load("distserve").path.parent / name)


@cache
def planned(name: str) -> fleetopt.Plan:
    return fleetopt.optimize(loaded(name), EXACT)


def at_speed(gbit: float | None, **changes: object) -> Scenario:
    """The scenario with other links between nodes."""
    scenario = loaded()
    (fabric,) = scenario.supply.fabrics
    wire = replace(fabric, between_bytes_per_s=None if gbit is None else gbit * 1e9 / 8.0)
    (workload,) = scenario.workloads
    supply = replace(scenario.supply, fabrics=(wire,))
    return replace(scenario, supply=supply, workloads=(replace(workload, **changes),))  # type: ignore[arg-type]


def test_ten_prompts_of_512_tokens_a_second_are_about_90_gbit() -> None:
    """The paper's 1.13 GB a request and 90 Gb/s, as it counts both in powers of two; 96.6e9 bit/s."""
    scenario = loaded()
    each = kv_bytes(scenario.workloads[0], scenario.models["opt-66b"].card)
    assert each / 2**30 == pytest.approx(1.13, abs=0.006)
    assert gbit_s(10 * each) / 1.024**3 == pytest.approx(90.0)
    (outcome,) = planned("fast.yaml").workloads
    assert outcome.kv_gbit_s == pytest.approx(96.636764)


def test_on_25_gbit_prefill_and_decode_share_nodes() -> None:
    """Three nodes of one prefill replica of two GPUs and two of decode of three; nothing goes from node to node."""
    plan = planned("scenario.yaml")
    assert plan.objective_usd == pytest.approx(59_285.74, abs=0.005)
    rows = {p.role: (p.replicas, p.gpus_per_replica, p.pattern_replicas, p.pattern_gpus) for p in plan.placements}
    assert rows == {"prefill": (3, 2, 1, 8), "decode": (6, 3, 2, 8)}
    assert {p.pattern for p in plan.placements} == {"1 x a100-tp2-fp16-distserve + 2 x a100-tp3-fp16-distserve"}
    (outcome,) = plan.workloads
    assert outcome.kv_gbit_s == 0.0
    assert outcome.goodput_rps_per_gpu == pytest.approx(outcome.achieved_rps / 24)


def test_on_800_gbit_they_are_apart_and_a_node_cheaper() -> None:
    """Two nodes; Algorithm 1's replicas, chosen by role: two GPUs for prefill, four for decode."""
    plan = planned("fast.yaml")
    assert plan.objective_usd == pytest.approx(39_523.82, abs=0.005)
    assert {(p.role, p.replicas, p.gpus_per_replica, p.pattern) for p in plan.placements} == {
        ("prefill", 2, 2, None),
        ("decode", 3, 4, None),
    }
    assert "kv_caches_get_through" in {c.name for c in verify(plan, loaded()).checks if not c.passed}


def test_a_faster_network_never_costs_more_than_a_slower_one() -> None:
    """From no link at all (Algorithm 2 alone) to 1.6 Tb/s: the cost only falls, by a node somewhere below 200 Gb/s."""
    costs = [fleetopt.optimize(at_speed(gbit), EXACT).objective_usd for gbit in (None, 25.0, 100.0, 200.0, 1600.0)]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] == pytest.approx(59_285.74, abs=0.005)
    assert costs[-1] == pytest.approx(39_523.82, abs=0.005)


def test_where_the_transfer_breaks_the_ttft_only_patterns_are_left() -> None:
    """0.39 s of transfer at 25 Gb/s do not fit a TTFT of 400 ms with 0.19 s of prefill; at 800 Gb/s they are 12 ms."""
    slow, fast = (fleetopt.optimize(at_speed(gbit, ttft=Latency(0.4)), EXACT) for gbit in (25.0, 800.0))
    assert all(p.pattern is not None for p in slow.placements)
    assert any(p.pattern is None for p in fast.placements)
    assert fast.objective_usd <= slow.objective_usd
