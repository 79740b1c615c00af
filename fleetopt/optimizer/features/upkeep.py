"""Upkeep: nodes in one's own racks cost support and room for as long as they are held, used or not.

    cost[support,t,k]     +=  usd[k] months[t] / 12 held[k,t]
    cost[colocation,t,k]  +=  (kw[i(k)] usd_per_kw[s] + units[i(k)] usd_per_unit[s]) months[t] held[k,t]

    The same by outlook where some outlook delays k.

Symbols  k an owned, leased or purchased supply at s; usd[k] USD per node and year (support in scenario.supply.offers
         and owned); kw[i], units[i] nameplate and rack units of a node; usd_per_kw[s], usd_per_unit[s] USD by the month
         (colocation in scenario.supply.facilities); months[t] of the period.
Ledgers  reads held; posts cost.     Shape  no variable and no row.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import CostKey, HeldKey, Ledgers
from fleetopt.plan.domain import ALL

MONTHS_PER_YEAR = 12.0


class Upkeep(Feature):
    def price(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        for supply in sorted(case.self_powered):
            by_month = {
                "support": case.support_usd_per_year[supply] / MONTHS_PER_YEAR,
                "colocation": case.room_usd_per_month(supply),
            }
            site = case.pool_of[supply][1]
            for line, usd in by_month.items():
                for period, outlook in product(case.periods if usd > 0 else (), (ALL, *case.probability)):
                    held = ledgers.held.posted(HeldKey(supply, period.name, outlook))
                    if held:
                        # One product, so that nodes that are all gone cost nothing and not a rounding error.
                        key = CostKey(line, period.name, ALL, outlook, site, supply)
                        ledgers.cost.post(key, usd * period.months * sum(held))
