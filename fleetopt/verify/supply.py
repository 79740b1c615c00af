"""Are nodes in service only where the scenario supplies them, in time and in number?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from fleetopt.plan.domain import Check, FleetLine, Order
from fleetopt.scenario.supply_domain import Stock, SupplyLine
from fleetopt.verify.facts import Facts, SupplyKey, Time, is_committed, named
from fleetopt.verify.tally import Tally


def supply_is_respected(facts: Facts) -> Check:
    """No more nodes than a line or stock has; committed nodes exactly those ordered, within their lead and term."""
    tally = Tally("supply_is_respected", "nodes", nothing="no nodes")
    for row in facts.plan.fleet:
        for fault in _description_faults(facts, row):
            tally.fail(f"{row.supply} at {row.site} in {row.period}: {fault}")
    for order in facts.plan.orders:
        for fault in (*_order_faults(facts, order), *_description_faults(facts, order)):
            tally.fail(f"order of {order.supply} at {order.site} by {order.order_by}: {fault}")
    for key, source in facts.sources.items():
        most = source.nodes if isinstance(source, Stock) else source.max_nodes
        for time in facts.times:
            _hold(facts, key, time, most, tally)
        if isinstance(source, SupplyLine):
            _hold_terms(facts, source, tally)
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
        tally.hold(most - nodes, 0.0, f"{where}: {nodes} of {most} nodes")
    if is_committed(facts.sources[key]):
        ordered = ordered_nodes(facts, key, time[0], time[2])
        if nodes != ordered:
            tally.fail(f"{where}: {nodes} nodes in service, {ordered} by order")


def _hold_terms(facts: Facts, line: SupplyLine, tally: Tally) -> None:
    """Lots and deliveries, period by period; the lead time is one for all orders of a line."""
    terms, nodes = line.terms, Counter[str]()
    for order in facts.orders.get((line.name, line.site), ()):
        nodes[order.order_by] += order.nodes
    for period, count in nodes.items():
        where = f"orders of {line.name} at {line.site} in {period}: {count}"
        if not facts.is_open(line, period):
            tally.fail(f"{where} nodes, and none can be ordered then")
        tally.hold(count - terms.min_order, 0.0, f"{where} of at least {terms.min_order} nodes")
        for limit in (terms.max_order, terms.max_delivery):
            if limit is not None:
                tally.hold(limit - count, 0.0, f"{where} of {limit} nodes")


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
