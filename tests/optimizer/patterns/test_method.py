"""The phases under one clock: Ctrl-C, a short time, progress, repeatability, and which method a size calls for."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import fleetopt
from fleetopt.capacity.table import derive
from fleetopt.optimizer import aside as aside_module
from fleetopt.optimizer import run as run_module
from fleetopt.optimizer.aside import listen as really_listen
from fleetopt.optimizer.case import build_case
from fleetopt.optimizer.formulation import Problem, formulate
from fleetopt.optimizer.matrix import Matrix, compile_matrix
from fleetopt.optimizer.patterns import method as method_module
from fleetopt.optimizer.patterns import placing as placing_module
from fleetopt.optimizer.patterns import watch as watch_module
from fleetopt.optimizer.patterns.method import solve_by_patterns
from fleetopt.optimizer.run import optimize_case
from fleetopt.optimizer.solve import Progress, Reason, Solution, SolveOptions
from fleetopt.scenario.domain import Calendar, Outlook, Scenario, Slot
from tests.optimizer.conftest import Build as Made
from tests.optimizer.patterns.questions import tie_all

if TYPE_CHECKING:
    from tests.optimizer.conftest import Build

LIMIT = SolveOptions(gap=0.01, time_limit_s=60.0)


def growing() -> Scenario:
    """The quickstart over two quarters and two outlooks, with B200 to be reserved a quarter ahead."""
    small = fleetopt.load("quickstart")
    first = small.calendar.periods[0]
    periods = tuple(replace(first, name=f"{first.name}+{i}") for i in range(2))
    slots, outlooks = (Slot("day", 14.0), Slot("night", 10.0)), (Outlook("low", 0.6), Outlook("high", 0.4))
    factor = {"day": 1.0, "night": 0.35, "low": 0.9, "high": 1.3}
    steps = [(t.name, h.name, o.name) for t in periods for h in slots for o in outlooks]
    workloads = []
    for workload in small.workloads:
        peak = max(workload.demand_rps.values())
        demand = {(t, h, o): peak * factor[h] * factor[o] * (1.0 + 0.3 * int(t[-1])) for t, h, o in steps}
        workloads.append(replace(workload, demand_rps=demand))
    year = Made.line("b200-year", "8xB200", 30.0, kind="reserved", site="main", term=12, lead=3)
    supply = replace(small.supply, quotas=(), lines=(*small.supply.lines, year))
    return replace(small, calendar=Calendar(periods, slots, outlooks), workloads=tuple(workloads), supply=supply)


@pytest.fixture(scope="module")
def program() -> tuple[Problem, Matrix]:
    scenario = growing()
    problem = formulate(build_case(scenario, derive(scenario)))
    return problem, compile_matrix(problem)


def feasible(matrix: Matrix, values: Any) -> bool:
    row = np.repeat(np.arange(matrix.rows.count), np.diff(matrix.rows.start))
    activity = np.bincount(row, matrix.rows.coefficient * values[matrix.rows.column], matrix.rows.count)
    within = (activity >= matrix.row_lower - 1e-6) & (activity <= matrix.row_upper + 1e-6)
    bounds = (values >= matrix.column_lower - 1e-6) & (values <= matrix.column_upper + 1e-6)
    return bool(within.all() and bounds.all() and (np.abs(values - np.round(values))[matrix.integer] < 1e-6).all())


@pytest.mark.slow
def test_phases_follow_one_another_and_end_within_the_gap(program: tuple[Problem, Matrix], way: str) -> None:
    """Proves: the phases report in their order, bounds only rise and incumbents only fall, and the plan is whole,
    feasible and within the gap, whether or not the search is among them.
    Sensitivity: a bound of one piece reported for the whole would stand out as a fall.
    """
    problem, matrix = program
    told: list[Progress] = []
    found = solve_by_patterns(problem, matrix, replace(LIMIT, on_progress=told.append))
    assert way in {"plain", "tied"}
    assert list(dict.fromkeys(p.phase for p in told))[:3] == ["bounding", "searching", "choosing"]
    bounds = [p.bound for p in told if p.bound is not None]
    incumbents = [p.incumbent for p in told if p.incumbent is not None]
    assert bounds == sorted(bounds)
    assert incumbents == sorted(incumbents, reverse=True)
    assert found.reason is Reason.OPTIMAL
    assert found.values is not None
    assert found.objective is not None
    assert found.bound is not None
    assert found.objective - found.bound <= LIMIT.gap * found.objective + 1e-6
    assert feasible(matrix, found.values)
    assert float(matrix.cost @ found.values) + matrix.offset == pytest.approx(found.objective)


@pytest.mark.slow
@pytest.mark.usefixtures("way")
def test_the_same_question_gets_the_same_values(program: tuple[Problem, Matrix]) -> None:
    """Proves: two threads do not make two plans.
    Sensitivity: taking results as they come would order rows, and plans, by chance.
    """
    first, second = (solve_by_patterns(*program, LIMIT) for _ in range(2))
    assert first.values is not None
    assert second.values is not None
    assert first.values.tolist() == second.values.tolist()
    assert first.bound == second.bound


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.3])
def test_a_clock_that_runs_out_is_never_called_optimal(program: tuple[Problem, Matrix], seconds: float) -> None:
    """Proves: with too little time there is no solution, or one that is only feasible, with an honest bound.
    Sensitivity: a phase that took no notice of the clock would end as OPTIMAL.
    """
    found = solve_by_patterns(*program, SolveOptions(gap=0.0, time_limit_s=seconds))
    assert found.reason in {Reason.NO_SOLUTION_FOUND, Reason.FEASIBLE}
    assert (found.values is None) == (found.reason is Reason.NO_SOLUTION_FOUND)
    if found.objective is not None and found.bound is not None:
        assert found.bound <= found.objective


@pytest.mark.parametrize("calls", [1, 3])
def test_ctrl_c_keeps_what_is_known(
    program: tuple[Problem, Matrix], monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    """Proves: Ctrl-C while pieces are solved ends the run at once, with the bound so far and no traceback.
    Sensitivity: an interrupt that was not caught would end the process; one that was lost would go on searching.
    """
    bounds: list[float] = []
    waited = 0

    def tell(progress: Progress) -> None:
        bounds.extend([] if progress.bound is None else [progress.bound])

    def interrupted(*arguments: Any, **named: Any) -> Any:
        nonlocal waited
        waited += len(bounds) > 0
        if waited == calls:
            signal.raise_signal(signal.SIGINT)
        return really_listen(*arguments, **named)

    monkeypatch.setattr(aside_module, "listen", interrupted)
    found = solve_by_patterns(*program, replace(LIMIT, gap=0.0, on_progress=tell))
    assert waited >= calls
    assert found.reason in {Reason.NO_SOLUTION_FOUND, Reason.FEASIBLE}
    assert found.bound is not None
    assert found.bound > 0.0
    assert found.seconds < LIMIT.time_limit_s


@pytest.mark.slow
def test_ctrl_c_after_a_plan_gives_the_plan(program: tuple[Problem, Matrix]) -> None:
    """Proves: interrupted right after the first plan, that plan comes back with its bound.
    Sensitivity: values that were kept only at the end would be lost.
    """

    def stop(progress: Progress) -> None:
        if progress.incumbent is not None:
            raise KeyboardInterrupt

    found = solve_by_patterns(*program, replace(LIMIT, gap=0.0, on_progress=stop))
    assert found.reason is Reason.FEASIBLE
    assert found.values is not None
    assert feasible(program[1], found.values)
    assert found.bound is not None
    assert found.objective is not None
    assert found.bound <= found.objective


def test_the_log_has_the_phases(build: Build, tmp_path: Path) -> None:
    """Proves: --solver-log ends with what each phase knew, whether or not the solver wrote there as well.
    Sensitivity: the last phase opens the file anew, so lines written before it would be gone.
    """
    log = tmp_path / "solver.log"
    problem = formulate(
        build.case(build.scenario(build.workload(), [build.rate("c", 1.0)], [build.line("rent", "Ax4")]))
    )
    solve_by_patterns(problem, compile_matrix(problem), SolveOptions(gap=0.0, log_file=log))
    assert "bounding" in log.read_text(encoding="utf-8")


def test_a_contradiction_is_infeasible(build: Build) -> None:
    """Proves: one node for two requests/s is infeasible by patterns too.
    Sensitivity: a piece without patterns must not pass as a time limit.
    """
    lines = [build.line("rent", "Ax1", max_nodes=1)]
    problem = formulate(build.case(build.scenario(build.workload(rps=2.0), [build.rate("c", 1.0)], lines)))
    assert solve_by_patterns(problem, compile_matrix(problem), LIMIT).reason is Reason.INFEASIBLE


def test_nothing_to_decide_costs_nothing(build: Build) -> None:
    """Proves: no demand and no offer is a plan of 0 USD.
    Sensitivity: the largest of no times would be an error.
    """
    problem = formulate(build.case(build.scenario(build.workload(rps=0.0), [build.rate("c", 1.0)])))
    found = solve_by_patterns(problem, compile_matrix(problem), LIMIT)
    assert (found.reason, found.objective, found.bound) == (Reason.OPTIMAL, 0.0, 0.0)


def test_orders_that_leave_a_time_without_a_plan_are_not_the_end(
    program: tuple[Problem, Matrix], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: where pieces find nothing the whole program takes over.
    Sensitivity: a piece without values would be read as zeros.
    """
    nothing = Solution(Reason.INFEASIBLE, None, None, None, 0.0)
    tie_all(monkeypatch)
    monkeypatch.setattr(method_module, "fixed", lambda *_: None)
    monkeypatch.setattr(placing_module, "_round", lambda *_: None)
    monkeypatch.setattr(placing_module, "_solve", lambda *_: nothing)
    told: list[Progress] = []
    found = solve_by_patterns(*program, SolveOptions(gap=0.2, time_limit_s=60.0, on_progress=told.append))
    assert "closing" in {p.phase for p in told}
    assert found.values is not None
    assert feasible(program[1], found.values)


