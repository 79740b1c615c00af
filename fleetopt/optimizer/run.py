"""From a planning case to the records of a plan: formulate, solve, tidy, read out, or say why not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import TypeAlias

from fleetopt.errors import Infeasible, NoPlanWithinLimit
from fleetopt.optimizer.apart import solve_apart
from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.elastic import diagnose
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.formulation import FEATURES, Problem, formulate
from fleetopt.optimizer.matrix import Matrix, compile_matrix
from fleetopt.optimizer.patterns.method import solve_by_patterns, solve_narrowed
from fleetopt.optimizer.readout import Readout
from fleetopt.optimizer.settled import settled
from fleetopt.optimizer.solve import Method, Reason, Solution, SolveOptions

MANY_INTEGERS = 500
"""Whole-number columns from which `auto` goes by patterns; with fewer, one program often proves its plan in time."""

MANY_REPLICAS = 300_000
"""Kinds of replicas, times included, from which the program is not written whole."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the program was."""

    rows: int
    columns: int
    integers: int


@dataclass(frozen=True, slots=True)
class Optimized:
    """A solved case: the records of the plan, whether it is proven, the bound, and the program's shape."""

    readout: Readout
    proven: bool
    bound_usd: float | None
    shape: Shape
    method: Method


def optimize_case(
    case: PlanningCase,
    options: SolveOptions,
    clock: Callable[[str, float], None] | None = None,
    extra: Sequence[Feature] = (),
) -> Optimized:
    """The cheapest plan of a case within the options' gap and time.

    Args:
        case: the planning case.
        options: gap, time limit, log, progress and method.
        clock: told the seconds each stage took ("build", "solve").
        extra: features beside those that every problem has.

    Raises:
        Infeasible: with the conflict and the repairs.
        NoPlanWithinLimit: the time ran out before there was any plan.
    """
    laps = {"build": 0.0, "solve": 0.0}
    problem, matrix, solution, method = _narrow(case, options, laps, extra) or _whole(case, options, laps, extra)
    with _timed("solve", laps):
        if solution.reason is Reason.INFEASIBLE:
            raise _infeasible(matrix, options)
        if solution.values is None:
            raise NoPlanWithinLimit.after(solution.seconds, solution.bound)
        readout = settled(problem, matrix, solution.values)
    if clock is not None:
        for stage, seconds in laps.items():
            clock(stage, seconds)
    shape = Shape(matrix.rows.count, len(matrix.variables), int(matrix.integer.sum()))
    return Optimized(readout, solution.reason is Reason.OPTIMAL, _bound(solution, readout), shape, method)


_Solved: TypeAlias = tuple[Problem, Matrix, Solution, Method]


def _whole(case: PlanningCase, options: SolveOptions, laps: dict[str, float], extra: Sequence[Feature]) -> _Solved:
    with _timed("build", laps):
        problem = formulate(case, (*FEATURES, *extra))
        matrix = compile_matrix(problem)
    with _timed("solve", laps):
        method = method_for(matrix, options)
        return problem, matrix, solve_by(method, problem, matrix, options), method


def _narrow(
    case: PlanningCase, options: SolveOptions, laps: dict[str, float], extra: Sequence[Feature]
) -> _Solved | None:
    """Where the whole program would be too large: what is found in a part of it, if that is a way to go."""
    replicas = len(case.times) * sum(map(len, case.options.values()))
    if extra or options.method == "mip" or replicas < MANY_REPLICAS:
        return None
    with _timed("solve", laps):
        found = solve_narrowed(case, FEATURES, options)
    return None if found is None else (*found, "patterns")


def method_for(matrix: Matrix, options: SolveOptions) -> Method:
    """The method asked for, or the one that suits the size."""
    if options.method != "auto":
        return options.method
    return "patterns" if int(matrix.integer.sum()) >= MANY_INTEGERS else "mip"


def solve_by(method: Method, problem: Problem, matrix: Matrix, options: SolveOptions) -> Solution:
    """Minimises the matrix's cost by a method."""
    return solve_by_patterns(problem, matrix, options) if method == "patterns" else solve_apart(matrix, options)


def _bound(solution: Solution, readout: Readout) -> float | None:
    """The solver's bound, which rounding may put a hair above the objective computed from whole numbers."""
    return None if solution.bound is None else min(solution.bound, readout.objective_usd)


def _infeasible(matrix: Matrix, options: SolveOptions) -> Infeasible:
    reasons = ["no fleet within the limits of the scenario serves the demand"]
    if not options.diagnose:
        return Infeasible(reasons)
    diagnosis = diagnose(matrix)
    return Infeasible(reasons, diagnosis.conflict, diagnosis.repairs)


@contextmanager
def _timed(stage: str, laps: dict[str, float]) -> Iterator[None]:
    start = perf_counter()
    yield
    laps[stage] += perf_counter() - start
