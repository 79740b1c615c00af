"""A start from an earlier plan: as much of it held as can be, the rest completed by small programs.

    everything   replicas and nodes as they were; only what follows from them is open
    replicas     replicas as they were, more of them where they no longer suffice, any where that cannot be (`repair`);
                 then nodes and orders at their cheapest
    orders       orders and sales as they were, where the program is small; the first plan found with them

The best of these that there is a plan for is the start; orders alone are held only where replicas cannot be. A start is
a plan like any other and the watch is told of it as such. Nothing else is told, so no bound ever rests on a start.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from fleetopt.optimizer.formulation import Problem
from fleetopt.optimizer.known import Known, known
from fleetopt.optimizer.last_plan import Guess, guess_of
from fleetopt.optimizer.matrix import Flags, Floats, Matrix, Program
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.repair import between, completed, keeps, repaired
from fleetopt.optimizer.solve import Reason, Solution, SolveOptions, solve
from fleetopt.plan.domain import Plan
from fleetopt.plan.provenance import Began, Carried

Held: TypeAlias = Literal["everything", "replicas", "orders", "nothing"]

SHARE_OF_TIME = 0.1
"""Of the time that is left, for the start: so much is lost where it comes to nothing."""

FEW = 2_000
"""Whole-number columns up to which a plan is looked for with orders held alone."""

GAP = 1e-3
ANY_PLAN = 1e9
"""How near its best a start is brought that holds replicas, and one that holds orders alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """Values of all columns to begin from, and what they cost; none where nothing could be held."""

    held: Held = "nothing"
    values: Floats | None = None
    cost: float = np.inf


def begin(watch: Watch, known: Known, plan: Plan) -> Began:
    """Tells the watch a start from an earlier plan, if there is one, and returns what became of that plan."""
    guess = guess_of(known, plan)
    return _told(plan, guess, begin_at(watch, known, guess, SHARE_OF_TIME * watch.left_s))


def begin_at(watch: Watch, known: Known, guess: Guess, seconds: float) -> Start:
    """Tells the watch a start from guessed values, if there is one in so many seconds, be the watch's over or not."""
    own = watch.silent()
    own.options, own.interrupted = replace(own.options, time_limit_s=watch.seconds + seconds), False
    start = _best(own, known, guess)
    watch.interrupted |= own.interrupted
    if start.values is not None:
        watch.keep("beginning", start.cost, start.values)
    return start


def solve_from(problem: Problem, matrix: Matrix, options: SolveOptions) -> Solution:
    """As `solve`, begun from the plan that the options name, and never worse than the start."""
    if options.start is None or not matrix.variables:
        return solve(matrix, options)
    watch = Watch(options)
    began = begin(watch, known(problem, matrix), options.start)
    if watch.over:
        found = Solution(Reason.NO_SOLUTION_FOUND, None, None, None, watch.seconds)
    else:
        found = solve(matrix, replace(options, time_limit_s=watch.left_s), watch.values)
    return replace(_no_worse(watch, found), began=began, seconds=watch.seconds)


def _no_worse(watch: Watch, found: Solution) -> Solution:
    """The start, where it is cheaper than what was found; never in place of a proof that there is no plan."""
    known, incumbent = watch.values, watch.incumbent
    if found.reason is Reason.INFEASIBLE or known is None or incumbent is None:
        return found
    if found.objective is not None and found.objective <= incumbent:
        return found
    bound = None if found.bound is None else min(found.bound, incumbent)
    reason = Reason.FEASIBLE if found.objective is None else found.reason
    return replace(found, reason=reason, objective=incumbent, values=known, bound=bound)


def _best(watch: Watch, known: Known, guess: Guess) -> Start:
    program = known.program
    replicas, decided = guess.kind["replicas"], np.any(list(guess.kind.values()), axis=0)
    as_it_was = _start("everything", program, completed(watch, _exactly(program, decided, guess.values), GAP))
    found = as_it_was.values
    if found is None and guess.values[replicas].any():
        found = repaired(watch, known, between(program, replicas, guess.least, guess.most))
    if found is not None:
        cheapest = _start("replicas", program, completed(watch, _exactly(program, replicas, found), GAP, found))
        return min(as_it_was, cheapest, _start("replicas", program, found), key=lambda start: start.cost)
    ordered = guess.kind["nodes ordered"] | guess.kind["nodes sold"]
    if guess.values[ordered].any() and int(program.integer.sum()) <= FEW:
        return _start("orders", program, completed(watch, _exactly(program, ordered, guess.values), ANY_PLAN))
    return Start()


def _exactly(program: Program, which: Flags, values: Floats) -> Program:
    return between(program, which, values, values)


def _start(held: Held, program: Program, values: Floats | None) -> Start:
    if values is None or not keeps(program, values):
        return Start()
    return Start(held, values, float(program.cost @ values) + program.offset)


def _told(plan: Plan, guess: Guess, start: Start) -> Began:
    carried = []
    for decision, mine in guess.kind.items():
        kept = 0.0 if start.values is None else float(np.minimum(start.values, guess.values)[mine].sum())
        last, placed = guess.last[decision], guess.placed[decision]
        carried.append(Carried(decision=decision, last=_count(last), placed=_count(placed), kept=_count(kept)))
    return Began(
        scenario=plan.scenario,
        sha256="",
        last_usd=plan.objective_usd,
        start_usd=None if start.values is None else start.cost,
        held=start.held,
        carried=tuple(carried),
    )


def _count(amount: float) -> float:
    """An amount as it is said: whole, but for shares of replicas."""
    near = round(amount)
    return near if abs(amount - near) < 1e-6 else round(amount, 6)
