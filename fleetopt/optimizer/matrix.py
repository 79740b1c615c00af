"""From a Pyomo model to plain arrays: min c x + c0, row_lower <= A x <= row_upper, integers marked.

The arrays go to HiGHS without a translation layer in between, which keeps the solver's bound, log, callbacks
and warm starts in our hands, and lets the elastic problem add slack columns without building a second model.
See docs/decisions/0003.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fleetopt.optimizer.formulation import Problem
from fleetopt.optimizer.rules import Rule

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int32]
Flags: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A sparse matrix by rows: entries `start[i]` to `start[i+1]` are row i's columns and coefficients."""

    start: Ints
    column: Ints
    coefficient: Floats

    @property
    def count(self) -> int:
        return len(self.start) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A mixed-integer program as arrays of n columns and m rows."""

    rows: Rows
    cost: Floats
    offset: float
    column_lower: Floats
    column_upper: Floats
    integer: Flags
    row_lower: Floats
    row_upper: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Matrix(Program):
    """A program and where it came from: `variables` are Pyomo's, one a column; `rules` ours, one a row."""

    variables: tuple[Any, ...]
    rules: tuple[Rule, ...]


EMPTY = Matrix(
    rows=Rows(np.zeros(1, np.int32), np.zeros(0, np.int32), np.zeros(0)),
    cost=np.zeros(0),
    offset=0.0,
    column_lower=np.zeros(0),
    column_upper=np.zeros(0),
    integer=np.zeros(0, dtype=bool),
    row_lower=np.zeros(0),
    row_upper=np.zeros(0),
    variables=(),
    rules=(),
)
"""The program about nothing."""


def compile_matrix(problem: Problem) -> Matrix:
    """The arrays of a problem. Variables that stand in no row and no cost are left out."""
    from pyomo.repn import generate_standard_repn

    variables: list[Any] = []
    column: dict[int, int] = {}

    def linear(expression: Any) -> tuple[list[int], list[float], float]:
        repn = generate_standard_repn(expression)
        for variable in repn.linear_vars:
            if id(variable) not in column:
                column[id(variable)] = len(variables)
                variables.append(variable)
        return [column[id(v)] for v in repn.linear_vars], [float(c) for c in repn.linear_coefs], float(repn.constant)

    start, columns, coefficients, bounds = [0], [], [], []
    for rule in problem.rules:
        indices, values, constant = linear(problem.model.component(rule.sentence)[rule.key].body)
        columns += indices
        coefficients += values
        start.append(len(columns))
        bounds.append(rule.bound - constant)
    indices, values, offset = linear(problem.model.COST.expr)
    cost = np.zeros(len(variables))
    np.add.at(cost, indices, values)
    below = np.array([rule.sense == "<=" for rule in problem.rules], dtype=bool)
    limits = np.array(bounds, dtype=float)
    return Matrix(
        rows=Rows(np.array(start, np.int32), np.array(columns, np.int32), np.array(coefficients, float)),
        cost=cost,
        offset=offset,
        column_lower=_bounds(variables, "lb", -np.inf),
        column_upper=_bounds(variables, "ub", np.inf),
        integer=np.array([variable.is_integer() for variable in variables], dtype=bool),
        row_lower=np.where(below, -np.inf, limits),
        row_upper=np.where(below, limits, np.inf),
        variables=tuple(variables),
        rules=problem.rules,
    )


def _bounds(variables: list[Any], side: str, otherwise: float) -> Floats:
    found = (getattr(variable, side) for variable in variables)
    return np.array([otherwise if bound is None else bound for bound in found], dtype=float)
