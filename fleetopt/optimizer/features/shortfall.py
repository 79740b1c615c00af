"""Shortfall: where a scenario allows it, demand may go unserved, at a price.

    0  <=  UNSERVED[w,t,h,o]  <=  allowed[w] d[w,t,h,o]
    cost[shortfall,t,h,o,w]  +=  3600 hours[t,h] usd[w] UNSERVED[w,t,h,o]

Symbols  allowed[w] fraction, usd[w] USD per request (scenario.workloads.shortfall, by its tokens where they are what
         is priced), d[w,t,h,o] requests/s with headroom.
Ledgers  posts excused, cost.     Shape  one variable per workload that allows it, period, slot and outlook.
"""

from __future__ import annotations

from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import CostKey, Ledgers, ServedKey
from fleetopt.scenario.domain import Workload


class ShortfallFeature(Feature):
    def declare(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        from pyomo.core import NonNegativeReals, Var

        keys = [key for key, d in case.planned_rps.items() if d > 0 and _may_lack(case.workloads[key[0]])]
        model.UNSERVED = Var(
            keys,
            within=NonNegativeReals,
            bounds=lambda _, w, *time: (0, case.workloads[w].shortfall.allowed * case.planned_rps[w, *time]),
        )
        for key, variable in model.UNSERVED.items():
            ledgers.excused.post(ServedKey(*key), variable)

    def price(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        for (workload, t, h, o), variable in model.UNSERVED.items():
            usd = 3600.0 * case.hours[t, h] * case.workloads[workload].usd_per_unserved_request
            if usd > 0:
                ledgers.cost.post(CostKey("shortfall", t, h, o, "", workload), usd * variable)

    def settle(self, model: Any, case: PlanningCase, achieved_rps: dict[ServedKey, float]) -> None:
        for key, variable in model.UNSERVED.items():
            missing = case.planned_rps[key] - achieved_rps[ServedKey(*key)]
            variable.set_value(max(0.0, missing), skip_validation=True)


def _may_lack(workload: Workload) -> bool:
    """Whether some of what arrives may go unserved; of batch work it is the whole that may lack something."""
    return workload.shortfall.allowed > 0 and workload.batch is None
