"""Mixing: orders for workloads that mix whole patterns at each time, where the relaxation mixes replicas.

    sum of the patterns of a workload at a time  +  what is excused   =  1
    GPUs of the patterns on a pool at a time     <=  GPUs of its nodes,     and all rows in which no replica stands

Whole replicas need more GPUs than relaxed ones, on some pools more than on others, and orders made for relaxed ones do
not know it. The patterns are those of the lists of the search: a few and the plan's at first, then those that prices
ask for. The lists are not complete, so that the optimum is no bound; whole orders beneath it are still the better ones
to begin from, and its prices the better ones to search at (a master program over the columns at hand: Joncour et al.,
Electron. Notes Discrete Math. 36, 2010). docs/decisions/0034 has what it gives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from fleetopt.optimizer.matrix import Flags, Floats, Ints, Program, Rows
from fleetopt.optimizer.patterns.covers import cheapest, patterns
from fleetopt.optimizer.patterns.plain import Ways, carried
from fleetopt.optimizer.patterns.relaxation import Point, Relaxation
from fleetopt.optimizer.patterns.relaxed import Ground
from fleetopt.optimizer.patterns.search import Singles, listed, prices
from fleetopt.optimizer.patterns.structure import NO_TIME
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.solve import SolveOptions, solve_here

AT_FIRST, AT_ONCE = 4, 3
"""Patterns of a workload at a time to begin with beside the plan's, and how many more a round may add."""

FEWEST, MOST = 500, 30_000
"""Whole numbers up to which a program is solved as soon without mixing; workloads times times from which it takes more
time than it is worth."""

ROUNDS, WORTH_A_ROUND, SHARE_OF_GAP = 8, 2e-4, 0.1
"""How often prices are asked, and the relative fall of the optimum, or part of the gap asked for, that is worth it."""

ASKED_FOR = 1e-6
"""Relative to what a demand is worth, how much cheaper than that a pattern is to be taken."""

SHARE_OF_TIME, CLOSE_ORDERS, CLOSEST_ORDERS = 0.15, 0.04, 2e-4
"""Of the time limit, how long to look for whole orders; and of the gap asked for, how far from the best they may be,
but no closer than is worth its time."""

SHORT = 1e-5
"""Part of a demand that rounding may be short of."""

FAR = 1e-4
"""Of the optimum, how much dearer than at its prices a pattern is that is left out where orders are made whole."""


@dataclass(frozen=True, slots=True, eq=False)
class _List:
    """The patterns of one workload, the plan's first.

    `counts` are replicas (times, patterns, options); `usd` what they cost beside GPUs, infinite where one may not be
    chosen; `gpus` are those in use (pools, times, patterns) on the pools `pools`.
    """

    ways: Ways
    counts: Singles
    usd: Floats
    pools: Ints
    gpus: Singles

    def rated(self, price: Floats) -> Floats:
        """USD with GPUs at prices (pools, times): (times, patterns)."""
        return np.asarray(self.usd + np.einsum("ptk,pt->tk", self.gpus, price[self.pools]))


def mixed(watch: Watch, ground: Ground, values: Floats) -> Point | None:
    """Whole orders for mixes of patterns, with their prices and mixes; None where none are found, or it is too much.

    Orders are not looked for where rules count what times cost: how much more whole replicas cost is not known here.

    Args:
        watch: the clock.
        ground: the program; what is tied keeps the values at the point to begin from.
        values: a plan.
    """
    plain = ground.plain
    few = int(ground.program.integer.sum()) < FEWEST
    many = sum(int((ways.part.max(axis=1) > 0.0).sum()) for ways in plain.ways) > MOST
    if watch.over or few or many or ground.counted.rows.size:
        return None
    price = prices(plain.pools, ground.begin)
    lists = watch.each(partial(_listed, ground, price, values), plain.ways)
    mix = _Mix(ground, lists)
    mix.take([one.rated(price) for one in lists], AT_FIRST)
    worth, last = max(WORTH_A_ROUND, SHARE_OF_GAP * watch.options.gap), np.inf
    point = mix.optimum(watch)
    for _ in range(ROUNDS):
        if point is None or last - point.value <= worth * abs(point.value) or not mix.ask(point):
            break
        last, point = point.value, mix.optimum(watch)
    return None if point is None else mix.with_whole_orders(watch, point)


