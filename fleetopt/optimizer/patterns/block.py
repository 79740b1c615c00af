"""A time of a program beneath orders: what it costs, and how that rises (`blocks`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from fleetopt.optimizer.matrix import Floats, Ints, Program
from fleetopt.optimizer.patterns.master import Cut
from fleetopt.optimizer.patterns.relaxation import Relaxation
from fleetopt.optimizer.pieces import breakable, entries_of, program_of

PENALTY = 10.0
"""Price of breaking a row by what the largest column puts into it, next to the dearest column of all."""


@dataclass(slots=True, eq=False)
class Block:
    """One time: its rows and columns in the whole, its program, and what orders have to do with its rows.

    `linked` are the rows that orders stand in, with their limits; `entries` are row (among them), order, coefficient.
    """

    rows: Ints
    columns: Ints
    program: Relaxation
    linked: Ints
    lower: Floats
    upper: Floats
    entries: tuple[Ints, Ints, Floats]
    broken: float = 0.0
    cuts: list[Cut] = field(default_factory=list)
    values: Floats = field(default_factory=lambda: np.zeros(0))

    def usd(self, orders: Floats, end: float) -> float | None:
        """The cost with some orders held, and a cut more; None where there is no answer before the end."""
        row, order, coefficient = self.entries
        held = np.bincount(row, coefficient * orders[order], len(self.linked))
        self.program.limit(self.linked, self.lower - held, self.upper - held)
        point = self.program.optimum(end - perf_counter())
        if point is None:
            return None
        slope = np.bincount(order, -coefficient * point.row_dual[self.linked[row]], len(orders)).astype(float)
        self.cuts.append(Cut(point.value - float(slope @ orders), slope, point.row_dual))
        self.values = point.columns[: len(self.columns)]
        self.broken = float(point.columns[len(self.columns) :].sum())
        return point.value


def blocks_of(program: Program, time: Ints, row_time: Ints, shared: Ints) -> list[Block]:
    """The blocks of all times.

    Args:
        program: the program.
        time: the place of each column's time.
        row_time: the same of each row.
        shared: the columns of no time.
    """
    place = np.full(len(time), -1, dtype=np.int32)
    place[shared] = np.arange(len(shared), dtype=np.int32)
    nothing, usd = np.zeros(len(time)), PENALTY * float(np.abs(program.cost).max(initial=1.0))
    found = []
    for moment in range(int(time.max()) + 1):
        rows, columns = (np.flatnonzero(of == moment).astype(np.int32) for of in (row_time, time))
        own = program_of(program, nothing, rows, columns)
        starts, entries = entries_of(program.rows, rows)
        row = np.repeat(np.arange(len(rows)), np.diff(starts))
        order = place[program.rows.column[entries]]
        there = order >= 0
        linked, row = np.unique(row[there], return_inverse=True)
        coefficient = program.rows.coefficient[entries][there]
        limits = own.row_lower[linked], own.row_upper[linked]
        at = linked.astype(np.int32)
        links = row.astype(np.int32), order[there], coefficient
        found.append(Block(rows, columns, Relaxation(breakable(own, at, _largest(own)[at], usd)), at, *limits, links))
    return found


def _largest(program: Program) -> Floats:
    """The largest coefficient of each row, one at least."""
    size = np.ones(program.rows.count)
    row = np.repeat(np.arange(program.rows.count), np.diff(program.rows.start))
    np.maximum.at(size, row, np.abs(program.rows.coefficient))
    return size
