"""Rows of the kind  coefficients . columns >= lower  that every plan obeys, and the program with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fleetopt.optimizer.matrix import Floats, Ints, Program, Rows


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    columns: Ints
    coefficients: Floats
    lower: float

    def broken(self, values: Floats) -> float:
        """By how much values break the row, next to its limit."""
        missing = self.lower - float(self.coefficients @ values[self.columns])
        return max(0.0, missing) / max(1.0, abs(self.lower))


def strengthened(program: Program, rows: Sequence[Row]) -> Program:
    """The same integer program with more rows: its plans are the same, its relaxation is tighter."""
    own = program.rows
    lengths = np.array([len(row.columns) for row in rows], dtype=np.int32)
    lower = np.array([row.lower for row in rows])
    return Program(
        rows=Rows(
            start=np.concatenate([own.start, own.start[-1] + np.cumsum(lengths, dtype=np.int32)]).astype(np.int32),
            column=np.concatenate([own.column, *(row.columns for row in rows)]),
            coefficient=np.concatenate([own.coefficient, *(row.coefficients for row in rows)]),
        ),
        cost=program.cost,
        offset=program.offset,
        column_lower=program.column_lower,
        column_upper=program.column_upper,
        integer=program.integer,
        row_lower=np.concatenate([program.row_lower, lower]),
        row_upper=np.concatenate([program.row_upper, np.full(len(rows), np.inf)]),
    )
