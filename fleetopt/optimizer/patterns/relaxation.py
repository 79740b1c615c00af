"""The relaxation, kept warm: rows are added to it, and it is solved again from where it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fleetopt.optimizer.matrix import Floats, Ints, Program
from fleetopt.optimizer.patterns.rows import Row, strengthened
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

    def __init__(self, program: Program) -> None:
        self._program = replace(program, integer=np.zeros_like(program.integer))
        self._basis: Any = None
        self._solver: Any = None

    @property
    def program(self) -> Program:
        """The relaxed program, with the rows added so far."""
        return self._program

    def optimum(self, time_limit_s: float) -> Point | None:
        """The optimum, or None where there is none or the time was too short to find it."""
        import highspy

        highs = self._awake()
        # The clock of HiGHS runs on from solve to solve.
        highs.setOptionValue("time_limit", highs.getRunTime() + time_limit_s)
        highs.run()
        if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        solution = highs.getSolution()
        return Point(
            value=float(highs.getInfo().objective_function_value),
            columns=np.array(solution.col_value),
            row_dual=np.array(solution.row_dual),
            column_dual=np.array(solution.col_dual),
        )

    def add(self, rows: Sequence[Row]) -> None:
        """Adds rows; the last basis stays the place to begin from."""
        if not rows:
            return
        self._program = strengthened(self._program, rows)
        if self._solver is None:
            self._basis = extended(self._basis, len(rows))
            return
        lengths = [len(row.columns) for row in rows]
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int32)
        columns = np.concatenate([row.columns for row in rows]).astype(np.int32)
        coefficients = np.concatenate([row.coefficients for row in rows])
        lower, upper = np.array([row.lower for row in rows]), np.full(len(rows), np.inf)
        self._solver.addRows(len(rows), lower, upper, len(columns), starts, columns, coefficients)

    def limit(self, rows: Ints, lower: Floats, upper: Floats) -> None:
        """Gives rows other limits; the last basis stays the place to begin from."""
        program = self._program
        row_lower, row_upper = program.row_lower.copy(), program.row_upper.copy()
        row_lower[rows], row_upper[rows] = lower, upper
        self._program = replace(program, row_lower=row_lower, row_upper=row_upper)
        if self._solver is not None:
            self._solver.changeRowsBounds(len(rows), rows, lower, upper)

    def park(self) -> Any:
        """Lets the solver go, which takes ten times the memory of the arrays, and returns the basis that it keeps."""
        if self._solver is not None:
            self._basis, self._solver = self._solver.getBasis(), None
        return self._basis

    def begin(self, basis: Any) -> None:
        """Begins from the basis of a program with as many rows and columns, if it has not begun yet."""
        if self._basis is None and self._solver is None:
            self._basis = basis

    def _awake(self) -> Any:
        if self._solver is None:
            self._solver = configured(SolveOptions(time_limit_s=float("inf")))
            self._solver.passModel(model_of(self._program))
            if self._basis is not None:
                self._solver.setBasis(self._basis)
        return self._solver


def extended(basis: Any, rows: int) -> Any:
    """The basis with more rows, whose slacks are basic."""
    import highspy

    if basis is None:
        return None
    basis.row_status = [*basis.row_status, *([highspy.HighsBasisStatus.kBasic] * rows)]
    return basis
