"""Pricing: the cheapest pattern of a piece, and the row it gives.

With r the duals of the piece's own rows A and c' the reduced costs of its columns at a point of the relaxation, the
prices are  p = c' + r A : what the rest of the program leaves of a column's cost. The row is  p v >= z  with z a proven
lower bound of  min { p u : A u within its limits, u whole } , so it holds whether or not the search came to its end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from fleetopt.optimizer.matrix import Floats, Program
from fleetopt.optimizer.patterns.blocks import Blocks
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

SAME_PRICE = 1e-7
ROUNDS = 12
WORTH_A_ROUND = 1e-5
"""Relative rise of the bound below which another round is not worth its time."""

SHARE_OF_TIME = 0.35
"""Of the time limit, what bounding may use; rows that were not priced by then only make the bound weaker."""


@dataclass(slots=True, eq=False)
class _Priced:
    """A piece with its program and the prices it was last solved at."""

    piece: Piece
    program: Program
    prices: Floats | None = None


def bounding(
    watch: Watch, matrix: Program, relaxation: Relaxation | Blocks, found: list[Piece]
) -> tuple[list[Row], Point | None]:
    """Rows that price patterns, each round at the duals of the relaxation with all so far, and its last optimum.

    Rows whose optimum is not found any more are not among them.
    """
    rows, new, best = list[Row](), list[Row](), None
    zeros = np.zeros_like(matrix.cost)
    priced = [_Priced(piece, program_of(matrix, zeros, piece.rows, piece.columns)) for piece in found]
    for _ in range(ROUNDS):
        point = watch.each(relaxation.optimum, [watch.left_s])[0]
        if point is None:
            break
        watch.know("bounding", point.value)
        risen = best is None or point.value - best.value > WORTH_A_ROUND * abs(point.value)
        rows, best = rows + new, point
        if _out_of_time(watch) or not risen:
            break
        priced.sort(key=partial(_stake, point))
        new = [row for row in watch.each(partial(_cheapest, watch, point), priced) if row is not None]
        if not new:
            break
        relaxation.add(new)
    return rows, best


def _stake(point: Point, priced: _Priced) -> float:
    """What the relaxation pays for a piece, the most first: if time is short, the rows that matter are there."""
    return -float(prices_of(point, priced.piece, priced.program) @ point.columns[priced.piece.columns])


def _out_of_time(watch: Watch) -> bool:
    return watch.over or watch.seconds > SHARE_OF_TIME * watch.options.time_limit_s


def _cheapest(watch: Watch, point: Point, priced: _Priced) -> Row | None:
    """The row of a piece's cheapest pattern, None where the point obeys it, or obeyed it at these prices before."""
    here = point.columns[priced.piece.columns]
    if np.abs(here - np.round(here))[priced.program.integer].max() <= 1e-9:
        return None
    prices = prices_of(point, priced.piece, priced.program)
    if _out_of_time(watch) or not prices.any():
        return None
    prices /= np.abs(prices).max()
    if priced.prices is not None and np.abs(prices - priced.prices).max() <= SAME_PRICE:
        return None
    priced.prices = prices
    return pattern_row(priced.piece, priced.program, prices, here, watch)


def pattern_row(piece: Piece, program: Program, prices: Floats, here: Floats, watch: Watch) -> Row | None:
    """The row of the cheapest pattern at some prices, None where `here` obeys it or no bound is known."""
    effort = SolveOptions(gap=PRICING_GAP, time_limit_s=watch.left_s)
    bound = solve_here(replace(program, cost=prices), effort, max_nodes=NODE_LIMIT, stop=lambda: watch.over).bound
    if bound is None:
        return None
    allowance = ROUNDING * max(1.0, abs(bound))
    if prices @ here >= bound - 2.0 * allowance:
        return None
    stands = prices != 0.0
    return Row(piece.columns[stands], prices[stands], bound - allowance)


def prices_of(point: Point, piece: Piece, program: Program) -> Floats:
    """What the rest of the program leaves of each column's cost; a rounding error counts as nothing."""
    prices = point.column_dual[piece.columns].copy()
    start, entries = entries_of(program.rows, np.arange(program.rows.count, dtype=np.int32))
    duals = np.repeat(point.row_dual[piece.rows], np.diff(start))
    np.add.at(prices, program.rows.column[entries], duals * program.rows.coefficient[entries])
    prices[np.abs(prices) <= 1e-12 * np.abs(prices).max(initial=0.0)] = 0.0
    return prices