@pytest.mark.parametrize(("seconds", "step", "left"), [(60.0, 1.0, (20.0, 24.0)), (2.0, 0.1, ())])
def test_pieces_leave_time_for_a_proof(
    program: tuple[Problem, Matrix],
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    step: float,
    left: tuple[float, ...],
) -> None:
    """Proves: pieces that never come to their end take three fifths of what is left, and the whole program, which alone
    raises the bound, has the rest; of two seconds it would have too little to prove anything, and pieces have them all.
    Sensitivity: S, seed 2, spent its minute on pieces and proved nothing.
    """
    clock, limits = [perf_counter()], list[float]()

    def busy(*_: object) -> None:
        clock[0] += step

    def whole(_: object, options: SolveOptions, *__: object) -> Solution:
        limits.append(options.time_limit_s)
        return Solution(Reason.NO_SOLUTION_FOUND, None, None, None, 0.0)

    tie_all(monkeypatch)
    monkeypatch.setattr(watch_module, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(method_module, "fixed", lambda *_: None)
    monkeypatch.setattr(placing_module, "_round", lambda *_: None)
    monkeypatch.setattr(placing_module, "_solve", busy)
    monkeypatch.setattr(placing_module._Whole, "tell", lambda *_: True)
    monkeypatch.setattr(method_module, "solve", whole)
    solve_by_patterns(*program, SolveOptions(gap=0.0, time_limit_s=seconds))
    assert [left[0] <= limit <= left[1] for limit in limits] == [True] * bool(left)


@pytest.mark.parametrize(("asked", "many", "used"), [("auto", 1, "patterns"), ("auto", 99, "mip"), ("mip", 1, "mip")])
def test_the_size_chooses_the_method(
    build: Build, monkeypatch: pytest.MonkeyPatch, asked: Any, many: int, used: str
) -> None:
    """Proves: `auto` goes by patterns from so many whole-number columns, and a stated method is used whatever the size.
    Sensitivity: the plan's solver line would name a method that did not run.
    """
    monkeypatch.setattr(run_module, "MANY_INTEGERS", many)
    case = build.case(build.scenario(build.workload(rps=2.5), [build.rate("c", 1.0)], [build.line("rent", "Ax1")]))
    found = optimize_case(case, SolveOptions(gap=0.0, method=asked))
    assert found.method == used
    assert found.readout.objective_usd == pytest.approx(72.0)
