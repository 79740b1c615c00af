"""A plan for something other than cost: the least of it, then of the next, then the cheapest plan that has no more.

    z1   = the least cost                                                    (the cheapest plan; cap = (1 + at_most) z1)
    g1   = the least of the first goal at a cost of at most the cap
    g2   = the least of the second one at that cost and with no more than g1 of the first
    plan = the cheapest plan with no more than g1 and g2

Every stage has an equal part of the time that is left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Protocol

from fleetopt.capacity.domain import CapacityTable
from fleetopt.errors import NoPlanWithinLimit
from fleetopt.optimizer.case import build_case
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.goals import SLACK, Capped, Kept, least
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.plan.pursued import GoalReached, OutlookBest, Pursued
from fleetopt.scenario.domain import Aim, Objective, Scenario
from fleetopt.study.aims import UNITS, amount_of, goal_of
from fleetopt.study.outlooks import with_outlook
from fleetopt.study.restrict import by_cost


class Cheapest(Protocol):
    """Finds the cheapest plan of a scenario, with features beside those that every problem has."""

    def __call__(self, asked: Scenario, how: SolveOptions, extra: Sequence[Feature] = (), /) -> Plan: ...


@dataclass(slots=True)
class Shares:
    """Options of one solve after another, each with an equal part of the time that is left."""

    options: SolveOptions
    stages: int
    start: float = field(default_factory=monotonic)

    def next(self) -> SolveOptions:
        left_s = self.options.time_limit_s - (monotonic() - self.start)
        self.stages -= 1
        return replace(self.options, time_limit_s=max(0.01, left_s / (self.stages + 1)))


def aimed(scenario: Scenario, capacities: CapacityTable, options: SolveOptions, cheapest: Cheapest) -> Plan:
    """The plan that the scenario's objective asks for, with what it reached.

    Raises:
        Infeasible: there is no plan at all.
        NoPlanWithinLimit: the time ran out on the way.
    """
    objective = scenario.objective
    assert objective is not None
    plain = by_cost(scenario)
    outlooks = [outlook.name for outlook in scenario.calendar.outlooks] if "regret" in objective.aims else []
    shares = Shares(options, len(outlooks) + len(objective.aims) + 2)
    first = cheapest(plain, shares.next())
    best = [_best(cheapest(with_outlook(plain, name), shares.next()), name) for name in outlooks]
    best_usd = {one.outlook: one.usd for one in best}
    usd = _cap(objective, first)
    kept: list[Kept] = []
    bounds: list[float | None] = []
    case = build_case(plain, capacities)
    for aim in objective.aims:
        goal = goal_of(plain, aim, best_usd)
        reached = least(case, goal, usd, replace(shares.next(), on_progress=None), kept)
        if reached is None:
            raise NoPlanWithinLimit(f"no plan with little {aim} was found in the time", first.bound_usd)
        kept.append(Kept(goal, reached.amount))
        bounds.append(reached.bound)
    plan = cheapest(plain, shares.next(), [Capped(kept, usd=usd)])
    goals = tuple(_reached(plain, plan, *pair, best_usd) for pair in zip(objective.aims, bounds, strict=True))
    said = Pursued(
        goals=goals,
        at_most=objective.at_most,
        cheapest_usd=first.objective_usd,
        cheapest_bound_usd=first.bound_usd,
        best_usd=tuple(best),
    )
    return plan.model_copy(update={"objective": said})


def _cap(objective: Objective, first: Plan) -> float:
    if objective.at_most is None:
        return math.inf
    return first.objective_usd + (objective.at_most + SLACK) * abs(first.objective_usd)


def _best(plan: Plan, outlook: str) -> OutlookBest:
    return OutlookBest(outlook=outlook, usd=plan.objective_usd, bound_usd=plan.bound_usd)


def _reached(scenario: Scenario, plan: Plan, aim: Aim, bound: float | None, best_usd: dict[str, float]) -> GoalReached:
    value = amount_of(scenario, plan, aim, best_usd)
    return GoalReached(goal=aim, unit=UNITS[aim], value=value, bound=None if bound is None else min(bound, value))
