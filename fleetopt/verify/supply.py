"""Are nodes in service only where the scenario supplies them, in time and in number?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from fleetopt.plan.domain import ALL, Check, FleetLine, Order
from fleetopt.scenario.supply_domain import Stock, SupplyLine
from fleetopt.verify.facts import Facts, SupplyKey, Time, is_committed, named
from fleetopt.verify.sales import check_sales, sold_by
from fleetopt.verify.tally import Tally


def supply_is_respected(facts: Facts) -> Check:
    """No more nodes than a line, its lots together, or stock has; committed ones as ordered, in their lead and term."""
    tally = Tally("supply_is_respected", "nodes", nothing="no line has a limit")
    for row in facts.plan.fleet:
        for fault in _description_faults(facts, row):
            tally.fail(f"{row.supply} at {row.site} in {row.period}: {fault}")
    for order in facts.plan.orders:
        for fault in (*_order_faults(facts, order), *_description_faults(facts, order)):
            tally.fail(f"order of {order.supply} at {order.site} by {order.order_by}: {fault}")
    for key, source in facts.sources.items():
        for time in facts.times:
            most = held_nodes(facts, key, time[0]) if isinstance(source, Stock) else source.max_nodes
            _hold(facts, key, time, most, tally)
        if isinstance(source, SupplyLine):
            _hold_terms(facts, source, tally)
    check_sales(facts, tally)
    return tally.check()


def _hold(facts: Facts, key: SupplyKey, time: Time, most: int | None, tally: Tally) -> None:
    nodes = facts.nodes.get((key, time), 0)
    where = f"{key[0]} at {key[1]} in {named(time)}"
    source = facts.sources[key]
    # Committed nodes outlive the window in which they could be ordered.
    if not is_committed(source) and not facts.is_open(source, time[0]):
        most = 0
    if isinstance(source, Stock) and source.committed and facts.is_open(source, time[0]) and nodes != source.nodes:
        tally.fail(f"{where}: {nodes} nodes in service, {source.nodes} are paid for whether used or not")
    if most is not None:
        together = sum(facts.nodes.get((lot, time), 0) for lot in lots_of(facts, key))
        tally.hold(most - together, 0.0, f"{where}: {together} of {most} nodes")
    if is_committed(facts.sources[key]):
        ordered = ordered_nodes(facts, key, time[0], time[2])
        if nodes != ordered:
            tally.fail(f"{where}: {nodes} nodes in service, {ordered} by order")


def _hold_terms(facts: Facts, line: SupplyLine, tally: Tally) -> None:
    """Lots and deliveries, period by period; the lead time is one for all orders of a line."""
    terms, key = line.terms, (line.name, line.site)
    for period, count in _ordered_in(facts, [key]).items():
        where = f"orders of {line.name} at {line.site} in {period}: {count}"
        if not facts.is_open(line, period):
            tally.fail(f"{where} nodes, and none can be ordered then")
        tally.hold(count - terms.min_order, 0.0, f"{where} of at least {terms.min_order} nodes")
    for period, count in _ordered_in(facts, lots_of(facts, key)).items():
        for limit in (terms.max_order, terms.max_delivery):
            if limit is not None:
                what = f"orders of {line.name} at {line.site} in {period}: {count} of {limit} nodes"
                tally.hold(limit - count, 0.0, what)


def _ordered_in(facts: Facts, keys: list[SupplyKey]) -> Counter[str]:
    """Nodes ordered under some lines, by the period of the order."""
    nodes = Counter[str]()
    for key in keys:
        for order in facts.orders.get(key, ()):
            nodes[order.order_by] += order.nodes
    return nodes


def lots_of(facts: Facts, key: SupplyKey) -> list[SupplyKey]:
    """A source and the volume prices that share its limits."""
    further = [(s.name, s.site) for s in facts.scenario.supply.lines if (s.lot_of, s.site) == key]
    return [key, *further]


def held_nodes(facts: Facts, key: SupplyKey, period: str, outlook: str = ALL) -> int:
    """Nodes that are there in a period of an outlook, used or not: by order, or in stock."""
    source = facts.sources[key]
    if isinstance(source, Stock):
        return source.nodes - sold_by(facts, key, period) if facts.is_open(source, period) else 0
    return ordered_nodes(facts, key, period, outlook)


def futures_of(facts: Facts, source: SupplyLine | Stock) -> list[str]:
    """The outlooks, where deliveries are late in some of them and so told by outlook; ALL elsewhere."""
    late = isinstance(source, SupplyLine) and source.terms.slips
    return [outlook.name for outlook in facts.scenario.calendar.outlooks] if late else [ALL]


def ordered_nodes(facts: Facts, key: SupplyKey, period: str, outlook: str) -> int:
    """Nodes that the orders of a supply line keep in service in a period of an outlook, both ends included."""
    return sum(row.nodes for row in facts.orders.get(key, ()) if facts.serves(row, period, outlook))


def _description_faults(facts: Facts, row: FleetLine | Order) -> Iterator[str]:
    """What a row says of its nodes, against the scenario."""
    source = facts.sources[row.supply, row.site]
    node = facts.scenario.node_types[row.node_type]
    kind = "owned" if isinstance(source, Stock) else source.offer.kind
    if row.kind != kind:
        yield f"it is {kind}, not {row.kind}"
    if isinstance(source, SupplyLine) and row.provider != source.offer.provider:
        yield f"its provider is {source.offer.provider}, not {row.provider}"
    if row.gpu_type != node.gpu_type:
        yield f"{node.name} has {node.gpu_type}, not {row.gpu_type}"
    whole = row.nodes * node.gpus_per_node
    if row.gpus != whole:
        yield f"{row.nodes} nodes have {whole} GPUs, not {row.gpus}"


def _order_faults(facts: Facts, order: Order) -> Iterator[str]:
    """in_service = order_by + ceil(lead / months), last = in_service + ceil(term / months) - 1, in periods."""
    source = facts.sources[order.supply, order.site]
    if isinstance(source, Stock) or source.offer.hourly:
        yield "its nodes need no order"
        return
    if order.offer != source.offer.name:
        yield f"its offer is {source.offer.name}, not {order.offer}"
    periods, index = facts.scenario.calendar.periods, facts.period_index
    ordered, arrives, leaves = index[order.order_by], index[order.in_service], index[order.last_period]
    lead = math.ceil(source.offer.lead_time_months / periods[ordered].months)
    if arrives != ordered + lead:
        yield f"it takes {lead} periods, so it cannot enter service in {order.in_service}"
    last = len(periods) - 1
    if source.offer.term_months is not None:
        last = min(last, arrives + math.ceil(source.offer.term_months / periods[arrives].months) - 1)
    if leaves != last:
        yield f"its term ends with {periods[last].name}, not {order.last_period}"
    late = max([0, *(count for _, count in source.terms.slips)])
    if order.periods_late != late:
        yield f"it may be {late} periods late, not {order.periods_late}"
