"""Rounding: rows that hold because replicas are whole, found at once for all workloads and times.

Whatever the links, the prefill replicas of a workload carry its demand together with the aggregated ones, and so do
its decode replicas:  sum_c part[c] n[c] + excused >= 1.  Divided by any d > 0, with f the fractional part of 1/d,

    sum_c (floor(part[c]/d) + min(1, frac(part[c]/d) / f)) n[c]  +  excused / (d f)  >=  ceil(1/d)

holds for whole n (mixed-integer rounding: Nemhauser and Wolsey, Math. Prog. 46, 1990; how to choose d: Marchand and
Wolsey, Oper. Res. 49, 2001). The parts themselves, halved, doubled and trebled are tried as d, and of each demand and
role the row that the relaxation breaks most is added. docs/decisions/0016 has what it gives: nearly the bound of
pricing patterns, in a hundredth of its time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from fleetopt.optimizer.matrix import Flags, Floats
from fleetopt.optimizer.patterns.blocks import Blocks
from fleetopt.optimizer.patterns.plain import Plain, Ways
from fleetopt.optimizer.patterns.relaxation import Point, Relaxation
from fleetopt.optimizer.patterns.rows import Row
from fleetopt.optimizer.patterns.watch import Watch

MULTIPLES = (0.5, 1.0, 2.0, 3.0)
ROUNDS = 12
WORTH_A_ROUND = 5e-5
"""Relative rise of the bound below which another round is not worth its time."""

SHARE_OF_GAP = 0.008
"""The same as a share of the gap asked for, where that is more."""

SHARE_OF_TIME = 0.5
"""Of the time limit, after which no round is begun: a plan is worth more than the last of the bound."""

BROKEN = 1e-4
"""How much of its right side a row must be broken by to be added."""

STEEP = 0.01
"""A fractional part of 1/d below which rounding errors would count."""

SAME = 1e-9

Found = TypeVar("Found", bound=Row)


@dataclass(frozen=True, slots=True, eq=False)
class Rounded(Row):
    """The row of a workload's demand at a time, rounded for a role, and by what it was divided."""

    workload: str
    time: int
    role: int
    divisor: float


def rounding(
    watch: Watch, relaxation: Relaxation | Blocks, broken: Callable[[Point], Iterable[Found]]
) -> tuple[list[Found], Point | None]:
    """Rows, round after round at the optimum of the relaxation with all so far, and that optimum.

    Rows whose optimum is not found any more, in time or at all, are not among them.

    Args:
        watch: the clock, and whom to tell of bounds.
        relaxation: what the rows are added to.
        broken: the rows that a point breaks, though every plan obeys them.
    """
    rows, new, best = list[Found](), list[Found](), None
    for _ in range(ROUNDS):
        point = watch.each(relaxation.optimum, [watch.left_s])[0]
        if point is None:
            break
        watch.know("bounding", point.value)
        worth = max(WORTH_A_ROUND, SHARE_OF_GAP * watch.options.gap)
        risen = best is None or point.value - best.value > worth * abs(point.value)
        rows, best = rows + new, point
        late = watch.seconds > SHARE_OF_TIME * watch.options.time_limit_s
        new = list(broken(point)) if risen and not late else []
        if not new and not late and isinstance(relaxation, Blocks) and relaxation.closely():
            continue
        if not new:
            break
        relaxation.add(new)
    return rows, best


def of_demand(plain: Plain, point: Point) -> Iterator[Rounded]:
    """For every workload, time and role, the rounded row of the demand that is broken most, if one is."""
    for ways in (*plain.ways, *plain.asking):
        yield from broken_rows(ways, point)


def broken_rows(ways: Ways, point: Point) -> list[Rounded]:
    """For every time and role, the rounded row of the demand that is broken most, if one is."""
    return [row for place in range(len(ways.roles())) for row in _of_role(ways, place, point)]


def _of_role(ways: Ways, place: int, point: Point) -> list[Rounded]:
    role = ways.roles()[place]
    # Work that is done when it suits asks for nothing at a time by itself.
    times = np.flatnonzero((ways.part[:, role].max(axis=1) > 0) & (ways.demand >= 0))
    part, column = ways.part[times][:, role], ways.column[times][:, role]
    replicas = ways.replicas(point.columns)[times][:, role]
    excused = np.where(ways.excused[times] >= 0, point.columns[ways.excused[times]], 0.0) * ways.excused_part[times]
    rows = np.arange(len(times))
    worst, chosen = np.full(len(times), BROKEN), np.full(len(times), -1)
    divisors = np.concatenate([part * multiple for multiple in MULTIPLES], axis=1)
    for index, divisor in enumerate(divisors.T):
        usable, coefficient, slope, least = rounded(part, divisor)
        missing = np.where(usable, 1.0 - ((coefficient * replicas).sum(axis=1) + slope * excused) / least, 0.0)
        better = missing > worst
        worst[better], chosen[better] = missing[better], index
    found = np.flatnonzero(chosen >= 0)
    divided = divisors[rows, chosen]
    _, coefficient, slope, least = rounded(part, divided)
    made = []
    for row in found:
        stands = column[row] >= 0
        columns, coefficients = column[row][stands], coefficient[row][stands]
        if ways.excused[times[row]] >= 0:
            columns = np.append(columns, ways.excused[times[row]])
            coefficients = np.append(coefficients, slope[row] * ways.excused_part[times[row]])
        of = (ways.workload, int(times[row]), place, float(divided[row]))
        made.append(Rounded(columns.astype(np.int32), coefficients, float(least[row]), *of))
    return made


def rounded(part: Floats, divisor: Floats) -> tuple[Flags, Floats, Floats, Floats]:
    """Whether a row may be divided so, the coefficients of replicas, that of what is excused, and the right side."""
    usable = divisor > 0
    divisor = np.where(usable, divisor, 1.0)
    asked = 1.0 / divisor
    whole = np.floor(asked + SAME)
    over = asked - whole
    even = over < SAME
    fraction = np.where(even, 1.0, over)
    shares = part / divisor[:, None]
    floors = np.floor(shares + SAME)
    coefficient = floors + np.minimum(1.0, np.maximum(shares - floors, 0.0) / fraction[:, None])
    return usable & (fraction >= STEEP), coefficient, 1.0 / (divisor * fraction), np.where(even, whole, whole + 1.0)
