"""Repairs that a program can make, each with what the best plan costs once it is made.

To the repairs that the optimizer found (limits raised, a shortfall accepted) come, for what stands in the conflict:

    each limit of supply by itself      the smallest amount with which there is a plan
    each SLO by itself                  the smallest limit, to 1 %, with which there is a plan
    both SLOs of a workload, in turn    where neither alone is enough
    the deadline of batch work          the nearest period by which it can be done
    each other promise by itself        left out, if it belongs to the conflict (study.conflict)

A latency just above its service floor takes any number of replicas, so where a promise was below the floor twice what
is needed is offered, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from fleetopt.errors import Change, Infeasible, Repair
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.scenario.domain import Scenario
from fleetopt.study.conflict import waivers, wider
from fleetopt.study.limits import (
    DEADLINE,
    LEFT_OUT,
    PERIODS,
    SHARE,
    amount_of,
    apply,
    kind_of,
    movable,
    moved,
    path_of,
)
from fleetopt.study.resolve import Effort, Resolver, Tell, untold
from fleetopt.study.search import FARTHEST, readable, smallest

SECONDS = 20.0
"""How long to look for repairs and their costs."""

PART = 0.3
"""Of the time that is left, what one solve may take, so that a hard one leaves some for the others."""


def priced(
    scenario: Scenario,
    error: Infeasible,
    options: SolveOptions | None = None,
    *,
    seconds: float = SECONDS,
    tell: Tell = untold,
) -> Infeasible:
    """The same error with all that is in conflict, and repairs that have been tried: the cheapest first, those that
    serve less last.

    A repair for which the time did not suffice stands without a cost.

    Args:
        scenario: the one that has no plan.
        error: what `optimize` raised.
        options: gap and time limit of each solve.
        seconds: to spend in all.
        tell: told what is about to be solved.
    """
    desk = _Desk(scenario, Resolver(options or SolveOptions(), seconds=seconds, tell=tell))
    found: dict[str, Repair] = {}
    needed = wider(scenario, error.conflict, desk.resolver, PART)
    for repair in (*error.repairs, *waivers(needed), *desk.others(error)):
        known = desk.priced(repair)
        if known is not None:
            found.setdefault(str(known), known)
    tried = [repair for repair in found.values() if repair.changes]
    return Infeasible(error.reasons, (*error.conflict, *needed), sorted(tried or found.values(), key=_order))


def _order(repair: Repair) -> tuple[bool, bool, float]:
    serves_less = any(change.unit == SHARE for change in repair.changes)
    return serves_less, repair.usd is None, repair.usd or 0.0


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where repairs of one scenario are made and priced."""

    scenario: Scenario
    resolver: Resolver

    def priced(self, repair: Repair) -> Repair | None:
        """A repair with the cost of the best plan after it, in words that name GPU types and periods.

        None where a promise is left out and no plan without it was found: that it belongs to one conflict does not say
        that there is no other.
        """
        if not repair.changes or not all(movable(self.scenario, c) for c in repair.changes):
            return repair
        question = f"the cost of a repair ({'; '.join(repair.details)})"
        answer = self.resolver.solve(apply(self.scenario, repair), question, Effort(part=PART))
        if answer.plan is None and any(change.unit == LEFT_OUT for change in repair.changes):
            return None
        details = tuple(self._words(change, repair.details) for change in repair.changes)
        return replace(repair, details=details, usd=answer.usd)

    def others(self, error: Infeasible) -> Iterator[Repair]:
        """Repairs of one limit of the conflict at a time, then of SLOs."""
        alone = {repair.changes[0].limit for repair in error.repairs if len(repair.changes) == 1}
        for limit in error.conflict:
            kind = kind_of(limit)
            if kind is not None and kind.unit != SHARE and limit not in alone:
                yield from self._one(limit)
        below = self._below_floor(error)
        if below:
            yield from self._floors(below)
        else:
            for limit in error.conflict:
                if limit.startswith("demand of "):
                    yield from self._later(limit.removeprefix("demand of "))
                    yield from self._slos(limit.removeprefix("demand of "))

    def _below_floor(self, error: Infeasible) -> list[str]:
        """Workloads whose promises no number of replicas keeps, with nothing else in conflict."""
        if error.conflict:
            return []
        return [w.name for w in self.scenario.workloads if any(r.startswith(f"{w.name}: ") for r in error.reasons)]

    def _slos(self, workload: str) -> Iterator[Repair]:
        """The smallest loosening of one latency of a workload, or else of both."""
        promised = self._promised(workload)
        single = [repair for limit in promised for repair in self._one(limit)]
        yield from single or self._together(promised)

    def _later(self, workload: str) -> Iterator[Repair]:
        """The nearest deadline of batch work that is late enough."""
        limit = f"{DEADLINE}{workload}"
        last = len(self.scenario.calendar.periods) - 1
        if path_of(self.scenario, limit) is not None and amount_of(self.scenario, limit) < last:
            yield from self._one(limit)

    def _promised(self, workload: str) -> list[str]:
        limits = (f"TTFT of {workload}", f"TPOT of {workload}")
        return [limit for limit in limits if path_of(self.scenario, limit) is not None]

    def _floors(self, workloads: list[str]) -> Iterator[Repair]:
        """What lifts every workload above its floors: as little as can be, and then twice that."""
        for least in self._together([limit for name in workloads for limit in self._promised(name)]):
            yield least
            new = {c.limit: readable(2.0 * (amount_of(self.scenario, c.limit) + c.by)) for c in least.changes}
            yield _repair(replace(c, by=new[c.limit] - amount_of(self.scenario, c.limit)) for c in least.changes)

    def _together(self, limits: list[str]) -> Iterator[Repair]:
        """The smallest loosening of several limits in turn, each with those to come as loose as can be."""
        changes: list[Change] = []
        for index, limit in enumerate(limits):
            loose = [Change(other, FARTHEST * amount_of(self.scenario, other), "s") for other in limits[index + 1 :]]
            change = self._smallest(limit, [*changes, *loose])
            if change is None:
                return
            changes.append(change)
        if any(change.by for change in changes):
            yield _repair(change for change in changes if change.by)

    def _one(self, limit: str) -> Iterator[Repair]:
        change = self._smallest(limit, [])
        if change is not None:
            yield _repair([change])

    def _smallest(self, limit: str, beside: Iterable[Change]) -> Change | None:
        """The smallest raise of a limit with which there is a plan; None where none helps or the time is up."""
        kind = kind_of(limit)
        if kind is None or path_of(self.scenario, limit) is None:
            return None
        scenario = self.scenario
        for change in beside:
            scenario = moved(scenario, change)
        start = amount_of(scenario, limit)

        def works(amount: float) -> bool:
            variant = moved(scenario, Change(limit, amount - start, kind.unit))
            question = f"whether {limit} at {amount:.4g} {kind.unit} helps"
            return self.resolver.solve(variant, question, Effort(any_plan=True, part=PART)).plan is not None

        amount = smallest(start, works)
        return None if amount is None or self.resolver.spent else Change(limit, amount - start, kind.unit)

    def _words(self, change: Change, details: tuple[str, ...]) -> str:
        """As in: quota h200 from 16 to 30 GPUs (+14 H200, short in 2027-Q3)."""
        if change.unit == SHARE:
            times = sum(detail.startswith(f"{change.limit} in ") for detail in details)
            where = f"{change.where}" if times == 1 else f"{times} times, the worst {change.where}"
            return f"{change.limit} in {where}: {100 * change.by:g} % more unserved"
        if change.unit == LEFT_OUT:
            return change.limit
        old = amount_of(self.scenario, change.limit)
        new = old + change.by
        if change.unit == PERIODS:
            names = [period.name for period in self.scenario.calendar.periods]
            return f"{change.limit} from {names[round(old)]} to {names[round(new)]}"
        if change.unit == "s":
            return f"{change.limit} from {1000 * old:.6g} to {1000 * new:.6g} ms"
        quotas = {f"quota {quota.name}": quota.gpu_type for quota in self.scenario.supply.quotas}
        more = [f"+{change.by:,.10g} {quotas[change.limit]}"] if change.limit in quotas else []
        periods = [period.name for period in self.scenario.calendar.periods]
        if len(periods) > 1:
            more += [f"short in {part}" for part in change.where.split("/") if part in periods]
        return f"{change.limit} from {old:,.10g} to {new:,.10g} {change.unit}" + (
            f" ({', '.join(more)})" if more else ""
        )


def _repair(changes: Iterable[Change]) -> Repair:
    found = tuple(changes)
    if all(change.unit == PERIODS for change in found):
        return Repair("Put this deadline off", tuple(change.limit for change in found), found)
    verb = "Loosen" if all(change.unit == "s" for change in found) else "Raise"
    what = "these limits" if len(found) > 1 else "this limit"
    return Repair(f"{verb} {what}", tuple(change.limit for change in found), found)
