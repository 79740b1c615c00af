"""Cheapest patterns by hand: the row they give, and that it holds for every whole plan and for no less."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from fleetopt.capacity.table import derive
from fleetopt.optimizer.case import build_case
from fleetopt.optimizer.formulation import Problem, formulate
from fleetopt.optimizer.matrix import Matrix, compile_matrix
from fleetopt.optimizer.patterns.pricing import bounding, pattern_row, prices_of
from fleetopt.optimizer.patterns.relaxation import Relaxation
from fleetopt.optimizer.patterns.rows import Row, strengthened
from fleetopt.optimizer.patterns.structure import NO_TIME, Piece, time_of_columns
from fleetopt.optimizer.patterns.tied import knots
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.pieces import pieces, program_of
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.scenario.domain import Scenario

if TYPE_CHECKING:
    from tests.optimizer.conftest import Build

EXACT = SolveOptions(gap=0.0)


def program(scenario: Scenario) -> tuple[Problem, Matrix]:
    problem = formulate(build_case(scenario, derive(scenario)))
    return problem, compile_matrix(problem)


def rents(build: Build, rps: float = 2.5) -> Scenario:
    """Replicas of 1 request/s on 4-GPU nodes at 1 USD/h: a whole plan has 3 replicas on one node, 24 USD."""
    return build.scenario(build.workload(rps=rps), [build.rate("c", 1.0)], [build.line("rent", "Ax4")])


def pieces_of(problem: Problem, matrix: Matrix) -> list[Piece]:
    """The knots of a program all of whose replicas are tied."""
    replicas = np.array([v.parent_component() is problem.model.REPLICAS for v in matrix.variables], dtype=bool)
    return knots(matrix, replicas, time_of_columns(problem, matrix), np.zeros_like(replicas), beneath_orders=False)


def test_the_cheapest_pattern_of_two_and_a_half_requests_is_three_replicas(build: Build) -> None:
    """Proves: at 6 USD a GPU the relaxation uses 2.5 replicas, the row asks for 3, and the bound rises from 15 to 18.
    Sensitivity: a row from the relaxed pattern would say 2.5 and change nothing.
    """
    problem, matrix = program(rents(build))
    (piece,) = pieces_of(problem, matrix)
    inside = program_of(matrix, np.zeros_like(matrix.cost), piece.rows, piece.columns)
    point = Relaxation(matrix).optimum(10.0)
    assert point is not None
    assert point.value == pytest.approx(15.0)
    prices = prices_of(point, piece, inside)
    assert prices.tolist() == pytest.approx([6.0])
    row = pattern_row(piece, inside, prices, point.columns[piece.columns], Watch(EXACT))
    assert row is not None
    assert (row.columns.tolist(), row.coefficients.tolist()) == (piece.columns.tolist(), pytest.approx([6.0]))
    assert row.lower == pytest.approx(18.0, rel=1e-6)
    assert row.lower <= 18.0


def test_what_already_obeys_gets_no_row(build: Build) -> None:
    """Proves: at three whole replicas the cheapest pattern is no news.
    Sensitivity: rows without effect would fill the relaxation round by round.
    """
    problem, matrix = program(rents(build))
    (piece,) = pieces_of(problem, matrix)
    inside = program_of(matrix, np.zeros_like(matrix.cost), piece.rows, piece.columns)
    assert pattern_row(piece, inside, np.array([6.0]), np.array([3.0]), Watch(EXACT)) is None


def test_rounds_raise_the_bound_to_that_of_whole_patterns(build: Build) -> None:
    """Proves: bounding ends at 18 USD: whole replicas on a part of a node, 24 USD being the optimum.
    Sensitivity: a pattern that took the node in as well would no longer be one workload's.
    """
    problem, matrix = program(rents(build))
    watch = Watch(EXACT)
    found = pieces_of(problem, matrix)
    rows, point = bounding(watch, matrix, Relaxation(matrix), found)
    assert len(rows) == 1
    assert point is not None
    assert point.value == pytest.approx(18.0, rel=1e-6)
    assert watch.bound == pytest.approx(18.0, rel=1e-6)


def test_two_workloads_at_two_times_are_four_pieces(build: Build) -> None:
    """Proves: nodes link workloads and orders link times, and neither is in a piece; orders have no time.
    Sensitivity: a piece with the order in it would be the whole program.
    """
    over = build.calendar(1, (8.0, 16.0))
    asked = [build.workload(name, 1.5, over=over) for name in ("chat", "code")]
    lines = [build.line("rent", "Ax2"), build.line("year", "Ax2", kind="reserved", term=1)]
    problem, matrix = program(build.scenario(asked, [build.rate("c", 1.0)], lines, over=over))
    time = time_of_columns(problem, matrix)
    found = pieces_of(problem, matrix)
    assert [len(piece.columns) for piece in found] == [1, 1, 1, 1]
    assert sorted(time[piece.columns[0]] for piece in found) == [0, 0, 1, 1]
    unplaced = [str(matrix.variables[i]) for i in np.flatnonzero(time == NO_TIME)]
    assert unplaced == ["ORDERS[year,t1]"]
    assert len(pieces(matrix.rows, time == NO_TIME)) == 2


def test_a_row_is_added_below_the_others(build: Build) -> None:
    """Proves: the strengthened program has the row's coefficients and limit at its end.
    Sensitivity: a start that is off by one gives every later row its neighbour's columns.
    """
    _, matrix = program(rents(build))
    row = Row(np.array([1, 0], np.int32), np.array([2.0, 3.0]), 5.0)
    strong = strengthened(matrix, [row])
    last = slice(strong.rows.start[-2], strong.rows.start[-1])
    assert strong.rows.count == matrix.rows.count + 1
    assert strong.rows.column[last].tolist() == [1, 0]
    assert strong.rows.coefficient[last].tolist() == [2.0, 3.0]
    assert (strong.row_lower[-1], strong.row_upper[-1]) == (5.0, np.inf)
    assert strengthened(matrix, []).rows.count == matrix.rows.count
