"""Among equally cheap plans, one without idle replicas.

The optimum leaves open how GPUs that are paid for anyway are used: spare replicas cost nothing. With every
variable that costs money held at its value, the problem falls apart into one small piece per time (and site, and
whatever else nothing links). Each piece is solved again to serve as much of the excused demand as the fleet
allows and then to run as few GPUs as it can. The cost does not change; the placement becomes readable.
"""

from __future__ import annotations

import math
from dataclasses import replace
from time import perf_counter

import numpy as np

from fleetopt.optimizer.formulation import Problem
from fleetopt.optimizer.matrix import Floats, Matrix, Program
from fleetopt.optimizer.patterns.needed import needed
from fleetopt.optimizer.patterns.plain import plain_of
from fleetopt.optimizer.patterns.structure import time_of_columns
from fleetopt.optimizer.pieces import pieces, program_of
from fleetopt.optimizer.solve import SolveOptions, solve

LARGE = 5_000
"""Columns beyond which idle replicas are only taken away, and nothing else is tried: of plain programs by counting."""

LARGEST = 200_000
"""Columns beyond which a plan that is not plain is left as it was found."""

LONGEST_S, SHORTEST_S, SHARE_OF_TIME = 10.0, 0.5, 0.05
"""What is left after a share of the time limit, within these seconds, stays as it was found: nobody waits long for a
plan that costs no less."""

NODE_LIMIT = 100
"""Branch-and-bound nodes per piece: a limit that gives the same plan on a slow machine as on a fast one."""


def tidy(problem: Problem, matrix: Matrix, values: Floats, time_limit_s: float = math.inf) -> Floats:
    """Values of the same cost with less excused demand and fewer GPUs in use, or the given ones.

    Args:
        problem: where the matrix came from.
        matrix: the program.
        values: a plan.
        time_limit_s: of finding plans; a small part of it is left for this.
    """
    longest_s = min(LONGEST_S, max(SHORTEST_S, SHARE_OF_TIME * time_limit_s))
    plain = plain_of(problem, matrix, time_of_columns(problem, matrix)) if matrix.cost.size > LARGE else None
    if plain is not None and not plain.tied.any():
        return needed(matrix, plain, values)
    if not 0 < matrix.cost.size <= LARGEST:
        return values
    preferred = replace(matrix, cost=_preference(problem, matrix), offset=0.0)
    held = matrix.cost != 0
    tidied, begun = values.copy(), perf_counter()
    for rows, columns in pieces(matrix.rows, held):
        if perf_counter() - begun > longest_s:
            break
        piece = program_of(preferred, values, rows, columns)
        if matrix.cost.size > LARGE:
            piece = _only_less(piece, values[columns])
        effort = SolveOptions(gap=0.0, time_limit_s=max(0.0, longest_s - (perf_counter() - begun)))
        solution = solve(piece, effort, start=values[columns], max_nodes=NODE_LIMIT)
        if solution.values is not None and piece.cost @ solution.values < piece.cost @ values[columns]:
            tidied[columns] = solution.values
    return tidied


def _only_less(piece: Program, values: Floats) -> Program:
    """The piece with no more of anything whole than there is."""
    return replace(piece, column_upper=np.where(piece.integer, values, piece.column_upper))


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
    for _, undone in problem.ledgers.undone.entries():
        for index, share in _linear(undone, column):
            preference[index] += everything * share
    return preference


def _linear(expression: object, column: dict[int, int]) -> list[tuple[int, float]]:
    """The columns and coefficients of a linear expression."""
    from pyomo.repn import generate_standard_repn

    repn = generate_standard_repn(expression)
    pairs = zip(repn.linear_vars, repn.linear_coefs, strict=True)
    return [(column[id(variable)], float(c)) for variable, c in pairs if id(variable) in column]
