"""Sales: owned nodes may leave for good before their time, at a price.

    held[k,t]  -=  sum SOLD[k,t'] over t' <= t                                    while k is there
    fielded[k,t,h,o]  <=  held[k,t]                                                              (sold_nodes_are_gone)
    cost[sale,t',k]  -=  usd[k,t'] SOLD[k,t']
    cost[residual_value,T,k]  -=  end[k] held[k,T]                              k does not leave with period T or before

Symbols  SOLD[k,t'] nodes that leave at the start of t', decided before the future is known; usd[k,t'] what one fetches,
         announced changes included, end[k] what one is worth that is kept (scenario.supply.owned: sale).
Ledgers  posts held, cost; reads fielded, held.
Shape    one variable per stock that can be sold and period of its window; one row per such stock and time.
Dual     USD per node: what another one in service is worth beyond its price.
"""

from __future__ import annotations

from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import CostKey, HeldKey, Ledgers, SupplyKey
from fleetopt.optimizer.rules import Rules
from fleetopt.plan.domain import ALL, Sale


class Sales(Feature):
    def declare(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        from pyomo.core import NonNegativeIntegers, Var

        nodes = {stock.name: stock.nodes for stock in case.stock}
        keys = [
            (stock.name, t.name)
            for stock in case.stock
            for t in case.periods
            if _usd(case, stock.name, t.name) is not None
        ]
        model.SOLD = Var(keys, within=NonNegativeIntegers, bounds=lambda _, name, _period: (0, nodes[name]))
        stock = {one.name: one for one in case.stock}
        order = [period.name for period in case.periods]
        for (name, sold), variable in model.SOLD.items():
            for period in order[order.index(sold) :]:
                if case.is_there(stock[name], period):
                    ledgers.held.post(HeldKey(name, period), -variable)

    def price(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        for (name, period), variable in model.SOLD.items():
            usd = _usd(case, name, period)
            if usd:
                ledgers.cost.post(CostKey("sale", period, ALL, ALL, case.pool_of[name][1], name), -usd * variable)
        for stock in case.stock:
            end, last = 0.0 if stock.sale is None else stock.sale.end_usd_per_node, case.periods[-1].name
            key = CostKey("residual_value", last, ALL, ALL, stock.site, stock.name)
            if end > 0 and stock.last is None:
                ledgers.cost.post(key, -end * sum(ledgers.held.posted(HeldKey(stock.name, last))))

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        for stock in (stock for stock in case.stock if stock.sale is not None):
            for time in (time for time in case.times if case.is_there(stock, time[0])):
                key = SupplyKey(stock.name, *time)
                used = ledgers.fielded.total(key) - ledgers.held.total(HeldKey(stock.name, time[0]))
                rules.at_most("sold_nodes_are_gone", key, used, 0.0)


def sales(model: Any, case: PlanningCase) -> tuple[Sale, ...]:
    """The sales of a solution."""
    found = []
    for (name, period), variable in model.SOLD.items():
        nodes = round(variable.value)
        if nodes:
            node_type, site = case.pool_of[name]
            usd = _usd(case, name, period) or 0.0
            found.append(
                Sale(
                    supply=name,
                    gpu_type=case.gpu_type((node_type, site)),
                    node_type=node_type,
                    site=site,
                    period=period,
                    nodes=nodes,
                    gpus=nodes * case.gpus_per_node((node_type, site)),
                    usd_per_node=usd,
                    usd=nodes * usd,
                )
            )
    return tuple(found)


def _usd(case: PlanningCase, name: str, period: str) -> float | None:
    stock = next(stock for stock in case.stock if stock.name == name)
    return case.sale_usd(stock, period)
