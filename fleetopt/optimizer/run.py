"""From a planning case to the records of a plan: formulate, solve, tidy, read out, or say why not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter

from fleetopt.errors import Infeasible, NoPlanWithinLimit
from fleetopt.optimizer.apart import solve_apart
from fleetopt.optimizer.aside import noticed
from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.elastic import diagnose
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.formulation import FEATURES, Problem, formulate
from fleetopt.optimizer.known import Known, known, known_parts
from fleetopt.optimizer.lacking import Lacking, Planned, lacking
from fleetopt.optimizer.matrix import Floats, Matrix, Program, compile_matrix
from fleetopt.optimizer.patterns.hanging import Simply, solve_hanging
from fleetopt.optimizer.patterns.method import solve_by_patterns, solve_narrowed
from fleetopt.optimizer.patterns.needed import needed
from fleetopt.optimizer.patterns.parts_readout import read_parts
from fleetopt.optimizer.patterns.structure import key_of
from fleetopt.optimizer.raises import raises_among
from fleetopt.optimizer.readout import Readout
from fleetopt.optimizer.settled import settled
from fleetopt.optimizer.simpler import hang_together
from fleetopt.optimizer.solve import Method, Reason, Solution, SolveOptions
from fleetopt.optimizer.start import solve_from
from fleetopt.plan.provenance import Began

MANY_INTEGERS = 100
"""Whole-number columns from which `auto` goes by patterns; with fewer, one program often proves its plan in time."""

MANY_COLUMNS = 5_000
"""Columns of a program from which what it is short of is found by planning: HiGHS alone would not find it."""

MANY_REPLICAS = 60_000
"""Kinds of replicas, times included, from which the program is not written whole."""

TOO_MANY_REPLICAS = 400_000
"""The same from which it is not written whole even where that would prove that there is no plan."""


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
    with noticed() as interrupted:
        found = _narrow(case, options, laps, extra)
        too_large = _is_large(case, options, extra) and _replicas(case) >= TOO_MANY_REPLICAS
        if found is None and too_large and options.diagnose and not interrupted():
            found = _unproven(case, options)
        if found is None:
            found = _whole(case, options, laps, extra)
        if found.solution.values is None:
            found = _explained(case, found, replace(options, diagnose=options.diagnose and not interrupted()), extra)
    program, solution = found.program, found.solution
    assert solution.values is not None
    with _timed("solve", laps):
        readout = found.read(solution.values)
    if clock is not None:
        for stage, seconds in laps.items():
            clock(stage, seconds)
    shape = Shape(program.rows.count, program.cost.size, int(program.integer.sum()))
    proven = solution.reason is Reason.OPTIMAL
    return Optimized(readout, proven, _bound(solution, readout), shape, found.method, solution.began)


@dataclass(frozen=True, slots=True)
class _Solved:
    """A program, its solution, the method that found it, how it is read, the columns of raised limits, and of all."""

    program: Program
    solution: Solution
    method: Method
    read: Callable[[Floats], Readout]
    raises: Mapping[str, int]
    known: Callable[[], Known]


def _whole(case: PlanningCase, options: SolveOptions, laps: dict[str, float], extra: Sequence[Feature]) -> _Solved:
    with _timed("build", laps):
        problem = formulate(case, (*FEATURES, *extra))
        matrix = compile_matrix(problem)
    with _timed("solve", laps):
        method = method_for(matrix, options)
        solution = solve_by(method, problem, matrix, options, None if extra else _simply)
        return _written(problem, matrix, solution, method, options)


def _written(problem: Problem, matrix: Matrix, solution: Solution, method: Method, options: SolveOptions) -> _Solved:
    read = partial(settled, problem, matrix, time_limit_s=options.time_limit_s)
    raises = problem.case.raises
    columns = {key_of(variable): column for column, variable in enumerate(matrix.variables)} if raises else {}
    return _Solved(matrix, solution, method, read, raises_among(columns), partial(known, problem, matrix))


def _narrow(
    case: PlanningCase, options: SolveOptions, laps: dict[str, float], extra: Sequence[Feature]
) -> _Solved | None:
    """Where the whole program would be too large: what is found in a part of it, if that is a way to go."""
    if not _is_large(case, options, extra):
        return None
    with _timed("solve", laps):
        if hang_together(case):
            hanging = solve_hanging(case, FEATURES, options, _simply)
            return None if hanging is None else _written(*hanging, "patterns", options)
        found = solve_narrowed(case, FEATURES, options)
    if found is None:
        return None
    parts, solution = found

    def read(values: Floats) -> Readout:
        return read_parts(parts, needed(parts.program, parts.plain, values), FEATURES)

    return _Solved(parts.program, solution, "patterns", read, raises_among(parts.names), partial(known_parts, parts))


def _simply(case: PlanningCase, options: SolveOptions) -> tuple[Known, Solution] | None:
    """A case solved as it is, without asking why where it cannot be."""
    laps = {"build": 0.0, "solve": 0.0}
    try:
        found = _narrow(case, options, laps, ()) or _whole(case, options, laps, ())
    except NoPlanWithinLimit:
        return None
    return found.known(), found.solution


def _is_large(case: PlanningCase, options: SolveOptions, extra: Sequence[Feature]) -> bool:
    """Whether the program is not written whole, if there is another way."""
    return not extra and options.method != "mip" and _replicas(case) >= MANY_REPLICAS


def _replicas(case: PlanningCase) -> int:
    """Kinds of replicas, times included."""
    return len(case.times) * sum(map(len, case.options.values()))


def method_for(matrix: Matrix, options: SolveOptions) -> Method:
    """The method asked for, or the one that suits the size."""
    if options.method != "auto":
        return options.method
    return "patterns" if int(matrix.integer.sum()) >= MANY_INTEGERS else "mip"


def solve_by(
    method: Method, problem: Problem, matrix: Matrix, options: SolveOptions, simply: Simply | None = None
) -> Solution:
    """Minimises the matrix's cost by a method; `simply` is as in `solve_by_patterns`."""
    if method == "patterns":
        return solve_by_patterns(problem, matrix, options, simply)
    return solve_from(problem, matrix, options) if options.start else solve_apart(matrix, options)


