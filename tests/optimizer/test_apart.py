"""A program that falls apart has the optimum of the whole, part by part."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import fleetopt
from fleetopt.capacity.table import derive
from fleetopt.optimizer import apart as apart_module
from fleetopt.optimizer import aside as aside_module
from fleetopt.optimizer.apart import solve_apart
from fleetopt.optimizer.case import build_case
from fleetopt.optimizer.formulation import formulate
from fleetopt.optimizer.matrix import Matrix, Rows, compile_matrix
from fleetopt.optimizer.pieces import pieces
from fleetopt.optimizer.rules import Rule
from fleetopt.optimizer.solve import Progress, Reason, Solution, SolveOptions, solve, solve_here
from fleetopt.scenario.domain import Scenario
from tests.oracle.draw import Draw

if TYPE_CHECKING:
    from tests.optimizer.conftest import Build

EXACT = SolveOptions(gap=0.0)
CASES = 60


def matrix_of(scenario: Scenario) -> Matrix:
    return compile_matrix(formulate(build_case(scenario, derive(scenario))))


def parts(matrix: Matrix) -> int:
    return len(pieces(matrix.rows, np.zeros(matrix.cost.size, dtype=bool)))


def at_least(bounds: list[float], cost: list[float]) -> Matrix:
    """Whole x of at least these bounds and at most ten, with no row between any two."""
    count = len(bounds)
    return Matrix(
        rows=Rows(np.arange(count + 1, dtype=np.int32), np.arange(count, dtype=np.int32), np.ones(count)),
        cost=np.array(cost),
        offset=0.0,
        column_lower=np.zeros(count),
        column_upper=np.full(count, 10.0),
        integer=np.ones(count, dtype=bool),
        row_lower=np.array(bounds),
        row_upper=np.full(count, np.inf),
        variables=tuple(range(count)),
        rules=tuple(Rule("x_is_enough", (place,), 0, ">=", bound, None) for place, bound in enumerate(bounds)),
    )


@pytest.fixture
def two_slots(build: Build) -> Scenario:
    """A demand of 1 by night and 3 by day, on rented nodes: 24 and 48 GPU-hours."""
    over = build.calendar(slots=(12.0, 12.0))
    demand = {("t1", "h1", "o1"): 1.0, ("t1", "h2", "o1"): 3.0}
    lines = [build.line("rent", "Ax1", 2.0)]
    return build.scenario(build.workload(rps=demand, over=over), [build.rate("c", 1.0)], lines, over=over)


def test_two_times_that_nothing_links_are_two_programs(two_slots: Scenario) -> None:
    """Proves: 12 h x 1 node + 12 h x 3 nodes at 2 USD/h are 96 USD, found and proven in two parts.
    Sensitivity: an offset counted twice or a column at another's place would show in cost and values.
    """
    matrix = matrix_of(two_slots)
    assert parts(matrix) == 2
    found, whole = solve_apart(matrix, EXACT), solve(matrix, EXACT)
    assert (found.reason, found.objective, found.bound) == (Reason.OPTIMAL, 96.0, 96.0)
    assert found.values is not None
    assert whole.values is not None
    assert matrix.cost @ found.values == matrix.cost @ whole.values


@pytest.mark.slow
def test_parts_add_up_to_the_optimum_of_the_whole() -> None:
    """Proves: on random questions the sum of the parts is the optimum of the one program, its plan obeys every row, and
    no bound told on the way is above it.

    Sensitivity: a row left out of all parts would make plans cheaper; a bound counted for two parts would be too high.
    """
    fell_apart = 0
    for seed in range(CASES):
        matrix = matrix_of(Draw(Random(seed)).scenario())
        told: list[Progress] = []
        found, whole = solve_apart(matrix, replace(EXACT, on_progress=told.append)), solve(matrix, EXACT)
        fell_apart += parts(matrix) > 1
        assert found.reason is whole.reason, f"seed {seed}"
        if found.values is None or whole.objective is None:
            continue
        assert found.objective == pytest.approx(whole.objective, rel=1e-6, abs=1e-6), f"seed {seed}"
        assert all(p.bound <= whole.objective + 1e-5 * abs(whole.objective) for p in told if p.bound is not None)
        row = np.repeat(np.arange(matrix.rows.count), np.diff(matrix.rows.start))
        sums = np.bincount(row, matrix.rows.coefficient * found.values[matrix.rows.column], matrix.rows.count)
        assert (sums >= matrix.row_lower - 1e-6).all(), f"seed {seed}"
        assert (sums <= matrix.row_upper + 1e-6).all(), f"seed {seed}"
    assert fell_apart > CASES // 4


def test_parts_that_differ_by_a_factor_are_solved_once(build: Build) -> None:
    """Proves: three slots of 6, 6 and 12 hours with one demand are one part at the cost of three.
    Sensitivity: a bound or a cost that was not scaled would be 144 instead of 192 USD; told apart, three are solved.
    """
    over = build.calendar(slots=(6.0, 6.0, 12.0))
    lines = [build.line("rent", "Ax1", 2.0)]
    asked = build.scenario(build.workload(rps=4.0, over=over), [build.rate("c", 1.0)], lines, over=over)
    told: list[Progress] = []
    matrix = matrix_of(asked)
    assert parts(matrix) == 3
    found = solve_apart(matrix, replace(EXACT, on_progress=told.append))
    assert (found.objective, found.bound) == (192.0, 192.0)
    assert {progress.phase for progress in told} == {"part 1 of 1", "together"}


def test_a_part_that_cannot_be_is_the_end_of_the_whole(two_slots: Scenario) -> None:
    """Proves: where one time cannot be served the whole is infeasible, as for the one program.
    Sensitivity: the plan of the other times would pass for a plan.
    """
    supply = replace(two_slots.supply, lines=tuple(replace(line, max_nodes=2) for line in two_slots.supply.lines))
    matrix = matrix_of(replace(two_slots, supply=supply))
    assert solve_apart(matrix, EXACT).reason is solve(matrix, EXACT).reason is Reason.INFEASIBLE


def test_parts_that_pay_are_within_the_gap_of_the_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: with 1000 USD paid and 998 USD got, each proven to 10 %, the sum of 2 USD is not, and is proven anew.
    Sensitivity: 200 USD that are missing in the parts would pass for 10 % of 2 USD.
    """

    def loose(program: Matrix, *arguments: Any, **named: Any) -> Solution:
        found = solve_here(program, *arguments, **named)
        assert found.objective is not None
        return replace(found, bound=found.objective - 0.1 * abs(found.objective))

    monkeypatch.setattr(apart_module, "solve_here", loose)
    found = solve_apart(at_least([2.5, 0.5], [1000.0 / 3.0, -99.8]), SolveOptions(gap=0.1))
    assert found.reason is Reason.OPTIMAL
    assert found.objective == pytest.approx(2.0)
    assert found.bound is not None
    assert found.bound == pytest.approx(2.0, abs=0.2)


