"""The master of a program that falls apart into blocks: orders, beneath everything that the blocks have said so far.

A cut says that a block costs at least  usd + slope . orders. The master has one column for the cost of each block and
one row for each cut; its optimum is a bound of the whole program, with whole orders as well as with relaxed ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from fleetopt.optimizer.matrix import Floats, Program
from fleetopt.optimizer.patterns.relaxation import Point, Relaxation
from fleetopt.optimizer.patterns.rows import Row
from fleetopt.optimizer.solve import SolveOptions, solve_here


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """USD of a block >= usd + slope . orders, and the duals of its rows that say so."""

    usd: float
    slope: Floats
    duals: Floats


class Master:
    """Orders, and what each block costs at least by its cuts, which are all in here."""

    def __init__(self, orders: Program, counting: Sequence[Row], cuts: Sequence[list[Cut]]) -> None:
        """Begins with no cut.

        Args:
            orders: the rows and columns of orders.
            counting: rows over orders and, after them, the cost of each block.
            cuts: of each block; more of them may come.
        """
        self._cuts, count = cuts, len(cuts)
        self._in: list[tuple[int, Cut]] = []
        self._taken = [0 for _ in cuts]
        self._rows, self._integer = orders.rows.count + len(counting), orders.integer
        self._relaxation = Relaxation(
            replace(
                orders,
                cost=np.concatenate([orders.cost, np.ones(count)]),
                column_lower=np.concatenate([orders.column_lower, np.zeros(count)]),
                column_upper=np.concatenate([orders.column_upper, np.full(count, np.inf)]),
                integer=np.zeros(orders.cost.size + count, dtype=bool),
            )
        )
        self._relaxation.add(counting)

    @property
    def program(self) -> Program:
        """The relaxed program, with the cuts taken in so far."""
        return self._relaxation.program

    def optimum(self, end: float) -> Point | None:
        """The optimum with the cuts that there are by now; None where it is not found before the end."""
        self._take()
        return self._relaxation.optimum(end - perf_counter())

    def whole(self, effort: SolveOptions, stop: Callable[[], bool]) -> tuple[Floats | None, float]:
        """Whole orders within the effort, if some were found, and a bound of their cost with the blocks'."""
        self._take()
        count = len(self._integer)
        integer = np.concatenate([self._integer, np.zeros(len(self._cuts), dtype=bool)])
        solution = solve_here(replace(self._relaxation.program, integer=integer), effort, stop=stop)
        orders = None if solution.values is None else solution.values[:count]
        return orders, -np.inf if solution.bound is None else solution.bound

    def duals(self, point: Point, rows: Sequence[int]) -> list[Floats]:
        """The duals of each block's rows, mixed from its cuts; those that have no part in it are forgotten.

        Args:
            point: the optimum.
            rows: how many each block has.
        """
        found = [np.zeros(count) for count in rows]
        for cuts in self._cuts:
            cuts.clear()
        for (place, cut), share in zip(self._in, point.row_dual[self._rows :], strict=True):
            if share > 0.0:
                found[place][: len(cut.duals)] += share * cut.duals
                self._cuts[place].append(cut)
        return found

    def _take(self) -> None:
        rows, first = [], len(self._integer)
        for place, cuts in enumerate(self._cuts):
            for cut in cuts[self._taken[place] :]:
                rises = np.flatnonzero(cut.slope)
                columns = np.append(rises, first + place).astype(np.int32)
                rows.append(Row(columns, np.append(-cut.slope[rises], 1.0), cut.usd))
                self._in.append((place, cut))
            self._taken[place] = len(cuts)
        self._relaxation.add(rows)
