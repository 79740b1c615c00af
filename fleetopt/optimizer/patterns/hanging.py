"""Cases whose slots hang together, as changes between them take time or are few: begun from plans of simpler cases.

Of a large one no more is written than the options that those plans use and that free changes would use. Its bound is
that of a simpler case; docs/decisions/0032.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import numpy as np

from fleetopt.errors import NoPlanWithinLimit
from fleetopt.optimizer.aside import noticed
from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.formulation import Problem, formulate
from fleetopt.optimizer.known import Known, known
from fleetopt.optimizer.last_plan import VARIABLES, guess_from, in_use
from fleetopt.optimizer.matrix import Floats, Matrix, compile_matrix
from fleetopt.optimizer.patterns.narrowing import bounded, keeping
from fleetopt.optimizer.patterns.placing import placing
from fleetopt.optimizer.patterns.plain import plain_of
from fleetopt.optimizer.patterns.relaxation import Relaxation
from fleetopt.optimizer.patterns.rounding import of_demand, rounding
from fleetopt.optimizer.patterns.structure import Key, time_of_columns
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.simpler import all_day, free, keeps_all_day, more_all_day, simpler
from fleetopt.optimizer.solve import Solution, SolveOptions
from fleetopt.optimizer.start import begin, begin_at

Simply: TypeAlias = Callable[[PlanningCase, SolveOptions], "tuple[Known, Solution] | None"]
"""Solves a case in the way that suits it; None where the time was too short to say anything."""

Amounts: TypeAlias = Mapping[Key, float]

SHARE_OF_TIME, MOST_OF_TIME = 0.3, 0.7
"""Of the time that is left, for each simpler case and for what its plan lacks, and for one that says what the case
costs at least."""

NEAR = 0.05
"""Relative distance from the bound at which no other simpler case is tried."""

MOST_REPLICAS = 50_000
"""Kinds of replicas, times included, up to which options that free changes would use are written too."""

BRIEF_S = 5.0
"""Seconds for what a plan of a simpler case lacks, though the time is up."""

SOME = 1e-6


def begin_simply(watch: Watch, program: Known, simply: Simply) -> None:
    """Tells the watch plans and bounds that simpler cases have for a program that is written whole."""
    found: list[Amounts] = []
    try:
        _find(watch, program.case, simply, found)
    except KeyboardInterrupt:
        watch.interrupted = True
    _begin(watch, program, found)


def solve_hanging(
    case: PlanningCase, features: Sequence[Feature], options: SolveOptions, simply: Simply
) -> tuple[Problem, Matrix, Solution] | None:
    """Plans for a case that is too large to be written whole; None where no simpler case has any.

    Args:
        case: the case.
        features: what its program is made of.
        options: gap, time limit and progress. The clock includes writing programs.
        simply: how simpler cases are solved.

    Returns: the program with the options kept, and its solution, whose bound holds for the whole.

    Raises:
        NoPlanWithinLimit: the time was up, or Ctrl-C came, before there was a plan of a simpler case; or Ctrl-C came
            once more while it was written out.
    """
    watch, found = Watch(options), list[Amounts]()
    made = None
    try:
        _find(watch, case, simply, found)
        made = _written(watch, case, features, found)
    except KeyboardInterrupt:
        watch.interrupted = True
    try:
        # Once more after Ctrl-C, and then with no more than the plans use.
        made = made or _written(watch, case, features, found)
    except KeyboardInterrupt:
        found.clear()
    if not found and watch.over:
        raise NoPlanWithinLimit.after(watch.seconds, watch.bound)
    if made is None:
        return None
    problem, matrix = made
    program = known(problem, matrix)
    watch.narrow, began = True, None
    try:
        began = begin(watch, program, options.start) if options.start else None
        _begin(watch, program, found)
        if watch.values is not None and not watch.done:
            placing(watch, matrix, program.time, watch.values)
    except KeyboardInterrupt:
        watch.interrupted = True
    watch.log()
    return None if watch.values is None else (problem, matrix, replace(watch.solution(), began=began))


def _written(
    watch: Watch, case: PlanningCase, features: Sequence[Feature], found: Sequence[Amounts]
) -> tuple[Problem, Matrix] | None:
    """The narrow program, where there is a plan to begin from."""
    if not found:
        return None
    problem = formulate(_narrow(watch, case, features, found), features)
    return problem, compile_matrix(problem)


def _narrow(watch: Watch, case: PlanningCase, features: Sequence[Feature], found: Iterable[Amounts]) -> PlanningCase:
    """The case with the options that plans use, the one to begin from too, and not too many others; the watch is told
    what free changes cost.
    """
    last, here = in_use(case, watch.options.start) if watch.options.start else {}, _in_use(found)
    used = {workload: here[workload] | last.get(workload, set()) for workload in case.options}
    if not keeps_all_day(case) and not watch.over:
        part = bounded(watch, free(case), features)
        wider = {} if part is None else part.parts.case.options
        if len(case.times) * sum(map(len, wider.values())) <= MOST_REPLICAS:
            used = {w: names | {one.name for one in wider.get(w, ())} for w, names in used.items()}
    kept = {w: np.array([one.name in used[w] for one in some], dtype=bool) for w, some in case.options.items()}
    return keeping(case, kept)


def _bound_all_day(watch: Watch, case: PlanningCase) -> None:
    """Tells the watch what the case costs at least where only so many GPUs may change.

    No plan is far from one that stands all day: with some GPUs more at each time it would be one. What GPUs are worth
    in the relaxation of what stands all day says what they can save at most, as its least cost is convex in them.
    """
    more = more_all_day(case)
    if more is None or watch.over:
        return
    problem = formulate(all_day(case).case)
    matrix = compile_matrix(problem)
    plain, silent = plain_of(problem, matrix, time_of_columns(problem, matrix)), watch.silent()
    _, point = rounding(silent, Relaxation(plain.loosened(matrix)), partial(of_demand, plain))
    watch.interrupted |= silent.interrupted
    if point is not None:
        watch.know("bounding", point.value - more * float(plain.pools.price(point).max(axis=0, initial=0.0).sum()))


def _find(watch: Watch, case: PlanningCase, simply: Simply, found: list[Amounts]) -> None:
    """Adds what plans of simpler cases decide; the watch is told of bounds that hold for the case."""
    cheapest = np.inf
    _bound_all_day(watch, case)
    for one in simpler(case):
        if watch.over or cheapest - (watch.bound or 0.0) <= NEAR * cheapest < np.inf:
            break
        seconds = (MOST_OF_TIME if one.bounds else SHARE_OF_TIME) * watch.left_s
        effort = replace(watch.options, time_limit_s=seconds, on_progress=None, log_file=None, start=None)
        with noticed() as interrupted:
            solved = simply(one.case, effort)
        watch.interrupted |= interrupted()
        if solved is None:
            continue
        program, solution = solved
        if one.bounds and solution.bound is not None:
            watch.know("beginning", solution.bound)
        if solution.values is not None and solution.objective is not None:
            cheapest = min(cheapest, solution.objective)
            found.append(dict(one.spread(_decided(program, solution.values))))


def _begin(watch: Watch, program: Known, found: Iterable[Amounts]) -> None:
    for amounts in found:
        if watch.values is None or not watch.done:
            seconds = max(BRIEF_S, SHARE_OF_TIME * watch.left_s)
            begin_at(watch, program, guess_from(program, amounts.items()), seconds)


def _decided(program: Known, values: Floats) -> Amounts:
    return {
        key: float(values[column])
        for key, column in program.columns.items()
        if key[0] in VARIABLES and values[column] > SOME
    }


def _in_use(found: Iterable[Amounts]) -> dict[str, set[str]]:
    """The options that plans use, by workload."""
    used: dict[str, set[str]] = defaultdict(set)
    for key in (key for amounts in found for key in amounts if key[0] == "REPLICAS"):
        used[key[1]].add(key[2])
    return used
