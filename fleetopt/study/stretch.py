"""The largest multiple of demand that can be served: within a budget (iso-cost), within a power, or as the supply is.

    works(m)  <=>  there is a plan of the scenario with m times the demand of the chosen workloads
    low  = the largest m that a verified plan was found for          high = the least m that is proven to have none

works falls from true to false once, because a fleet that serves m times the demand serves less; so the interval is
halved (geometrically) until it is narrow enough. Whole plans are solved, so that every rule of a scenario counts,
however it leans on demand. A plan often serves more than it was asked for: what its whole replicas achieve is tried
next. A solve that ends undecided proves nothing, and the interval stays as wide as it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import Field

from fleetopt.errors import VerificationError
from fleetopt.optimizer.goals import PowerCap
from fleetopt.plan.domain import Plan
from fleetopt.plan.record import Record
from fleetopt.scenario.domain import Scenario, Workload
from fleetopt.scenario.supply_domain import Budget
from fleetopt.study.merge import of_whole
from fleetopt.study.resolve import Answer, Effort, Resolver
from fleetopt.study.restrict import by_cost
from fleetopt.verify.total_power import power_is_kept

FARTHEST = 1024.0
"""Beyond so many times, and below one part in so many, nothing is looked for."""

BUDGET = "--budget"
"""How the budget is called that a stretch adds to those of the scenario."""

EDGE = 1e-7
"""Relative: below what whole replicas achieve by more than the solver's tolerance."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is to be kept to beside the scenario's own limits: payments over the horizon in every outlook, and nameplate
    W of all nodes in service at any time.
    """

    budget_usd: float | None = None
    power_w: float | None = None

    @property
    def main(self) -> float | None:
        """The limit that a curve is over."""
        return self.power_w if self.budget_usd is None else self.budget_usd

    def part(self, share: float) -> Limits:
        """With the limit that a curve is over at a share of it."""
        if self.budget_usd is None:
            return replace(self, power_w=None if self.power_w is None else share * self.power_w)
        return replace(self, budget_usd=share * self.budget_usd)


class Point(Record):
    """Under one limit: the largest multiple that there is a plan for, the cheapest such plan, and the least multiple
    that is proven to have none. `high` is None where none was found: there is a plan for FARTHEST, or time ran out.
    """

    budget_usd: float | None
    power_w: float | None
    low: float
    high: float | None
    usd: float | None
    plan: Plan | None = Field(exclude=True)


class Stretch(Record):
    """The multiples, one for each limit. `workload` is the one that was stretched, None for all of them."""

    schema_version: Literal["1"] = "1"
    scenario: str
    workload: str | None
    within: float
    points: tuple[Point, ...]
    solves: int
    complete: bool


def stretch(
    scenario: Scenario,
    limits: Limits,
    resolver: Resolver,
    *,
    workload: str | None = None,
    within: float,
    steps: int = 1,
) -> Stretch:
    """The largest multiple of demand, at as many parts of the limit as there are steps. Ctrl-C keeps what is finished.

    Args:
        scenario: the question.
        limits: what to keep to beside its own limits.
        resolver: how hard to try each solve.
        workload: the one to stretch, all others asking for what they ask; None for all of them.
        within: how far apart, relatively, the multiple with a plan and the one without may be.
        steps: points of a curve over the limit, the last of them the whole of it.
    """
    points: list[Point] = []
    settled = True
    try:
        for step in range(1, steps + 1):
            search = _Search(by_cost(scenario), limits.part(step / steps), workload, within, resolver)
            # What less money or power serves more of it serves too.
            search.run(points[-1].low if points else 0.0)
            points.append(search.point())
            settled = settled and search.settled
    except KeyboardInterrupt:
        resolver.stopped = True
    return Stretch(
        scenario=scenario.name,
        workload=workload,
        within=within,
        points=tuple(points),
        solves=resolver.solves,
        complete=settled and len(points) == steps and not resolver.unanswered and not resolver.stopped,
    )


def scaled(scenario: Scenario, multiple: float, workload: str | None = None) -> Scenario:
    """With so many times the demand, of one workload (or all buckets of it) or of all."""
    changed = (_times(multiple, w) if _is(w, workload) else w for w in scenario.workloads)
    return replace(scenario, workloads=tuple(changed))


def _times(multiple: float, workload: Workload) -> Workload:
    demand = {time: multiple * rps for time, rps in workload.demand_rps.items()}
    batch = None if workload.batch is None else workload.batch.scaled(multiple)
    return replace(workload, demand_rps=demand, batch=batch)


@dataclass(slots=True, eq=False)
class _Search:
    """One interval: what works, what is proven not to, and what no solve could decide."""

    scenario: Scenario
    limits: Limits
    workload: str | None
    within: float
    resolver: Resolver
    low: float = 0.0
    high: float = math.inf
    undecided: float = math.inf
    hint: float = 0.0
    plan: Plan | None = None

    def run(self, known: float) -> None:
        """Halves what is open, from a multiple known to have a plan; then finds the cheapest plan at its end."""
        self.low = known
        while not self.resolver.spent and (at := self._next()) is not None:
            self._try(at)
        best = self._ask(self.low, any_plan=False).plan if self.low > 0 else None
        self.plan = best or self.plan

    @property
    def settled(self) -> bool:
        """Whether there is nothing left to try."""
        return self._next() is None

    def _next(self) -> float | None:
        """The multiple to try next, None where there is nothing left to try."""
        top = min(self.high, self.undecided)
        if self.low * (1.0 + 3.0 * EDGE) < self.hint < min(top, FARTHEST):
            return self.hint * (1.0 - EDGE)
        if math.isinf(top):
            return min(2.0 * self.low or 1.0, FARTHEST) if self.low < FARTHEST else None
        if not self.low:
            return top / 2.0 if top * FARTHEST >= 1.0 else None
        return math.sqrt(self.low * top) if top > self.low * (1.0 + self.within) else None

    def _try(self, at: float) -> None:
        answer = self._ask(at, any_plan=True)
        if answer.plan is not None:
            self.low, self.plan = at, answer.plan
            self.hint = at * _achieved(self.scenario, answer.plan, self.workload)
        elif answer.impossible:
            self.high = at
        else:
            self.undecided = at

    def _ask(self, multiple: float, *, any_plan: bool) -> Answer:
        asked = self._limited(scaled(self.scenario, multiple, self.workload))
        cap = self.limits.power_w
        extra = () if cap is None else (PowerCap(cap),)
        what = f"{multiple:.6g} times the demand"
        answer = self.resolver.solve(asked, what, Effort(any_plan, extra=extra))
        if answer.plan is None or cap is None:
            return answer
        if not (check := power_is_kept(answer.plan, asked, cap)).passed:
            raise VerificationError([f"{check.name}: {check.detail}"])
        return replace(answer, plan=of_whole(asked, answer.plan))

    def _limited(self, scenario: Scenario) -> Scenario:
        if self.limits.budget_usd is None:
            return scenario
        budgets = (*scenario.supply.budgets, Budget(BUDGET, "all", None, self.limits.budget_usd))
        return replace(scenario, supply=replace(scenario.supply, budgets=budgets))

    def point(self) -> Point:
        return Point(
            budget_usd=self.limits.budget_usd,
            power_w=self.limits.power_w,
            low=self.low,
            high=self.high if math.isfinite(self.high) else None,
            usd=None if self.plan is None else self.plan.objective_usd,
            plan=self.plan,
        )


def _achieved(scenario: Scenario, plan: Plan, workload: str | None) -> float:
    """How many times what was asked for the whole replicas of a plan serve."""
    chosen = {w.name: 1.0 - w.shortfall.allowed for w in scenario.workloads if _is(w, workload)}
    asked = ((o, chosen[o.workload] * o.planned_rps) for o in plan.workloads if o.workload in chosen)
    return min((o.achieved_rps / rps for o, rps in asked if rps > 0), default=1.0)


def _is(workload: Workload, name: str | None) -> bool:
    """Whether a workload, or the one that it is a length bucket or a part of, is the one named; everything is None."""
    return name in {None, workload.name, workload.written_as}