@pytest.mark.parametrize("seconds", [0.0, 0.001])
def test_a_clock_that_runs_out_is_never_called_optimal(seconds: float) -> None:
    """Proves: with no time there is no solution, or one that is not called proven.
    Sensitivity: a part that was never looked at would count as served.
    """
    matrix = matrix_of(fleetopt.load("quickstart"))
    assert parts(matrix) == 3
    found = solve_apart(matrix, SolveOptions(gap=0.0, time_limit_s=seconds))
    assert found.reason in {Reason.NO_SOLUTION_FOUND, Reason.FEASIBLE}
    assert (found.values is None) == (found.reason is Reason.NO_SOLUTION_FOUND)


def test_ctrl_c_gives_the_best_plan_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: interrupted at once, every part still gets some plan, and the bound is no higher than it.
    Sensitivity: the parts not yet begun would be left without one, and the whole with nothing.
    """
    really_listen = aside_module.listen
    pressed: list[None] = []

    def interrupted(*arguments: object) -> None:
        if not pressed:
            pressed.append(None)
            signal.raise_signal(signal.SIGINT)
        really_listen(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(aside_module, "listen", interrupted)
    found = solve_apart(matrix_of(fleetopt.load("quickstart")), EXACT)
    assert pressed
    if found.objective is not None and found.bound is not None:
        assert found.bound <= found.objective * (1.0 + 1e-9)
    assert found.reason is not Reason.INFEASIBLE


def test_the_log_has_the_lines_of_every_part(two_slots: Scenario, tmp_path: Path) -> None:
    """Proves: the solver's log tells of each part, one after the other.
    Sensitivity: a log of the last part alone would say nothing of the others.
    """
    log = tmp_path / "solver.log"
    solve_apart(matrix_of(two_slots), replace(EXACT, log_file=log))
    text = log.read_text(encoding="utf-8")
    assert text.count("Running HiGHS") == 2
    assert text.index("part 1 of 2") < text.index("part 2 of 2") < text.index("together")
