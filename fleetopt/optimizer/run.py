"""From a planning case to the records of a plan: formulate, solve, tidy, read out, or say why not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from time import perf_counter

from fleetopt.errors import Infeasible, NoPlanWithinLimit
from fleetopt.optimizer.apart import solve_apart
from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.elastic import diagnose
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.formulation import FEATURES, Problem, formulate
from fleetopt.optimizer.matrix import Floats, Matrix, Program, compile_matrix
from fleetopt.optimizer.patterns.method import solve_by_patterns, solve_narrowed
from fleetopt.optimizer.patterns.needed import needed
from fleetopt.optimizer.patterns.parts_readout import read_parts
from fleetopt.optimizer.readout import Readout
from fleetopt.optimizer.settled import settled
from fleetopt.optimizer.solve import Method, Reason, Solution, SolveOptions
from fleetopt.optimizer.start import solve_from
from fleetopt.plan.provenance import Began

MANY_INTEGERS = 100
"""Whole-number columns from which `auto` goes by patterns; with fewer, one program often proves its plan in time."""

MANY_REPLICAS = 60_000
"""Kinds of replicas, times included, from which the program is not written whole."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the program was."""

    rows: int
    columns: int
    integers: int


@dataclass(frozen=True, slots=True)
class Optimized:
    """A solved case: the records of the plan, whether it is proven, the bound, the program's shape, and its start."""

    readout: Readout
    proven: bool
    bound_usd: float | None
    shape: Shape
    method: Method
    began: Began | None = None


def optimize_case(
    case: PlanningCase,
    options: SolveOptions,
    clock: Callable[[str, float], None] | None = None,
    extra: Sequence[Feature] = (),
) -> Optimized:
    """The cheapest plan of a case within the options' gap and time.

    Args:
        case: the planning case.
        options: gap, time limit, log, progress, method and a plan to begin from.
        clock: told the seconds each stage took ("build", "solve").
        extra: features beside those that every problem has.

    Raises:
        Infeasible: with the conflict and the repairs.
        NoPlanWithinLimit: the time ran out before there was any plan.
    """
    laps = {"build": 0.0, "solve": 0.0}
    found = _narrow(case, options, laps, extra) or _whole(case, options, laps, extra)
    program, solution = found.program, found.solution
    with _timed("solve", laps):
        if solution.reason is Reason.INFEASIBLE and isinstance(program, Matrix):
            raise _infeasible(program, options)
        if solution.values is None:
            raise NoPlanWithinLimit.after(solution.seconds, solution.bound)
        readout = found.read(solution.values)
    if clock is not None:
        for stage, seconds in laps.items():
            clock(stage, seconds)
    shape = Shape(program.rows.count, program.cost.size, int(program.integer.sum()))
    proven = solution.reason is Reason.OPTIMAL
    return Optimized(readout, proven, _bound(solution, readout), shape, found.method, solution.began)


@dataclass(frozen=True, slots=True)
class _Solved:
    """A program, its solution, the method that found it, and how it is read."""

    program: Program
    solution: Solution
    method: Method
    read: Callable[[Floats], Readout]


def _whole(case: PlanningCase, options: SolveOptions, laps: dict[str, float], extra: Sequence[Feature]) -> _Solved:
    with _timed("build", laps):
        problem = formulate(case, (*FEATURES, *extra))
        matrix = compile_matrix(problem)
    with _timed("solve", laps):
        method = method_for(matrix, options)
        solution = solve_by(method, problem, matrix, options)
        read = partial(settled, problem, matrix, time_limit_s=options.time_limit_s)
        return _Solved(matrix, solution, method, read)


def _narrow(
    case: PlanningCase, options: SolveOptions, laps: dict[str, float], extra: Sequence[Feature]
) -> _Solved | None:
    """Where the whole program would be too large: what is found in a part of it, if that is a way to go."""
    replicas = len(case.times) * sum(map(len, case.options.values()))
    if extra or options.method == "mip" or replicas < MANY_REPLICAS:
        return None
    with _timed("solve", laps):
        found = solve_narrowed(case, FEATURES, options)
    if found is None:
        return None
    parts, solution = found

    def read(values: Floats) -> Readout:
        return read_parts(parts, needed(parts.program, parts.plain, values), FEATURES)

    return _Solved(parts.program, solution, "patterns", read)


def method_for(matrix: Matrix, options: SolveOptions) -> Method:
    """The method asked for, or the one that suits the size."""
    if options.method != "auto":
        return options.method
    return "patterns" if int(matrix.integer.sum()) >= MANY_INTEGERS else "mip"


def solve_by(method: Method, problem: Problem, matrix: Matrix, options: SolveOptions) -> Solution:
    """Minimises the matrix's cost by a method."""
    if method == "patterns":
        return solve_by_patterns(problem, matrix, options)
    return solve_from(problem, matrix, options) if options.start else solve_apart(matrix, options)


def _bound(solution: Solution, readout: Readout) -> float | None:
    """The solver's bound, which rounding may put a hair above the objective computed from whole numbers."""
    return None if solution.bound is None else min(solution.bound, readout.objective_usd)


def _infeasible(matrix: Matrix, options: SolveOptions) -> Infeasible:
    reasons = ["no fleet within the limits of the scenario serves the demand"]
    if not options.diagnose:
        return Infeasible(reasons)
    diagnosis = diagnose(matrix, options.on_progress)
    return Infeasible(reasons, diagnosis.conflict, diagnosis.repairs)


@contextmanager
def _timed(stage: str, laps: dict[str, float]) -> Iterator[None]:
    start = perf_counter()
    yield
    laps[stage] += perf_counter() - start