def _listed(ground: Ground, price: Floats, values: Floats, ways: Ways) -> _List:
    """The patterns of a workload that carry all of its demand, beneath the upper bounds of its replicas.

    Where demand may be excused, a plan or what the relaxation has may carry less.
    """
    program, there = ground.program, ways.column >= 0
    found = patterns(ways, listed(ways, price), ways.replicas(ground.begin.columns))
    counts = np.concatenate([ways.replicas(values)[:, None], found], axis=1).astype(np.float32)
    own, upper = (np.where(there, part[ways.column], 0.0) for part in (program.cost, program.column_upper))
    useless = (counts > upper[:, None, :]).any(axis=2) | (_carried(ways, counts) < 1.0 - SHORT)
    usd = np.where(useless, np.inf, np.einsum("tko,to->tk", counts, own))
    pools, place = np.unique(ways.pool, return_inverse=True)
    gpus = np.zeros((len(pools), *usd.shape), np.float32)
    for option, pool in enumerate(place.tolist()):
        gpus[pool] += counts[:, :, option] * np.float32(ways.gpus[option])
    return _List(ways, counts, usd, pools.astype(np.int32), gpus)


def _carried(ways: Ways, counts: Singles) -> Singles:
    """The part of the demand that patterns carry: (times, patterns)."""
    found = np.zeros(counts.shape[:2], np.float32)
    for link in ways.links:
        found += np.min([np.einsum("tko,to->tk", counts[:, :, role], ways.part[:, role]) for role in link], axis=0)
    return found


