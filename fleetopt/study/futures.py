"""What not knowing the future costs (Birge and Louveaux, Introduction to Stochastic Programming, 2nd ed. 2011, ch. 4).

    RP   = the cost of the plan: orders now, everything else once the outlook is known       (the recourse problem)
    WS   = what the outlooks cost together, each planned by itself, knowing that it comes              (wait and see)
    EVPI = RP - WS >= 0                                                      (expected value of perfect information)
    EEV  = what the orders for the mean of the outlooks cost, held in all of them
    VSS  = EEV - RP >= 0                                                          (value of the stochastic solution)
    regret[x,o] = cost of o under the orders x - the least cost of o;     least over x of the largest over o

"Together" is the expectation, or its weighing with CVaR where the scenario weighs risk: both rise with the cost of each
outlook, so the two inequalities hold for either. Solves that end before their proof leave ranges:

    RP in [bound, plan]    WS in [together(bounds), together(plans)]    EVPI in [RP.low - WS.high, RP.high - WS.low]
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fleetopt.plan.domain import Plan
from fleetopt.plan.record import Record
from fleetopt.plan.risk import weighed
from fleetopt.scenario.domain import Scenario
from fleetopt.study.holding import Held, Search
from fleetopt.study.resolve import Resolver
from fleetopt.study.restrict import by_cost


class Span(Record):
    """Dollars by the plans that were found, and between which figures the truth is proven to lie, as far as it is."""

    usd: float
    low: float | None
    high: float | None


class Cell(Record):
    """What one outlook costs under certain orders, and how much of it is regret; none where it cannot be served."""

    outlook: str
    usd: float | None
    regret_usd: float | None
    impossible: bool


class Choice(Record):
    """Orders held in all outlooks, under all their names. `usd` is what they cost together, none where one of the
    outlooks cannot be served.
    """

    names: tuple[str, ...]
    nodes: int
    usd: Span | None
    outlooks: tuple[Cell, ...]
    worst_regret_usd: float | None
    plan: Plan | None = Field(exclude=True)


class Future(Record):
    """An outlook: what the plan costs there, and what it costs at best to who knows that it comes."""

    outlook: str
    probability: float
    plan_usd: float
    best_usd: float | None
    best_bound_usd: float | None


class Futures(Record):
    """The figures; what could not be worked out within the budget is null, and `complete` is then false.

    `unservable` names the outlooks that the orders for the mean cannot serve: the value of the stochastic solution is
    then null because it is without limit.
    """

    schema_version: Literal["1"] = "1"
    scenario: str
    plan: Span
    wait_and_see: Span | None
    perfect_information: Span | None
    mean_orders: Span | None
    stochastic_solution: Span | None
    unservable: tuple[str, ...]
    least_regret: Span | None
    outlooks: tuple[Future, ...]
    choices: tuple[Choice, ...]
    solves: int
    complete: bool


def futures(scenario: Scenario, plan: Plan, resolver: Resolver) -> Futures:
    """What not knowing costs, and what other orders would. Ctrl-C ends it with what is finished.

    Args:
        scenario: the question.
        plan: its plan.
        resolver: how hard to try each solve.
    """
    search = Search(by_cost(scenario), plan, resolver)
    try:
        search.run()
    except KeyboardInterrupt:
        resolver.stopped = True
    return _found(search)


def _found(search: Search) -> Futures:
    best, bounds = search.best(), search.bounds()
    waited = _together(search, best, bounds)
    proven = [usd for usd in (search.plan.bound_usd, None if waited is None else waited.low) if usd is not None]
    plan = _span(search.plan.objective_usd, max(proven, default=None))
    mean = None if search.mean is None else plan if search.mean is search.held[0] else _held(search.mean)
    return Futures(
        scenario=search.scenario.name,
        plan=plan,
        wait_and_see=waited,
        perfect_information=None if waited is None else _difference(plan, waited),
        mean_orders=mean,
        stochastic_solution=None if mean is None else NOTHING if mean is plan else _difference(mean, plan),
        unservable=() if search.mean is None or search.mean.plan else tuple(search.mean.impossible or search.outlooks),
        least_regret=_worst(search, best, bounds),
        outlooks=tuple(
            Future(
                outlook=outlook.name,
                probability=outlook.probability,
                plan_usd=search.held[0].usd[outlook.name],
                best_usd=best.get(outlook.name),
                best_bound_usd=bounds.get(outlook.name),
            )
            for outlook in search.scenario.calendar.outlooks
        ),
        choices=tuple(_choice(search, held, best) for held in search.held),
        solves=search.resolver.solves,
        complete=search.finished and not search.resolver.stopped,
    )


NOTHING = Span(usd=0.0, low=0.0, high=0.0)


def _span(usd: float, low: float | None) -> Span:
    """What a plan costs, and at least costs; rounding may put a bound a hair above it."""
    return Span(usd=usd, low=None if low is None else min(low, usd), high=usd)


def _together(search: Search, best: dict[str, float], bounds: dict[str, float]) -> Span | None:
    probability = {outlook.name: outlook.probability for outlook in search.scenario.calendar.outlooks}
    if len(best) < len(probability):
        return None
    usd, low = (weighed(known, probability, search.scenario.risk) for known in (best, {**best, **bounds}))
    return _span(usd, low if len(bounds) == len(best) else None)


def _held(held: Held) -> Span | None:
    return None if held.plan is None else _span(held.plan.objective_usd, held.low)


def _difference(more: Span, less: Span) -> Span:
    """What one costs beyond the other, which is never negative."""
    low = 0.0 if more.low is None or less.high is None else max(0.0, more.low - less.high)
    high = None if more.high is None or less.low is None else max(low, more.high - less.low)
    return Span(usd=max(low, more.usd - less.usd), low=low, high=high)


def _worst(search: Search, best: dict[str, float], bounds: dict[str, float]) -> Span | None:
    """The largest regret of the plan that has least of it, and between what the least of it lies."""
    if search.regret is None:
        return None
    held = search.regret.usd
    usd = max(held[outlook] - least for outlook, least in best.items())
    known = len(bounds) == len(best)
    high = max(held[outlook] - bound for outlook, bound in bounds.items()) if known else None
    low = None if search.regret_bound is None else min(usd, max(0.0, search.regret_bound))
    return Span(usd=usd, low=low, high=high)


def _choice(search: Search, held: Held, best: dict[str, float]) -> Choice:
    cells = tuple(_cell(outlook, held, best) for outlook in search.outlooks)
    regrets = [cell.regret_usd for cell in cells if cell.regret_usd is not None]
    return Choice(
        names=tuple(held.names),
        nodes=sum(held.decided.orders.values()),
        usd=_held(held),
        outlooks=cells,
        worst_regret_usd=max(regrets) if len(regrets) == len(cells) else None,
        plan=held.plan,
    )


def _cell(outlook: str, held: Held, best: dict[str, float]) -> Cell:
    usd = held.usd.get(outlook)
    regret = usd - best[outlook] if usd is not None and outlook in best else None
    return Cell(outlook=outlook, usd=usd, regret_usd=regret, impossible=outlook in held.impossible)
