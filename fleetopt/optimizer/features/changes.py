"""Changes: what starts from one slot to the next takes time, and only so much of it may.

With N[w,f,h] = sum of running[w,c,h] over the options c of a family f (one serving config on one pool) and the parts of
w's day, or RESTING[w,f,h] where none of them asks for anything it serves, and g the slot before h in its period and
outlook, the last before the first:

    N[w,f,h] - N[w,f,g] + STOPPED[w,f,h]  <=  FLIPPED[w,f,h] + LOADED[w,f,h]           (started_replicas_are_counted)
    STOPPED[w,f,h]  <=  N[w,f,g]                                                       (stopped_replicas_were_there)
    sum_f FLIPPED[w,f,h]  <=  sum_f STOPPED[w,f,h]       f of one config and pool      (flips_come_from_stopped)
    sum_(w,f) gpus[f] (FLIPPED + LOADED)    <=  per_change         per t,h,o           (changes_are_few)
    sum_(w,f,h) gpus[f] (FLIPPED + LOADED)  <=  per_day            per t,o             (changes_of_a_day_are_few)
    carried[w,r,k,h]  -=  cap[w,c] (lost_flip[h] FLIPPED + lost_load[f,h] LOADED);  served likewise, c aggregated
    away[f,c,h]  +=  lost_flip[h] FLIPPED + lost_load[f,h] LOADED           c shared by length buckets or in a bundle f

    mode static:  N[w,f,h]   =  N[w,f,g], all around the day                           (placement_stays)
    mode roles:   G[w,p,h]   =  G[w,p,g], likewise                                     (gpus_stay_with_their_workload)
                  G[w,p,h]   =  sum over f on pool p of node_gpus[f] N[w,f,h] + IDLE[w,p,h]

Symbols  lost = seconds / (3600 hours of the slot), at most 1 (optimizer/credit); gpus[f] GPUs of a replica;
         node_gpus[f] those it sets aside; per_change, per_day GPUs (scenario.changes).
Ledgers  reads running, standing; posts carried, served, away, gpus_used.     Shape  two rows per workload, family and
         time, one per config of several roles, pool and time, and per time; only where the scenario states changes.
Dual     of changes_are_few: USD for one more GPU that may start something.
Source   DOPD, arXiv 2511.20982: prefill and decode instances that change places as the load changes; the start-up rows
         of unit commitment (Rajan and Takriti 2005), for whole numbers of replicas.

RESTING keeps a workload's replicas standing over slots in which it asks for nothing, where starts are restricted. All
rows but those of a day join neighbouring slots, so that a sample of two slots shows that times of the program do not
fall apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.changing import (
    Family,
    Member,
    asked,
    families,
    gpus_of,
    most_of,
    same_weights,
    steps,
)
from fleetopt.optimizer.credit import credit, load_key, lost_shares
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import CarriedKey, Ledgers, PoolKey, RunningKey, ServedKey, Term
from fleetopt.optimizer.rules import Limit, Rules
from fleetopt.scenario.demand import TimeKey


class SlotChanges(Feature):
    def declare(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        from pyomo.core import NonNegativeIntegers, NonNegativeReals, Var

        found, stepping = families(case), steps(case) if case.changes is not None else []
        most = {key: most_of(members) for key, members in found.items()}
        counting = stepping if case.changes is not None and case.changes.counts else []
        flips = {one for those in same_weights(case).values() for one in those if _flips(case, found[one][0])}

        def bounds(_model: Any, workload: str, family: str, *_time: str) -> tuple[int, float]:
            return 0, most[workload, family]

        times = [time for _, time in stepping]
        idle = found if case.changes is not None and case.changes.restricts else {}
        resting = [(*one, *time) for one, members in idle.items() for time in times if not asked(case, members, time)]
        model.RESTING = Var(resting, within=NonNegativeIntegers, bounds=bounds)
        starts = [(*one, *time) for one in found for _, time in counting]
        # Whole by itself wherever the replicas, flips and stops are.
        model.LOADED = Var(starts, within=NonNegativeReals, bounds=bounds)
        flipping = [key for key in starts if key[:2] in flips]
        model.FLIPPED = Var(flipping, within=NonNegativeIntegers, bounds=bounds)
        model.STOPPED = Var(flipping, within=NonNegativeIntegers, bounds=bounds)
        roles = case.changes is not None and case.changes.mode == "roles"
        pools = dict.fromkeys((w, *members[0][1].pool) for (w, _), members in found.items()) if roles else {}
        model.IDLE = Var([(*pool, *time) for pool in pools for time in times], within=NonNegativeReals)
        for (workload, family, *time), kept in model.RESTING.items():
            option = found[workload, family][0][1]
            ledgers.gpus_used.post(PoolKey(option.pool, *time), option.node_gpus * kept)
        for (_, node_type, site, *time), idle in model.IDLE.items():
            ledgers.gpus_used.post(PoolKey((node_type, site), *time), idle)
        for one, members in found.items():
            for _, time in counting:
                if serving := asked(case, members, time):
                    _post_lost(model, case, ledgers, serving, (*one, *time))

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        if case.changes is None:
            return
        found, mode, stepping = families(case), case.changes.mode, steps(case)

        def standing(one: Family, time: TimeKey) -> Term:
            if (*one, *time) in model.RESTING:
                return model.RESTING[*one, *time]
            if found[one][0][1].shared is not None:
                return ledgers.standing.total(RunningKey(*one, *time))
            return sum(ledgers.running.total(RunningKey(w, option.name, *time)) for w, option in found[one])

        for one in found if mode == "static" else ():
            for before, time in stepping:
                rules.at_exactly("placement_stays", (*one, *time), standing(one, time) - standing(one, before), 0.0)
        for one in found if case.changes.counts else ():
            for before, time in stepping:
                _count(model, rules, one, time, (standing(one, before), standing(one, time)))
        if mode == "roles":
            _stay(model, case, rules, standing)
        if case.changes.counts:
            _flip(model, case, rules)
            _limit(model, case, rules)


def _flips(case: PlanningCase, one: Member) -> bool:
    """Whether a flip is any better than a load, at any time."""
    return case.changes is not None and case.changes.role_flip_s < case.load_s[load_key(*one)]


def _post_lost(
    model: Any, case: PlanningCase, ledgers: Ledgers, serving: list[Member], key: tuple[str, str, str, str, str]
) -> None:
    """Takes off what a family's replicas do not carry as they start; of several sizes, at the largest rate."""
    (workload, option), time = serving[0], key[2:]
    by_flip, by_load = lost_shares(case, load_key(workload, option), time)
    if by_flip == by_load == 0.0:
        return
    rps = case.planned_rps[workload, *time] * max(credit(case, workload, each, time) for _, each in serving)
    lost = by_load * model.LOADED[key]
    if key in model.FLIPPED:
        lost = lost + by_flip * model.FLIPPED[key]
    role = option.capacity.candidate.role
    if option.shared is not None:
        ledgers.away.post(RunningKey(option.shared, option.name, *time), lost)
    elif role == "aggregated":
        ledgers.served.post(ServedKey(workload, *time), -rps * lost)
    else:
        ledgers.carried.post(CarriedKey(workload, role, *option.link, *time), -rps * lost)


