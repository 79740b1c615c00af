"""What the solver's words mean: a clock that ran out is never called optimal, and no plan is never a plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

import fleetopt
from fleetopt.capacity.table import derive
from fleetopt.errors import Infeasible, NoPlanWithinLimit
from fleetopt.optimizer import run as run_module
from fleetopt.optimizer.case import build_case
from fleetopt.optimizer.formulation import formulate
from fleetopt.optimizer.matrix import Matrix, compile_matrix
from fleetopt.optimizer.run import optimize_case
from fleetopt.optimizer.solve import Progress, Reason, Solution, SolveOptions, solve
from fleetopt.scenario.domain import Calendar, Outlook, Scenario, Slot

if TYPE_CHECKING:
    from tests.optimizer.conftest import Build

EXACT = SolveOptions(gap=0.0)


def matrix_of(scenario: Scenario) -> Matrix:
    return compile_matrix(formulate(build_case(scenario, derive(scenario))))


@pytest.fixture(scope="module")
def large() -> Scenario:
    """The quickstart over three periods, six slots and three outlooks, with a demand of its own in each."""
    small = fleetopt.load("quickstart")
    first = small.calendar.periods[0]
    periods = tuple(replace(first, name=f"{first.name}+{i}") for i in range(3))
    slots = tuple(Slot(f"h{i}", 4.0) for i in range(6))
    outlooks = tuple(Outlook(f"o{i}", share) for i, share in enumerate((0.25, 0.25, 0.5)))
    workloads = []
    for workload in small.workloads:
        peak = max(workload.demand_rps.values())
        steps = [(t.name, h.name, o.name) for t in periods for h in slots for o in outlooks]
        demand = {time: peak * (0.31 + 0.029 * index) for index, time in enumerate(steps)}
        workloads.append(replace(workload, demand_rps=demand))
    supply = replace(small.supply, quotas=())
    return replace(small, calendar=Calendar(periods, slots, outlooks), workloads=tuple(workloads), supply=supply)


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.05])
def test_a_clock_that_runs_out_is_never_called_optimal(large: Scenario, seconds: float) -> None:
    """Proves: with too little time there is no solution, or one that is only feasible, with an honest bound.
    Sensitivity: mapping the time limit to "ok", as famous tools do, would call an unproven plan optimal.
    """
    found = solve(matrix_of(large), SolveOptions(gap=0.0, time_limit_s=seconds))
    assert found.reason in {Reason.NO_SOLUTION_FOUND, Reason.FEASIBLE}
    assert (found.values is None) == (found.reason is Reason.NO_SOLUTION_FOUND)
    assert (found.objective is None) == (found.values is None)
    if found.objective is not None and found.bound is not None:
        assert found.bound <= found.objective


def test_the_whole_pipeline_says_so_too(large: Scenario) -> None:
    """Proves: `optimize` ends in NoPlanWithinLimit or in a verified plan that calls itself FEASIBLE.
    Sensitivity: an unsolved program read out as zeros would be an empty plan that costs nothing.
    """
    try:
        plan = fleetopt.optimize(large, SolveOptions(gap=0.0, time_limit_s=0.05))
    except NoPlanWithinLimit:
        return
    assert plan.status == "FEASIBLE"


@pytest.mark.slow
def test_a_node_limit_is_a_limit_too(large: Scenario) -> None:
    """Proves: stopping after one node of the search is not optimal either.
    Sensitivity: only the clock would be told apart from a proof.
    """
    found = solve(matrix_of(large), SolveOptions(gap=0.0, time_limit_s=20.0), max_nodes=1)
    assert found.reason is not Reason.OPTIMAL


def test_a_small_program_is_solved_to_optimality(build: Build) -> None:
    """Proves: three replicas on three nodes, objective and bound 72, whole values.
    Sensitivity: a bound taken from the relaxation would be below.
    """
    asked = build.scenario(build.workload(rps=2.5), [build.rate("c", 1.0)], [build.line("rent", "Ax1")])
    found = solve(matrix_of(asked), EXACT)
    assert found.reason is Reason.OPTIMAL
    assert found.values is not None
    assert found.objective == pytest.approx(72.0)
    assert found.bound == pytest.approx(72.0)
    assert found.values.tolist() == [3.0, 3.0]


def test_a_contradiction_is_infeasible(build: Build) -> None:
    """Proves: one node for two requests/s is no matter of time.
    Sensitivity: reported as NO_SOLUTION_FOUND it would send people to a longer time limit.
    """
    lines = [build.line("rent", "Ax1", max_nodes=1)]
    asked = build.scenario(build.workload(rps=2.0), [build.rate("c", 1.0)], lines)
    found = solve(matrix_of(asked), EXACT)
    assert (found.reason, found.objective, found.bound, found.values) == (Reason.INFEASIBLE, None, None, None)


def test_a_program_without_columns_is_solved(build: Build) -> None:
    """Proves: nothing to decide costs the offset.
    Sensitivity: HiGHS calls an empty model neither optimal nor infeasible.
    """
    found = solve(matrix_of(build.scenario(build.workload(rps=0.0), [build.rate("c", 1.0)])), EXACT)
    assert (found.reason, found.objective, found.bound) == (Reason.OPTIMAL, 0.0, 0.0)


def test_a_gap_is_enough_where_it_is_asked_for(build: Build) -> None:
    """Proves: within a gap of 100 % any plan ends the search, and its bound is still below it.
    Sensitivity: a gap that did not reach the solver would be searched to the end.
    """
    asked = build.scenario(build.workload(rps=2.5), [build.rate("c", 1.0)], [build.line("rent", "Ax1")])
    found = solve(matrix_of(asked), SolveOptions(gap=1.0))
    assert found.reason is Reason.OPTIMAL
    assert found.objective is not None
    assert found.bound is not None
    assert found.bound <= found.objective <= 2.0 * 72.0


@pytest.mark.slow
def test_a_start_is_taken_up(large: Scenario) -> None:
    """Proves: a known plan given to a solver that may not branch comes back, or a better one does.
    Sensitivity: a start that got lost would leave NO_SOLUTION_FOUND or a dearer plan.
    """
    small = replace(large, workloads=large.workloads[:1])
    matrix = matrix_of(small)
    known = solve(matrix, SolveOptions(gap=0.05, time_limit_s=20.0))
    assert known.values is not None
    again = solve(matrix, SolveOptions(gap=0.0, time_limit_s=5.0), start=known.values, max_nodes=0)
    assert again.objective is not None
    assert known.objective is not None
    assert again.objective <= known.objective * (1.0 + 1e-9)


@pytest.mark.slow
def test_progress_is_told_while_it_runs(large: Scenario) -> None:
    """Proves: a long solve reports rising seconds, and bounds never above incumbents.
    Sensitivity: without the callback the list would be empty.
    """
    told: list[Progress] = []
    solve(matrix_of(large), SolveOptions(gap=0.0, time_limit_s=2.0, on_progress=told.append))
    assert told
    assert [p.seconds for p in told] == sorted(p.seconds for p in told)
    assert all(p.bound <= p.incumbent * (1 + 1e-6) for p in told if p.bound is not None and p.incumbent is not None)


@pytest.mark.parametrize(
    ("bound", "said"), [(None, "no plan was found .* 7 s"), (1234.5, "no plan can cost less than 1,234.50 USD")]
)
def test_no_values_are_no_plan(build: Build, monkeypatch: pytest.MonkeyPatch, bound: float | None, said: str) -> None:
    """Proves: a solve without values raises, and says what is known.
    Sensitivity: reading out None would crash with a traceback, exit 1 instead of 4.
    """
    unsolved = Solution(Reason.NO_SOLUTION_FOUND, None, bound, None, 7.0)
    monkeypatch.setattr(run_module, "solve_apart", lambda *_: unsolved)
    case = build.case(build.scenario(build.workload(), [build.rate("c", 1.0)], [build.line("rent", "Ax1")]))
    with pytest.raises(NoPlanWithinLimit, match=said) as stop:
        optimize_case(case, SolveOptions(time_limit_s=7.0))
    assert stop.value.bound_usd == bound
    assert stop.value.exit_code == 4


def test_an_infeasible_case_is_diagnosed(build: Build) -> None:
    """Proves: the case raises Infeasible with a conflict and repairs.
    Sensitivity: NoPlanWithinLimit would be exit 4 instead of 3.
    """
    lines = [build.line("rent", "Ax1", max_nodes=1)]
    asked = build.scenario(build.workload(rps=2.0), [build.rate("c", 1.0)], lines)
    with pytest.raises(Infeasible) as stop:
        optimize_case(build.case(asked), EXACT)
    assert stop.value.conflict
    assert stop.value.repairs


def test_the_clock_is_told_of_both_stages(build: Build) -> None:
    """Proves: --timings hears of building and solving, once each.
    Sensitivity: a stage without its time would be missing from the table.
    """
    told: list[tuple[str, float]] = []
    case = build.case(build.scenario(build.workload(), [build.rate("c", 1.0)], [build.line("rent", "Ax1")]))
    optimize_case(case, EXACT, lambda stage, seconds: told.append((stage, seconds)))
    assert [stage for stage, _ in told] == ["build", "solve"]
    assert all(seconds >= 0.0 for _, seconds in told)


def test_a_column_is_one_number_wherever_it_stands(build: Build) -> None:
    """Proves: the matrix of one workload, option and offer is the two rows and two columns one would write down.
    Sensitivity: a sign or a bound that is wrong shows here before it shows in a cost.
    """
    asked = build.scenario(build.workload(rps=2.5), [build.rate("c", 1.0)], [build.line("rent", "Ax2", 3.0)])
    matrix = matrix_of(asked)
    assert [rule.sentence for rule in matrix.rules] == ["gpus_fit_in_fleet", "demand_is_met"]
    dense = np.zeros((2, 2))
    for row in range(2):
        entries = slice(matrix.rows.start[row], matrix.rows.start[row + 1])
        dense[row, matrix.rows.column[entries]] = matrix.rows.coefficient[entries]
    assert dense.tolist() == [[1.0, -2.0], [pytest.approx(0.4), 0.0]]
    assert matrix.cost.tolist() == [0.0, 72.0]
    assert matrix.row_upper.tolist() == [0.0, np.inf]
    assert matrix.row_lower.tolist() == [-np.inf, 1.0]
    assert matrix.column_upper.tolist() == [3.0, np.inf]
    assert matrix.integer.tolist() == [True, True]
