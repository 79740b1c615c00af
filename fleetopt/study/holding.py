"""Orders held in all outlooks: those of the plan, of each future planned by itself, of the mean, and of least regret.

What any plan costs in an outlook is no less than the least there, so every plan found sharpens what regret is against.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TypeAlias

from fleetopt.optimizer.goals import Capped, HeldOrders, Kept
from fleetopt.plan.domain import Plan
from fleetopt.plan.risk import usd_by_outlook
from fleetopt.scenario.domain import Scenario
from fleetopt.study.aims import goal_of
from fleetopt.study.merge import of_whole
from fleetopt.study.outlooks import expected, with_outlook
from fleetopt.study.resolve import Answer, Effort, Resolver

THE_PLAN, MEAN, LEAST_REGRET = "the plan", "for the mean of the outlooks", "least regret"

Nodes: TypeAlias = dict[tuple[str, str], int]
"""Nodes by supply and period."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What is decided before the outlook is known: nodes to order, and nodes in stock to sell."""

    orders: Nodes
    sold: Nodes


@dataclass(slots=True, eq=False)
class Held:
    """Orders with what came of holding them: a plan of all outlooks, or what some of them cost by themselves.

    `low` is what no plan with these orders can cost less than; `impossible` names outlooks that they cannot serve.
    """

    names: list[str]
    decided: Decided
    plan: Plan | None = None
    low: float | None = None
    usd: dict[str, float] = field(default_factory=dict)
    impossible: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Search:
    """All that has been found so far; `run` finds it, and may be interrupted at any time."""

    scenario: Scenario
    plan: Plan
    resolver: Resolver
    alone: dict[str, Answer] = field(default_factory=dict)
    held: list[Held] = field(default_factory=list)
    mean: Held | None = None
    regret: Held | None = None
    regret_bound: float | None = None
    finished: bool = False

    def __post_init__(self) -> None:
        self._add(THE_PLAN, self.plan)

    @property
    def outlooks(self) -> list[str]:
        return [outlook.name for outlook in self.scenario.calendar.outlooks]

    def run(self) -> None:
        """Solves one thing after another."""
        for outlook in self.outlooks:
            self.alone[outlook] = self.resolver.solve(with_outlook(self.scenario, outlook), f"{outlook} by itself")
        mean = self.resolver.solve(expected(self.scenario), "the mean of the outlooks")
        if mean.plan is not None:
            self.mean = self._hold(MEAN, decided_by(mean.plan))
        for outlook, answer in self.alone.items():
            if answer.plan is not None:
                self._hold(f"for {outlook}", decided_by(answer.plan))
        self._least_regret()
        self.finished = not self.resolver.unanswered

    def best(self) -> dict[str, float]:
        """The least that any plan found costs in an outlook."""
        usd = {outlook: answer.usd for outlook, answer in self.alone.items() if answer.usd is not None}
        return {o: min([least, *(held.usd[o] for held in self.held if o in held.usd)]) for o, least in usd.items()}

    def bounds(self) -> dict[str, float]:
        """What no plan can cost less than in an outlook, where that is known."""
        plans = ((outlook, answer.plan) for outlook, answer in self.alone.items())
        return {outlook: plan.bound_usd for outlook, plan in plans if plan is not None and plan.bound_usd is not None}

    def _hold(self, name: str, decided: Decided) -> Held | None:
        if (known := self._known(decided)) is not None:
            known.names.append(name)
            return known
        effort = Effort(extra=[HeldOrders(decided.orders, decided.sold)])
        answer = self.resolver.solve(self.scenario, f"orders {name}, in all outlooks", effort)
        if answer.plan is not None:
            return self._add(name, answer.plan)
        if not answer.impossible:
            return None
        found = Held([name], decided)
        for outlook in self.outlooks:
            one = self.resolver.solve(with_outlook(self.scenario, outlook), f"orders {name}, in {outlook}", effort)
            if one.impossible:
                found.impossible.append(outlook)
            elif one.usd is not None:
                found.usd[outlook] = one.usd
        self.held.append(found)
        return found

    def _known(self, decided: Decided) -> Held | None:
        return next((held for held in self.held if held.decided == decided), None)

    def _add(self, name: str, plan: Plan) -> Held:
        # The bound is one among plans with these orders; of the scenario the plan claims nothing.
        whole = plan if plan is self.plan else of_whole(self.scenario, plan)
        usd = usd_by_outlook(plan.costs, self.outlooks)
        self.held.append(Held([name], decided_by(plan), whole, plan.bound_usd, usd))
        return self.held[-1]

    def _least_regret(self) -> None:
        best = self.best()
        if len(best) < len(self.outlooks):
            return
        reached = self.resolver.least(self.scenario, goal_of(self.scenario, "regret", best), math.inf, LEAST_REGRET)
        if reached is None:
            self.resolver.unanswered += 1
            return
        self.regret_bound = reached.bound
        keep = Capped([Kept(goal_of(self.scenario, "regret", best), reached.amount)])
        answer = self.resolver.solve(self.scenario, "the cheapest plan of least regret", Effort(extra=[keep]))
        if answer.plan is None:
            return
        self.regret = self._known(decided_by(answer.plan))
        if self.regret is None or self.regret.plan is None:
            self.regret = self._add(LEAST_REGRET, answer.plan)
        else:
            self.regret.names.append(LEAST_REGRET)


def decided_by(plan: Plan) -> Decided:
    """What a plan orders and sells."""
    orders: Counter[tuple[str, str]] = Counter()
    for order in plan.orders:
        orders[order.supply, order.order_by] += order.nodes
    return Decided(dict(orders), {(sale.supply, sale.period): sale.nodes for sale in plan.sales})
