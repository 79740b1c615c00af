"""Rows of the kind  coefficients . columns >= lower  that every plan obeys, and the program with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fleetopt.optimizer.matrix import Floats, Ints, Matrix, Rows
from fleetopt.optimizer.rules import Rule

SENTENCE = "cheapest_pattern_is_paid_for"


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    columns: Ints
    coefficients: Floats
    lower: float


def strengthened(matrix: Matrix, rows: Sequence[Row]) -> Matrix:
    """The same integer program with more rows: its plans are the same, its relaxation is tighter."""
    own = matrix.rows
    lengths = np.array([len(row.columns) for row in rows], dtype=np.int32)
    lower = np.array([row.lower for row in rows])
    return replace(
        matrix,
        rows=Rows(
            start=np.concatenate([own.start, own.start[-1] + np.cumsum(lengths, dtype=np.int32)]).astype(np.int32),
            column=np.concatenate([own.column, *(row.columns for row in rows)]),
            coefficient=np.concatenate([own.coefficient, *(row.coefficients for row in rows)]),
        ),
        row_lower=np.concatenate([matrix.row_lower, lower]),
        row_upper=np.concatenate([matrix.row_upper, np.full(len(rows), np.inf)]),
        rules=(*matrix.rules, *(Rule(SENTENCE, i, 0.0, ">=", row.lower, None) for i, row in enumerate(rows))),
    )
