"""Choosing: with orders held, a pattern for each workload at one time, by a small program whose columns are patterns.

    sum of the patterns of a workload  =  1
    GPUs of the patterns on a pool    <=  GPUs of its nodes,        and the rows in which only nodes and the like stand

Patterns are the lists of the search. A mix of them is as dear as mixes of whole replicas are, so the relaxation is
tight and there are hardly more rows than pools and workloads: HiGHS finds a better plan of a time in a fraction of what
the program of single replicas takes (Dantzig and Wolfe, Oper. Res. 8, 1960; solved over the columns at hand, as in the
restricted masters of Joncour et al., Electron. Notes Discrete Math. 36, 2010). At first each workload has the few
patterns that the relaxation likes best, then more, then all; the times that look dearest have their turn first. Orders
are found anew in between.

The relaxation mixes patterns of few workloads only, as few of its rows bind: two patterns each for the others, its own
and the plan's, are worth most for their time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, TypeAlias

import numpy as np

from fleetopt.optimizer.matrix import Flags, Floats, Ints, Program, Rows
from fleetopt.optimizer.patterns.completing import completed
from fleetopt.optimizer.patterns.counted import adjusted
from fleetopt.optimizer.patterns.covers import PATTERNS, patterns
from fleetopt.optimizer.patterns.opened import Piece
from fleetopt.optimizer.patterns.placing import near
from fleetopt.optimizer.patterns.plain import Ways, carried
from fleetopt.optimizer.patterns.relaxation import Point, Relaxation
from fleetopt.optimizer.patterns.relaxed import Ground
from fleetopt.optimizer.patterns.search import CHOICES_AT_ONCE, listed, prices
from fleetopt.optimizer.patterns.structure import NO_TIME
from fleetopt.optimizer.patterns.times import Times
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.pieces import allowed
from fleetopt.optimizer.solve import SolveOptions, solve_here


class _Look(NamedTuple):
    """How all times are looked at in a pass.

    Patterns that a workload has to choose from beside what it has in the plan, if the relaxation takes one for it and
    if it mixes several; and how far from the best the choice may be, next to what a time may be too dear.
    """

    taken: int
    mixed: int
    slack: float


PASSES = (_Look(1, 4, 0.5), _Look(4, 8, 0.5), _Look(24, 24, 1.0), _Look(2 * PATTERNS, 2 * PATTERNS, 1.0))

NODES = 500
LONGEST_S = 5.0
"""Branch-and-bound nodes and seconds for a look at a time."""

EXCUSED = 1e-9

_Pass: TypeAlias = Callable[[Watch, Floats], Floats]


def choosing(watch: Watch, ground: Ground, replicas: Floats) -> None:
    """Better plans, told to the watch.

    Args:
        watch: the clock, and whom to tell, with a plan.
        ground: the program; at its optimum nothing but orders joins times, and those of `begin` are held at first.
        replicas: some for all times, to begin with; every other column is at zero.
    """
    program, plain, shared = ground.program, ground.plain, ground.time == NO_TIME
    begin = np.where(shared, ground.begin.columns, replicas)
    starts = [] if watch.values is None else [watch.values]
    if _whole(program, begin):
        whole = completed(watch, program, plain, begin, plain.replicas | shared).values
        starts = starts if whole is None else [whole, *starts]
    choices = _Choosing(ground)
    if not starts:
        first = choices.first(watch) if _whole(program, np.where(shared, begin, 0.0)) else None
        starts = [] if first is None else [first]
    passes = [choices.near, choices.near] if ground.small else [partial(choices.among, look) for look in PASSES]
    for values in starts if ground.small else starts[:1]:
        _pass_by_pass(watch, ground, values, passes)


def _pass_by_pass(watch: Watch, ground: Ground, values: Floats, passes: Sequence[_Pass]) -> None:
    """Better replicas under the orders of a plan, then better orders for the replicas, and again."""
    program = ground.program
    for better in passes:
        if watch.done:
            return
        values = better(watch, values)
        usd = float(program.cost @ values) + program.offset
        watch.keep("choosing", usd, values)
        found = completed(watch, program, ground.plain, values, ground.plain.replicas)
        if found.objective is not None and found.values is not None and found.objective < usd:
            watch.keep("choosing", found.objective, found.values)
            values = found.values


def _whole(program: Program, values: Floats) -> bool:
    whole = values[program.integer]
    return bool((whole == np.rint(whole)).all())


@dataclass(frozen=True, slots=True, eq=False)
class _Menu:
    """A workload's patterns as replicas of a piece's columns, (patterns, columns); the last is the plan's, if any."""

    columns: Ints
    counts: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Dish:
    """A piece of one time at hand: the place of the time, its rows, and for each workload its options and patterns."""

    piece: Piece
    rows: Ints
    lists: Sequence[tuple[Ways, Floats]]
    place: int


