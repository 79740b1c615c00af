"""Stock: nodes that are there already, switched on as needed up to the period in which they leave.

    0  <=  OWNED[k,t,h,o]  <=  nodes[k]        in every period that k is there; = nodes[k] where k is committed
    fielded[k,t,h,o]  +=  OWNED[k,t,h,o];  held[k,t]  +=  nodes[k]
    cost[owned,t,h,o,k]  +=  hours[t,h] usd[k] OWNED[k,t,h,o]

Symbols  nodes[k] nodes in stock, usd[k] USD per node-hour of running one (scenario.supply.owned).
Ledgers  posts held, fielded, cost.     Shape  one variable per stock, period, slot and outlook.
"""

from __future__ import annotations

from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import CostKey, HeldKey, Ledgers, SupplyKey


class StockFeature(Feature):
    def declare(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        from pyomo.core import NonNegativeIntegers, Var

        nodes = {stock.name: (stock.nodes if stock.committed else 0, stock.nodes) for stock in case.stock}
        keys = [(stock.name, *time) for stock in case.stock for time in case.times if case.is_there(stock, time[0])]
        model.OWNED = Var(keys, within=NonNegativeIntegers, bounds=lambda _, name, *_time: nodes[name])
        for key, variable in model.OWNED.items():
            ledgers.fielded.post(SupplyKey(*key), variable)
        for stock in case.stock:
            for period in (period.name for period in case.periods if case.is_there(stock, period.name)):
                ledgers.held.post(HeldKey(stock.name, period), stock.nodes)

    def price(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        stock = {stock.name: stock for stock in case.stock}
        for (name, t, h, o), variable in model.OWNED.items():
            usd = case.hours[t, h] * stock[name].usd_per_node_h
            if usd > 0:
                ledgers.cost.post(CostKey("owned", t, h, o, stock[name].site, name), usd * variable)
