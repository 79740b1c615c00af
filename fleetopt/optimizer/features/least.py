"""Least replicas: a role that is used at all has so many replicas.

    sum_c n[c,r] running[w,c,t,h,o]  >=  least[w,r] USED[w,r,t,h,o]     c in role r     (role_has_least_replicas)
    running[w,c,t,h,o]  <=  most[c] USED[w,r,t,h,o]                     for each c in role r       (role_is_used)

Symbols  n[c,r] replicas of a role that an option stands for: one, or those in a node pattern; most[c] of them that can
         be of use then; least[w,r] replicas (scenario.workloads.least_replicas).
Ledgers  reads running.     Shape  a row per workload, role, time, and one per option and time.
Dual     none: the rows only say whether a role is used.
"""

from __future__ import annotations

from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import Ledgers, RunningKey
from fleetopt.optimizer.rules import Rules


class LeastReplicas(Feature):
    def declare(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        from pyomo.core import Binary, Var

        model.USED = Var(
            [
                (name, role, *time)
                for name, workload in case.workloads.items()
                for role, _ in workload.least_replicas
                for time in case.times
                if case.planned_rps[name, *time] > 0
            ],
            within=Binary,
        )

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        for (name, role, *time), used in model.USED.items():
            least = dict(case.workloads[name].least_replicas)[role]
            options = [o for o in case.options[name] if role in o.counts]
            running = [ledgers.running.total(RunningKey(name, option.name, *time)) for option in options]
            there = [option.counts[role] * replicas for option, replicas in zip(options, running, strict=True)]
            if not options:
                continue
            rules.at_least("role_has_least_replicas", (name, role, *time), sum(there) - least * used, 0.0)
            for option, replicas in zip(options, running, strict=True):
                key = (name, role, option.name, *time)
                rules.at_most("role_is_used", key, replicas - case.most_at(name, option, key[3:]) * used, 0.0)
