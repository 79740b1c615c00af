"""What to order when: every order with its dates, its money, and the workloads that its nodes carry.

    total  =  paid with the order  +  the order's share of what its supply line costs by the hour over the horizon

Owned nodes that are sold stand beside the orders, with the first day on which they are gone; what they fetch is taken
off. An order is placed on the first day of its period at the latest. Where several orders of a supply line are in
service at once, they share its hourly cost by nodes; the totals of all orders are the committed lines' cost, to the
cent. What a reserved or leased node costs by the hour after the horizon, until its term ends, is in no total: the plan
does not count it, and the buyer owes it all the same. Where deliveries are late in some outlooks, the hours and the
term begin that much later there; dollars are expected over outlooks, and an end of the term is the latest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from fleetopt.plan.attribution import expected_hours
from fleetopt.plan.domain import Order, Plan, Sale
from fleetopt.report.cash import end_of, months_after
from fleetopt.report.money import spend
from fleetopt.report.view import usd
from fleetopt.scenario.domain import Calendar, Period, Scenario
from fleetopt.scenario.supply_domain import SupplyLine


@dataclass(frozen=True, slots=True)
class PurchaseOrder:
    """One order as it goes to a supplier. `carries` are workloads, those with the most GPU-hours first.

    `latest` is the day on which its nodes enter service where deliveries are latest; as planned, if nothing is said.
    `bound_until` is the last day of a reservation or lease that runs on after the horizon, at the latest, `beyond_usd`
    what its nodes are expected to cost by the hour after the horizon, in dollars of today; None and zero for others.
    """

    order: Order
    order_by: date
    in_service: date
    latest: date
    until: date
    unit_usd: float
    upfront_usd: float
    use_usd: float
    carries: tuple[str, ...]
    bound_until: date | None
    beyond_usd: float

    @property
    def beyond(self) -> tuple[date | None, float]:
        return self.bound_until, self.beyond_usd

    @property
    def total_usd(self) -> float:
        return self.upfront_usd + self.use_usd


@dataclass(frozen=True, slots=True)
class NodeSale:
    """Owned nodes to be sold, gone by a day."""

    sale: Sale
    gone_by: date


def node_sales(plan: Plan, scenario: Scenario) -> tuple[NodeSale, ...]:
    """All sales, the earliest first."""
    starts = {period.name: period.start for period in scenario.calendar.periods}
    return tuple(sorted((NodeSale(one, starts[one.period]) for one in plan.sales), key=lambda one: one.gone_by))


def purchase_orders(plan: Plan, scenario: Scenario) -> tuple[PurchaseOrder, ...]:
    """All orders, the earliest first."""
    periods = {period.name: period for period in scenario.calendar.periods}
    index = {name: place for place, name in enumerate(periods)}
    lines = {line.name: line for line in scenario.supply.lines}
    use, carried = _use(plan, lines, index), _carried(plan, scenario)
    beyond = [_beyond(order, lines.get(order.supply), scenario.calendar) for order in plan.orders]
    found = [
        _purchase_order(order, periods, use[n], _carries(order, index, carried), beyond[n])
        for n, order in enumerate(plan.orders)
    ]
    return tuple(sorted(found, key=lambda one: (one.order_by, one.in_service)))


def owed_beyond(plan: Plan, scenario: Scenario) -> list[tuple[date | None, float]]:
    """The last day of each order's term and what it costs after the horizon, without a look at what its nodes carry."""
    lines = {line.name: line for line in scenario.supply.lines}
    return [_beyond(order, lines.get(order.supply), scenario.calendar) for order in plan.orders]


def beyond_sentence(beyond: Sequence[tuple[date | None, float]]) -> str:
    """What is owed after the horizon, in words; nothing where nothing is."""
    bound = [until for until, _ in beyond if until is not None]
    if not bound:
        return ""
    owed = math.fsum(usd_owed for _, usd_owed in beyond)
    many = "The term of 1 order runs" if len(bound) == 1 else f"The terms of {len(bound)} orders run"
    return (
        f"{many} on after the horizon, until {max(bound).isoformat()} at the latest: {usd(owed)} USD more "
        "by the hour, which no total counts."
    )


