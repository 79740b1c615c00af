"""Narrow programs: their plans are plans of the whole, and their bounds never lie above its optimum."""

from __future__ import annotations

from functools import partial
from random import Random

import numpy as np
import pytest

import fleetopt
from fleetopt.capacity.table import derive
from fleetopt.errors import NoPlanWithinLimit
from fleetopt.optimizer import run as run_module
from fleetopt.optimizer.case import PlanningCase, build_case
from fleetopt.optimizer.coarse import coarse
from fleetopt.optimizer.formulation import FEATURES, formulate
from fleetopt.optimizer.matrix import compile_matrix
from fleetopt.optimizer.patterns import method as method_module
from fleetopt.optimizer.patterns import narrowing as narrowing_module
from fleetopt.optimizer.patterns.left_out import Lost, lost
from fleetopt.optimizer.patterns.method import solve_narrowed
from fleetopt.optimizer.patterns.narrowing import _used, coarsely, keeping, narrowed
from fleetopt.optimizer.patterns.plain import Ways, plain_of
from fleetopt.optimizer.patterns.relaxation import Point, Relaxation
from fleetopt.optimizer.patterns.rounding import of_demand, rounding
from fleetopt.optimizer.patterns.structure import time_of_columns
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.solve import SolveOptions, solve
from fleetopt.study.once import optimize
from tests.optimizer.patterns.questions import tie_all
from tests.optimizer.patterns.test_method import growing
from tests.oracle.draw import Draw

CASES = 120
LOOSE = 0.02


def grown() -> PlanningCase:
    scenario = growing()
    return build_case(scenario, derive(scenario))


def relaxed(case: PlanningCase, whole: PlanningCase) -> tuple[float, float, Lost]:
    """The relaxation of a case, the same with rounded rows, and what the rest of the whole could save there."""
    problem = formulate(case)
    matrix = compile_matrix(problem)
    plain = plain_of(problem, matrix, time_of_columns(problem, matrix))
    relaxation = Relaxation(plain.loosened(matrix))
    plainly = relaxation.optimum(60.0)
    rows, point = rounding(Watch(SolveOptions(time_limit_s=60.0)), relaxation, partial(of_demand, plain))
    assert plainly is not None
    assert point is not None
    return plainly.value, point.value, lost(whole, plain, matrix, point, rows)


@pytest.mark.slow
def test_bounds_and_plans_of_random_questions_hold_for_the_whole() -> None:
    """Proves: over a hundred random questions no bound of a narrow program is above the exact optimum of the whole, and
    no plan below it.

    Sensitivity: a narrow program's own bound, without the price check, is above the optimum in some of them.
    """
    wrong, narrower, unchecked = [], 0, 0
    for seed in range(CASES):
        scenario = Draw(Random(seed)).scenario()
        case = build_case(scenario, derive(scenario))
        found = solve_narrowed(case, FEATURES, SolveOptions(gap=LOOSE, time_limit_s=60.0))
        if found is None:
            continue
        parts, solution = found
        exact = solve(compile_matrix(formulate(case)), SolveOptions(gap=0.0)).objective
        own = solve(parts.program, SolveOptions(gap=0.0)).objective
        assert exact is not None
        assert solution.bound is not None
        assert solution.objective is not None
        allowed = 1e-6 * max(1.0, abs(exact))
        if solution.bound > exact + allowed or solution.objective < exact - allowed:
            wrong.append((seed, solution.bound, exact, solution.objective))
        narrower += sum(map(len, parts.case.options.values())) < sum(map(len, case.options.values()))
        unchecked += own is not None and own > exact + allowed
    assert wrong == []
    assert narrower > CASES // 10
    assert unchecked > 0


def test_nothing_is_lost_where_nothing_is_left_out() -> None:
    """Proves: with every option kept, the check at the program's own prices takes nothing off its bound.

    Sensitivity: an option's part, GPUs or rounded coefficient unlike the program's own makes something of it.
    """
    whole = grown()
    _, value, missing = relaxed(whole, whole)
    assert missing.usd <= 1e-6 * value


def test_what_is_left_out_is_found_to_be_missing() -> None:
    """Proves: without all that the whole relaxation uses, the bound falls to the whole relaxation's or below, although
    the narrow program's own lies far above it, and what is missing is named.

    Sensitivity: a check that knew only the options kept would leave the bound where it was.
    """
    whole = grown()
    best, _, _ = relaxed(whole, whole)
    dear = {
        workload: np.array([option.capacity.candidate.config.gpu_type != "B200" for option in options])
        for workload, options in whole.options.items()
    }
    _, own, missing = relaxed(keeping(whole, dear), whole)
    assert own > 1.05 * best
    assert own - missing.usd <= best * (1.0 + 1e-6) + 0.02 * best
    named = {
        whole.options[workload][place].capacity.candidate.config.gpu_type
        for workload, usd in missing.by_option.items()
        for place in np.flatnonzero(usd > 0.01 * missing.usd)
    }
    assert "B200" in named


def test_a_coarse_case_asks_for_as_much_in_as_many_hours() -> None:
    """Proves: groups of times have all their hours, weighed by probability, and all of the requests.

    Sensitivity: means that are not weighed by hours and probability change the sum of requests.
    """
    case = grown()
    few = coarse(case, 2)
    assert len(few.times) == 4
    for period in case.periods:
        assert few.period_hours(period.name) == pytest.approx(case.period_hours(period.name))
    for workload in case.workloads:
        asked = sum(
            case.hours[t, h] * case.probability[o] * case.planned_rps[workload, t, h, o] for t, h, o in case.times
        )
        assert sum(few.hours[t, h] * few.planned_rps[workload, t, h, o] for t, h, o in few.times) == pytest.approx(
            asked
        )


