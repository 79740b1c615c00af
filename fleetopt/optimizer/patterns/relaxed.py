"""How a plain program is relaxed: a block for each time, or at once where more than orders joins times and binds.

Rounded rows are found with it. The blocks also say, next to their optimum, what whole orders cost nearly as little: a
search that begins with orders which do not hold the nodes that can be had pays for it at every time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from fleetopt.optimizer.matrix import Floats, Ints, Program
from fleetopt.optimizer.patterns.blocks import CLOSE, Blocks
from fleetopt.optimizer.patterns.counted import Counted
from fleetopt.optimizer.patterns.plain import Plain
from fleetopt.optimizer.patterns.pricing import bounding
from fleetopt.optimizer.patterns.relaxation import Point, Relaxation
from fleetopt.optimizer.patterns.rounding import Rounded, of_demand, rounding
from fleetopt.optimizer.patterns.rows import Row
from fleetopt.optimizer.patterns.structure import NO_TIME
from fleetopt.optimizer.patterns.tied import knots
from fleetopt.optimizer.patterns.watch import Watch

CLOSE_ENOUGH, SMALL_PART, SMALL = 0.008, 0.02, 4e-5
"""Of the gap asked for, how far from its optimum a relaxation may stay; or a larger part, where that is small."""

AT_FIRST = 1e-3
"""Relative distance from the optimum that is close enough before there are rounded rows: most is still to come."""

CLOSE_ORDERS, CLOSEST_ORDERS, SHARE_OF_TIME = 0.04, 2e-4, 0.1
"""Of the gap asked for, how far from the best whole orders may be, but no closer than is worth its time; and of the
time limit, how long to look for them."""

DEARER = 0.05
"""Of what a time costs at the optimum, what whole replicas are thought to cost more, where rules count it."""

FEW = 200
"""Columns of a time up to which the program of single replicas is sooner done than one of patterns, and its plans are
not of their lists only."""


@dataclass(frozen=True, slots=True, eq=False)
class Relaxed:
    """A relaxation with rounded rows of demand, then rows that price patterns of what is tied, and its optimum."""

    relaxation: Relaxation | Blocks
    rows: list[Rounded]
    point: Point
    priced: list[Row] = field(default_factory=list)

    @property
    def apart(self) -> bool:
        """Whether the optimum was found a time by itself."""
        return isinstance(self.relaxation, Blocks)

    def pricing(self, watch: Watch, program: Program, plain: Plain, time: Ints) -> Relaxed:
        """The same with rows that price patterns of what is tied, if anything is."""
        if not plain.tied.any() or watch.over:
            return self
        found = knots(program, plain.tied, time, np.zeros_like(plain.tied), beneath_orders=False)
        found = [piece for piece in found if program.integer[piece.columns].any()]
        if not found:
            return self
        rows, point = bounding(watch, program, self.relaxation, found)
        return self if point is None else replace(self, priced=rows, point=point)

    def with_whole_orders(self, watch: Watch) -> Point:
        """Whole orders that cost little more, where they are cheaply found; or the optimum as it is."""
        if not isinstance(self.relaxation, Blocks):
            return self.point
        seconds = min(watch.left_s, SHARE_OF_TIME * watch.options.time_limit_s)
        gap = max(CLOSEST_ORDERS, CLOSE_ORDERS * watch.options.gap)
        whole = partial(self.relaxation.whole, gap, stop=lambda: watch.interrupted, dearer=DEARER)
        found = watch.each(whole, [seconds])[0]
        return self.point if found is None or not self.relaxation.obeyed(found.columns) else found


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What plans of a plain program are found from.

    The program, its arrays, the place of each column's time (NO_TIME for orders and the like), whether nothing but
    orders joins times at the optimum, the rounded rows, the optimum of the relaxation, a point to begin from, with
    whole orders if there are some, and the rules that count what times cost.
    """

    program: Program
    plain: Plain
    time: Ints
    apart: bool
    rows: Sequence[Row]
    point: Point
    begin: Point
    counted: Counted

    @property
    def small(self) -> bool:
        """Whether the program of a time is so small that it is solved as it is."""
        return self.program.cost.size <= FEW * (int(self.time.max()) + 1)


def relaxed(watch: Watch, plain: Plain, program: Program, time: Ints, orders: Floats) -> Relaxed | None:
    """The relaxation of a program with rounded rows, or None where it has no optimum or time is up.

    Args:
        watch: the clock, and whom to tell.
        plain: the arrays of the program.
        program: the program, with no upper bounds that no best plan needs.
        time: the place of each column's time, NO_TIME for orders and the like.
        orders: values of the columns of no time to begin at.
    """
    for relaxation in _relaxations(watch, program, time, orders):
        rows, point = rounding(watch, relaxation, partial(of_demand, plain))
        if point is not None and (isinstance(relaxation, Relaxation) or relaxation.obeyed(point.columns)):
            return Relaxed(relaxation, rows, point)
        if watch.over:
            break
    return None


def _relaxations(watch: Watch, program: Program, time: Ints, orders: Floats) -> Iterator[Relaxation | Blocks]:
    """The blocks, where there can be some; and where there cannot, or they do not come to an end, the whole at once.

    Rows that join times are no hindrance, unless they are broken where they are let go.
    """
    of_time = time != NO_TIME
    cost, lower = program.cost[of_time], program.column_lower[of_time]
    if of_time.any() and (cost >= 0.0).all() and (lower[cost > 0.0] >= 0.0).all():
        gap = watch.options.gap
        close = max(CLOSE, CLOSE_ENOUGH * gap, min(SMALL, SMALL_PART * gap))
        blocks = Blocks(program, time, orders, lambda: watch.interrupted, (close, AT_FIRST))
        point = watch.each(blocks.optimum, [watch.left_s])[0] if blocks.lets_go else None
        if not blocks.lets_go or (point is not None and blocks.obeyed(point.columns)):
            yield blocks
    yield Relaxation(program)
