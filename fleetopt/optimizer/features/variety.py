"""Variety: no more GPU types than people want to operate, for a workload or at a site, over the whole horizon.

    running[w,c,t,h,o]   <=  most[c] KIND[w,g]          c on GPU type g                    (type_is_chosen_for_workload)
    fielded[l,t,h,o]     <=  most[l] KIND[s,g]          l of GPU type g at s               (type_is_chosen_for_site)
    sum_g KIND[x,g]      <=  k[x]                       x a workload or a site             (types_are_few)

Symbols  k[x] GPU types (most_gpu_types in scenario.workloads and scenario.supply); most[c] replicas that can be of
         use at a time, most[l] nodes.
Ledgers  reads running, fielded.     Shape  a row per option or supply line and time, one per workload or site.
Dual     none: the rows only count types.
"""

from __future__ import annotations

from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import Ledgers, RunningKey, SupplyKey
from fleetopt.optimizer.rules import Limit, Rules

WORKLOAD, SITE = "workload", "site"


class Variety(Feature):
    def declare(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        from pyomo.core import Binary, Var

        types = sorted({case.gpu_type(pool) for pool in case.pool_of.values()})
        model.KIND = Var([(*owner, gpu) for owner in _limits(case) for gpu in types], within=Binary)

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        from pyomo.core import quicksum

        for (kind, name), most in _limits(case).items():
            if kind == WORKLOAD:
                self._of_workload(model, case, ledgers, rules, name)
            else:
                self._at_site(model, case, ledgers, rules, name)
            chosen = [variable for key, variable in model.KIND.items() if key[:2] == (kind, name)]
            owner = f"of {name}" if kind == WORKLOAD else f"at {name}"
            limit = Limit(f"GPU types {owner}", "supply", name, "GPU types", most)
            rules.at_most("types_are_few", (kind, name), quicksum(chosen), most, limit)

    @staticmethod
    def _of_workload(model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules, name: str) -> None:
        for option in case.options[name]:
            kind = model.KIND[WORKLOAD, name, case.gpu_type(option.pool)]
            for time in (time for time in case.times if case.planned_rps[name, *time] > 0):
                key = RunningKey(name, option.name, *time)
                used = ledgers.running.total(key) - case.most_at(name, option, time) * kind
                rules.at_most("type_is_chosen_for_workload", key, used, 0.0)

    @staticmethod
    def _at_site(model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules, name: str) -> None:
        for supply, pool in case.pool_of.items():
            if pool[1] != name:
                continue
            kind = model.KIND[SITE, name, case.gpu_type(pool)]
            most = case.most_fielded(supply)
            for time in case.times:
                key = SupplyKey(supply, *time)
                used = ledgers.fielded.total(key) - most * kind
                rules.at_most("type_is_chosen_for_site", key, used, 0.0)


def _limits(case: PlanningCase) -> dict[tuple[str, str], int]:
    """Most GPU types by what they are counted for."""
    of_workloads = {(WORKLOAD, name): w.most_gpu_types for name, w in case.workloads.items()}
    limits = of_workloads | {(SITE, site): most for site, most in case.most_gpu_types.items()}
    return {owner: most for owner, most in limits.items() if most is not None}
