"""What is different between two scenarios or two plans, and which change of the input moved the cost.

From A to B one group of inputs is changed after another, in this order, and each time the best plan is found again:

    calendar and demand -> workloads -> SLOs -> other promises -> profiles and hardware -> prices -> supply -> the rest

The differences add up to the whole. What a group moves depends on what was changed before it, so each group is also
changed alone; the whole less the sum of those is the interaction. A step without a plan is taken with the next one.
"""

from __future__ import annotations

from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.plan.record import Record
from fleetopt.scenario.domain import Scenario
from fleetopt.study import differences
from fleetopt.study.differences import Difference
from fleetopt.study.once import optimize
from fleetopt.study.resolve import Resolver
from fleetopt.study.restrict import by_cost
from fleetopt.study.steps import Step, steps_between, with_names_of


class Move(Record):
    """What a group of inputs moved the cost by, after those before it; and changed alone, None if there is no plan."""

    group: str
    usd: float
    alone_usd: float | None


class Comparison(Record):
    """Everything that differs. Without scenarios there are no moves, and `interaction_usd` is None where a group alone
    has no plan.
    """

    a: str
    b: str
    usd_a: float
    usd_b: float
    differences: tuple[Difference, ...]
    moves: tuple[Move, ...] = ()
    interaction_usd: float | None = None


def compare_plans(a: Plan, b: Plan) -> Comparison:
    """Two plans, by what they do and by the files they were made from."""
    return Comparison(
        a=a.scenario,
        b=b.scenario,
        usd_a=a.objective_usd,
        usd_b=b.objective_usd,
        differences=(*differences.files(a, b), *differences.outcomes(a, b)),
    )


def compare_scenarios(a: Scenario, b: Scenario, resolver: Resolver | None = None) -> Comparison:
    """Two scenarios, by what they ask, what is planned for them, and what moved the cost.

    Raises:
        Infeasible: one of the two has no plan.
    """
    desk = resolver or Resolver(SolveOptions())
    priced_a, priced_b = by_cost(a), by_cost(b)
    before, after = optimize(priced_a, desk.options), optimize(priced_b, desk.options)
    moves = _moves(priced_a, priced_b, (before.objective_usd, after.objective_usd), desk)
    alone = [move.alone_usd for move in moves]
    whole = after.objective_usd - before.objective_usd
    return Comparison(
        a=a.name,
        b=b.name,
        usd_a=before.objective_usd,
        usd_b=after.objective_usd,
        differences=(*differences.inputs(a, b), *differences.outcomes(before, after)),
        moves=tuple(moves),
        interaction_usd=None if None in alone else whole - sum(usd for usd in alone if usd is not None),
    )


def _moves(a: Scenario, b: Scenario, usd: tuple[float, float], desk: Resolver) -> list[Move]:
    moves: list[Move] = []
    start = with_names_of(a, b)
    at, known = start, usd[0]
    waiting: list[tuple[str, Step]] = []
    steps = steps_between(start, b)
    for index, (group, step) in enumerate(steps):
        at = step(at, b)
        waiting.append((group, step))
        last = index == len(steps) - 1
        reached = usd[1] if last else desk.solve(at, f"A with {group} of B, after the others").usd
        if reached is None:
            continue
        names = " and ".join(name for name, _ in waiting)
        alone = _alone(start, b, waiting, usd[0], desk) if moves else reached - known
        moves.append(Move(group=names, usd=reached - known, alone_usd=alone))
        known, waiting = reached, []
    return moves


def _alone(a: Scenario, b: Scenario, steps: list[tuple[str, Step]], usd: float, desk: Resolver) -> float | None:
    at = a
    for _, step in steps:
        at = step(at, b)
    reached = desk.solve(at, f"A with {steps[0][0]} of B alone").usd
    return None if reached is None else reached - usd
