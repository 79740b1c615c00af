"""Among equally cheap plans, one without idle replicas.

The optimum leaves open how GPUs that are paid for anyway are used: spare replicas cost nothing. With every
variable that costs money held at its value, the problem falls apart into one small piece per time (and site, and
whatever else nothing links). Each piece is solved again to serve as much of the excused demand as the fleet
allows and then to run as few GPUs as it can. The cost does not change; the placement becomes readable.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fleetopt.optimizer.formulation import Problem
from fleetopt.optimizer.matrix import Flags, Floats, Ints, Matrix, Rows
from fleetopt.optimizer.solve import SolveOptions, solve

LARGEST = 20_000
"""Columns beyond which a plan is left as it was found."""

EFFORT = SolveOptions(gap=0.0, time_limit_s=20.0)
NODE_LIMIT = 100
"""Branch-and-bound nodes per piece: a limit that gives the same plan on a slow machine as on a fast one."""


def tidy(problem: Problem, matrix: Matrix, values: Floats) -> Floats:
    """Values of the same cost with less excused demand and fewer GPUs in use, or the given ones."""
    if not 0 < matrix.cost.size <= LARGEST:
        return values
    preferred = replace(matrix, cost=_preference(problem, matrix), offset=0.0)
    held = matrix.cost != 0
    tidied = values.copy()
    for rows, columns in _pieces(matrix.rows, held):
        piece = _piece(preferred, values, rows, columns)
        solution = solve(piece, EFFORT, start=values[columns], max_nodes=NODE_LIMIT)
        if solution.values is not None and piece.cost @ solution.values < piece.cost @ values[columns]:
            tidied[columns] = solution.values
    return tidied


def _pieces(rows: Rows, held: Flags) -> list[tuple[Ints, Ints]]:
    """Rows and free columns that hang together once the held columns are constants."""
    parent = list(range(len(held)))

    def find(column: int) -> int:
        while parent[column] != column:
            parent[column] = parent[parent[column]]
            column = parent[column]
        return column

    free_of_row = [
        [int(c) for c in rows.column[rows.start[i] : rows.start[i + 1]] if not held[c]] for i in range(rows.count)
    ]
    for free in free_of_row:
        for column in free[1:]:
            parent[find(column)] = find(free[0])
    members: dict[int, tuple[list[int], list[int]]] = {}
    for column in np.flatnonzero(~held).tolist():
        members.setdefault(find(column), ([], []))[1].append(column)
    for row, free in enumerate(free_of_row):
        if free:
            members[find(free[0])][0].append(row)
    return [(np.array(r, np.int32), np.array(c, np.int32)) for r, c in members.values() if r]


def _piece(matrix: Matrix, values: Floats, rows: Ints, columns: Ints) -> Matrix:
    """The program of some rows and columns, everything else at its value."""
    place = {int(column): index for index, column in enumerate(columns)}
    start, inner, coefficients, constants = [0], [], [], []
    for row in rows:
        entries = range(matrix.rows.start[row], matrix.rows.start[row + 1])
        constant = 0.0
        for entry in entries:
            column, coefficient = int(matrix.rows.column[entry]), float(matrix.rows.coefficient[entry])
            if column in place:
                inner.append(place[column])
                coefficients.append(coefficient)
            else:
                constant += coefficient * values[column]
        start.append(len(inner))
        constants.append(constant)
    shift = np.array(constants)
    return Matrix(
        rows=Rows(np.array(start, np.int32), np.array(inner, np.int32), np.array(coefficients, float)),
        cost=matrix.cost[columns],
        offset=0.0,
        column_lower=matrix.column_lower[columns],
        column_upper=matrix.column_upper[columns],
        integer=matrix.integer[columns],
        row_lower=matrix.row_lower[rows] - shift,
        row_upper=matrix.row_upper[rows] - shift,
        variables=tuple(matrix.variables[column] for column in columns),
        rules=tuple(matrix.rules[row] for row in rows),
    )


def _preference(problem: Problem, matrix: Matrix) -> Floats:
    """Cost of a column in GPUs, with excused demand dearer than all of them together."""
    column = {id(variable): index for index, variable in enumerate(matrix.variables)}
    preference = np.zeros(matrix.cost.size)
    for _, used in problem.ledgers.gpus_used.entries():
        for index, gpus in _linear(used, column):
            preference[index] += gpus
    everything = 1.0 + float(preference @ np.where(np.isfinite(matrix.column_upper), matrix.column_upper, 0.0))
    for key, excused in problem.ledgers.excused.entries():
        for index, rps in _linear(excused, column):
            preference[index] += min(everything, 1e6) * rps / problem.case.planned_rps[key]
    return preference


def _linear(expression: object, column: dict[int, int]) -> list[tuple[int, float]]:
    """The columns and coefficients of a linear expression."""
    from pyomo.repn import generate_standard_repn

    repn = generate_standard_repn(expression)
    pairs = zip(repn.linear_vars, repn.linear_coefs, strict=True)
    return [(column[id(variable)], float(c)) for variable, c in pairs if id(variable) in column]
