"""Pricing: the cheapest pattern of a piece, and the row it gives.

With r the duals of the piece's own rows A and c' the reduced costs of its columns at a point of the relaxation, the
prices are  p = c' + r A : what the rest of the program leaves of a column's cost. The row is  p v >= z  with z a proven
lower bound of  min { p u : A u within its limits, u whole } , so it holds whether or not the search came to its end.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fleetopt.optimizer.matrix import Floats, Matrix
from fleetopt.optimizer.patterns.relaxation import Point, Relaxation
from fleetopt.optimizer.patterns.rows import Row
from fleetopt.optimizer.patterns.structure import Piece
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.pieces import entries_of, program_of
from fleetopt.optimizer.solve import SolveOptions, solve_here

PRICING_GAP = 3e-4
NODE_LIMIT = 1000
"""How hard to look for one pattern. Some knapsacks have thousands of nearly equal answers; a bound is enough."""

ROUNDING = 1e-7
"""Relative allowance by which a row is weakened for the solver's rounding."""

ROUNDS = 12
WORTH_A_ROUND = 1e-5
"""Relative rise of the bound below which another round is not worth its time."""

SHARE_OF_TIME = 0.4


def bounding(watch: Watch, matrix: Matrix, found: list[Piece]) -> list[Row]:
    """Rows that price patterns, each round at the duals of the relaxation with all rows so far."""
    relaxation, rows = Relaxation(matrix), list[Row]()
    programs = [program_of(matrix, np.zeros_like(matrix.cost), piece.rows, piece.columns) for piece in found]
    last = None
    for _ in range(ROUNDS):
        point = watch.each(relaxation.optimum, [watch.left_s])[0]
        if point is None:
            break
        watch.know("bounding", point.value)
        if _out_of_time(watch) or (last is not None and point.value - last <= WORTH_A_ROUND * abs(point.value)):
            break
        last, here = point.value, point
        new = watch.each(lambda pair: cheapest(watch, here, *pair), list(zip(found, programs, strict=True)))  # noqa: B023
        rows += (more := [row for row in new if row is not None])
        relaxation.add(more)
        if not more:
            break
    return rows


def _out_of_time(watch: Watch) -> bool:
    return watch.seconds > SHARE_OF_TIME * watch.options.time_limit_s


def cheapest(watch: Watch, point: Point, piece: Piece, program: Matrix) -> Row | None:
    """The row of the piece's cheapest pattern, None where the point obeys it or nothing is known."""
    here = point.columns[piece.columns]
    if np.abs(here - np.round(here))[program.integer].max() <= 1e-9:
        return None
    prices = prices_of(point, piece, program)
    largest = float(np.abs(prices).max())
    if largest <= 1e-9 or watch.over:
        return None
    effort = SolveOptions(gap=PRICING_GAP, time_limit_s=watch.left_s)
    priced = replace(program, cost=prices / largest)
    bound = solve_here(priced, effort, max_nodes=NODE_LIMIT, stop=lambda: watch.over).bound
    if bound is None:
        return None
    lower = bound - ROUNDING * max(1.0, abs(bound))
    if priced.cost @ here >= lower - ROUNDING * max(1.0, abs(bound)):
        return None
    stands = priced.cost != 0.0
    return Row(piece.columns[stands], priced.cost[stands], lower)


def prices_of(point: Point, piece: Piece, program: Matrix) -> Floats:
    """What the rest of the program leaves of each column's cost; a rounding error counts as nothing."""
    prices = point.column_dual[piece.columns].copy()
    start, entries = entries_of(program.rows, np.arange(program.rows.count, dtype=np.int32))
    duals = np.repeat(point.row_dual[piece.rows], np.diff(start))
    np.add.at(prices, program.rows.column[entries], duals * program.rows.coefficient[entries])
    prices[np.abs(prices) <= 1e-12 * np.abs(prices).max(initial=0.0)] = 0.0
    return prices
