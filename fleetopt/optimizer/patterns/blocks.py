"""The relaxation of a program that falls apart into one block a time, once orders are held.

With orders x held, each time t costs V_t(x), a small linear program. V_t is convex, and the duals p of its rows at a
point x' say how it rises:  V_t(x) >= V_t(x') - p B_t (x - x'), B_t the part of orders in its rows. A master program
chooses x against all such cuts (Benders, Num. Math. 4, 1962; a cut for each time: Birge and Louveaux, Eur. J. Oper.
Res. 34, 1988). Its value is a bound. Blocks are asked between the master's point and the best so far, which keeps it
from swinging (in-out: Ben-Ameur and Neto, Networks 49, 2007). They are solved beside one another, each from its last
basis, and no linear program is ever larger than one time or the orders of all. Rows that orders stand in may be broken
at a price, so that every block has an answer to all orders; no optimum that pays it is given out. Rows that count what
times cost (`counted`) are the master's, over the costs of the blocks. Other rows that join times are let go: where the
optimum obeys them all the same, it is the optimum with them too.

What comes out is what `Relaxation` gives. The duals of a time are those of its cuts, mixed as the master's duals say,
which is a dual solution of the whole program with the master's value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from time import perf_counter

import numpy as np

from fleetopt.optimizer.aside import aside
from fleetopt.optimizer.matrix import Floats, Ints, Program
from fleetopt.optimizer.patterns.block import Block, blocks_of
from fleetopt.optimizer.patterns.counted import adjusted, counted, without
from fleetopt.optimizer.patterns.master import Master
from fleetopt.optimizer.patterns.relaxation import Point
from fleetopt.optimizer.patterns.rows import Row
from fleetopt.optimizer.patterns.structure import NO_TIME, SEVERAL, time_of_rows
from fleetopt.optimizer.patterns.watch import THREADS
from fleetopt.optimizer.pieces import allowed, program_of
from fleetopt.optimizer.solve import SolveOptions

CLOSE = 2e-5
"""Relative distance of the master's value from the best point's at which a point is taken for the optimum, if it is not
said what is close enough."""

KEPT = 1_000_000
"""Columns up to which every block keeps a solver of its own."""

STEP = 0.5
"""How far from the best point to the master's a point is asked."""

ROUGHLY = 0.1
"""Of what an optimum rose by from the last one, how far from it is close enough."""

MOST_TURNS = 200
WHOLE_TURNS, MOST_WHOLE_TURNS = 3, 15
"""How often whole orders are asked for, and how often while rows are broken beneath all of them."""

ROOM = (1.0, 0.5, 0.0)
"""Of what times cost more in the end, how much room rules that count it leave. The first with orders is taken."""

BROKEN = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    """What orders and all blocks cost, each block, the orders with what adjusts to that, and the columns of each block.

    `broken` is by how much rows of blocks are broken; `over` is how far rules that count costs are over their limits,
    next to these, beyond what is close enough.
    """

    usd: float
    blocks_usd: Floats
    orders: Floats
    values: Sequence[Floats]
    broken: float
    over: float

    @property
    def kept(self) -> bool:
        """Whether no row is broken."""
        return self.broken <= BROKEN and self.over <= 0.0

    def before(self, other: _Answer) -> bool:
        """Whether it is the better one. A broken row may cost less than what is close enough, so kept ones are."""
        return (not self.kept, self.usd) < (not other.kept, other.usd)


