"""Pieces of a program: what falls apart once some columns are held at a value.

Nothing here knows what a row or a column means. Two columns hang together when a row has both; a piece is all that
hangs together, and its program is the rows it stands in with everything else moved to the right-hand side.
"""

from __future__ import annotations

import numpy as np

from fleetopt.optimizer.matrix import Flags, Floats, Ints, Program, Rows

TOLERANCE = 1e-6


def pieces(rows: Rows, held: Flags, among: Flags | None = None) -> list[tuple[Ints, Ints]]:
    """Rows and free columns that hang together once the held columns are constants.

    Args:
        rows: the sparse matrix.
        held: whether a column is a constant.
        among: the rows to look at; all of them unless said otherwise. A column without any is in no piece.
    """
    parent = list(range(len(held)))

    def find(column: int) -> int:
        while parent[column] != column:
            parent[column] = parent[parent[column]]
            column = parent[column]
        return column

    looked_at = range(rows.count) if among is None else np.flatnonzero(among).tolist()
    free_of = {row: [c for c in _columns(rows, row).tolist() if not held[c]] for row in looked_at}
    for free in free_of.values():
        for column in free[1:]:
            parent[find(column)] = find(free[0])
    members: dict[int, tuple[list[int], list[int]]] = {}
    for column in np.flatnonzero(~held).tolist():
        members.setdefault(find(column), ([], []))[1].append(column)
    for row, free in free_of.items():
        if free:
            members[find(free[0])][0].append(row)
    return [(np.array(r, np.int32), np.array(c, np.int32)) for r, c in members.values() if r]


def program_of(program: Program, values: Floats, rows: Ints, columns: Ints) -> Program:
    """The program of some rows and columns, every other column at its value."""
    start, entries = entries_of(program.rows, rows)
    place = np.full(program.cost.size, -1, dtype=np.int32)
    place[columns] = np.arange(len(columns), dtype=np.int32)
    column, coefficient = program.rows.column[entries], program.rows.coefficient[entries]
    row = np.repeat(np.arange(len(rows)), np.diff(start))
    inside = place[column] >= 0
    shift = np.zeros(len(rows))
    np.add.at(shift, row[~inside], coefficient[~inside] * values[column[~inside]])
    kept = np.concatenate([[0], np.cumsum(np.bincount(row[inside], minlength=len(rows)))])
    return Program(
        rows=Rows(kept.astype(np.int32), place[column[inside]], coefficient[inside]),
        cost=program.cost[columns],
        offset=0.0,
        column_lower=program.column_lower[columns],
        column_upper=program.column_upper[columns],
        integer=program.integer[columns],
        row_lower=program.row_lower[rows] - shift,
        row_upper=program.row_upper[rows] - shift,
    )


def breakable(program: Program, rows: Ints, size: Floats, usd: float) -> Program:
    """The relaxed program with a column for each of some rows: a unit of it breaks the row by `size`, for `usd`."""
    count, columns = len(rows), program.cost.size
    more = np.zeros(program.rows.count, np.int32)
    more[rows] = 1
    ends = program.rows.start[rows + 1]
    sign = np.where(np.isfinite(program.row_upper[rows]), -1.0, 1.0)
    return Program(
        rows=Rows(
            start=(program.rows.start + np.concatenate([[0], np.cumsum(more)])).astype(np.int32),
            column=np.insert(program.rows.column, ends, columns + np.arange(count)).astype(np.int32),
            coefficient=np.insert(program.rows.coefficient, ends, sign * size),
        ),
        cost=np.concatenate([program.cost, np.full(count, usd)]),
        offset=program.offset,
        column_lower=np.concatenate([program.column_lower, np.zeros(count)]),
        column_upper=np.concatenate([program.column_upper, np.full(count, np.inf)]),
        integer=np.zeros(columns + count, dtype=bool),
        row_lower=program.row_lower,
        row_upper=program.row_upper,
    )


def allowed(program: Program, values: Floats) -> bool:
    """Whether values are within the bounds of all columns and rows."""
    row = np.repeat(np.arange(program.rows.count), np.diff(program.rows.start))
    sums = np.bincount(row, program.rows.coefficient * values[program.rows.column], program.rows.count)
    limits = (values, program.column_lower, program.column_upper), (sums, program.row_lower, program.row_upper)
    for at, low, high in limits:
        slack = TOLERANCE * np.maximum(1.0, np.abs(at))
        if not ((low - slack <= at) & (at <= high + slack)).all():
            return False
    return True


def entries_of(rows: Rows, chosen: Ints) -> tuple[Ints, Ints]:
    """Where each chosen row starts among the entries of all chosen rows, and where those entries stand."""
    lengths = rows.start[chosen + 1] - rows.start[chosen]
    start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return start, (np.arange(start[-1]) - np.repeat(start[:-1] - rows.start[chosen], lengths)).astype(np.int32)


def _columns(rows: Rows, row: int) -> Ints:
    return rows.column[rows.start[row] : rows.start[row + 1]]
