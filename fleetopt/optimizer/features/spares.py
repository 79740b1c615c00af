"""Spares: N+k. The replicas of a config at a site carry what they are given also when k of them are lost.

    carried[w,r,k,t,h,o], served[w,t,h,o]  -=  spares[w,r] cap[w,c] SPARED[w,c,t,h,o]      lost[w,c] of a node pattern
    running[w,c,t,h,o]  <=  most[c] SPARED[w,c,t,h,o]                                       (group_has_its_spares)

Symbols  spares[w,r] replicas (scenario.workloads.spares); most[c] replicas that can be of use then, spares among them;
         lost[w,c] the most that spares of both roles can take with them (optimizer/node_patterns).
Ledgers  posts carried, served; reads running.     Shape  one row per workload with spares, option and time.
Dual     none: the rows only say whether a group is there.
Source   N+k redundancy, as facility planners have it; every group is taken to lose k at once.
"""

from __future__ import annotations

from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import CarriedKey, Ledgers, RunningKey, ServedKey
from fleetopt.optimizer.options import Option
from fleetopt.optimizer.rules import Rules


class Spares(Feature):
    def declare(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        from pyomo.core import Binary, Var

        spared = _spared(case)
        model.SPARED = Var(
            [RunningKey(*key, *time) for key in spared for time in case.times if case.planned_rps[key[0], *time] > 0],
            within=Binary,
        )
        for (workload, name, *time), variable in model.SPARED.items():
            option, lost_rps = spared[workload, name]
            lost = -lost_rps * case.capability[time[2]] * variable
            if option.capacity.candidate.role == "aggregated":
                ledgers.served.post(ServedKey(workload, *time), lost)
            else:
                role, (site, kv_format) = option.capacity.candidate.role, option.link
                ledgers.carried.post(CarriedKey(workload, role, site, kv_format, *time), lost)

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        spared = _spared(case)
        for (workload, name, *time), variable in model.SPARED.items():
            option, _ = spared[workload, name]
            key = RunningKey(workload, name, *time)
            most = case.most_at(workload, option, key[2:])
            rules.at_most("group_has_its_spares", key, ledgers.running.total(key) - most * variable, 0.0)


def _spared(case: PlanningCase) -> dict[tuple[str, str], tuple[Option, float]]:
    """Options that carry less without the spares among their replicas, and how much."""
    return {
        (name, option.name): (option, lost_rps)
        for name, workload in case.workloads.items()
        for option in case.options[name]
        if (lost_rps := option.lost_rps(dict(workload.spares))) > 0.0
    }
