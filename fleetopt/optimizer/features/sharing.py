"""Sharing: length buckets of one workload divide whole replicas, and members of a bundle stand on whole groups of GPUs.

    sum_w running[w,c,t,h,o] + away[f,c,t,h,o]  <=  STANDING[f,c,t,h,o]  w a bucket of f, c shared
                                                                                        (shared_replicas_are_there)
    running[w,b,t,h,o]  <=  part[w,b] (STANDING[b,t,h,o] - away[b,t,h,o])   w a member of b     (bundle_is_there)

Symbols  STANDING[f,c,t,h,o] whole replicas of option c that the buckets of family f share, or whole groups of a bundle;
         part[w,b] what of a group counts as w's, which together are one: each carries its rate in every group at once;
         away[f,c,..] those that only start then, as a mean over the slot.
Ledgers  reads running, away; posts standing, gpus_used.     Shape  one row per family, shared option, period, slot and
         outlook; one per bundle, member, period, slot and outlook.
Dual     USD per replica: what a little more of its time is worth; USD for a member's part of a group.
Source   Griggs et al., Melange, arXiv 2404.14527, eqs (1)-(4), with the slices free; docs/decisions/0012. Duan et al.,
         MuxServe, arXiv 2404.02015, with placement left to the program; docs/decisions/0023.
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
        most = {group: _most(members) for group, members in standing.items()}
        model.STANDING = Var(
            keys, within=NonNegativeIntegers, bounds=lambda _, family, name, *_time: (0, most[family, name])
        )
        for (family, name, *time), variable in model.STANDING.items():
            option = next(iter(standing[family, name].values()))
            ledgers.gpus_used.post(PoolKey(option.pool, *time), option.node_gpus * variable)
            ledgers.standing.post(RunningKey(family, name, *time), variable)

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        from pyomo.core import quicksum

        standing = _standing(case)
        for (family, name, *time), variable in model.STANDING.items():
            members = standing[family, name]
            away = ledgers.away.total(RunningKey(family, name, *time))
            running = {w: ledgers.running.total(RunningKey(w, name, *time)) for w in members}
            if all(option.part is None for option in members.values()):
                used = quicksum(list(running.values())) + away
                rules.at_most("shared_replicas_are_there", (family, name, *time), used - variable, 0.0)
                continue
            for workload, option in members.items():
                if case.planned_rps[workload, *time] > 0:
                    body = running[workload] - option.part * (variable - away)
                    rules.at_most("bundle_is_there", (name, workload, *time), body, 0.0)


def _standing(case: PlanningCase) -> dict[tuple[str, str], dict[str, Option]]:
    """Who shares what: options by workload, for each owner and name of a shared option."""
    found: dict[tuple[str, str], dict[str, Option]] = {}
    for workload, options in case.options.items():
        for option in options:
            if option.shared is not None:
                found.setdefault((option.shared, option.name), {})[workload] = option
    return found


def _most(members: dict[str, Option]) -> int:
    """Whole replicas beyond which another is of no use: buckets divide them, members of a bundle stand on the same."""
    if any(option.part is not None for option in members.values()):
        return max(round(option.most / (option.part or 1.0)) for option in members.values())
    return math.ceil(sum(option.most for option in members.values()))


def _any(case: PlanningCase, members: dict[str, Option], time: tuple[str, str, str]) -> bool:
    return any(case.planned_rps[workload, *time] > 0 for workload in members)