@pytest.mark.slow
def test_a_narrow_plan_is_verified_and_says_how_good_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: the whole way through, from the scenario to the second computation, with a gap that the plan of the
    whole program bears out.

    Sensitivity: a bound of the narrow program alone could be above the other plan's cost.
    """
    scenario = growing()
    whole = optimize(scenario, options=SolveOptions(gap=0.01, time_limit_s=60.0))
    monkeypatch.setattr(run_module, "MANY_REPLICAS", 1)
    narrow = optimize(scenario, options=SolveOptions(gap=0.01, time_limit_s=60.0))
    assert narrow.verdict.passed
    assert narrow.provenance.solver.columns < whole.provenance.solver.columns
    assert narrow.bound_usd is not None
    assert narrow.bound_usd <= whole.objective_usd
    assert narrow.objective_usd <= 1.03 * whole.objective_usd


@pytest.mark.slow
@pytest.mark.parametrize("name", ["batch-by-night", "survive-a-site"])
def test_narrow_programs_keep_all_options_of_workloads_that_are_tied(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Proves: work for the night and losses to survive are planned in a narrow program too; its plan is verified, its
    bound holds for the whole, and it costs hardly more.

    Sensitivity: a coarse case has none of the slots in which the work may be done, and no demand of its own to survive
    with; an option of theirs that is left out could save more than is said.
    """
    scenario, options = fleetopt.load(name), SolveOptions(gap=0.005, time_limit_s=60.0)
    whole = optimize(scenario, options=options)
    monkeypatch.setattr(run_module, "MANY_REPLICAS", 1)
    narrow = optimize(scenario, options=options)
    assert narrow.verdict.passed
    assert narrow.bound_usd is not None
    assert narrow.bound_usd <= whole.objective_usd * (1.0 + 1e-6)
    assert narrow.objective_usd <= 1.02 * whole.objective_usd


def test_ctrl_c_and_the_limit_end_it_before_there_is_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: who stops it while programs are written, or gives it no time, is told that there is no plan.

    Sensitivity: going on to the whole program would take the time that was not given.
    """

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(NoPlanWithinLimit, match="no plan was found"):
        solve_narrowed(grown(), FEATURES, SolveOptions(time_limit_s=0.0))
    monkeypatch.setattr(method_module, "bounded", stop)
    with pytest.raises(NoPlanWithinLimit, match="no plan was found"):
        solve_narrowed(grown(), FEATURES, SolveOptions())


def test_every_link_that_stays_has_both_roles() -> None:
    """Proves: an option kept alone on its link gets a partner, or the narrow program could serve nobody.

    Sensitivity: without partners the workload would have prefill options only.
    """
    whole = grown()
    alone = {w: np.zeros(len(options), dtype=bool) for w, options in whole.options.items()}
    for workload, options in whole.options.items():
        alone[workload][[o.capacity.candidate.role for o in options].index("prefill")] = True
    for options in keeping(whole, alone).options.values():
        assert {option.capacity.candidate.role for option in options} == {"prefill", "decode"}
        assert len({option.link for option in options}) == 1


def test_what_is_worth_something_is_asked_of_each_kind_of_gpu_by_itself() -> None:
    """Proves: a replica of one cheap GPU counts beside replicas of eight dear ones, at the times when its own GPU costs
    what it usually does; what is used only while its GPUs are free does not.

    Sensitivity: next to what a replica of eight costs (80 USD), one of 0.10 USD looks free, and nobody would choose it.
    """
    price = np.array([[10.0, 10.0], [0.1, 0.1], [5.0, 0.0]])
    replicas = np.array([1.0, 1.0, 3.0, 0.0, 0.0, 2.0])
    nobody = np.full(2, -1, np.int32)
    ways = Ways(
        workload="chat",
        column=np.array([[0, 2, 4], [1, 3, 5]], np.int32),
        part=np.ones((2, 3)),
        excused=nobody,
        excused_part=np.zeros(2),
        gpus=np.array([8, 1, 8], np.int32),
        pool=np.array([0, 1, 2], np.int32),
        links=((np.arange(3, dtype=np.int32),),),
        demand=nobody,
    )
    point = Point(0.0, replicas, np.zeros(0), np.zeros(6))

    assert _used(ways, point, price[ways.pool].T * ways.gpus).tolist() == [True, True, False]


def test_who_is_tied_after_all_has_no_bound_until_all_options_are_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: workloads that the coarse case took for plain, and that are tied in the narrow program, have every option
    back before a bound is told, and then it holds for the whole.

    Sensitivity: what is lost is only asked of plain workloads; a rule with batch work, which the coarse case has none
    of, would leave options out for nothing and tell a bound above the optimum.
    """
    case = build_case(growing(), derive(growing()))
    watch = Watch(SolveOptions(gap=0.01, time_limit_s=60.0))
    few = coarsely(case, FEATURES, watch)
    assert few is not None
    narrow = narrowed(case, few)
    assert sum(map(len, narrow.options.values())) < sum(map(len, case.options.values()))
    tie_all(monkeypatch)
    made = narrowing_module._part(watch, narrow, FEATURES, few.orders())
    assert made is not None
    bound, missing = made[0].bounds(case)
    assert bound is None
    wide = narrowing_module._widened(case, narrow, missing)
    assert wide.options == dict(case.options)
    again = narrowing_module._part(watch, wide, FEATURES, few.orders())
    assert again is not None
    assert again[0].bounds(case)[0] == pytest.approx(again[0].point.value)