def _count(model: Any, rules: Rules, one: Family, time: TimeKey, stands: tuple[Term, Term]) -> None:
    before, now = stands
    key = (*one, *time)
    started = now - before - model.LOADED[key]
    if key in model.FLIPPED:
        started = started + model.STOPPED[key] - model.FLIPPED[key]
        rules.at_most("stopped_replicas_were_there", key, model.STOPPED[key] - before, 0.0)
    rules.at_most("started_replicas_are_counted", key, started, 0.0)


def _flip(model: Any, case: PlanningCase, rules: Rules) -> None:
    for those in same_weights(case).values():
        for _, time in steps(case):
            keys = [(*one, *time) for one in those if (*one, *time) in model.FLIPPED]
            if keys:
                body = sum(model.FLIPPED[key] for key in keys) - sum(model.STOPPED[key] for key in keys)
                rules.at_most("flips_come_from_stopped", keys[0], body, 0.0)


def _stay(model: Any, case: PlanningCase, rules: Rules, standing: Callable[[Family, TimeKey], Term]) -> None:
    """Each workload's GPUs on a pool, in use or idle, are as many in every slot."""
    on: dict[tuple[str, ...], list[tuple[Family, int]]] = {}
    for one, members in families(case).items():
        on.setdefault((one[0], *members[0][1].pool), []).append((one, members[0][1].node_gpus))

    def gpus(pool: tuple[str, ...], time: TimeKey) -> Term:
        return sum(size * standing(one, time) for one, size in on[pool]) + model.IDLE[*pool, *time]

    for pool in on:
        for before, time in steps(case):
            rules.at_exactly(
                "gpus_stay_with_their_workload", (*pool, *time), gpus(pool, time) - gpus(pool, before), 0.0
            )


def _limit(model: Any, case: PlanningCase, rules: Rules) -> None:
    from pyomo.core import quicksum

    assert case.changes is not None
    size = {one: gpus_of(members[0][1]) for one, members in families(case).items()}
    started: dict[TimeKey, list[Term]] = {}
    for variables in (model.LOADED, model.FLIPPED):
        for (workload, family, period, slot, outlook), variable in variables.items():
            started.setdefault((period, slot, outlook), []).append(size[workload, family] * variable)
    days: dict[tuple[str, str], list[Term]] = {}
    for time, gpus in started.items():
        days.setdefault((time[0], time[2]), []).extend(gpus)
    most = case.changes.per_change_gpus, case.changes.per_day_gpus
    for time, gpus in started.items() if most[0] is not None else ():
        limit = Limit("changes per slot", "supply", "/".join(time), "GPUs", most[0] or 0.0)
        rules.at_most("changes_are_few", time, quicksum(gpus), limit.amount, limit)
    for day, gpus in days.items() if most[1] is not None else ():
        limit = Limit("changes per day", "supply", "/".join(day), "GPUs", most[1] or 0.0)
        rules.at_most("changes_of_a_day_are_few", day, quicksum(gpus), limit.amount, limit)
