"""Rules that count what each time costs: the tail of the worst futures, a budget for all that is paid.

In such a rule the columns of every time stand as they stand in the objective, times a number a[t] of the time:

    sum_t a[t] cost[t]  +  what columns of no time have in it  <=  limit,        a[t] >= 0

However many times it joins, it leaves them apart: a time's cheapest plan is also the one that leaves most of the limit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fleetopt.optimizer.matrix import Flags, Floats, Ints, Program
from fleetopt.optimizer.patterns.relaxation import Relaxation
from fleetopt.optimizer.patterns.rows import Row
from fleetopt.optimizer.patterns.structure import NO_TIME, SEVERAL, time_of_rows
from fleetopt.optimizer.pieces import allowed, program_of

SAME = 1e-9
SECONDS = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """The rules of a program that count what times cost.

    `rows` are their rows and `weight` is a[t], (rows, times); `sign` turns a row with an upper limit around, so that
    all say "at least". `adjusting` are columns of no time that hang on no column of a time but by these rows, and
    `loose` are the rows that one of them can keep at any cost of the times.
    """

    rows: Ints
    sign: Floats
    weight: Floats
    adjusting: Ints
    loose: Ints

    @property
    def hard(self) -> Flags:
        """Which of the rows no column keeps at any cost of the times."""
        return ~np.isin(self.rows, self.loose)

    def at_least(self, program: Program, shared: Ints, more: Floats | None = None) -> list[Row]:
        """The rows over columns of no time, by their place among these, and one more for each time.

        Where it is said what times cost more in the end, the hard ones leave room for it.
        """
        place = np.full(program.cost.size, -1, dtype=np.int32)
        place[shared] = np.arange(len(shared), dtype=np.int32)
        found = []
        room = np.zeros(len(self.rows)) if more is None else np.where(self.hard, self.weight @ more, 0.0)
        for row, sign, weight, kept in zip(self.rows.tolist(), self.sign.tolist(), self.weight, room, strict=True):
            here = slice(program.rows.start[row], program.rows.start[row + 1])
            own, coefficient = place[program.rows.column[here]], program.rows.coefficient[here]
            there, times = own >= 0, np.flatnonzero(weight)
            columns = np.concatenate([own[there], len(shared) + times]).astype(np.int32)
            coefficients = np.concatenate([sign * coefficient[there], -weight[times]])
            limit = program.row_upper[row] if sign < 0.0 else program.row_lower[row]
            found.append(Row(columns, coefficients, float(sign * limit + kept)))
        return found

    def lifted(self, program: Program) -> Program:
        """The program without these rules."""
        lower, upper = program.row_lower.copy(), program.row_upper.copy()
        lower[self.rows], upper[self.rows] = -np.inf, np.inf
        return replace(program, row_lower=lower, row_upper=upper)

    def settled(self, program: Program, values: Floats) -> Floats | None:
        """The values with what adjusts as cheap as can be; None where one of the rules is broken all the same."""
        found = adjusted(program, self.adjusting, values)
        none = np.zeros(0, np.int32)
        kept = found is not None and allowed(program_of(program, found, self.rows, none), np.zeros(0))
        return found if kept else None


def counted(program: Program, time: Ints) -> Counted:
    """The rules of a program that count what times cost.

    Args:
        program: the program.
        time: the place of each column's time, NO_TIME for orders and the like.
    """
    rows, times = program.rows, int(time.max(initial=-1)) + 1
    row_of = np.repeat(np.arange(rows.count, dtype=np.int32), np.diff(rows.start))
    row_time = time_of_rows(rows, time)
    timed = time[rows.column] != NO_TIME
    asked = timed & (row_time == SEVERAL)[row_of]
    chosen, at = np.unique(row_of[asked], return_inverse=True)
    column, of_time = rows.column[asked], time[rows.column[asked]]
    usd = program.cost[column]
    ratio = np.divide(rows.coefficient[asked], usd, out=np.full(len(column), np.nan), where=usd != 0.0)
    least, most = np.full((len(chosen), times), np.inf), np.full((len(chosen), times), -np.inf)
    np.minimum.at(least, (at, of_time), ratio)
    np.maximum.at(most, (at, of_time), ratio)
    found = np.zeros((len(chosen), times), dtype=np.int64)
    np.add.at(found, (at, of_time), 1)
    whole = np.bincount(time[(time != NO_TIME) & (program.cost != 0.0)], minlength=times)
    there = found > 0
    same = ~there | ((found == whole) & (most - least <= SAME * np.abs(np.where(there, most, 0.0))))
    weight = np.where(there, least, 0.0)
    above, below = np.isfinite(program.row_upper[chosen]), np.isfinite(program.row_lower[chosen])
    rises, falls = (weight >= 0.0).all(axis=1), (weight <= 0.0).all(axis=1)
    kept = same.all(axis=1) & ((above & ~below & rises) | (below & ~above & falls))
    chosen, sign = chosen[kept].astype(np.int32), np.where(above[kept], -1.0, 1.0)
    return Counted(chosen, sign, np.abs(weight[kept]), *_adjusting(program, time, chosen, sign))


def _adjusting(program: Program, time: Ints, chosen: Ints, sign: Floats) -> tuple[Ints, Ints]:
    """Columns that hang on those of times by the chosen rows alone, and which rows they keep at any cost."""
    rows, place = program.rows, np.full(program.rows.count, -1, dtype=np.int32)
    place[chosen] = np.arange(len(chosen), dtype=np.int32)
    row_of = np.repeat(np.arange(rows.count, dtype=np.int32), np.diff(rows.start))
    joining = (time_of_rows(rows, time) != NO_TIME)[row_of] & (place[row_of] < 0)
    free = (time == NO_TIME) & ~program.integer
    free[rows.column[joining]] = False
    entries = (place[row_of] >= 0) & free[rows.column]
    row, column = place[row_of[entries]], rows.column[entries]
    rising = (sign[row] * rows.coefficient[entries] > 0.0) & np.isinf(program.column_upper[column])
    # A column that another of these rows must not see rise keeps none.
    harmful = column[sign[row] * rows.coefficient[entries] < 0.0]
    loose = np.zeros(len(chosen), dtype=bool)
    loose[row[rising & ~np.isin(column, harmful)]] = True
    return np.unique(column).astype(np.int32), chosen[loose]


def adjusted(program: Program, columns: Ints, values: Floats) -> Floats | None:
    """The values with some continuous columns as cheap as can be beside all others; None where rules are against it."""
    if not len(columns):
        return values
    touched = np.repeat(np.arange(program.rows.count), np.diff(program.rows.start))
    rows = np.unique(touched[np.isin(program.rows.column, columns)]).astype(np.int32)
    point = Relaxation(program_of(program, values, rows, columns)).optimum(SECONDS)
    if point is None:
        return None
    found = values.copy()
    found[columns] = point.columns
    return found


def without(program: Program, rows: Ints) -> Flags:
    """Which rows are left without some."""
    left = np.ones(program.rows.count, dtype=bool)
    left[rows] = False
    return left
