"""Are owned nodes sold only when somebody takes them, at his price, and none twice?"""

from __future__ import annotations

from fleetopt.plan.domain import Sale
from fleetopt.scenario.supply_domain import Stock
from fleetopt.verify.facts import Facts, SupplyKey
from fleetopt.verify.tally import Tally, allowance


def check_sales(facts: Facts, tally: Tally) -> None:
    """Each sale against the scenario, and all of a stock against its nodes."""
    for row in facts.plan.sales:
        where = f"sale of {row.supply} at {row.site} in {row.period}"
        usd = usd_per_node(facts, row)
        node = facts.scenario.node_types[row.node_type]
        if usd is None:
            tally.fail(f"{where}: it cannot be sold then")
        elif abs(row.usd_per_node - usd) > allowance(usd):
            tally.fail(f"{where}: usd_per_node is {row.usd_per_node:.9g}, not {usd:.9g}")
        if abs(row.usd - row.nodes * row.usd_per_node) > allowance(row.usd):
            tally.fail(f"{where}: {row.nodes} nodes at {row.usd_per_node:.9g} USD are not {row.usd:.9g} USD")
        if (row.gpu_type, row.gpus) != (node.gpu_type, row.nodes * node.gpus_per_node):
            tally.fail(f"{where}: {row.nodes} nodes are {row.nodes * node.gpus_per_node} {node.gpu_type}")
    for key, source in facts.sources.items():
        if isinstance(source, Stock) and source.sale is not None:
            sold = sum(row.nodes for row in facts.plan.sales if (row.supply, row.site) == key)
            tally.hold(source.nodes - sold, 0.0, f"{key[0]} at {key[1]}: {sold} of {source.nodes} nodes sold")


def sold_by(facts: Facts, key: SupplyKey, period: str) -> int:
    """Nodes of a stock that have left by a period."""
    at, index = facts.period_index[period], facts.period_index
    return sum(row.nodes for row in facts.plan.sales if (row.supply, row.site) == key and index[row.period] <= at)


def usd_per_node(facts: Facts, row: Sale) -> float | None:
    """What the scenario says a node fetches at the start of the period; None where it fetches nothing then."""
    stock = facts.sources[row.supply, row.site]
    sale = stock.sale if isinstance(stock, Stock) else None
    index, at = facts.period_index, facts.period_index[row.period]
    if sale is None or not facts.is_open(stock, row.period):
        return None
    if (sale.first and index[sale.first] > at) or (sale.last and index[sale.last] < at):
        return None
    announced = {index[name]: factor for name, factor in sale.price_factors if index[name] <= at}
    return sale.usd_per_node * (announced[max(announced)] if announced else 1.0)
