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

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import numpy as np

from fleetopt.optimizer.matrix import Floats, Ints, Program
from fleetopt.optimizer.patterns.cards import Cards
from fleetopt.optimizer.patterns.completing import completed
from fleetopt.optimizer.patterns.covers import PATTERNS, patterns
from fleetopt.optimizer.patterns.menus import Dish, Look
from fleetopt.optimizer.patterns.opened import Piece
from fleetopt.optimizer.patterns.placing import near
from fleetopt.optimizer.patterns.plain import Ways
from fleetopt.optimizer.patterns.relaxed import Ground
from fleetopt.optimizer.patterns.search import CHOICES_AT_ONCE, listed, prices
from fleetopt.optimizer.patterns.structure import NO_TIME
from fleetopt.optimizer.patterns.times import Times
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.pieces import allowed
from fleetopt.optimizer.solve import SolveOptions, solve_here

PASSES = (Look(1, 4, 0.5), Look(4, 8, 0.5), Look(24, 24, 1.0), Look(2 * PATTERNS, 2 * PATTERNS, 1.0))

NODES = 500
LONGEST_S = 5.0
"""Branch-and-bound nodes and seconds for a look at a time."""

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
        whole = completed(watch, ground.counted.lifted(program), plain, begin, plain.replicas | shared).values
        starts = starts if whole is None else [whole, *starts]
    choices = _Choosing(ground)
    if not starts:
        first = choices.first(watch) if _whole(program, np.where(shared, begin, 0.0)) else None
        starts = [] if first is None else [first]
    passes = [choices.near, choices.near] if ground.small else [partial(choices.among, look) for look in PASSES]
    for values in starts if ground.small else starts[:1]:
        _pass_by_pass(watch, ground, values, passes)


def _pass_by_pass(watch: Watch, ground: Ground, values: Floats, passes: Sequence[_Pass]) -> None:
    """Better replicas under the orders of a plan, then better orders for the replicas, and again.

    Rules that count what times cost may be broken at first: each time that costs less leaves more of them.
    """
    values, _ = _told(watch, ground, values)
    for better in passes:
        if watch.done:
            return
        values, usd = _told(watch, ground, better(watch, values))
        found = completed(watch, ground.program, ground.plain, values, ground.plain.replicas)
        if found.objective is not None and found.values is not None and found.objective < usd:
            watch.keep("choosing", found.objective, found.values)
            values = found.values


def _told(watch: Watch, ground: Ground, values: Floats) -> tuple[Floats, float]:
    """A plan that is settled and told, and what it costs; the same values where they break a rule, at any price."""
    found = ground.counted.settled(ground.program, values)
    if found is None:
        return values, np.inf
    usd = float(ground.program.cost @ found) + ground.program.offset
    watch.keep("choosing", usd, found)
    return found, usd


def _whole(program: Program, values: Floats) -> bool:
    whole = values[program.integer]
    return bool((whole == np.rint(whole)).all())


class _Choosing:
    """The choices at all times."""

    def __init__(self, ground: Ground) -> None:
        self._plain, self._point = ground.plain, ground.begin
        self._free = ground.counted.lifted(ground.program)
        self._price = prices(ground.plain.pools, ground.begin)
        self._times = Times(ground.program, ground.time, ground.counted.rows)
        self._cards = Cards(ground)

    def first(self, watch: Watch) -> Floats | None:
        """A plan beneath the orders of the point; None where a time has none among its patterns, or time is up.

        It may break rules that count what times cost.
        """
        point = self._point.columns
        opened = self._times.opened(point)
        for look in PASSES:
            self._look(watch, look, [at for at, piece in enumerate(opened) if piece.best is None], opened)
        values = self._times.joined(point, opened)
        return values if all(piece.best for piece in opened) and allowed(self._free, values) else None

    def near(self, watch: Watch, values: Floats) -> Floats:
        """The plan with other replicas where they are cheaper, near it and the relaxation."""
        opened = self._opened(values)
        near(watch, watch.enough(len(opened)), opened)
        return self._times.joined(values, opened)

    def among(self, look: Look, watch: Watch, values: Floats) -> Floats:
        """The plan with other patterns where they are cheaper, after a look at each time."""
        opened = self._opened(values)
        self._look(watch, look, sorted(range(len(opened)), key=lambda at: -opened[at].missing), opened)
        return self._times.joined(values, opened)

    def _look(self, watch: Watch, look: Look, order: Sequence[int], opened: Sequence[Piece]) -> None:
        """A look at some times, one after another."""
        size, enough = max(1, CHOICES_AT_ONCE // max(1, len(self._plain.ways))), watch.enough(len(opened))
        for first in range(0, len(order), size):
            times = np.array(order[first : first + size])
            lists = watch.each(partial(self._listed, times), self._plain.ways)
            dishes = [
                Dish(opened[at], self._times.rows[at], lists, place, at) for place, at in enumerate(times.tolist())
            ]
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

    def _choose(self, watch: Watch, enough: float, look: Look, dish: Dish) -> None:
        piece, split = dish.piece, self._plain.split[dish.piece.columns]
        if watch.over:
            return
        best = None if piece.best is None else piece.best.values
        nothing = np.where(self._plain.tied[piece.columns], self._point.columns[piece.columns], 0.0)
        values = nothing if best is None else best
        # A first plan is not put off for a better one.
        better = best is not None or look != PASSES[0]
        listing, relaxed = self._cards.relaxed(watch, dish, values, planned=best is not None, better=better)
        if relaxed is None:
            return
        piece.floor, program = relaxed.value, listing.program
        if piece.missing <= enough:
            return
        few, now = listing.liked(relaxed, look), listing.now(values)
        few |= (now > 0.0) & (best is not None)
        program = replace(program, column_upper=np.where(few, program.column_upper, 0.0))
        usd = relaxed.value if best is None else float(piece.program.cost @ best)
        effort = SolveOptions(
            gap=min(1.0, enough * look.slack / max(abs(usd), 1e-9)), time_limit_s=min(LONGEST_S, watch.left_s)
        )
        found = solve_here(program, effort, None if best is None else now, NODES, small=True)
        if found.values is not None:
            served = listing.served(piece, values, split, found.values)
            if allowed(piece.program, served):
                piece.take(served)
