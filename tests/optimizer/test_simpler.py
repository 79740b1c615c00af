"""Simpler cases of one whose slots hang together: their plans are plans of it, their bounds bounds of it."""

from __future__ import annotations

import signal
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from pyomo.core import Var

from fleetopt.capacity.table import derive
from fleetopt.errors import Infeasible, NoPlanWithinLimit
from fleetopt.optimizer import run as run_module
from fleetopt.optimizer.case import PlanningCase, build_case
from fleetopt.optimizer.features.serving import Serving
from fleetopt.optimizer.formulation import formulate
from fleetopt.optimizer.known import known
from fleetopt.optimizer.matrix import compile_matrix
from fleetopt.optimizer.patterns import hanging as hanging_module
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.run import optimize_case
from fleetopt.optimizer.simpler import all_day, as_new, free, hang_together, more_all_day
from fleetopt.optimizer.solve import Progress, SolveOptions, solve
from fleetopt.scenario.changing import Changes
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.supply_domain import Stock
from fleetopt.study.once import optimize
from tests.optimizer.patterns.test_method import growing
from tests.oracle.changing import draw, draw_by_slot
from tests.oracle.test_changes import asked, two_and_three

EXACT = SolveOptions(gap=0.0, method="mip", diagnose=False)
SLOW = Changes(role_flip_s=60.0, model_load_s=120.0)


def case_of(scenario: Scenario) -> PlanningCase:
    return build_case(scenario, derive(scenario))


def least(case: PlanningCase) -> float:
    return optimize_case(case, EXACT).readout.objective_usd


def spread_usd(case: PlanningCase, simple: Any) -> float | None:
    """What the case costs with the replicas of the simpler one's cheapest plan, None where that is no plan."""
    problem = formulate(simple.case)
    small = known(problem, compile_matrix(problem))
    found = solve(small.program, EXACT)
    assert found.values is not None
    amounts = {key: float(found.values[column]) for key, column in small.columns.items() if found.values[column] > 0.5}
    whole = formulate(case)
    program = known(whole, compile_matrix(whole))
    held = {key: amount for key, amount in simple.spread(amounts) if key[0] == "REPLICAS"}
    lower, upper = program.program.column_lower.copy(), program.program.column_upper.copy()
    for key, column in program.columns.items():
        if key[0] == "REPLICAS":
            lower[column] = upper[column] = held.get(key, 0.0)
    return solve(replace(program.program, column_lower=lower, column_upper=upper), EXACT).objective


@pytest.mark.parametrize("seed", range(20))
def test_simpler_cases_bound_random_days_from_both_sides(seed: int) -> None:
    """Proves: on random days the plan that stands all day, and the one whose replicas carry as new ones do, are plans
    and cost no less than the cheapest; free changes cost no more; and where replicas or GPUs stay, what stands all day
    costs exactly as much.

    Sensitivity: a loss that is taken off too little makes a plan impossible; a bound from a case that is stricter than
    the other is above what a plan costs.
    """
    scenario = draw(Random(seed))
    case = case_of(scenario)
    cheapest, day, new = least(case), all_day(case), as_new(case)
    assert least(free(case)) <= cheapest * (1.0 + 1e-9)
    stands = spread_usd(case, day)
    assert stands is not None
    assert stands >= cheapest * (1.0 - 1e-9)
    if day.bounds:
        assert least(day.case) == pytest.approx(cheapest)
    if case.changes is not None and case.changes.mode == "free" and new is not None:
        limited = case.changes.per_change_gpus is not None or case.changes.per_day_gpus is not None
        assert limited or least(new.case) >= cheapest * (1.0 - 1e-9)
        assert limited or spread_usd(case, new) is not None


@pytest.mark.parametrize("seed", range(30))
def test_a_limit_bounds_what_changes_save(seed: int) -> None:
    """Proves: on random days with limits of GPUs that may change, what stands all day less what GPUs are worth is never
    above the cheapest.

    Sensitivity: what stands all day, or a limit by the change counted once for all slots, is above it.
    """
    drawn = draw(Random(f"limit {seed}"))
    limits = Changes(per_change_gpus=seed % 3 or None, per_day_gpus=None if seed % 3 else seed % 4)
    scenario = replace(drawn, changes=limits if seed % 2 else replace(limits, model_load_s=600.0))
    case, watch = case_of(scenario), Watch(SolveOptions(gap=1e-4))
    hanging_module._bound_all_day(watch, case)
    assert watch.bound is not None
    assert watch.bound <= least(case) * (1.0 + 1e-9)