class _Mix:
    """The program of mixes: what is neither a replica nor a share of a link, then patterns as they are taken."""

    def __init__(self, ground: Ground, lists: list[_List]) -> None:
        """Begins with the plan's patterns.

        Args:
            ground: the program.
            lists: the patterns of each workload.
        """
        self._ground, self._lists = ground, lists
        plain, program = ground.plain, ground.program
        gone, row = plain.replicas | plain.split, np.repeat(np.arange(program.rows.count), np.diff(program.rows.start))
        dropped = np.zeros(program.rows.count, dtype=bool)
        dropped[row[gone[program.rows.column]]] = True
        dropped[plain.pools.row[plain.pools.row >= 0]] = False
        self._kept, self._free = (np.flatnonzero(~one).astype(np.int32) for one in (dropped, gone))
        self._shared = ground.time[self._free] == NO_TIME
        self._row, column = np.full(len(dropped), -1, np.int32), np.full(len(gone), -1, np.int32)
        self._row[self._kept], column[self._free] = np.arange(len(self._kept)), np.arange(len(self._free))
        stays = ~dropped[row] & ~gone[program.rows.column]
        rows = [self._row[row[stays]]]
        columns, coefficients = [column[program.rows.column[stays]]], [program.rows.coefficient[stays]]
        self._groups, count = list[Ints](), len(self._kept)
        for one in lists:
            times = np.flatnonzero(one.ways.part.max(axis=1) > 0.0)
            group = np.full(len(one.usd), -1, np.int32)
            group[times] = np.arange(count, count + len(times))
            may = np.flatnonzero((one.ways.excused >= 0) & (group >= 0))
            rows.append(group[may])
            columns.append(column[one.ways.excused[may]])
            coefficients.append(one.ways.excused_part[may])
            self._groups.append(group)
            count += len(times)
        self._count = count
        self._entries = [(np.concatenate(rows), np.concatenate(columns), np.concatenate(coefficients))]
        self._taken = [np.zeros(one.usd.shape, dtype=bool) for one in lists]
        self._added: list[tuple[int, Ints, Ints]] = []
        self._usd: list[Floats] = []
        self._columns, self._basis = len(self._free), None
        for index, one in enumerate(lists):
            self._add(index, np.isfinite(one.usd) & (np.arange(one.usd.shape[1]) == 0))

    def take(self, rated: list[Floats], most: int) -> bool:
        """Takes the cheapest patterns of each time that are not in it, unless their cost is infinite; says if any."""
        before = self._columns
        for index, (taken, usd) in enumerate(zip(self._taken, rated, strict=True)):
            left = np.where(taken, np.inf, usd)
            best = cheapest(left, most)
            chosen = np.zeros(left.shape, dtype=bool)
            np.put_along_axis(chosen, best, True, axis=1)
            self._add(index, chosen & np.isfinite(left))
        return self._columns > before

    def ask(self, point: Point) -> bool:
        """Takes patterns that are cheaper, at the prices of an optimum, than what is in it; says if there are any."""
        pools = self._ground.plain.pools
        worth, dual = point.row_dual, np.zeros(self._ground.program.rows.count)
        dual[self._kept] = worth[: len(self._kept)]
        price, reduced = np.where(pools.row >= 0, -dual[pools.row], 0.0), []
        for one, group in zip(self._lists, self._groups, strict=True):
            mine = np.where(group >= 0, worth[group], 0.0)[:, None]
            usd = one.rated(price) - mine
            reduced.append(np.where(usd < -ASKED_FOR * np.abs(mine), usd, np.inf))
        return self.take(reduced, AT_ONCE)

    def optimum(self, watch: Watch) -> Point | None:
        """The optimum of the program as it is, begun from the last one."""
        return self._solved(watch, self._program())

    def with_whole_orders(self, watch: Watch, point: Point) -> Point | None:
        """Whole orders and the mixes beneath them, as values and duals of the program's own columns and rows."""
        program, count = self._program(), len(self._free)
        dear = np.zeros(self._columns, dtype=bool)
        dear[count:] = point.column_dual[count:] > FAR * abs(point.value)
        whole = np.zeros(self._columns, dtype=bool)
        whole[:count] = self._shared & program.integer[:count]
        few = replace(program, integer=whole, column_upper=np.where(dear, 0.0, program.column_upper))
        gap = max(CLOSEST_ORDERS, CLOSE_ORDERS * watch.options.gap)
        effort = SolveOptions(gap=gap, time_limit_s=min(watch.left_s, SHARE_OF_TIME * watch.options.time_limit_s))
        found = watch.each(partial(solve_here, options=effort, stop=lambda: watch.interrupted), [few])[0].values
        if found is None:
            return None
        orders = np.append(self._shared, np.zeros(self._columns - count, dtype=bool))
        lower, upper = (np.where(orders, found, one) for one in (program.column_lower, program.column_upper))
        beneath = self._solved(watch, replace(program, column_lower=lower, column_upper=upper))
        return None if beneath is None else self._unmixed(beneath)

    def _add(self, index: int, chosen: Flags) -> None:
        """Adds patterns of a workload, (times, patterns), as columns."""
        time, place = (at.astype(np.int32) for at in np.nonzero(chosen))
        one, number = self._lists[index], np.arange(self._columns, self._columns + len(time), dtype=np.int32)
        used = one.gpus[:, time, place]
        pool, pattern = np.nonzero(used)
        rows = self._row[self._ground.plain.pools.row[one.pools[pool], time[pattern]]], self._groups[index][time]
        coefficients = np.append(used[pool, pattern], np.ones(len(number))).astype(float)
        self._entries.append((np.concatenate(rows), np.append(number[pattern], number).astype(np.int32), coefficients))
        self._taken[index][time, place] = True
        self._added.append((index, time, place))
        self._usd.append(one.usd[time, place])
        self._columns += len(number)

    def _solved(self, watch: Watch, program: Program) -> Point | None:
        relaxation = Relaxation(program)
        relaxation.begin(_wider(self._basis, self._columns))
        point = watch.each(relaxation.optimum, [watch.left_s])[0]
        self._basis = relaxation.park()
        return point

    def _program(self) -> Program:
        own, ground, tied = self._ground.program, self._ground, self._ground.plain.tied[self._free]
        row, column, coefficient = (np.concatenate(parts) for parts in zip(*self._entries, strict=True))
        order = np.argsort(row, kind="stable")
        start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=self._count))])
        mixes, groups = self._columns - len(self._free), self._count - len(self._kept)
        held = ground.begin.columns[self._free]
        lower, upper = (np.where(tied, held, part[self._free]) for part in (own.column_lower, own.column_upper))
        return Program(
            rows=Rows(start.astype(np.int32), column[order].astype(np.int32), coefficient[order].astype(float)),
            cost=np.concatenate([own.cost[self._free], *self._usd]),
            offset=own.offset,
            column_lower=np.concatenate([lower, np.zeros(mixes)]),
            column_upper=np.concatenate([upper, np.ones(mixes)]),
            integer=np.concatenate([own.integer[self._free], np.ones(mixes, dtype=bool)]),
            row_lower=np.concatenate([own.row_lower[self._kept], np.ones(groups)]),
            row_upper=np.concatenate([own.row_upper[self._kept], np.ones(groups)]),
        )

    def _unmixed(self, point: Point) -> Point:
        """Mixes as replicas: a point of the whole program."""
        ground, first = self._ground, len(self._free)
        columns, column_dual = np.zeros(len(ground.time)), np.zeros(len(ground.time))
        row_dual = np.zeros(ground.program.rows.count)
        columns[self._free], column_dual[self._free] = point.columns[:first], point.column_dual[:first]
        row_dual[self._kept] = point.row_dual[: len(self._kept)]
        for index, time, place in self._added:
            one, share = self._lists[index], point.columns[first : first + len(time)]
            first += len(time)
            pattern, option = np.nonzero(one.counts[time, place])
            replicas = share[pattern] * one.counts[time, place][pattern, option]
            np.add.at(columns, one.ways.column[time[pattern], option], replicas)
        split = ground.plain.split
        columns[split] = carried(ground.program, split, columns)[split]
        return Point(point.value, columns, row_dual, column_dual)


def _wider(basis: Any, columns: int) -> Any:
    """The basis with more columns, which are at their lower bounds."""
    import highspy

    if basis is not None:
        more = columns - len(basis.col_status)
        basis.col_status = [*basis.col_status, *([highspy.HighsBasisStatus.kLower] * more)]
    return basis
