"""Among equally cheap plans, one without idle replicas.

The optimum leaves open how GPUs that are paid for anyway are used: spare replicas cost nothing. With every
variable that costs money held at its value, a second, small solve serves as much of the excused demand as the
fleet allows and then runs as few GPUs as it can. The cost does not change; the placement becomes readable.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fleetopt.optimizer.formulation import Problem
from fleetopt.optimizer.matrix import Floats, Matrix
from fleetopt.optimizer.solve import SolveOptions, solve

LARGEST = 20_000
"""Columns beyond which a plan is left as it was found."""

NODE_LIMIT = 2_000
"""Branch-and-bound nodes: a limit that gives the same plan on a slow machine as on a fast one."""


def tidy(problem: Problem, matrix: Matrix, values: Floats) -> Floats:
    """Values of the same cost with less excused demand and fewer GPUs in use, or the given ones."""
    if matrix.cost.size > LARGEST or not values.size:
        return values
    held = matrix.cost != 0
    preference = _preference(problem, matrix)
    narrowed = replace(
        matrix,
        cost=preference,
        offset=0.0,
        column_lower=np.where(held, values, matrix.column_lower),
        column_upper=np.where(held, values, matrix.column_upper),
    )
    solution = solve(narrowed, SolveOptions(gap=0.0, time_limit_s=20.0), start=values, max_nodes=NODE_LIMIT)
    if solution.values is None or preference @ solution.values > preference @ values:
        return values
    return solution.values


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
