"""The relaxation, kept warm: rows are added to it, and it is solved again from where it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fleetopt.optimizer.matrix import Floats, Ints, Program
from fleetopt.optimizer.patterns.rows import Row
from fleetopt.optimizer.solve import SolveOptions, configured, model_of


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """An optimum of the relaxation: its value, the columns, and what rows and columns are worth there."""

    value: float
    columns: Floats
    row_dual: Floats
    column_dual: Floats


class Relaxation:
    """The program of a matrix without the demand that anything be whole."""

    def __init__(self, matrix: Program) -> None:
        self._highs: Any = configured(SolveOptions(time_limit_s=float("inf")))
        self._highs.passModel(model_of(replace(matrix, integer=np.zeros_like(matrix.integer))))

    def optimum(self, time_limit_s: float) -> Point | None:
        """The optimum, or None where there is none or the time was too short to find it."""
        import highspy

        # The clock of HiGHS runs on from solve to solve.
        self._highs.setOptionValue("time_limit", self._highs.getRunTime() + time_limit_s)
        self._highs.run()
        if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        solution = self._highs.getSolution()
        return Point(
            value=float(self._highs.getInfo().objective_function_value),
            columns=np.array(solution.col_value),
            row_dual=np.array(solution.row_dual),
            column_dual=np.array(solution.col_dual),
        )

    def add(self, rows: Sequence[Row]) -> None:
        """Adds rows; the last basis stays the place to begin from."""
        lengths = [len(row.columns) for row in rows]
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int32)
        columns = np.concatenate([row.columns for row in rows]).astype(np.int32)
        coefficients = np.concatenate([row.coefficients for row in rows])
        lower, upper = np.array([row.lower for row in rows]), np.full(len(rows), np.inf)
        self._highs.addRows(len(rows), lower, upper, len(columns), starts, columns, coefficients)

    def limit(self, rows: Ints, lower: Floats, upper: Floats) -> None:
        """Gives rows other limits; the last basis stays the place to begin from."""
        self._highs.changeRowsBounds(len(rows), rows, lower, upper)
