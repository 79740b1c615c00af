"""Fleet: replicas stand on nodes that are in service.

    gpus_used[i,s,t,h,o]  <=  gpus_per_node[i] sum_l available[l] fielded[l,t,h,o]    l of type i at s
                                                                                             (gpus_fit_in_fleet)

Symbols  gpus_per_node[i] GPUs per node of type i (catalog); available[l] the fraction of the nodes of l that can be
         counted on (availability in scenario.supply.offers.terms and scenario.supply.owned).
Ledgers  reads gpus_used, fielded.     Shape  one row per pool, period, slot and outlook.
Dual     USD per GPU: what one more free GPU of the pool is worth.
Source   docs/decisions/0005: GPUs set aside are such that counting them is the same as packing nodes.
"""

from __future__ import annotations

from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import Ledgers, SupplyKey
from fleetopt.optimizer.rules import Rules


class Fleet(Feature):
    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        for key, used in ledgers.gpus_used.entries():
            supplies = [supply for supply, pool in case.pool_of.items() if pool == key.pool]
            fielded = sum(
                case.availability.get(supply, 1.0)
                * ledgers.fielded.total(SupplyKey(supply, key.period, key.slot, key.outlook))
                for supply in supplies
            )
            gpus = case.gpus_per_node(key.pool)
            rules.at_most("gpus_fit_in_fleet", (*key.pool, *key[1:]), used - gpus * fielded, 0.0)
