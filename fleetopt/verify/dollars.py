"""Every dollar of the plan, computed again from nodes, orders and shortfall."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple, TypeAlias

from fleetopt.plan.domain import ALL, Check, FleetLine, Order, Plan
from fleetopt.scenario.domain import Workload
from fleetopt.scenario.supply_domain import Stock, SupplyLine
from fleetopt.verify.facts import Facts, SupplyKey, Time, is_committed
from fleetopt.verify.sales import usd_per_node
from fleetopt.verify.supply import futures_of, ordered_nodes
from fleetopt.verify.tally import RELATIVE, Tally, allowance
from fleetopt.verify.traffic import Traffic
from fleetopt.verify.upkeep import is_hosted, upkeep
from fleetopt.verify.wellformed import cost_key
from fleetopt.verify.work import all_due

Flows: TypeAlias = dict[tuple[str, Time], Traffic]


class CostKey(NamedTuple):
    """What a cost line is for and when it is paid; the order is that of `cost_key`."""

    line: str
    period: str
    slot: str
    outlook: str
    site: str
    item: str


def usd_tolerance(plan: Plan) -> float:
    """By how many dollars two computations may differ: a cent, or a millionth of the objective."""
    return max(0.01, RELATIVE * abs(plan.objective_usd))


def dollars_add_up(facts: Facts, lines: dict[CostKey, float]) -> Check:
    """Each cost line is what prices and quantities come to, and their expectation is the objective."""
    plan, allowed = facts.plan, usd_tolerance(facts.plan)
    tally = Tally("dollars_add_up", "USD", nothing="no cost")
    expected, tail = expected_usd(facts, lines), tail_usd(facts, lines)
    tally.same(plan.objective_usd, objective_usd(facts, lines), allowed, "objective")
    for name, said, computed in (("expected cost", plan.expected_usd, expected), ("CVaR", plan.cvar_usd, tail)):
        if said is not None:
            tally.same(said, computed, allowed, name)
    stated: dict[CostKey, float] = defaultdict(float)
    for row in plan.costs:
        key = CostKey(*cost_key(row))
        stated[key] += row.usd
        if abs(row.probability - facts.probability[row.outlook]) > allowance(1.0):
            tally.fail(f"{_named(key)}: probability {row.probability:g}, not {facts.probability[row.outlook]:g}")
        if abs(row.discount - present_value(facts, key)) > allowance(1.0):
            tally.fail(f"{_named(key)}: discounted by {row.discount:g}, not {present_value(facts, key):g}")
    for key in sorted({*stated, *lines}):
        tally.same(stated.get(key, 0.0), lines.get(key, 0.0), allowed, _named(key))
    _prices(facts, tally)
    return tally.check()


def objective_usd(facts: Facts, lines: dict[CostKey, float]) -> float:
    """What the scenario asks to be least: the expected present value, or its weighing with the tail."""
    expected, risk = expected_usd(facts, lines), facts.scenario.risk
    return expected if risk is None else risk.weight * tail_usd(facts, lines) + (1.0 - risk.weight) * expected


def expected_usd(facts: Facts, lines: dict[CostKey, float]) -> float:
    """The sum weighted by probability and by when it is paid."""
    return sum(usd * facts.probability[key.outlook] * present_value(facts, key) for key, usd in lines.items())


def tail_usd(facts: Facts, lines: dict[CostKey, float]) -> float:
    """The threshold form of CVaR (Rockafellar and Uryasev 2000), least over the outlooks' own costs; 0 without risk."""
    risk = facts.scenario.risk
    if risk is None:
        return 0.0
    outlooks = facts.scenario.calendar.outlooks
    usd = {
        o.name: sum(amount * present_value(facts, key) for key, amount in lines.items() if key.outlook in (ALL, o.name))
        for o in outlooks
    }

    def above(threshold: float) -> float:
        excess = sum(o.probability * max(0.0, usd[o.name] - threshold) for o in outlooks)
        return threshold + excess / (1.0 - risk.level)

    return min(map(above, usd.values()))


def cost_lines(facts: Facts, flows: Flows) -> dict[CostKey, float]:
    """Every line that plan and scenario call for, in US dollars, before weighting by probability."""
    lines: dict[CostKey, float] = defaultdict(float)
    for key, source in facts.sources.items():
        entries = _committed(facts, key, source) if is_committed(source) else _hourly(facts, key, source)
        for entry, usd in entries:
            lines[entry] += usd
    for key, source in facts.sources.items():
        for entry, usd in _energy(facts, key, source):
            lines[entry] += usd
        for line, period, outlook, usd in upkeep(facts, key):
            lines[CostKey(line, period, ALL, outlook, key[1], key[0])] += usd
    for row in facts.plan.sales:
        fetched = row.nodes * (usd_per_node(facts, row) or 0.0)
        lines[CostKey("sale", row.period, ALL, ALL, row.site, row.supply)] -= fetched
    for (name, time), flow in flows.items():
        workload = facts.workloads[name]
        if workload.batch is None:
            unserved = flow.shortfall * facts.hours[time[:2]] * 3600.0
            lines[CostKey("shortfall", *time, "", name)] += _unserved_usd(workload, unserved)
    for due in all_due(facts):
        usd = _unserved_usd(due.workload, due.missing(flows))
        lines[CostKey("shortfall", due.due, ALL, due.outlook, "", due.workload.name)] += usd
    return dict(lines)


