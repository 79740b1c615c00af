"""Fixing: patterns for what is tied. At prices of GPUs the knots are small programs by themselves.

At first each is made whole at the prices of the relaxation, and other workloads are searched around them: what they
take up is not there for others. Later, where patterns are chosen a time by itself, the prices of that choice ask for
further ones (Gilmore and Gomory, Oper. Res. 9, 1961).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fleetopt.optimizer.matrix import Floats, Ints, Program
from fleetopt.optimizer.patterns.plain import Plain
from fleetopt.optimizer.patterns.relaxation import Relaxation
from fleetopt.optimizer.patterns.relaxed import Ground
from fleetopt.optimizer.patterns.rows import Row, strengthened
from fleetopt.optimizer.patterns.search import further, prices
from fleetopt.optimizer.patterns.structure import Piece
from fleetopt.optimizer.patterns.tied import knots, sharing
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.pieces import program_of
from fleetopt.optimizer.solve import Reason, Solution, SolveOptions, solve_here

USED = 1e-6

GAP, NODES, LONGEST_S = 0.02, 50, 2.0
"""How near the cheapest a knot is made whole, and how hard to look."""

LARGE, FAR = 100, 0.3
"""Columns of a knot from which a quick look is in vain, and how far above its relaxed cost another look is taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """GPUs by place, (pools x times): their price, how many there are at it, and USD more for one beyond these."""

    price: Floats
    there: Floats
    more: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """Where tied columns take up GPUs: the place (as in `Pools`), -1 of columns that do not, and how many of them."""

    place: Ints
    gpus: Floats

    @classmethod
    def of(cls, plain: Plain) -> Bench:
        """The tied columns of a program."""
        pools = plain.pools
        uses = plain.tied[pools.orders]
        columns, at = pools.orders[uses], pools.order_place[uses]
        place, gpus = np.full(plain.tied.size, -1, np.int32), np.zeros(plain.tied.size)
        place[columns], gpus[columns] = at, -pools.order_gpus[uses]
        return cls(place, gpus)

    def used(self, columns: Ints, values: Floats, places: int) -> Floats:
        """GPUs that values of some columns take up, by place."""
        uses = self.place[columns] >= 0
        at = columns[uses]
        return np.bincount(self.place[at], self.gpus[at] * values[uses], places).astype(float)

    def cheapest(self, own: Program, columns: Ints, market: Market) -> Floats | None:
        """The columns of a knot, whole and about as cheap as can be; None where none was found.

        Args:
            own: its program; costs are without GPUs.
            columns: what its columns are in the whole.
            market: what GPUs cost.
        """
        wider, effort = self._buying(own, columns, market), SolveOptions(gap=GAP, time_limit_s=LONGEST_S)
        relaxed = Relaxation(wider).optimum(LONGEST_S)
        if relaxed is None:
            return None
        few = wider.column_upper.copy()
        dear = self._dear(own, columns, market)
        few[dear[relaxed.columns[dear] <= USED]] = 0.0
        best, large = Solution(Reason.NO_SOLUTION_FOUND, None, None, None, 0.0), own.cost.size > LARGE
        looks = (few, True), (few, False), (wider.column_upper, False)
        for upper, small in looks[large:]:
            found = solve_here(replace(wider, column_upper=upper), effort, None, NODES, small=small)
            if found.objective is not None and (best.objective is None or found.objective < best.objective):
                best = found
            far = FAR * abs(relaxed.value) if large else np.inf
            if best.objective is not None and best.objective <= relaxed.value + far:
                break
        if best.values is None:
            return None
        return np.where(own.integer, np.rint(best.values[: own.cost.size]), best.values[: own.cost.size])

    def _dear(self, own: Program, columns: Ints, market: Market) -> Ints:
        """Columns that take up GPUs but in no row do most for their price: without these it is sooner done."""
        uses, rows = self.place[columns] >= 0, own.rows
        dearest_usd = (market.price + market.more)[self.place[columns]]
        usd = own.cost + np.where(uses, self.gpus[columns] * dearest_usd, 0.0)
        row, of_users = np.repeat(np.arange(rows.count), np.diff(rows.start)), uses[rows.column]
        entries = np.flatnonzero(of_users & (np.bincount(row[of_users], minlength=rows.count) > 1)[row])
        rate = usd[rows.column[entries]] / np.abs(rows.coefficient[entries])
        order = entries[np.lexsort((rate, row[entries]))]
        first = np.unique(row[order], return_index=True)[1]
        kept = ~uses | (own.column_lower > 0.0)
        kept[rows.column[order[first]]] = True
        return np.flatnonzero(~kept).astype(np.int32)

    def _buying(self, own: Program, columns: Ints, market: Market) -> Program:
        """The program of a knot with GPUs at their price, and those beyond what is there of them as columns.

        A GPU that is idle has no price, but there are not any number of them.
        """
        here = self.place[columns]
        places, rows = np.unique(here[here >= 0]), []
        for index, place in enumerate(places.tolist()):
            users = np.flatnonzero(here == place)
            at = np.append(users, own.cost.size + index).astype(np.int32)
            coefficients = np.append(-self.gpus[columns[users]], 1.0)
            rows.append(Row(at, coefficients, -float(market.there[place])))
        count, gpus = len(places), np.where(here >= 0, self.gpus[columns] * market.price[here], 0.0)
        wider = replace(
            own,
            cost=np.concatenate([own.cost + gpus, market.more[places]]),
            column_lower=np.concatenate([own.column_lower, np.zeros(count)]),
            column_upper=np.concatenate([own.column_upper, np.full(count, np.inf)]),
            integer=np.concatenate([own.integer, np.zeros(count, dtype=bool)]),
        )
        return strengthened(wider, rows)


def fixed(watch: Watch, ground: Ground) -> Ground | None:
    """The ground with all that is tied at whole numbers; None where a knot has none, or time is up.

    Args:
        watch: the clock.
        ground: the program; its orders to begin from hold what knots stand on.
    """
    plain, begin = ground.plain, ground.begin
    if not plain.tied.any():
        return ground
    values, bench = begin.columns.copy(), Bench.of(plain)
    program, tied = ground.program, plain.tied
    values[tied] = np.clip(0.0, program.column_lower[tied], program.column_upper[tied])
    price, places = prices(plain.pools, begin).reshape(-1), plain.pools.row.size
    room, dearer = (one.reshape(-1) for one in further(ground, begin))
    more, sharing_it = np.maximum(dearer - price, 0.0), max(1, len(plain.asking))

    def whole(piece: Piece) -> Floats | None:
        if watch.over:
            return None
        own = program_of(program, begin.columns, piece.rows, piece.columns)
        used = bench.used(piece.columns, begin.columns[piece.columns], places)
        return bench.cheapest(own, piece.columns, Market(price, used + room / sharing_it, more))

    shared, left = sharing(program, tied, ground.time), tied
    for joining in (shared, np.zeros_like(shared)):
        opened = [
            one for one in knots(program, tied, ground.time, joining, beneath_orders=True) if left[one.columns].any()
        ]
        left = np.zeros_like(tied)
        for piece, found in zip(opened, watch.each(whole, opened), strict=True):
            if found is None:
                left[piece.columns] = True
            else:
                values[piece.columns] = found
    if left.any():
        return None
    at_point = np.where(tied | shared, values, ground.point.columns)
    return replace(ground, point=replace(ground.point, columns=at_point), begin=replace(begin, columns=values))
