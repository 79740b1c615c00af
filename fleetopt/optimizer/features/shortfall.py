"""Shortfall: where a scenario allows it, demand may go unserved, at a price.

    0  <=  UNSERVED[w,t,h,o]  <=  allowed[w] d[w,t,h,o]
    cost[shortfall,t,h,o,w]  +=  3600 hours[t,h] tokens[w] / 1e6 usd[w] UNSERVED[w,t,h,o]

Symbols  allowed[w] fraction, usd[w] USD per million tokens (scenario.workloads.shortfall), tokens[w] input and
         output tokens per request, d[w,t,h,o] requests/s with headroom.
Ledgers  posts excused, cost.     Shape  one variable per workload that allows it, period, slot and outlook.
"""

from __future__ import annotations

from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import CostKey, Ledgers, ServedKey


class ShortfallFeature(Feature):
    def declare(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        from pyomo.core import NonNegativeReals, Var

        keys = [key for key, d in case.planned_rps.items() if d > 0 and case.workloads[key[0]].shortfall.allowed > 0]
        model.UNSERVED = Var(
            keys,
            within=NonNegativeReals,
            bounds=lambda _, w, *time: (0, case.workloads[w].shortfall.allowed * case.planned_rps[w, *time]),
        )
        for key, variable in model.UNSERVED.items():
            ledgers.excused.post(ServedKey(*key), variable)

    def price(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        for (workload, t, h, o), variable in model.UNSERVED.items():
            usd = shortfall_usd_per_rps(case, workload, t, h)
            if usd > 0:
                ledgers.cost.post(CostKey("shortfall", t, h, o, "", workload), usd * variable)

    def settle(self, model: Any, case: PlanningCase, achieved_rps: dict[ServedKey, float]) -> None:
        for key, variable in model.UNSERVED.items():
            missing = case.planned_rps[key] - achieved_rps[ServedKey(*key)]
            variable.set_value(max(0.0, missing), skip_validation=True)


def shortfall_usd_per_rps(case: PlanningCase, workload: str, period: str, slot: str) -> float:
    """What one unserved request per second costs over a slot of a period."""
    w = case.workloads[workload]
    seconds = 3600.0 * case.hours[period, slot]
    return seconds * w.tokens_per_request / 1e6 * w.shortfall.usd_per_million_tokens