class Blocks:
    """The relaxation of a program, a block for each time."""

    def __init__(
        self,
        program: Program,
        time: Ints,
        orders: Floats,
        stop: Callable[[], bool] = bool,
        close: tuple[float, float] = (CLOSE, CLOSE),
    ) -> None:
        """Takes the program apart.

        Args:
            program: the program; no column of a time earns money.
            time: the place of each column's time, NO_TIME for orders and the like.
            orders: values of the columns of no time to begin at, if no rule of theirs alone is against it.
            stop: asked now and then whether to give up; never, unless told otherwise.
            close: relative distance from the optimum that is close enough; at last and at first. In between it is a
                tenth of what the optimum rose by, all of it after the first, until `closely` is called.
        """
        self._program, self._time, self._stop, self._close = program, time, stop, close[0]
        self._rough, self._roughly, self._value = close[1], ROUGHLY, 0.0
        self._added: list[Row] = []
        self._shared = np.flatnonzero(time == NO_TIME).astype(np.int32)
        self._best = np.asarray(orders, dtype=float)
        row_time, self._counted = time_of_rows(program.rows, time), counted(program, time)
        self._own = np.flatnonzero(row_time == NO_TIME).astype(np.int32)
        self._let_go = np.flatnonzero((row_time == SEVERAL) & without(program, self._counted.rows)).astype(np.int32)
        self._counting = self._counted.at_least(program, self._shared)
        self._adjusting = np.flatnonzero(np.isin(self._shared, self._counted.adjusting)).astype(np.int32)
        self._blocks = blocks_of(program, time, row_time, self._shared)
        self._usd = np.zeros(len(self._blocks))

    def optimum(self, time_limit_s: float) -> Point | None:
        """The optimum, or None where there is none or the time was too short to find it."""
        end = perf_counter() + time_limit_s
        program = self._orders()
        master = self._master()
        if not allowed(program, self._best):
            point = master.optimum(end)
            if point is None:
                return None
            self._best = point.columns[: len(self._best)]
        asked = self._best
        best: _Answer | None = None
        for _ in range(MOST_TURNS):
            answer = self._ask(asked, end, self._close)
            if answer is None:
                return None
            best = answer if best is None or answer.before(best) else best
            self._best = best.orders
            point = master.optimum(end)
            if point is None:
                return None
            # Roughly near is not near enough to say that no orders keep all rows.
            close = (max(self._close, self._rough) if best.kept else CLOSE) * abs(best.usd)
            if best.usd - point.value <= close and best.broken > BROKEN:
                return None
            if best.usd - point.value <= close and best.kept:
                self._rough = self._roughly * (point.value - self._value) / max(abs(best.usd), 1e-9)
                self._value, self._usd = point.value, best.blocks_usd
                duals = master.duals(point, [len(block.rows) for block in self._blocks])
                own = point.row_dual[: len(self._own) + len(self._counting)]
                return self._point(point.value, (own, duals), best)
            step = STEP if best.kept else 1.0
            asked = self._best + step * (point.columns[: len(self._best)] - self._best)
        return None

    def closely(self) -> bool:
        """Has every optimum from now on as close as the last one is to be; says whether there is one yet to come."""
        rough, self._roughly = self._rough > self._close, 0.0
        self._rough = 0.0
        return rough

    def whole(
        self, gap: float, time_limit_s: float, stop: Callable[[], bool] = bool, dearer: float = 0.0
    ) -> Point | None:
        """Near the optimum with whole orders: what each time costs beneath them, and its duals there.

        The master's whole orders are asked again while they cost more by the blocks than by the cuts. Rows of orders
        alone have no duals.

        Args:
            gap: relative distance from the optimum that is close enough.
            time_limit_s: for all of it.
            stop: asked now and then whether to give up, from now on.
            dearer: of what a time costs at the last optimum, what it costs more in the end, for rules that count it.
        """
        end, self._stop, best = perf_counter() + time_limit_s, stop, None
        more = dearer * self._usd
        for turn in range(MOST_WHOLE_TURNS):
            if turn >= WHOLE_TURNS and best is not None:
                break
            orders, bound = self._cheapest(gap / 2.0, end, more)
            answer = None if orders is None else self._ask(orders, end)
            if answer is None:
                break
            if answer.kept and (best is None or answer.usd < best.value):
                own = np.zeros(len(self._own) + len(self._counting))
                best = self._point(answer.usd, (own, [block.cuts[-1].duals for block in self._blocks]), answer)
            if answer.kept and answer.usd - bound <= gap * abs(answer.usd):
                break
        return best

    @property
    def lets_go(self) -> bool:
        """Whether there are rows that join times."""
        return len(self._let_go) > 0

    def obeyed(self, values: Floats) -> bool:
        """Whether values, one for each column, keep the rows that join times."""
        none = np.zeros(0, dtype=np.int32)
        return allowed(program_of(self._program, values, self._let_go, none), np.zeros(0))

    def add(self, rows: Sequence[Row]) -> None:
        """Adds rows, each of one time; the last basis stays the place to begin from."""
        mine: dict[int, tuple[list[int], list[Row]]] = {}
        for place, row in enumerate(rows, self._program.rows.count + len(self._added)):
            places, found = mine.setdefault(int(self._time[row.columns[0]]), ([], []))
            places.append(place)
            found.append(row)
        for time, (places, found) in mine.items():
            block = self._blocks[time]
            columns = [np.searchsorted(block.columns, row.columns).astype(np.int32) for row in found]
            block.program.add([Row(c, row.coefficients, row.lower) for c, row in zip(columns, found, strict=True)])
            block.rows = np.concatenate([block.rows, np.array(places, np.int32)])
        self._added += rows

    def _ask(self, orders: Floats, end: float, close: float = BROKEN) -> _Answer | None:
        """The answer of all blocks. Rules that count costs may be over their limits by what is close enough to them."""
        parked, ends = len(self._time) > KEPT, np.linspace(0, len(self._blocks), THREADS + 1).astype(int)

        def ask(some: Sequence[Block]) -> list[float | None]:
            found, basis = [], None
            for block in some:
                block.program.begin(basis)
                found.append(None if self._stop() else block.usd(orders, end))
                basis = block.program.park() if parked else None
            return found

        jobs = [partial(ask, self._blocks[first:last]) for first, last in pairwise(ends.tolist())]
        asked = [one for some in aside(jobs, THREADS, lambda: None) for one in some]
        usd = np.array([one for one in asked if one is not None])
        if len(usd) < len(asked):
            return None
        over = 0.0
        if self._counting:
            found = adjusted(self._master().program, self._adjusting, np.concatenate([orders, usd]))
            if found is None:
                return None
            orders = found[: len(orders)]
            over = sum(max(0.0, row.broken(found) - close) for row in self._counting)
        cost = float(self._program.cost[self._shared] @ orders) + float(usd.sum())
        broken = sum(block.broken for block in self._blocks)
        return _Answer(cost, usd, orders, [block.values for block in self._blocks], broken, over)

    def _orders(self) -> Program:
        """The rows and columns of no single time."""
        return program_of(self._program, np.zeros(len(self._time)), self._own, self._shared)

    def _master(self, more: Floats | None = None) -> Master:
        counting = self._counted.at_least(self._program, self._shared, more)
        return Master(self._orders(), counting, [block.cuts for block in self._blocks])

    def _cheapest(self, gap: float, end: float, more: Floats) -> tuple[Floats | None, float]:
        """The master's whole orders, if there are some, and a bound of their cost with the blocks'."""
        orders, bound = None, -np.inf
        for room in [share * more for share in ROOM] if self._counted.hard.any() else [more]:
            effort = SolveOptions(gap=gap, time_limit_s=max(0.0, end - perf_counter()))
            orders, bound = self._master(room).whole(effort, self._stop)
            if orders is not None:
                break
        return orders, bound

    def _point(self, usd: float, duals: tuple[Floats, Sequence[Floats]], answer: _Answer) -> Point:
        """An answer at a cost with duals of orders' rows and the blocks'."""
        program, added = self._program, self._added
        columns, row_dual = np.zeros(len(self._time)), np.zeros(program.rows.count + len(added))
        columns[self._shared] = answer.orders
        own = len(self._own)
        row_dual[self._own] = duals[0][:own]
        row_dual[self._counted.rows] = self._counted.sign * duals[0][own:]
        for block, here, worth in zip(self._blocks, answer.values, duals[1], strict=True):
            columns[block.columns] = here
            row_dual[block.rows] = worth
        row = np.repeat(np.arange(program.rows.count), np.diff(program.rows.start))
        paid = np.bincount(program.rows.column, program.rows.coefficient * row_dual[row], len(columns))
        for one, dual in zip(added, row_dual[program.rows.count :], strict=True):
            paid[one.columns] += dual * one.coefficients
        return Point(usd + program.offset, columns, row_dual, program.cost - paid)