def test_a_limit_of_nothing_bounds_like_what_stands_all_day() -> None:
    """Proves: with no GPU that may start the bound is what stands all day costs, 8 GPUs; with one from slot to slot one
    GPU less, which is the best there is; without a limit, or with fabrics, none is told.

    Sensitivity: what free changes cost, 5 GPUs, is no use where few may change.
    """
    expected = {0: 8.0, 1: 7.0, None: None}
    for limit, gpus in expected.items():
        watch = Watch(SolveOptions(gap=1e-4))
        case = case_of(replace(two_and_three(), changes=Changes(per_change_gpus=limit)))
        hanging_module._bound_all_day(watch, case)
        assert watch.bound == (None if gpus is None else pytest.approx(30.0 * 24.0 * gpus))
        assert gpus is None or least(case) == pytest.approx(30.0 * 24.0 * gpus)
    assert more_all_day(replace(case, changes=Changes(per_change_gpus=1), fabrics=(None,))) is None  # type: ignore[arg-type]


def test_what_bounds_and_what_does_not() -> None:
    """Proves: what stands all day bounds days on which replicas or GPUs stay, and no others; nor where there are
    service classes.

    Sensitivity: by hand, two workloads that peak in turn cost 8 GPUs all day, 5 where changes are free.
    """
    stays = {mode: case_of(replace(two_and_three(), changes=replace(SLOW, mode=mode))) for mode in ("roles", "free")}
    assert all_day(stays["roles"]).bounds
    assert not all_day(stays["free"]).bounds
    assert least(all_day(stays["roles"]).case) == pytest.approx(30.0 * 24.0 * 8)
    assert least(free(stays["roles"])) == pytest.approx(30.0 * 24.0 * 5)
    chat = replace(stays["roles"].workloads["one"], priority=1)
    assert not all_day(replace(stays["roles"], workloads={**stays["roles"].workloads, "one": chat})).bounds


