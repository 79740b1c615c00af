"""Models that share GPUs, by hand and against all partitions: as few groups as promises and memory allow."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetopt.capacity.table import derive
from fleetopt.errors import Infeasible
from fleetopt.optimizer.case import build_case
from fleetopt.optimizer.formulation import formulate
from fleetopt.optimizer.matrix import compile_matrix
from fleetopt.optimizer.patterns.method import solve_by_patterns
from fleetopt.optimizer.solve import SolveOptions, solve
from fleetopt.plan.domain import Placement, Plan
from fleetopt.scenario.bundling import Swapping
from fleetopt.scenario.domain import Scenario
from fleetopt.study.once import optimize
from fleetopt.units import Latency
from fleetopt.verify.verifier import verify
from tests.oracle.bundled import PATIENT, SWAPPING, bundling, question, with_parameters

EXACT = SolveOptions(gap=0.0)
THREE = (1.0, 1.0, 1.0)


def nodes(scenario: Scenario) -> int:
    plan = optimize(scenario, EXACT)
    assert plan.verdict.passed
    return sum(line.nodes for line in plan.fleet)


@pytest.mark.parametrize(("most_models", "fewest"), [(1, 3), (2, 2), (3, 1)])
def test_three_models_by_hand(most_models: int, fewest: int) -> None:
    """Proves the estimator's arithmetic in a plan: three models at 1 request/s prefill 0.3 of the time, and steps of
    30 ms then take 42.9 ms of 50. Sensitivity: with 60 % prefill the same steps would take 75 ms."""
    assert nodes(question(THREE, bundling(most_models))) == fewest


def test_without_bundles_each_model_has_prefill_and_decode_of_its_own() -> None:
    """Proves that nothing is shared unasked: two nodes for each of three models."""
    assert nodes(question(THREE, None)) == 6


@pytest.mark.parametrize(("tpot_s", "interference", "fewest"), [(0.0429, 1.0, 1), (0.0428, 1.0, 2), (0.0143, 0.0, 1)])
def test_the_step_of_all_is_what_tpot_allows(tpot_s: float, interference: float, fewest: int) -> None:
    """Proves TPOT to the last digit: 3 x 10 ms / 0.7 = 42.86 ms where steps take turns, 14.29 ms where none waits."""
    assert nodes(question(THREE, bundling(3, interference), tpot=Latency(tpot_s))) == fewest


@pytest.mark.parametrize(("ttft_s", "fewest"), [(0.1729, 1), (0.1728, 2)])
def test_everybody_waits_behind_everybodys_prefills(ttft_s: float, fewest: int) -> None:
    """Proves TTFT: 30 ms of a step that runs, 3 x 2 x 0.01 / (2 x 0.7) = 42.86 ms of queue, 100 ms of prefill."""
    assert nodes(question(THREE, bundling(), ttft=Latency(ttft_s))) == fewest


@pytest.mark.parametrize(("billions", "fewest"), [(29.0, 1), (30.0, 2)])
def test_weights_and_kv_of_all_must_fit(billions: float, fewest: int) -> None:
    """Proves memory: of 90 GiB three engines leave 84, and three times 4.29 requests of 1108 tokens take 1.3; weights
    of 3 x 27.0 GiB fit beside them, 3 x 27.9 do not."""
    assert nodes(with_parameters(question(THREE, bundling()), billions)) == fewest


def test_isolation_keeps_a_model_alone() -> None:
    """Proves `isolation`: the other two share, it does not."""
    assert nodes(question(THREE, bundling(), changes={1: {"isolation": True}})) == 2


RARE = (0.1, 0.1)


@pytest.mark.parametrize(("ttft_s", "fewest"), [(2.63, 1), (2.61, 2)])
def test_swapped_models_by_hand(ttft_s: float, fewest: int) -> None:
    """Proves swapping: load 1 s, prefill 0.1 s, 100 steps of 10 ms keep the group 2.1 s; 0.2 requests/s of it wait
    0.2 x 2.1^2 / 0.58 = 1.52 s, and the first token comes 1.1 s later."""
    asked = question(RARE, bundling(1, swapping=SWAPPING), ttft=Latency(ttft_s))
    assert nodes(asked) == fewest


@pytest.mark.parametrize(("host_bytes", "fewest"), [(14e9, 1), (13.9e9, 2)])
def test_host_memory_holds_all_that_is_swapped(host_bytes: float, fewest: int) -> None:
    """Proves the limit of host memory: two models of 7 GB need 14."""
    how = Swapping(8, 7e9, (("Ax1", host_bytes),), "test")
    assert nodes(question(RARE, bundling(1, swapping=how), **PATIENT)) == fewest


def partitions(items: Sequence[int]) -> Iterator[list[list[int]]]:
    """All ways to put items into groups."""
    if not items:
        yield []
        return
    for rest in partitions(items[1:]):
        yield [[items[0]], *rest]
        for i, group in enumerate(rest):
            yield [*rest[:i], [items[0], *group], *rest[i + 1 :]]


def fewest_groups(steps_s: Sequence[float], alone: set[int], most: int) -> float:
    """The fewest groups whose steps, one after another, keep 50 ms; who is alone is by itself."""

    def holds(group: list[int]) -> bool:
        lonely = len(group) > 1 and bool(alone & set(group))
        return not lonely and len(group) <= most and sum(steps_s[i] for i in group) <= 0.0501

    found = (len(groups) for groups in partitions(range(len(steps_s))) if all(map(holds, groups)))
    return min(found, default=math.inf)


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from([0.01, 0.015, 0.02, 0.025, 0.04]), min_size=1, max_size=5),
    st.sets(st.integers(0, 4), max_size=2),
    st.integers(1, 4),
)
def test_brute_force_over_all_partitions_finds_the_same_cost(steps: list[float], alone: set[int], most: int) -> None:
    """Proves the choice of bundles on rare models, where a group is as full as the sum of its members' steps: the plan
    has as few groups as the best of all partitions. Sensitivity: a set that growth missed would cost a node more."""
    changes = {i: {"isolation": True} for i in alone if i < len(steps)}
    asked = question([1e-3] * len(steps), bundling(most), steps, changes, tpot=Latency(0.0505))
    assert nodes(asked) == fewest_groups(steps, alone, most)


@cache
def cost(rates: tuple[float, ...], most: int | None, swapped: bool) -> float:
    allowed = None if most is None else bundling(most, swapping=SWAPPING if swapped else None)
    try:
        return optimize(question(rates, allowed, **PATIENT), EXACT).objective_usd
    except Infeasible:
        return math.inf


@settings(max_examples=15)
@given(st.lists(st.sampled_from([0.02, 0.3, 2.0, 9.0]), min_size=1, max_size=4).map(tuple))
def test_more_freedom_to_share_is_never_dearer(rates: tuple[float, ...]) -> None:
    """Proves that none, groups of one, of three, and swapping besides cost less or the same in this order."""
    costs = [cost(rates, None, False), cost(rates, 1, False), cost(rates, 3, False), cost(rates, 3, True)]
    assert all(later <= earlier * (1.0 + 1e-9) for earlier, later in pairwise(costs))


@pytest.mark.parametrize("rates", [THREE, (0.5, 3.0, 9.0, 0.02), (12.0, 0.1, 0.1, 0.1, 4.0)])
def test_both_methods_find_the_same_cost(rates: tuple[float, ...]) -> None:
    """Proves that the pattern method takes bundles for what they are."""
    asked = question(rates, bundling(3, swapping=SWAPPING), **PATIENT)
    problem = formulate(build_case(asked, derive(asked)))
    matrix = compile_matrix(problem)
    exact, found = solve(matrix, EXACT), solve_by_patterns(problem, matrix, EXACT)
    assert found.objective == pytest.approx(exact.objective, rel=1e-6)


@pytest.fixture(scope="module")
def triple() -> tuple[Scenario, Plan]:
    asked = question(THREE, bundling())
    return asked, optimize(asked, EXACT)


@pytest.fixture(scope="module")
def swapped() -> tuple[Scenario, Plan]:
    asked = question(RARE, bundling(1, swapping=SWAPPING), **PATIENT)
    return asked, optimize(asked, EXACT)


def failures(plan: Plan, scenario: Scenario) -> set[str]:
    return {check.name for check in verify(plan, scenario).checks if not check.passed}


def changed(plan: Plan, **fields: Any) -> Plan:
    """The plan with other fields in its first placement."""
    first, *rest = plan.placements
    rows: tuple[Placement, ...] = (first.model_copy(update=fields), *rest)
    return plan.model_copy(update={"placements": rows})


def test_the_records_of_a_bundle_say_what_each_member_has(triple: tuple[Scenario, Plan]) -> None:
    """Proves the read-out: rate, batch and latencies by hand, parts that add up to one group, both profiles named."""
    plan = triple[1]
    assert sum(row.replicas for row in plan.placements) == pytest.approx(1.0, abs=1e-12)
    for row in plan.placements:
        assert (row.bundle, row.role) == ("colocated", "aggregated")
        assert row.replicas * row.capacity_rps == pytest.approx(1.0)
        assert row.batch == pytest.approx(100 * 0.03 / 0.7)
        assert row.ttft_s == pytest.approx(0.03 + 0.06 / 1.4 + 0.1)
        assert row.tpot_s == pytest.approx(0.03 / 0.7)
    assert {line.role for line in plan.provenance.evidence} == {"prefill", "decode"}
    assert any("bundles were tried" in said for said in plan.provenance.assumptions)


@pytest.mark.parametrize(
    "fields",
    [
        {"capacity_rps": 9.0},
        {"batch": 3.0},
        {"ttft_s": 0.1},
        {"tpot_s": 0.01},
        {"bundle": "swapped"},
        {"shared": "another"},
        {"replicas": 0.5},
        {"gpus_per_replica": 2},
        {"role": "decode"},
        {"capacity_error": 0.123},
    ],
)
def test_a_tampered_member_is_refused(triple: tuple[Scenario, Plan], fields: dict[str, Any]) -> None:
    """Proves that verify reads each field of a member for itself."""
    scenario, plan = triple
    assert failures(plan, scenario) == set()
    assert "bundles_hold" in failures(changed(plan, **fields), scenario)


def asked_of(scenario: Scenario, **fields: Any) -> Scenario:
    return replace(scenario, workloads=tuple(replace(one, **fields) for one in scenario.workloads))


def test_a_bundle_that_a_stricter_scenario_forbids_is_refused(triple: tuple[Scenario, Plan]) -> None:
    """Proves that promises, memory, isolation and allowances are read from the scenario, not from the plan."""
    scenario, plan = triple
    stricter = [
        asked_of(scenario, ttft=Latency(0.17)),
        asked_of(scenario, tpot=Latency(0.042)),
        asked_of(scenario, tpot=Latency(0.05, 0.9)),
        asked_of(scenario, isolation=True),
        with_parameters(scenario, 30.0),
        replace(scenario, bundles=bundling(2)),
        replace(scenario, bundles=None),
    ]
    assert all("bundles_hold" in failures(plan, one) for one in stricter)


def test_a_swapped_plan_is_checked_for_time_and_host_memory(swapped: tuple[Scenario, Plan]) -> None:
    """Proves that loading time, host memory and the number of models are recomputed."""
    scenario, plan = swapped
    assert failures(plan, scenario) == set()
    assert {row.bundle for row in plan.placements} == {"swapped"}
    for how in (
        replace(SWAPPING, host_link_bytes_per_s=1e9),
        replace(SWAPPING, host_memory_bytes=(("Ax1", 13e9),)),
        replace(SWAPPING, most_models=1),
        None,
    ):
        assert "bundles_hold" in failures(plan, replace(scenario, bundles=bundling(1, swapping=how)))


def test_a_group_too_many_needs_a_node_more(triple: tuple[Scenario, Plan]) -> None:
    """Proves packing: all members twice is two groups on one node of one GPU."""
    scenario, plan = triple
    rows = tuple(row.model_copy(update={"replicas": 2 * row.replicas}) for row in plan.placements)
    assert "gpus_pack_into_nodes" in failures(plan.model_copy(update={"placements": rows}), scenario)
