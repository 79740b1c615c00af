"""What the outlooks mean for the cost: by outlook, and the band in which it falls with 80 % probability.

    cost in outlook o   =  lines that hold whatever happens  +  lines of o
    quantile q          =  the least cost that is not exceeded with probability q

Few outlooks make steps of a quantile: with three, P10 is the cheapest unless it is less likely than 10 %.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fleetopt.plan.domain import ALL, CostLine, Plan
from fleetopt.report.money import expected_usd, is_paid, periods_of
from fleetopt.scenario.domain import Scenario

BAND = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True)
class OutlookCost:
    """Dollars by period in one outlook, and those of them that are paid.

    `shortfall` is the share of its demand that goes unserved.
    """

    name: str
    probability: float
    usd: tuple[float, ...]
    paid_usd: tuple[float, ...]
    most_gpus: int
    shortfall: float

    @property
    def total_usd(self) -> float:
        return sum(self.usd)

    @property
    def cumulative_paid_usd(self) -> tuple[float, ...]:
        return tuple(sum(self.paid_usd[: n + 1]) for n in range(len(self.paid_usd)))


def outlook_costs(plan: Plan, scenario: Scenario) -> tuple[OutlookCost, ...]:
    """Each outlook of the scenario; weighted by probability they sum to the objective."""
    usd = _by_outlook(plan, scenario, lambda _: True)
    paid = _by_outlook(plan, scenario, is_paid)
    most, unserved = _most_gpus(plan), _unserved(plan, scenario)
    return tuple(
        OutlookCost(o.name, o.probability, usd[o.name], paid[o.name], most.get(o.name, 0), unserved.get(o.name, 0.0))
        for o in scenario.calendar.outlooks
    )


def _by_outlook(plan: Plan, scenario: Scenario, wanted: Callable[[CostLine], bool]) -> dict[str, tuple[float, ...]]:
    place = {name: index for index, name in enumerate(periods_of(plan))}
    usd = {outlook.name: [0.0] * len(place) for outlook in scenario.calendar.outlooks}
    for cost in filter(wanted, plan.costs):
        # A line of one outlook carries that outlook's probability, which is 1 where only it is looked at.
        for name in usd if cost.outlook == ALL else [cost.outlook]:
            usd[name][place[cost.period]] += expected_usd(cost) / cost.probability
    return {name: tuple(values) for name, values in usd.items()}


def quantile(values: Sequence[float], weights: Sequence[float], q: float) -> float:
    """The least of the values that is not exceeded with probability q.

    >>> [quantile([3.0, 1.0, 2.0], [0.2, 0.5, 0.3], q) for q in (0.1, 0.5, 0.9)]
    [1.0, 1.0, 3.0]
    """
    reached = 0.0
    ranked = sorted(zip(values, weights, strict=True))
    for value, weight in ranked:
        reached += weight
        if reached >= q * (1.0 - 1e-9):
            return value
    return ranked[-1][0]


def bands(costs: Sequence[OutlookCost]) -> list[tuple[float, ...]]:
    """P10, P50 and P90 of what is paid up to the end of each period."""
    weights = [one.probability for one in costs]
    columns = zip(*(one.cumulative_paid_usd for one in costs), strict=True)
    return [tuple(quantile(column, weights, q) for q in BAND) for column in columns]


def _most_gpus(plan: Plan) -> dict[str, int]:
    """The most GPUs in service at once, by outlook."""
    held: dict[tuple[str, str, str], int] = {}
    for line in plan.fleet:
        key = (line.outlook, line.period, line.slot)
        held[key] = held.get(key, 0) + line.gpus
    most: dict[str, int] = {}
    for (outlook, _, _), gpus in held.items():
        most[outlook] = max(most.get(outlook, 0), gpus)
    return most


def _unserved(plan: Plan, scenario: Scenario) -> dict[str, float]:
    """The share of all requests that are not served, by outlook."""
    hours = {slot.name: slot.hours_per_day for slot in scenario.calendar.slots}
    days = {period.name: period.days for period in scenario.calendar.periods}
    asked: dict[str, float] = {}
    missed: dict[str, float] = {}
    for w in plan.workloads:
        weight = hours[w.slot] * days[w.period]
        asked[w.outlook] = asked.get(w.outlook, 0.0) + weight * w.asked_rps
        missed[w.outlook] = missed.get(w.outlook, 0.0) + weight * max(0.0, w.asked_rps - w.served_rps)
    return {name: missed[name] / total if total else 0.0 for name, total in asked.items()}