class _Choosing:
    """The choices at all times."""

    def __init__(self, ground: Ground) -> None:
        self._program, self._plain, self._point = ground.program, ground.plain, ground.begin
        self._adjusting = ground.counted.adjusting
        self._price = prices(ground.plain.pools, ground.begin)
        self._times = Times(ground.program, ground.time, ground.counted.loose)

    def first(self, watch: Watch) -> Floats | None:
        """A plan beneath the orders of the point; None where a time has none among its patterns, or time is up."""
        program, point = self._program, self._point.columns
        opened = self._times.opened(point)
        for look in PASSES:
            self._look(watch, look, [at for at, piece in enumerate(opened) if piece.best is None], opened)
        values = adjusted(program, self._adjusting, self._times.joined(point, opened))
        if values is None or any(piece.best is None for piece in opened) or not allowed(program, values):
            return None
        watch.keep("choosing", float(program.cost @ values) + program.offset, values)
        return values

    def near(self, watch: Watch, values: Floats) -> Floats:
        """The plan with other replicas where they are cheaper, near it and the relaxation."""
        opened = self._opened(values)
        near(watch, watch.enough(len(opened)), opened)
        return self._joined(values, opened)

    def among(self, look: _Look, watch: Watch, values: Floats) -> Floats:
        """The plan with other patterns where they are cheaper, after a look at each time."""
        opened = self._opened(values)
        self._look(watch, look, sorted(range(len(opened)), key=lambda at: -opened[at].missing), opened)
        return self._joined(values, opened)

    def _joined(self, values: Floats, opened: Sequence[Piece]) -> Floats:
        found = adjusted(self._program, self._adjusting, self._times.joined(values, opened))
        return values if found is None else found

    def _look(self, watch: Watch, look: _Look, order: Sequence[int], opened: Sequence[Piece]) -> None:
        """A look at some times, one after another."""
        size, enough = max(1, CHOICES_AT_ONCE // max(1, len(self._plain.ways))), watch.enough(len(opened))
        for first in range(0, len(order), size):
            times = np.array(order[first : first + size])
            lists = watch.each(partial(self._listed, times), self._plain.ways)
            dishes = [_Dish(opened[at], self._times.rows[at], lists, place) for place, at in enumerate(times.tolist())]
            watch.each(partial(self._choose, watch, enough, look), dishes)
            if watch.over:
                break

    def _opened(self, values: Floats) -> list[Piece]:
        """A piece for each time, with what is planned there."""
        opened = self._times.opened(values)
        for piece in opened:
            piece.take(values[piece.columns])
            piece.floor = float(piece.program.cost @ self._point.columns[piece.columns])
        return opened

    def _listed(self, times: Ints, ways: Ways) -> tuple[Ways, Floats]:
        """A workload's options at some times, and its patterns there: (times, patterns, options)."""
        here = ways.at(times)
        return here, patterns(here, listed(here, self._price[:, times]), here.replicas(self._point.columns))

    def _choose(self, watch: Watch, enough: float, look: _Look, dish: _Dish) -> None:
        piece = dish.piece
        if watch.over:
            return
        best = None if piece.best is None else piece.best.values
        values = np.zeros(len(piece.columns)) if best is None else best
        free, menus = self._menus(dish, values, planned=best is not None)
        program = self._menu_program(dish, values, free, menus)
        relaxed = Relaxation(program).optimum(watch.left_s)
        if relaxed is None:
            return
        piece.floor, first = relaxed.value, int(free.sum())
        if piece.missing <= enough:
            return
        now = np.concatenate([values[free], *(np.append(np.zeros(len(m.counts) - 1), 1.0) for m in menus)])
        few = np.concatenate([np.ones(first, dtype=bool), *_liked(relaxed, menus, first, look)])
        few |= (now > 0.0) & (best is not None)
        program = replace(program, column_upper=np.where(few, program.column_upper, 0.0))
        usd = relaxed.value if best is None else float(piece.program.cost @ best)
        effort = SolveOptions(
            gap=min(1.0, enough * look.slack / max(abs(usd), 1e-9)), time_limit_s=min(LONGEST_S, watch.left_s)
        )
        found = solve_here(program, effort, None if best is None else now, NODES, small=True)
        if found.values is not None:
            served = self._served(piece, values, free, menus, found.values)
            if allowed(piece.program, served):
                piece.take(served)

    def _menus(self, dish: _Dish, values: Floats, *, planned: bool) -> tuple[Flags, list[_Menu]]:
        """Which columns of the piece are nodes and the like, and the menus of its workloads.

        A workload whose demand is excused keeps what it has.
        """
        plain, piece, place = self._plain, dish.piece, dish.place
        free = ~(plain.replicas | plain.split)[piece.columns]
        menus = []
        for ways, found in dish.lists:
            there = ways.column[place] >= 0
            if not there.any():
                continue
            at = np.searchsorted(piece.columns, ways.column[place, there]).astype(np.int32)
            more = found[place][:, there]
            usable = more[(more <= piece.program.column_upper[at]).all(axis=1)]
            if ways.excused[place] >= 0:
                excused = int(np.searchsorted(piece.columns, ways.excused[place]))
                free[excused] = False
                usable = usable[:0] if values[excused] > EXCUSED else usable
            menus.append(_Menu(at, np.concatenate([_differing(usable), values[at][None, :][: int(planned)]])))
        return free, menus

    def _menu_program(self, dish: _Dish, values: Floats, free: Flags, menus: Sequence[_Menu]) -> Program:
        """The columns that are free, then the patterns of each workload; the workloads' rows come last."""
        whole, plain = dish.piece.program, self._plain
        row = np.repeat(np.arange(whole.rows.count), np.diff(whole.rows.start))
        carrying = np.zeros(whole.rows.count, dtype=bool)
        carrying[row[(plain.replicas | plain.split)[dish.piece.columns][whole.rows.column]]] = True
        kept = ~carrying | np.isin(dish.rows, plain.pools.row)
        dense = np.zeros((whole.rows.count, whole.cost.size))
        dense[row, whole.rows.column] = whole.rows.coefficient
        dense = dense[kept]
        chosen = np.zeros(whole.cost.size, dtype=bool)
        for menu in menus:
            chosen[menu.columns] = True
        fixed = dense @ np.where(free | chosen, 0.0, values)
        used = [dense[:, menu.columns] @ menu.counts.T for menu in menus]
        ones = np.repeat(np.eye(len(menus)), [len(menu.counts) for menu in menus], axis=1)
        above = np.concatenate([dense[:, free], *used], axis=1)
        below = np.concatenate([np.zeros((len(menus), int(free.sum()))), ones], axis=1)
        matrix, one, count = np.concatenate([above, below]), np.ones(len(menus)), ones.shape[1]
        at, column = np.nonzero(matrix)
        start = np.concatenate([[0], np.cumsum(np.bincount(at, minlength=len(matrix)))]).astype(np.int32)
        return Program(
            rows=Rows(start, column.astype(np.int32), matrix[at, column]),
            cost=np.concatenate([whole.cost[free], *(menu.counts @ whole.cost[menu.columns] for menu in menus)]),
            offset=0.0,
            column_lower=np.concatenate([whole.column_lower[free], np.zeros(count)]),
            column_upper=np.concatenate([whole.column_upper[free], np.ones(count)]),
            integer=np.concatenate([whole.integer[free], np.ones(count, dtype=bool)]),
            row_lower=np.concatenate([whole.row_lower[kept] - fixed, one]),
            row_upper=np.concatenate([whole.row_upper[kept] - fixed, one]),
        )

    def _served(self, piece: Piece, best: Floats, free: Flags, menus: Sequence[_Menu], found: Floats) -> Floats:
        """The columns of the piece, from those of its menus."""
        values, first = best.copy(), int(free.sum())
        values[free] = found[:first]
        for menu in menus:
            values[menu.columns] = menu.counts[int(found[first : first + len(menu.counts)].argmax())]
            first += len(menu.counts)
        split = self._plain.split[piece.columns]
        values[split] = carried(piece.program, split, values)[split]
        return values


def _differing(counts: Floats) -> Floats:
    """The rows of an array of whole numbers, each once."""
    # Equal sums of different rows need numbers that nobody draws; they would cost a pattern, no more.
    mixed = counts @ np.random.default_rng(0).random(counts.shape[1])
    return counts[np.unique(mixed, return_index=True)[1]]


def _liked(point: Point, menus: Sequence[_Menu], first: int, look: _Look) -> Iterator[Flags]:
    """The patterns that a relaxation uses, and those it would take next."""
    for menu in menus:
        here = slice(first, first + len(menu.counts))
        used = point.columns[here] > EXCUSED
        rank = np.where(used, -1.0, point.column_dual[here])
        liked = np.zeros(len(menu.counts), dtype=bool)
        liked[np.argsort(rank, kind="stable")[: look.mixed if used.sum() > 1 else look.taken]] = True
        first = here.stop
        yield liked