def test_no_case_is_as_new_where_a_start_takes_all_of_a_slot() -> None:
    """Proves: a load of 8 h in a slot of 8 h leaves nothing to carry; there is no such case, and no division by zero.

    Sensitivity: demand would be infinite.
    """
    assert as_new(case_of(asked(3.0, 1.0, Changes(model_load_s=8.0 * 3600.0)))) is None
    half = as_new(case_of(asked(3.0, 1.0, Changes(model_load_s=4.0 * 3600.0))))
    assert half is not None
    assert half.case.planned_rps["chat", "t1", "h1", "o1"] == pytest.approx(6.0)
    assert not half.bounds


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        Changes("static"),
        replace(SLOW, mode="roles"),
        SLOW,
        replace(SLOW, per_change_gpus=4),
        Changes(per_day_gpus=4),
    ],
    ids=["static", "roles", "slow", "few", "few-a-day"],
)
def test_large_cases_are_planned_as_small_ones(changes: Changes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a case that counts as too large to be written whole has a verified plan, no cheaper than the bound of the
    whole and hardly dearer than its plan, and its own bound is below that plan.

    Sensitivity: a bound that holds for the options written alone, or for a stricter case, can be above it.
    """
    scenario = replace(growing(), changes=changes)
    whole = optimize(scenario, SolveOptions(gap=0.05, time_limit_s=10.0))
    monkeypatch.setattr(run_module, "MANY_REPLICAS", 1)
    large = optimize(scenario, SolveOptions(gap=0.05, time_limit_s=10.0))
    assert large.verdict.passed
    assert large.bound_usd is not None
    assert large.bound_usd <= whole.objective_usd * (1.0 + 1e-6)
    assert large.objective_usd >= (whole.bound_usd or 0.0) * (1.0 - 1e-6)
    assert large.objective_usd <= 1.15 * whole.objective_usd


@pytest.mark.slow
def test_a_large_case_begins_from_an_earlier_plan_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: beside plans of simpler cases the one that is given is begun from, with its options, and the plan tells
    so; it is never dearer.

    Sensitivity: a plan that was found with hours would be lost when it is looked at again.
    """
    scenario = replace(growing(), changes=replace(SLOW, per_change_gpus=4))
    last = optimize(scenario, SolveOptions(gap=0.05, time_limit_s=10.0))
    monkeypatch.setattr(run_module, "MANY_REPLICAS", 1)
    again = optimize(scenario, SolveOptions(gap=0.05, time_limit_s=40.0, start=last))
    began = again.began
    assert began is not None
    assert began.held == "everything"
    assert again.objective_usd <= last.objective_usd * (1.0 + 1e-9)


def test_parts_of_a_day_take_turns_with_the_same_replicas() -> None:
    """Proves: of a workload whose requests have other lengths at night, each part has the replicas of the one with
    more, so that a plan that stands all day is one of a scenario in which nothing may change.

    Sensitivity: each part with replicas of its own would have the others start at dusk, which `static` forbids.
    """
    for seed in range(6):
        case = case_of(replace(draw_by_slot(Random(seed)), changes=Changes("static")))
        assert hang_together(case)
        assert not all_day(case).bounds
        stands = spread_usd(case, all_day(case))
        assert stands is not None
        assert stands >= least(case) * (1.0 - 1e-9)


def test_ctrl_c_before_there_is_a_plan_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: who stops it while simpler cases are solved is told that there is no plan.

    Sensitivity: going on to write the whole program would take minutes that nobody gave.
    """

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    case = case_of(replace(growing(), changes=Changes(per_change_gpus=4)))
    monkeypatch.setattr(hanging_module, "_find", stop)
    monkeypatch.setattr(run_module, "MANY_REPLICAS", 1)
    with pytest.raises(NoPlanWithinLimit, match="no plan was found"):
        optimize_case(case, SolveOptions(gap=0.01, diagnose=False))


@pytest.mark.parametrize(("times", "planned"), [(1, True), (2, False)])
def test_ctrl_c_once_a_simpler_case_is_planned_keeps_its_plan(
    times: int, planned: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Proves: who stops it while a program is written has the plan of the simpler case, or, stopping it twice, nothing;
    and nothing is written about it.

    Sensitivity: the plan that is there would be lost, and Pyomo would log what passed through it.
    """
    stopped: list[int] = []

    def stop(case: PlanningCase, *features: Any) -> Any:
        if len(stopped) < times and case.changes is not None:
            stopped.append(1)
            monkeypatch.setattr(Serving, "declare", interrupted)
        return formulate(case, *features)

    def interrupted(self: Serving, model: Any, *_: Any) -> None:
        monkeypatch.setattr(Serving, "declare", declared)
        model.REPLICAS = Var(range(2), within=lambda *_: signal.raise_signal(signal.SIGINT))

    declared = Serving.declare
    case = case_of(replace(growing(), changes=Changes(per_change_gpus=4)))
    monkeypatch.setattr(hanging_module, "formulate", stop)
    monkeypatch.setattr(run_module, "MANY_REPLICAS", 1)
    if planned:
        found = optimize_case(case, SolveOptions(gap=0.01, diagnose=False))
        assert found.readout.placements
    else:
        with pytest.raises(NoPlanWithinLimit, match="no plan was found"):
            optimize_case(case, SolveOptions(gap=0.01, diagnose=False))
    assert len(stopped) == times
    assert not caplog.records


def test_a_plan_that_stands_all_day_is_told_first() -> None:
    """Proves: of a program that is written whole the first plan is that of a simpler case, and the run ends there if it
    is near enough.

    Sensitivity: the phases after it would have to find a plan by themselves, which on larger ones they did not.
    """
    told: list[Progress] = []
    case = case_of(replace(growing(), changes=Changes("static")))
    optimize_case(case, SolveOptions(gap=0.05, method="patterns", on_progress=told.append))
    assert {progress.phase for progress in told if progress.incumbent is not None} == {"beginning"}


def test_a_case_that_no_simpler_one_plans_is_infeasible_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: where what stands all day is more than can be had, the case is looked at as it is, and told infeasible.

    Sensitivity: no plan of a simpler case is no proof, and no reason to say nothing.
    """
    base = two_and_three()
    owned = replace(base.supply, lines=(), stock=(Stock("own", "main", "Ax1", 5, 1.0),))
    monkeypatch.setattr(run_module, "MANY_REPLICAS", 1)
    for least_of, changes in ((8, Changes("static")), (5, Changes(per_change_gpus=10))):
        case = case_of(
            replace(base, supply=replace(owned, stock=(replace(owned.stock[0], nodes=least_of),)), changes=changes)
        )
        assert optimize_case(case, SolveOptions(gap=0.0)).readout.objective_usd > 0.0
        less = replace(owned.stock[0], nodes=least_of - 1)
        with pytest.raises(Infeasible):
            optimize_case(replace(case, stock=(less,)), SolveOptions(gap=0.0, diagnose=False))