def _purchase_order(
    order: Order,
    periods: dict[str, Period],
    use_usd: float,
    carries: tuple[str, ...],
    beyond: tuple[date | None, float],
) -> PurchaseOrder:
    return PurchaseOrder(
        order=order,
        order_by=periods[order.order_by].start,
        in_service=periods[order.in_service].start,
        latest=months_after(periods[order.in_service].start, order.periods_late * periods[order.in_service].months),
        until=end_of(periods[order.last_period]),
        unit_usd=order.upfront_usd / order.nodes if order.nodes else 0.0,
        upfront_usd=order.upfront_usd,
        use_usd=use_usd,
        carries=carries,
        bound_until=beyond[0],
        beyond_usd=beyond[1],
    )


def _beyond(order: Order, line: SupplyLine | None, calendar: Calendar) -> tuple[date | None, float]:
    """The latest last day of a term that runs on after the horizon, and what it costs by the hour from then on."""
    if line is None or line.offer.term_months is None or line.offer.kind == "purchase":
        return None, 0.0
    begins = {period.name: period for period in calendar.periods}[order.in_service]
    horizon = end_of(calendar.periods[-1]).toordinal()
    latest, node_days = horizon, 0.0
    for outlook in calendar.outlooks:
        start = months_after(begins.start, line.terms.late(outlook.name) * begins.months)
        end = months_after(start, line.offer.term_months).toordinal() - 1
        latest = max(latest, end)
        node_days += outlook.probability * max(0, end - max(horizon, start.toordinal() - 1))
    if latest == horizon:
        return None, 0.0
    return date.fromordinal(latest), 24.0 * node_days * order.nodes * order.usd_per_node_h


def _use(plan: Plan, lines: dict[str, SupplyLine], index: dict[str, int]) -> list[float]:
    """What each order's nodes cost beyond what is paid with the order."""
    found = [0.0] * len(plan.orders)
    for cost, entry in zip(plan.costs, spend(plan), strict=True):
        own = {n: order for n, order in enumerate(plan.orders) if order.supply == entry.item}
        if own and not entry.once and entry.kind != "unpaid":
            late = lines[entry.item].terms.late(cost.outlook) if entry.item in lines else 0
            for place, share in _in_service(own, index[entry.period], late, index).items():
                found[place] += share * entry.usd
    return found


def _in_service(own: dict[int, Order], now: int, late: int, index: dict[str, int]) -> dict[int, float]:
    """The orders of a supply line that are in service in a period, so many late, with their shares of its nodes."""
    live = {n: o.nodes for n, o in own.items() if index[o.in_service] + late <= now <= index[o.last_period] + late}
    chosen = live or {n: order.nodes for n, order in own.items()}
    return {n: nodes / sum(chosen.values()) for n, nodes in chosen.items()}


def _carried(plan: Plan, scenario: Scenario) -> dict[tuple[str, str], dict[str, dict[str, float]]]:
    """Expected GPU-hours by node type and site, workload and period."""
    hours = expected_hours(scenario)
    found: dict[tuple[str, str], dict[str, dict[str, float]]] = {}
    for p in plan.placements:
        periods = found.setdefault((p.node_type, p.site), {}).setdefault(p.workload, {})
        periods[p.period] = periods.get(p.period, 0.0) + p.replicas * p.node_gpus_per_replica * hours(p)
    return found


def _carries(
    order: Order, index: dict[str, int], carried: dict[tuple[str, str], dict[str, dict[str, float]]]
) -> tuple[str, ...]:
    """Workloads on the order's pool while its nodes are in service; nodes of a pool are not told apart."""
    first, last = index[order.in_service], index[order.last_period]
    found = {
        workload: sum(gpu_hours for period, gpu_hours in periods.items() if first <= index[period] <= last)
        for workload, periods in carried.get((order.node_type, order.site), {}).items()
        if any(first <= index[period] <= last for period in periods)
    }
    return tuple(sorted(found, key=lambda workload: -found[workload]))
