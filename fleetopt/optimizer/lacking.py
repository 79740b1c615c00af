"""What a large case without a plan is short of, found by planning it with limits that may give at a price.

The elastic program (`elastic`) minimises slack and nothing else. Where whole replicas are many thousands that says
nothing of where to put them, and HiGHS finds no plan, or one far from the least. With slack beside the cost, dear
enough that it is as little as can be, it is a planning question like any other, and found as these are:

    supply    every limit may be raised, at PRICE times what the cheapest plan without limits costs for as much again;
              then each of those that were raised together by itself
    demand    of every workload any part may go unserved, at PRICE times as much for all of it

What is found is a plan, so that as much suffices. Where no limit had to be raised, it is a plan of the case. Where
limits had to be raised by little, as they are where a budget is next to the least that any plan spends, it is looked
for again with those limits lower by twice as much: a plan that is over them by as little is within what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from fleetopt.errors import Repair
from fleetopt.optimizer.aside import noticed
from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.coarse import coarse
from fleetopt.optimizer.excess import Excess, accepting, raising
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.features.demand import limit_of_demand
from fleetopt.optimizer.formulation import formulate
from fleetopt.optimizer.patterns.narrowing import coarsely
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.readout import Readout
from fleetopt.optimizer.rules import Limit
from fleetopt.optimizer.solve import EXPLAINING, Progress, SolveOptions
from fleetopt.scenario.domain import Shortfall, Workload

PRICE = 100.0
GAP = 0.05
"""Relative gap to which a question is answered."""

SECONDS = 60.0
"""For all questions, if the time limit is not less; and as long again for a plan that is within limits after all."""

PART = 0.3
"""Of the time that is left, what a limit by itself may take."""

LITTLE, LOWERED = 0.05, 2.0
"""The share of a limit up to which it is raised by little, and by how many times as much it is lowered then."""

GROUPS = 2
"""Slots of a period in which limits are looked for: with one, nothing could change between slots."""

NOTHING = 1e-6


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with limits that gave: by how much each was raised, whether less is known not to do, but for the gap, a
    bound of what the case costs, its records, and what the method found.
    """

    raised: Mapping[str, float]
    close: bool
    bound: float | None
    read: Callable[[], Readout]
    found: object


Ask = Callable[[PlanningCase, SolveOptions], Planned | None]
"""Plans a case; nothing where no plan was found, or Ctrl-C came."""


@dataclass(frozen=True, slots=True)
class Lacking:
    """Repairs that each make a plan possible; or a plan that needs none. Fewer where Ctrl-C came."""

    repairs: tuple[Repair, ...] = ()
    plan: Planned | None = None
    interrupted: bool = False


def lacking(
    case: PlanningCase, features: Sequence[Feature], options: SolveOptions, ask: Ask, *, hopeless: bool = False
) -> Lacking:
    """What a case is short of.

    Args:
        case: one for which no plan was found.
        features: what its program is made of.
        options: the time limit, and whom to tell that it is being explained.
        ask: how to plan it with limits that may give.
        hopeless: whether it is proven that there is none.
    """
    with noticed() as interrupted:
        begun, seconds = perf_counter(), min(SECONDS, options.time_limit_s)
        desk = _Desk(case, ask, interrupted, options.on_progress, begun, begun + seconds)
        limits = _limits(case, features)
        usd = desk.cheapest(features, limits)
        if usd is None or not limits:
            return Lacking(interrupted=interrupted())
        together = desk.raised(limits, PRICE * usd)
        if together is not None and not _excess(limits, together):
            return Lacking(plan=together)
        if together is not None and not hopeless:
            within = desk.lowered(limits, together, PRICE * usd)
            if within is not None:
                return Lacking(plan=within)
        short = [] if together is None else [item.limit.group for item in _excess(limits, together)]
        alone = [desk.raised({limit: limits[limit]}, PRICE * usd, PART) for limit in short if len(short) > 1]
        # Whoever had little time by itself may need far less than was found.
        planned = [together, *(one for one in alone if one is not None and one.close)]
        found = [raising(_excess(limits, one)) for one in planned if one is not None]
        found.append(desk.unserved(PRICE * usd))
        return Lacking(tuple(repair for repair in found if repair is not None), interrupted=interrupted())


