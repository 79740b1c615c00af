"""Models side by side on shares of a GPU, by hand and against all partitions: each at the speed of its own profile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
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
from fleetopt.plan.domain import Plan
from fleetopt.scenario.bundling import Bundling
from fleetopt.scenario.domain import Scenario
from fleetopt.study.once import optimize
from fleetopt.units import Latency
from fleetopt.verify.verifier import verify
from tests.oracle.bundled import SWAPPING, bundling, cut_up, question, with_parameters, with_shares
from tests.oracle.test_bundles import changed, failures, nodes, partitions

EXACT = SolveOptions(gap=0.0)
HALVES = {"m0": {0.5: 0.015}, "m1": {0.5: 0.015}}
PAIR = (1.0, 1.0)


def pair(allowed: Bundling | None = None, **same: Any) -> Scenario:
    """Two models at 1 request/s whose steps take 10 ms on a GPU and 15 ms on half of one."""
    return with_shares(question(PAIR, allowed or cut_up(), **{"tpot": Latency(0.018), **same}), HALVES)


@pytest.mark.parametrize(("tpot_s", "fewest"), [(0.01667, 1), (0.01666, 2)])
def test_each_keeps_its_own_speed(tpot_s: float, fewest: int) -> None:
    """Proves TPOT to the last digit: 15 ms behind 0.1 of own prefill is 16.67 ms, whatever the other does.
    Sensitivity: in turns a step of 20 ms behind 0.2 of prefill would take 25 ms and need a GPU each."""
    assert nodes(pair(tpot=Latency(tpot_s))) == fewest
    assert nodes(pair(bundling(), tpot=Latency(tpot_s))) == 2


@pytest.mark.parametrize(("ttft_s", "fewest"), [(0.1262, 1), (0.1261, 2)])
def test_nobody_waits_for_the_prefills_of_others(ttft_s: float, fewest: int) -> None:
    """Proves TTFT: a step of 15 ms, 2 x 0.01 / (2 x 0.9) = 11.1 ms of queue, 100 ms of prefill."""
    assert nodes(pair(ttft=Latency(ttft_s))) == fewest


@pytest.mark.parametrize(("tpot_s", "fewest"), [(0.01854, 1), (0.01853, 2)])
def test_what_beside_others_is_slower_is_slower_in_all(tpot_s: float, fewest: int) -> None:
    """Proves the slowdown: 10 % makes steps of 16.5 ms and prefills of 0.11 of the time, 18.539 ms together."""
    assert nodes(pair(cut_up(slowdown=0.1), tpot=Latency(tpot_s))) == fewest


@pytest.mark.parametrize(("percent", "fewest"), [((50, 30, 20), 1), ((50, 30, 21), 2), ((60, 60, 60), 3)])
def test_shares_add_up_to_one_gpu(percent: tuple[int, ...], fewest: int) -> None:
    """Proves that a GPU is given away once: 101 % of it needs a second one."""
    asked = question((1.0,) * 3, cut_up(), tpot=Latency(0.018))
    shares = {f"m{i}": {share / 100: 0.015} for i, share in enumerate(percent)}
    assert nodes(with_shares(asked, shares)) == fewest


@pytest.mark.parametrize(("billions", "fewest"), [(45.0, 1), (46.0, 2)])
def test_the_memory_of_a_group_is_not_cut_up(billions: float, fewest: int) -> None:
    """Proves memory: two engines leave 86 GiB of 90; weights of 2 x 41.9 GiB and KV of 2 x 1.67 requests fit, 2 x 42.8
    do not."""
    assert nodes(with_parameters(pair(), billions)) == fewest


@pytest.mark.parametrize(
    ("allowed", "changes"),
    [(bundling(), {}), (cut_up(1), {}), (cut_up(), {"isolation": True}), (bundling(swapping=SWAPPING), {})],
)
def test_nobody_is_beside_others_unasked(allowed: Bundling, changes: dict[str, Any]) -> None:
    """Proves that `spatial`, the number of models and isolation each forbid it."""
    assert nodes(pair(allowed, **changes)) == 2


def test_turns_are_taken_at_full_speed_only() -> None:
    """Proves that a profile of a share is none for taking turns: without one of the whole GPU nothing is shared."""
    asked = pair(bundling(), tpot=Latency(0.05))
    models = {
        name: replace(llm, candidates=tuple(one for one in llm.candidates if one.config.gpu_share < 1.0))
        for name, llm in asked.models.items()
    }
    assert nodes(asked) == 1
    assert nodes(replace(asked, models=models)) == 4
    assert nodes(replace(asked, models=models, bundles=cut_up())) == 1


def fewest_groups(needs: Sequence[int], most: int) -> float:
    """The fewest GPUs on which percentages of them fit, so many to one; who needs all of one is alone."""
    found = (
        len(groups)
        for groups in partitions(range(len(needs)))
        if all(len(group) <= most and sum(needs[i] for i in group) <= 100 for group in groups)
    )
    return min(found, default=math.inf)


@settings(max_examples=25)
@given(st.lists(st.sampled_from([20, 30, 50, 60, 100]), min_size=1, max_size=5), st.integers(1, 4))
def test_brute_force_over_all_partitions_finds_the_same_cost(needs: list[int], most: int) -> None:
    """Proves the choice of groups on rare models, each with a share that is too slow, the least that does, and a larger
    one. Sensitivity: a set that growth missed, or a share too much, would cost a GPU more or fewer."""
    shares = {f"m{i}": {n / 200: 0.03, n / 100: 0.01, n / 200 + 0.5: 0.01} for i, n in enumerate(needs) if n < 100}
    asked = question([1e-3] * len(needs), cut_up(most), tpot=Latency(0.0105))
    assert nodes(with_shares(asked, shares)) == fewest_groups(needs, most)


@settings(max_examples=10)
@given(st.lists(st.sampled_from([0.02, 0.3, 2.0, 9.0]), min_size=2, max_size=4), st.sampled_from([0.0, 0.2]))
def test_to_allow_it_is_never_dearer(rates: list[float], slowdown: float) -> None:
    """Proves that columns are added and none is lost."""
    shares = {f"m{i}": {0.5: 0.014, 0.25: 0.03} for i in range(len(rates))}
    costs = []
    for allowed in (bundling(), cut_up(slowdown=slowdown)):
        try:
            costs.append(optimize(with_shares(question(rates, allowed), shares), EXACT).objective_usd)
        except Infeasible:
            costs.append(math.inf)
    assert costs[1] <= costs[0] * (1.0 + 1e-9)


@pytest.mark.parametrize("rates", [PAIR, (0.5, 3.0, 9.0, 0.02), (12.0, 0.1, 4.0)])
def test_both_methods_find_the_same_cost(rates: tuple[float, ...]) -> None:
    """Proves that the pattern method takes spatial bundles for what they are."""
    shares = {f"m{i}": {0.5: 0.014, 0.25: 0.03} for i in range(len(rates))}
    asked = with_shares(question(rates, cut_up(slowdown=0.05)), shares)
    problem = formulate(build_case(asked, derive(asked)))
    matrix = compile_matrix(problem)
    exact, found = solve(matrix, EXACT), solve_by_patterns(problem, matrix, EXACT)
    assert found.objective == pytest.approx(exact.objective, rel=1e-6)


@pytest.fixture(scope="module")
def planned() -> tuple[Scenario, Plan]:
    asked = pair(cut_up(slowdown=0.05))
    return asked, optimize(asked, EXACT)


def test_the_records_say_what_each_member_has(planned: tuple[Scenario, Plan]) -> None:
    """Proves the read-out: rate, batch and latencies by hand, the configs of the shares, and that they are told."""
    plan = planned[1]
    assert sum(row.replicas for row in plan.placements) == pytest.approx(1.0, abs=1e-12)
    for row in plan.placements:
        assert (row.bundle, row.config) == ("spatial", f"{row.model}-50")
        assert row.tpot_s == pytest.approx(0.01575 / 0.895)
        assert row.batch == pytest.approx(100 * 0.01575 / 0.895)
        assert row.ttft_s == pytest.approx(0.01575 + 0.105**2 / 0.895 + 0.105)
    assert "spatial members take 5 % longer beside others (test); of each GPU: m0-50 50 %, m1-50 50 %" in (
        plan.provenance.assumptions
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"capacity_rps": 9.0},
        {"batch": 1.0},
        {"ttft_s": 0.1},
        {"tpot_s": 0.01},
        {"bundle": "swapped"},
        {"bundle": "colocated"},
        {"config": "m0-1"},
        {"replicas": 0.4},
    ],
)
def test_a_tampered_member_is_refused(planned: tuple[Scenario, Plan], fields: dict[str, Any]) -> None:
    """Proves that verify reads each field of a member for itself."""
    scenario, plan = planned
    assert failures(plan, scenario) == set()
    assert "bundles_hold" in failures(changed(plan, **fields), scenario)


def test_a_group_that_a_stricter_scenario_forbids_is_refused(planned: tuple[Scenario, Plan]) -> None:
    """Proves that allowance, slowdown and shares are read from the scenario and the catalog, not from the plan."""
    scenario, plan = planned
    larger = {name: replace(llm, candidates=tuple(_grown(one) for one in llm.candidates)) for name, llm in
              scenario.models.items()}  # fmt: skip
    stricter = [
        replace(scenario, bundles=bundling()),
        replace(scenario, bundles=cut_up(1)),
        replace(scenario, bundles=cut_up(slowdown=0.2)),
        replace(scenario, models=larger),
        with_parameters(scenario, 46.0),
    ]
    assert all("bundles_hold" in failures(plan, one) for one in stricter)


def _grown(one: Any) -> Any:
    return replace(one, config=replace(one.config, gpu_share=min(1.0, 1.02 * one.config.gpu_share)))


def test_who_took_turns_at_the_speed_of_a_share_is_refused() -> None:
    """Proves the other mixture: a group that takes turns, of a config that is said to be of a share afterwards."""
    asked = question(PAIR, bundling())
    plan = optimize(asked, EXACT)
    models = {
        name: replace(
            llm, candidates=tuple(replace(c, config=replace(c.config, gpu_share=0.5)) for c in llm.candidates)
        )
        for name, llm in asked.models.items()
    }
    verdict = verify(plan, replace(asked, models=models))
    (check,) = (check for check in verdict.checks if check.name == "bundles_hold")
    assert "takes turns by profiles of 50 % of a GPU" in check.detail
