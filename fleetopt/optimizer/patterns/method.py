"""The phases one after another, under one clock; Ctrl-C or the time limit ends any of them with what there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from fleetopt.errors import NoPlanWithinLimit
from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.formulation import Problem
from fleetopt.optimizer.known import known, known_parts
from fleetopt.optimizer.matrix import Ints, Matrix, Program
from fleetopt.optimizer.patterns.choosing import choosing
from fleetopt.optimizer.patterns.counted import counted
from fleetopt.optimizer.patterns.fixing import fixed
from fleetopt.optimizer.patterns.hanging import Simply, begin_simply
from fleetopt.optimizer.patterns.mixing import mixed
from fleetopt.optimizer.patterns.narrowing import bounded
from fleetopt.optimizer.patterns.parts import Parts
from fleetopt.optimizer.patterns.placing import SHARE, SHARE_OF_DAYS, ordering, placing
from fleetopt.optimizer.patterns.plain import Plain, plain_of
from fleetopt.optimizer.patterns.relaxation import Point, Relaxation
from fleetopt.optimizer.patterns.relaxed import Ground, relaxed
from fleetopt.optimizer.patterns.rounding import of_demand, rounding
from fleetopt.optimizer.patterns.rows import Row, strengthened
from fleetopt.optimizer.patterns.search import ROUNDS, searching
from fleetopt.optimizer.patterns.structure import NO_TIME, time_of_columns
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.patterns.whole_nodes import whole_nodes
from fleetopt.optimizer.simpler import hang_together
from fleetopt.optimizer.solve import Progress, Reason, Solution, SolveOptions, solve
from fleetopt.optimizer.start import begin


def solve_by_patterns(
    problem: Problem, matrix: Matrix, options: SolveOptions, simply: Simply | None = None
) -> Solution:
    """Minimises the matrix's cost, as `solve` does, by way of patterns.

    Args:
        problem: where the matrix came from; only asked which columns are of one time, and which are nodes.
        matrix: the program.
        options: gap, time limit, log and progress.
        simply: how a simpler case is solved to begin from, where slots hang together.
    """
    watch = Watch(options)
    strong: Program = matrix
    began = None
    try:
        began = begin(watch, known(problem, matrix), options.start) if options.start else None
        if simply is not None and hang_together(problem.case):
            begin_simply(watch, known(problem, matrix), simply)
        strong = matrix if watch.done else _search(watch, problem, matrix)
    except KeyboardInterrupt:
        watch.interrupted = True
    solution = watch.solution() if watch.done else _closing(watch, strong)
    watch.log()
    return replace(solution, began=began)


def solve_narrowed(
    case: PlanningCase, features: Sequence[Feature], options: SolveOptions
) -> tuple[Parts, Solution] | None:
    """The same for a case whose program is too large to be written whole, or nothing where this is not the way.

    Args:
        case: the case.
        features: what its program is made of.
        options: gap, time limit, log and progress. The clock includes writing the program.

    Returns: the narrow program and its solution, whose bound holds for the whole; None where nothing was found without
        the options left out.

    Raises:
        NoPlanWithinLimit: the time was up, or Ctrl-C came, before there was a program to look for plans in.
    """
    watch = Watch(options)
    try:
        part = bounded(watch, case, features)
    except KeyboardInterrupt:
        part, watch.interrupted = None, True
    if part is None and watch.over:
        raise NoPlanWithinLimit.after(watch.seconds, watch.bound)
    if part is None:
        return None
    watch.narrow = True
    parts, began = part.parts, None
    strong = parts.program
    try:
        began = begin(watch, known_parts(parts), options.start) if options.start else None
        counting = counted(parts.program, parts.time)
        rows, time = [*part.rows, *part.priced], parts.time
        ground = Ground(parts.program, parts.plain, time, part.apart, rows, part.point, part.begin, counting)
        _planned(watch, ground)
        strong = _placed(watch, parts.program, rows, time, ground)
    except KeyboardInterrupt:
        watch.interrupted = True
    solution = watch.solution() if watch.done else _closing(watch, strong)
    watch.log()
    return None if solution.reason is Reason.INFEASIBLE else (parts, replace(solution, began=began))


def _search(watch: Watch, problem: Problem, matrix: Matrix) -> Program:
    """Bounds and plans until one is good enough or time is up; the program with the rows found on the way."""
    time = time_of_columns(problem, matrix)
    plain, shared = plain_of(problem, matrix, time), time == NO_TIME
    loosened = plain.loosened(matrix)
    found = relaxed(watch, plain, loosened, time, np.zeros(int(shared.sum())))
    share = SHARE_OF_DAYS if hang_together(problem.case) else SHARE
    if found is None:
        return _placed(watch, matrix, [], time, None, share=share)
    found = found.pricing(watch, loosened, plain, time)
    begin, rows = found.with_whole_orders(watch), [*found.rows, *found.priced]
    ground = Ground(matrix, plain, time, found.apart, rows, found.point, begin, counted(matrix, time))
    _planned(watch, ground)
    if not watch.done:
        rows += _of_nodes(watch, matrix, Relaxation(strengthened(loosened, rows)), time, plain)
    return _placed(watch, matrix, rows, time, ground, share=share)


def _of_nodes(watch: Watch, matrix: Matrix, relaxation: Relaxation, time: Ints, plain: Plain) -> list[Row]:
    """Rows that hold because nodes are whole, and of demand those that are broken with them."""

    def broken(point: Point) -> Iterator[Row]:
        yield from whole_nodes(relaxation.program, matrix.integer, time, point)
        yield from of_demand(plain, point)

    return rounding(watch, relaxation, broken)[0]


def _planned(watch: Watch, ground: Ground) -> None:
    """Plans with patterns of what is plain around what is tied, told to the watch."""
    found = None if watch.over or not ground.plain.pools.row.size else fixed(watch, ground)
    if found is None:
        return
    # Small questions have both orders tried below; the others go on from whole ones.
    begin = found.point if found.small else found.begin
    replicas = searching(watch, found, begin, 1 if found.apart else ROUNDS)
    if not found.apart or watch.done:
        return
    mix = None if watch.values is None else mixed(watch, found, watch.values)
    if mix is not None and not watch.done:
        found = replace(found, begin=mix)
        replicas = searching(watch, found, mix, 1)
    if not watch.done:
        choosing(watch, found, replicas)


def _placed(
    watch: Watch, program: Program, rows: Sequence[Row], time: Ints, ground: Ground | None, *, share: float = SHARE
) -> Program:
    """A better plan, time by time, or one beneath orders made whole where there is none; the program with the rows."""
    strong = strengthened(program, rows)
    if watch.done:
        return strong
    values = ordering(watch, strong, time) if watch.values is None else watch.values
    if watch.values is None and values is not None and ground is not None:
        _planned(watch, replace(ground, begin=replace(ground.begin, columns=values)))
    if not watch.done and values is not None:
        placing(watch, strong, time, values if watch.values is None else watch.values, share)
    return strong


def _closing(watch: Watch, strong: Program) -> Solution:
    """The whole program from the best plan, for as long as there is."""
    told = watch.options.on_progress
    options = replace(watch.options, time_limit_s=watch.left_s, on_progress=_later(watch, told) if told else None)
    last = solve(strong, options, watch.values)
    if last.reason is Reason.INFEASIBLE:
        return replace(last, seconds=watch.seconds)
    if last.values is None or last.objective is None:
        watch.know("closing", last.bound)
    else:
        watch.keep("closing", last.objective, last.values, last.bound)
    return watch.solution(proven=last.reason is Reason.OPTIMAL and not watch.narrow)


def _later(watch: Watch, told: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """Progress of the last phase, on the clock and with the bounds of the whole run."""

    def tell(progress: Progress) -> None:
        known = [cost for cost in (watch.incumbent, progress.incumbent) if cost is not None]
        found = watch.bound if watch.narrow else progress.bound
        bounds = [bound for bound in (watch.bound, found) if bound is not None]
        told(Progress(watch.seconds, min(known, default=None), max(bounds, default=None), "closing"))

    return tell