@dataclass(slots=True)
class _Desk:
    """Where questions about a case are asked, under one clock."""

    case: PlanningCase
    ask: Ask
    interrupted: Callable[[], bool]
    on_progress: Callable[[Progress], None] | None
    begun: float
    end: float

    def cheapest(self, features: Sequence[Feature], limits: Mapping[str, Limit]) -> float | None:
        """What the case costs about without limits, USD; None where it has no plan all the same."""
        free = replace(self.case, raises=dict.fromkeys(limits, 0.0))
        known = coarsely(free, features, Watch(self._effort(self.end - perf_counter())))
        return None if known is None else max(known.point.value, 1.0)

    def raised(self, limits: Mapping[str, Limit], usd: float, part: float = 1.0) -> Planned | None:
        """A plan with limits raised by as little as can be, at so many dollars for as much again."""
        return self._answer(replace(self.case, raises=_prices(limits, usd)), part)

    def lowered(self, limits: Mapping[str, Limit], planned: Planned, usd: float) -> Planned | None:
        """A plan within all limits, where one was found that is over some of them by little; with the bound of that."""
        excess = {item.limit.group: item.amount for item in _excess(limits, planned)}
        if any(by > LITTLE * limits[name].amount for name, by in excess.items()):
            return None
        lower = {name: LOWERED * by for name, by in excess.items()}
        case = replace(self.case, raises=_prices(limits, usd), lowered=lower)
        found = self._asked(case, self.end - self.begun)
        return None if found is None or _excess(limits, found) else replace(found, bound=planned.bound)

    def unserved(self, usd: float) -> Repair | None:
        """The part of its demand that each workload goes without at worst."""
        case = self.case
        lenient = {name: _lenient(case, workload, usd) for name, workload in case.workloads.items()}
        planned = self._answer(replace(case, workloads=lenient))
        if planned is None:
            return None
        short = []
        for one in planned.read().workloads:
            allowed = case.workloads[one.workload].shortfall.allowed
            more = one.shortfall_rps / one.planned_rps - allowed if one.planned_rps > 0 else 0.0
            if more > NOTHING:
                short.append(Excess(limit_of_demand(one.workload, (one.period, one.slot, one.outlook)), more))
        return accepting(short)

    def _answer(self, case: PlanningCase, part: float = 1.0) -> Planned | None:
        return self._asked(case, part * (self.end - perf_counter()))

    def _asked(self, case: PlanningCase, seconds: float) -> Planned | None:
        return None if self.interrupted() or seconds <= 0.0 else self.ask(case, self._effort(seconds))

    def _effort(self, seconds: float) -> SolveOptions:
        return SolveOptions(gap=GAP, time_limit_s=seconds, on_progress=self._tell if self.on_progress else None)

    def _tell(self, _: Progress) -> None:
        """Says what is being done, and not how far a question is answered that nobody asked."""
        if self.on_progress is not None:
            self.on_progress(Progress(perf_counter() - self.begun, None, None, EXPLAINING))


def _prices(limits: Mapping[str, Limit], usd: float) -> dict[str, float]:
    """USD for each unit of each limit, where as much again costs the same of all."""
    return {name: usd / max(limit.amount, 1.0) for name, limit in limits.items()}


def _limits(case: PlanningCase, features: Sequence[Feature]) -> dict[str, Limit]:
    """Every limit of supply by its group, at its largest."""
    found: dict[str, Limit] = {}
    for rule in formulate(coarse(case, GROUPS), features).rules:
        limit = rule.limit
        if limit is None or limit.kind != "supply" or rule.sense != "<=":
            continue
        if limit.group not in found or limit.amount > found[limit.group].amount:
            found[limit.group] = replace(limit, where="")
    return found


def _excess(limits: Mapping[str, Limit], planned: Planned) -> list[Excess]:
    return [
        Excess(limits[limit], by)
        for limit, by in planned.raised.items()
        if by > NOTHING * max(1.0, limits[limit].amount)
    ]


def _lenient(case: PlanningCase, workload: Workload, usd: float) -> Workload:
    """The workload with any part of its demand excused, at so many dollars for all of it."""
    hours = {time: case.hours[time[0], time[1]] * case.probability[time[2]] for time in case.times}
    requests = sum(3600.0 * hours[time] * case.planned_rps[workload.name, *time] for time in case.times)
    if workload.batch is not None or workload.spares or requests <= 0.0:
        return workload
    return replace(workload, shortfall=Shortfall(1.0, 0.0, usd / requests))
