"""Serving: replicas carry traffic, prefill and decode of a request over one link.

    carried[w,r,k,t,h,o]  +=  sum_c cap[w,c] REPLICAS[w,c,t,h,o]    c in role r on k
    SPLIT[w,k,t,h,o]  <=  carried[w,prefill,k,t,h,o]                                (prefill_carries_split_traffic)
    SPLIT[w,k,t,h,o]  <=  carried[w,decode,k,t,h,o]                                 (decode_carries_split_traffic)
    served[w,t,h,o]   +=  sum_k SPLIT[w,k,t,h,o] + sum_c cap[w,c] REPLICAS[w,c,t,h,o]    c aggregated

Symbols  cap[w,c] requests/s one replica carries within the SLO (capacity), less what an outlook takes off it; an option
         c stands for a serving config on the nodes of one pool; a link k is a site and a KV format
         (docs/decisions/0009), both parts of c.
Ledgers  posts served, carried, running, gpus_used.     Shape  two rows per workload, link, period, slot and outlook.
Dual     USD per request/s of prefill or decode capacity: which of the two a link is short of.
Source   Li et al., arXiv 2603.04716, equations (5)-(7), with the ratio left to the program; docs/math.md.

The rows are divided by the demand, so that a unit is the whole demand of the workload at that time, and a replica
that carries more than the demand counts as carrying all of it: the same integer solutions, a tighter relaxation.
Replicas of a shared option are shares of time; their GPUs are set aside elsewhere.
"""

from __future__ import annotations

from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.credit import credit
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import CarriedKey, Ledgers, PoolKey, RunningKey, ServedKey
from fleetopt.optimizer.options import Link, Option
from fleetopt.optimizer.rules import Rules


class Serving(Feature):
    def declare(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        from pyomo.core import NonNegativeIntegers, NonNegativeReals, Var

        replicas = [
            (workload, option.name, *time)
            for workload, options in case.options.items()
            for option in options
            for time in case.times
            if case.planned_rps[workload, *time] > 0
        ]
        by_name = {(w, option.name): option for w, options in case.options.items() for option in options}
        shares = {(w, option.name) for w, options in case.options.items() for option in options if option.shared}
        model.REPLICAS = Var(
            replicas,
            within=lambda _, w, option, *_time: NonNegativeReals if (w, option) in shares else NonNegativeIntegers,
            bounds=lambda _, w, option, *time: (0, case.most_at(w, by_name[w, option], tuple(time))),
        )
        split = [
            (workload, *link, *time)
            for workload, options in case.options.items()
            for link in dict.fromkeys(option.link for option in options)
            if _roles_on(options, link) >= {"prefill", "decode"}
            for time in case.times
            if case.planned_rps[workload, *time] > 0
        ]
        model.SPLIT = Var(
            split, within=NonNegativeReals, bounds=lambda _, w, _site, _format, *time: (0, case.planned_rps[w, *time])
        )
        self._post(model, case, ledgers)

    def _post(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        by_name = {(w, option.name): option for w, options in case.options.items() for option in options}
        for (workload, name, *time), variable in model.REPLICAS.items():
            option = by_name[workload, name]
            ledgers.running.post(RunningKey(workload, name, *time), variable)
            if option.shared is None:
                ledgers.gpus_used.post(PoolKey(option.pool, *time), option.node_gpus * variable)
            role, demand = option.capacity.candidate.role, case.planned_rps[workload, *time]
            carried = credit(case, workload, option, (time[0], time[1], time[2])) * demand * variable
            if role == "aggregated":
                ledgers.served.post(ServedKey(workload, *time), carried)
            else:
                ledgers.carried.post(CarriedKey(workload, role, *option.link, *time), carried)
        for (workload, _site, _format, *time), variable in model.SPLIT.items():
            ledgers.served.post(ServedKey(workload, *time), variable)

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        for (workload, site, kv_format, *time), split in model.SPLIT.items():
            demand = case.planned_rps[workload, *time]
            for role in ("prefill", "decode"):
                carried = ledgers.carried.total(CarriedKey(workload, role, site, kv_format, *time)) / demand
                sentence = f"{role}_carries_split_traffic"
                rules.at_most(sentence, (workload, site, kv_format, *time), split / demand - carried, 0.0)


def _roles_on(options: tuple[Option, ...], link: Link) -> set[str]:
    return {option.capacity.candidate.role for option in options if option.link == link}