def _unserved_usd(workload: Workload, requests: float) -> float:
    """What so many requests cost that are not served: by their tokens, or each."""
    per_million = workload.shortfall.usd_per_million_tokens
    return requests * workload.tokens_per_request / 1e6 * per_million + requests * workload.shortfall.usd_per_request


def _hourly(facts: Facts, key: SupplyKey, source: SupplyLine | Stock) -> Iterator[tuple[CostKey, float]]:
    """Nodes x hours of the slot x price, for rented and owned nodes."""
    line = "owned" if isinstance(source, Stock) else source.offer.kind
    for time in facts.times:
        usd = facts.nodes.get((key, time), 0) * facts.hours[time[:2]] * facts.usd_per_node_h(source, time[0], time[2])
        yield CostKey(line, *time, key[1], key[0]), usd


def _committed(facts: Facts, key: SupplyKey, source: SupplyLine | Stock) -> Iterator[tuple[CostKey, float]]:
    """Running price by the period, upfront price when ordered, and the value of the term left at the end."""
    assert isinstance(source, SupplyLine)
    name, site = key
    periods = facts.scenario.calendar.periods
    running = {"purchase": "purchase_running"}.get(source.offer.kind, source.offer.kind)
    # Where deliveries are late somewhere, what follows from them is a line of each outlook.
    futures = futures_of(facts, source)
    for period, outlook in product(periods, futures):
        hours = ordered_nodes(facts, key, period.name, outlook) * period.days * 24.0
        usd = hours * facts.usd_per_node_h(source, period.name, outlook)
        yield CostKey(running, period.name, ALL, outlook, site, name), usd
    for order in facts.orders.get(key, ()):
        upfront = order.nodes * _upfront(facts, order)
        yield CostKey("upfront", order.order_by, ALL, ALL, site, name), upfront
        # What a lease takes upfront is gone: nothing of it is left at the end.
        for outlook in futures if source.offer.kind != "lease" else ():
            left = upfront * _unexpired(facts, order, source.offer.term_months, outlook)
            yield CostKey("residual_value", periods[-1].name, ALL, outlook, site, name), -left


def _energy(facts: Facts, key: SupplyKey, source: SupplyLine | Stock) -> Iterator[tuple[CostKey, float]]:
    """Electricity of nodes that are owned, leased or bought, and carbon of all, where the site states a price."""
    own = is_hosted(source)
    for time in facts.times:
        kwh = facts.kwh(key, time)
        usd_per_kwh, grams = facts.electricity(key[1])
        if own:
            yield CostKey("electricity", *time, key[1], key[0]), kwh * usd_per_kwh
        usd = kwh * grams / 1e6 * facts.scenario.supply.carbon.usd_per_tonne
        yield CostKey("carbon", *time, key[1], key[0]), usd


def present_value(facts: Facts, key: CostKey) -> float:
    """exp(-years ln(1 + rate)): upfront and sales on the first day of a period, residual values on the last, else
    halfway.
    """
    periods, index = facts.scenario.calendar.periods, facts.period_index[key.period]
    into = {"upfront": 0.0, "sale": 0.0, "residual_value": 1.0}.get(key.line, 0.5)
    months = sum(period.months for period in periods[:index]) + into * periods[index].months
    return math.exp(-months / 12.0 * math.log1p(facts.scenario.discount_rate))


def _unexpired(facts: Facts, order: Order, term_months: int | None, outlook: str) -> float:
    """The fraction of a term that lies beyond the horizon, straight-line by months."""
    if not term_months:
        return 0.0
    used = sum(p.months for p in facts.scenario.calendar.periods if facts.serves(order, p.name, outlook))
    return max(0, term_months - used) / term_months


def _prices(facts: Facts, tally: Tally) -> None:
    """The prices that fleet lines and orders repeat."""
    rows: tuple[FleetLine | Order, ...] = (*facts.plan.fleet, *facts.plan.orders)
    for row in rows:
        source = facts.sources[row.supply, row.site]
        price = (
            facts.usd_per_node_h(source, row.period, row.outlook)
            if isinstance(row, FleetLine)
            else _ordered_at(facts, row)
        )
        # A price is right or wrong: its slack would hide that of the dollars.
        if abs(row.usd_per_node_h - price) > allowance(price):
            tally.fail(f"{row.supply} at {row.site}: usd_per_node_h is {row.usd_per_node_h:.9g}, not {price:.9g}")
    for order in facts.plan.orders:
        upfront = order.nodes * _upfront(facts, order)
        tally.same(order.upfront_usd, upfront, usd_tolerance(facts.plan), f"order of {order.supply}: upfront_usd")


def _ordered_at(facts: Facts, order: Order) -> float:
    """USD per node-hour of an order, at the price of its own period."""
    source = facts.sources[order.supply, order.site]
    if isinstance(source, Stock):
        return source.usd_per_node_h
    return source.offer.usd_per_node_h * facts.price_factor(source, order.order_by)


def _upfront(facts: Facts, order: Order) -> float:
    """USD upfront per node of an order, at the price of its own period."""
    source = facts.sources[order.supply, order.site]
    if isinstance(source, Stock):
        return 0.0
    return source.offer.upfront_usd_per_node * facts.price_factor(source, order.order_by)


def _named(key: CostKey) -> str:
    return " ".join(part for part in key if part)
