"""Demand: everything that is asked for is served, or excused.

    served[w,t,h,o] + excused[w,t,h,o]  >=  d[w,t,h,o]      for all w,t,h,o with d > 0      (demand_is_met)

Work that is done when it suits is no demand of any time: the row for it is in features/batch.py.

Symbols  d[w,t,h,o] requests/s with headroom (scenario.workloads).
Ledgers  reads served, excused.     Shape  one row per workload, period, slot and outlook, divided by d.
Dual     USD per unit of d: what the last request per second costs.
Source   Li et al., arXiv 2603.04716, equation (4), per workload and time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import Ledgers, ServedKey
from fleetopt.optimizer.rules import Limit, Rules


class Demand(Feature):
    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        for (workload, *time), demand in case.planned_rps.items():
            if demand <= 0 or case.workloads[workload].batch is not None:
                continue
            key = ServedKey(workload, *time)
            answered = (ledgers.served.total(key) + ledgers.excused.total(key)) / demand
            limit = limit_of_demand(workload, time)
            # Spares are beyond a need that is met: a scenario cannot have both them and a shortfall.
            limit = replace(limit, kind="promise") if case.workloads[workload].spares else limit
            rules.at_least("demand_is_met", key, answered, 1.0, limit)


def limit_of_demand(workload: str, time: Sequence[str]) -> Limit:
    """What a workload's demand at a time means: all of it is to be served."""
    return Limit(f"demand of {workload}", "demand", "/".join(time), "of its demand", 1.0)