def _bound(solution: Solution, readout: Readout) -> float | None:
    """The solver's bound, which rounding may put a hair above the objective computed from whole numbers."""
    return None if solution.bound is None else min(solution.bound, readout.objective_usd)


def _explained(case: PlanningCase, found: _Solved, options: SolveOptions, extra: Sequence[Feature]) -> _Solved:
    """A plan of a case for which none was found, found while looking for what it is short of.

    Raises:
        Infeasible: there is no plan.
        NoPlanWithinLimit: there is none yet.
    """
    program, solution = found.program, found.solution
    known = Lacking()
    if options.diagnose and program.cost.size >= MANY_COLUMNS:
        hopeless = solution.reason is Reason.INFEASIBLE
        known = lacking(case, (*FEATURES, *extra), options, partial(_with_raises, extra), hopeless=hopeless)
        if known.plan is not None:
            return _within(options, known.plan)
    if solution.reason is not Reason.INFEASIBLE or not isinstance(program, Matrix):
        raise NoPlanWithinLimit.after(solution.seconds, solution.bound, known.repairs)
    reasons = ["no fleet within the limits of the scenario serves the demand"]
    if not options.diagnose or known.interrupted:
        raise Infeasible(reasons, (), known.repairs)
    diagnosis = diagnose(program, options.on_progress, known.repairs)
    raise Infeasible(reasons, diagnosis.conflict, diagnosis.repairs)


def _unproven(case: PlanningCase, options: SolveOptions) -> _Solved | None:
    """A plan of a case that is too large to be written whole, though a part of it has none; None if nobody knows why.

    Raises:
        NoPlanWithinLimit: with what the part is short of. That the whole has no plan either is not proven.
    """
    known = lacking(case, FEATURES, options, partial(_with_raises, ()))
    if known.plan is not None:
        return _within(options, known.plan)
    if known.repairs or known.interrupted:
        what = "the options most worth having leave no plan within the limits, and too many others to prove it of all"
        raise NoPlanWithinLimit(what, None, known.repairs)
    return None


def _within(options: SolveOptions, planned: Planned) -> _Solved:
    """What was found with limits that could give, and proven only if it is within the gap that was asked for."""
    found, bound = planned.found, planned.bound
    assert isinstance(found, _Solved)
    usd = found.solution.objective
    close = usd is not None and bound is not None and usd - bound <= options.gap * abs(usd)
    reason = Reason.OPTIMAL if close else Reason.FEASIBLE
    return replace(found, solution=replace(found.solution, reason=reason, bound=bound))


def _with_raises(extra: Sequence[Feature], case: PlanningCase, options: SolveOptions) -> Planned | None:
    """A plan with limits that may give; of a large case only one in a part of the program, as the rest takes long."""
    laps = {"build": 0.0, "solve": 0.0}
    try:
        large = _is_large(case, options, extra)
        found = _narrow(case, options, laps, extra) if large else _whole(case, options, laps, extra)
    except (NoPlanWithinLimit, KeyboardInterrupt):
        return None
    solution = None if found is None else found.solution
    if found is None or solution is None or solution.values is None or solution.objective is None:
        return None
    values = {limit: float(solution.values[column]) for limit, column in found.raises.items()}
    raised = {limit: max(0.0, value - case.lowered.get(limit, 0.0)) for limit, value in values.items()}
    # What limits were raised by is no dollar of the plan.
    usd = solution.objective - sum(case.raises[limit] * value for limit, value in values.items())
    found = replace(found, solution=replace(solution, objective=usd))
    close = solution.reason is Reason.OPTIMAL
    return Planned(raised, close, solution.bound, partial(found.read, solution.values), found)


@contextmanager
def _timed(stage: str, laps: dict[str, float]) -> Iterator[None]:
    start = perf_counter()
    yield
    laps[stage] += perf_counter() - start
