"""Cards: the menus of a time and their relaxation, with patterns of what is tied that its prices ask for."""

from __future__ import annotations

import numpy as np

from fleetopt.optimizer.matrix import Floats, Ints
from fleetopt.optimizer.patterns.fixing import Bench, Market
from fleetopt.optimizer.patterns.menus import Card, Dish, Menu, card, differing, menus
from fleetopt.optimizer.patterns.relaxation import Point, Relaxation
from fleetopt.optimizer.patterns.relaxed import Ground
from fleetopt.optimizer.patterns.search import further
from fleetopt.optimizer.patterns.structure import Piece
from fleetopt.optimizer.patterns.tied import knots
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.pieces import allowed, breakable, program_of

TURNS = 2
"""How often prices ask for patterns before a choice is made."""

SAME = 1e-6
PENALTY = 10.0
"""Price of a GPU that is not there, next to the dearest column, while no patterns fit into what is there."""


class Cards:
    """The menus of all times. Of what is tied they have the patterns that were found so far."""

    def __init__(self, ground: Ground) -> None:
        """Begins with the patterns of the point to begin from.

        Args:
            ground: the program, with whole numbers for what is tied at the point to begin from.
        """
        self._plain, tied = ground.plain, ground.plain.tied
        self._bench, self._room, self._dearer = Bench.of(ground.plain), np.zeros(0), np.zeros(0)
        self._knots: dict[int, list[tuple[Piece, list[Floats]]]] = {}
        if not tied.any():
            return
        self._room, self._dearer = (one.reshape(-1) for one in further(ground, ground.begin))
        for one in knots(ground.program, tied, ground.time, np.zeros_like(tied), beneath_orders=True):
            here = self._knots.setdefault(int(ground.time[one.columns[0]]), [])
            here.append((one, [ground.begin.columns[one.columns]]))

    def relaxed(
        self, watch: Watch, dish: Dish, values: Floats, *, planned: bool, better: bool
    ) -> tuple[Card, Point | None]:
        """The menus of a time and the optimum of their relaxation, None where no patterns fit or time is up.

        Args:
            watch: the clock.
            dish: the time.
            values: of the columns of its piece, for what is in no menu.
            planned: whether they are a plan.
            better: whether to ask for more patterns where some fit.
        """
        found = self._card(dish, values, planned=planned)
        point = Relaxation(found.program).optimum(watch.left_s)
        for _ in range(TURNS if dish.time in self._knots else 0):
            enough = point is not None and not better
            if watch.over or enough or not self._asked(watch, dish, values, found, point):
                break
            found = self._card(dish, values, planned=planned)
            point = Relaxation(found.program).optimum(watch.left_s)
        return found, point

    def _card(self, dish: Dish, values: Floats, *, planned: bool) -> Card:
        plain, piece = self._plain, dish.piece
        free, lists = menus(plain, dish, values, planned=planned)
        row = np.repeat(np.arange(piece.program.rows.count), np.diff(piece.program.rows.start))
        dropped = np.zeros(piece.program.rows.count, dtype=bool)
        dropped[row[(plain.replicas | plain.split)[piece.columns][piece.program.rows.column]]] = True
        for one, patterns in self._knots.get(dish.time, []):
            rows, columns = _inside(dish, one)
            own = program_of(piece.program, values, rows, columns)
            more = [counts for counts in patterns if allowed(own, counts)]
            dropped[rows] = True
            now = values[columns][None, :][: int(planned)]
            if more or planned:
                lists.append(Menu(columns, np.concatenate([differing(np.array(more)) if more else now[:0], now])))
        return card(piece, values, (free, lists), dropped & ~np.isin(dish.rows, plain.pools.row))

    def _asked(self, watch: Watch, dish: Dish, values: Floats, found: Card, point: Point | None) -> bool:
        """Adds patterns that the prices of a choice ask for; says whether there are any."""
        market, added = self._market(watch, dish, found, point), False
        if market is None:
            return False
        for one, patterns in self._knots[dish.time]:
            rows, columns = _inside(dish, one)
            own = program_of(dish.piece.program, values, rows, columns)
            # What a knot has now is there for it.
            there = market.there + self._bench.used(one.columns, values[columns], len(market.there))
            new = self._bench.cheapest(own, one.columns, Market(market.price, there, market.more))
            if new is not None and not any(np.abs(new - old).max() <= SAME for old in patterns):
                patterns.append(new)
                added = True
        return added

    def _market(self, watch: Watch, dish: Dish, found: Card, point: Point | None) -> Market | None:
        """Prices of GPUs at a time, and those that are left idle, by the relaxation of its menus.

        Where no patterns fit, GPUs that are not there are lent at a price that is too dear.
        """
        pools, places = self._plain.pools, self._plain.pools.row.size
        rows = pools.row[:, dish.time]
        at = np.searchsorted(found.kept, _places(dish.rows, np.maximum(rows, 0)))
        there = np.flatnonzero((rows >= 0) & (at < len(found.kept)))
        program = found.program
        if point is None:
            lent = np.unique(at[there]).astype(np.int32)
            usd = PENALTY * float(np.abs(program.cost).max(initial=1.0))
            program = breakable(program, lent, np.ones(len(lent)), usd)
            point = Relaxation(program).optimum(watch.left_s)
        if point is None:
            return None
        row = np.repeat(np.arange(program.rows.count), np.diff(program.rows.start))
        activity = np.bincount(row, program.rows.coefficient * point.columns[program.rows.column], program.rows.count)
        idle = np.maximum(program.row_upper - activity, 0.0)
        price, left = np.zeros(places), np.zeros(places)
        place = there * pools.row.shape[1] + dish.time
        price[place], left[place] = np.maximum(-point.row_dual[at[there]], 0.0), idle[at[there]]
        left += self._room / len(self._knots[dish.time])
        return Market(price, left, np.maximum(self._dearer - price, 0.0))


def _inside(dish: Dish, one: Piece) -> tuple[Ints, Ints]:
    """Where the rows and columns of a knot stand in the piece of its time."""
    return _places(dish.rows, one.rows), np.searchsorted(dish.piece.columns, one.columns).astype(np.int32)


def _places(rows: Ints, wanted: Ints) -> Ints:
    """Where rows stand among others."""
    order = np.argsort(rows, kind="stable")
    return order[np.minimum(np.searchsorted(rows, wanted, sorter=order), len(rows) - 1)].astype(np.int32)
