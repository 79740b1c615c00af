"""Sharing: length buckets of one workload divide whole replicas among them.

    sum_w running[w,c,t,h,o]  <=  STANDING[f,c,t,h,o]     w a bucket of f, c shared      (shared_replicas_are_there)

Symbols  STANDING[f,c,t,h,o] whole replicas of option c that the buckets of family f share.
Ledgers  reads running; posts gpus_used.     Shape  one row per family, shared option, period, slot and outlook.
Dual     USD per replica: what a little more of its time is worth.
Source   Griggs et al., Melange, arXiv 2404.14527, eqs (1)-(4), with the slices free; docs/decisions/0012.
"""

from __future__ import annotations

import math
from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import Ledgers, PoolKey, RunningKey
from fleetopt.optimizer.options import Option
from fleetopt.optimizer.rules import Rules


class SharingFeature(Feature):
    def declare(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        from pyomo.core import NonNegativeIntegers, Var

        standing = _standing(case)
        keys = [
            (*group, *time) for group, members in standing.items() for time in case.times if _any(case, members, time)
        ]
        most = {
            group: math.ceil(sum(option.most for option in members.values())) for group, members in standing.items()
        }
        model.STANDING = Var(
            keys, within=NonNegativeIntegers, bounds=lambda _, family, name, *_time: (0, most[family, name])
        )
        for (family, name, *time), variable in model.STANDING.items():
            option = next(iter(standing[family, name].values()))
            ledgers.gpus_used.post(PoolKey(option.pool, *time), option.node_gpus * variable)

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        from pyomo.core import quicksum

        standing = _standing(case)
        for (family, name, *time), variable in model.STANDING.items():
            keys = [RunningKey(workload, name, *time) for workload in standing[family, name]]
            used = quicksum([ledgers.running.total(key) for key in keys])
            rules.at_most("shared_replicas_are_there", (family, name, *time), used - variable, 0.0)


def _standing(case: PlanningCase) -> dict[tuple[str, str], dict[str, Option]]:
    """Who shares what: options by workload, for each family and name of a shared option."""
    found: dict[tuple[str, str], dict[str, Option]] = {}
    for workload, options in case.options.items():
        for option in options:
            if option.shared is not None:
                found.setdefault((option.shared, option.name), {})[workload] = option
    return found


def _any(case: PlanningCase, members: dict[str, Option], time: tuple[str, str, str]) -> bool:
    return any(case.planned_rps[workload, *time] > 0 for workload in members)
