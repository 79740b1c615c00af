"""Slices: a length bucket that is not to be divided is served by one serving config on one pool of nodes.

    running[w,c,t,h,o]                          <=  most[c] CHOSEN[w,c,t,h,o]            (bucket_is_served_there)
    sum_c CHOSEN[w,c,t,h,o] over prefill and aggregated options                <=  1     (bucket_has_one_entrance)
    sum_c CHOSEN[w,c,t,h,o] over decode and aggregated options                 <=  1     (bucket_has_one_exit)

Symbols  most[c] replicas that the whole demand of the bucket can use at the time.
Ledgers  reads running.     Shape  one row per bucket, option and time, two per bucket and time.
Dual     none: the rows only forbid to divide.
Source   Griggs et al., Melange, arXiv 2404.14527, eq (3), with one slice per bucket.
"""

from __future__ import annotations

from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import Ledgers, RunningKey
from fleetopt.optimizer.rules import Rules

SIDES = {"bucket_has_one_entrance": "prefill", "bucket_has_one_exit": "decode"}


class Slices(Feature):
    def declare(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        from pyomo.core import Binary, Var

        keys = [
            (workload, option.name, *time)
            for workload, options in case.options.items()
            if (family := case.workloads[workload].family) is not None and family.sharing == "whole"
            for option in options
            for time in case.times
            if case.planned_rps[workload, *time] > 0
        ]
        model.CHOSEN = Var(keys, within=Binary)

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        from pyomo.core import quicksum

        options = {(w, option.name): option for w, found in case.options.items() for option in found}
        sides: dict[tuple[str, str, tuple[str, ...]], list[Any]] = {}
        for (workload, name, *time), chosen in model.CHOSEN.items():
            option, key = options[workload, name], RunningKey(workload, name, *time)
            running, most = ledgers.running.total(key), case.most_at(workload, option, key[2:])
            rules.at_most("bucket_is_served_there", key, running - most * chosen, 0.0)
            for sentence, role in SIDES.items():
                if option.capacity.candidate.role in (role, "aggregated"):
                    sides.setdefault((sentence, workload, tuple(time)), []).append(chosen)
        for (sentence, workload, when), chosen in sides.items():
            rules.at_most(sentence, (workload, *when), quicksum(chosen), 1.0)
