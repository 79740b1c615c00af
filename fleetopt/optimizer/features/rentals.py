"""Rentals: on-demand and spot nodes, taken and given back by the hour.

    fielded[l,t,h,o]  +=  RENTED[l,t,h,o]
    cost[kind,t,h,o,l]  +=  hours[t,h] usd[l,t,o] RENTED[l,t,h,o]            t within the window of l
    RENTED[l,t,h,o]  <=  max_nodes[l]                                      (offer_is_not_exhausted)

Symbols  usd[l,t,o] USD per node-hour, announced changes and those of the outlook included; max_nodes[l] nodes
         (scenario.supply).
Ledgers  posts fielded, cost.     Shape  one variable per hourly supply line, period, slot and outlook.
Dual     USD per node: what one more node of the offer is worth.
"""

from __future__ import annotations

from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import CostKey, Ledgers, SupplyKey
from fleetopt.optimizer.rules import Limit, Rules


class Rentals(Feature):
    def declare(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        from pyomo.core import NonNegativeIntegers, Var

        keys = [(line.name, *time) for line in case.rentals for time in case.times if case.is_open(line, time[0])]
        model.RENTED = Var(keys, within=NonNegativeIntegers)
        for key, variable in model.RENTED.items():
            ledgers.fielded.post(SupplyKey(*key), variable)

    def price(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        lines = {line.name: line for line in case.rentals}
        for (name, t, h, o), variable in model.RENTED.items():
            line = lines[name]
            usd = case.hours[t, h] * line.offer.usd_per_node_h * case.price_factor(line, t) * case.rent_factor[o]
            ledgers.cost.post(CostKey(line.offer.kind, t, h, o, line.site, name), usd * variable)

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        for line in case.rentals:
            if line.max_nodes is None:
                continue
            for time in (time for time in case.times if case.is_open(line, time[0])):
                limit = Limit(f"offer {line.name}", "supply", "/".join(time), "nodes", line.max_nodes)
                rules.at_most(
                    "offer_is_not_exhausted",
                    (line.name, *time),
                    model.RENTED[line.name, *time],
                    line.max_nodes,
                    limit,
                )
