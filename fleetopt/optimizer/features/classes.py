"""Service classes: who lacks something leaves no replica to a lower class that the lower class could do without.

    excused[v,t,h,o] / d  <=  allowed[v] LACKS[v,t,h,o],  undone[v,n,o]  <=  allowed[v] BEHIND[v,n,o]
                                                                                                 (lacking_is_told)
    running[w,c,t,h,o]  <=  most[c] STANDS[w,c,t,h,o]                                            (replica_is_told)
    LINE[w,k,t,h,o]  >=  carried[w,prefill,k] / d - M SIDE,   >=  carried[w,decode,k] / d - M (1 - SIDE)
                                                                                                 (line_is_told)
    WHOLE[w,n,o]  >=  sum of 3600 hours[t,h] / W[w,n,o] what w is served at t,h                      (work_is_told)
    left[w,c,t,h,o]  <=  1 - allowed[w] - eps + M (2 - STANDS[w,c,t,h,o] - LACKS[v,t,h,o])       (no_replica_is_spare)

for v of a higher class than w, both of which may lack something, and c on GPUs at a site that v may use.

Symbols  left[w,c,..] what w is served in parts of its demand when one replica of c is gone: sum of LINE and aggregated
         capacity, with carried - cap[c] in place of LINE on the link of c; of batch work in parts of the whole work,
         WHOLE less what the replica does at that time. LINE is at least the lesser of prefill and decode.
Ledgers  reads served, carried, excused, undone, running.     Shape  a row per pair of workloads, option and time.
Dual     none: the rows only say who goes short first.
Source   Strict priority, stated for whole replicas: a lower class may exceed its floor only by what one replica rounds.

Options whose replicas are shared, wait in one queue or are the fewest allowed of a role are left out: none of them is
one that could go by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import CarriedKey, Ledgers, RunningKey, ServedKey, WorkKey
from fleetopt.optimizer.options import Link, Option
from fleetopt.optimizer.rules import Rules
from fleetopt.scenario.domain import Workload
from fleetopt.scenario.work import Work

EPSILON = 1e-5
"""The part of a demand by which a replica is needed at least; a solver's tolerance is a tenth of it."""

Time = tuple[str, str, str]


class ServiceClasses(Feature):
    def declare(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        from pyomo.core import Binary, NonNegativeReals, Var

        ranked, below = _ranked(case), {low.name for _, low in _pairs(case)}
        asked = [(w.name, time) for w in ranked for time in case.times if case.planned_rps[w.name, *time] > 0]
        works = [case.due(w.name, n, o) for w in ranked for n in _works(w) for o in n.requests if n.requests[o] > 0]
        lines = [(w, *link, *time) for w, time in asked if w in below for link in _links(case, w)]
        stands = [(w, o.name, *time) for w, time in asked if w in below for o in _single(case, w)]
        model.LACKS = Var([(w, *time) for w, time in asked if case.workloads[w].batch is None], within=Binary)
        model.BEHIND = Var(works, within=Binary)
        model.WHOLE = Var([key for key in works if key[0] in below], within=NonNegativeReals)
        model.STANDS = Var(stands, within=Binary)
        model.SIDE = Var(lines, within=Binary)
        model.LINE = Var(lines, within=NonNegativeReals)

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        sight = _Sight(model, case, ledgers)
        sight.tell_lacking(rules)
        for name, site, kv_format, *time in model.LINE:
            sight.tell_line(rules, name, (site, kv_format), (time[0], time[1], time[2]))
        options = {(w, option.name): option for w, found in case.options.items() for option in found}
        for (name, option, *time), stands in model.STANDS.items():
            standing = RunningKey(name, option, *time)
            most = case.most_at(name, options[name, option], standing[2:])
            told = ledgers.running.total(standing) - most * stands
            rules.at_most("replica_is_told", standing, told, 0.0)
        for name, work, *_, outlook in model.WHOLE:
            sight.tell_work(rules, name, work, outlook)
        for high, low in _pairs(case):
            for option in _single(case, low.name):
                if high.may_use(case.gpu_type(option.pool), option.pool[1]):
                    sight.forbid_spares(rules, high, low, option)


@dataclass(frozen=True, slots=True)
class _Sight:
    """What a workload is served, and who lacks something, read from the ledgers."""

    model: Any
    case: PlanningCase
    ledgers: Ledgers

    def tell_lacking(self, rules: Rules) -> None:
        model, case = self.model, self.case
        for (name, *time), lacks in model.LACKS.items():
            key = ServedKey(name, *time)
            part = self.ledgers.excused.total(key) / case.planned_rps[key]
            rules.at_most("lacking_is_told", key, part - case.workloads[name].shortfall.allowed * lacks, 0.0)
        for (name, work, *_, outlook), lacks in model.BEHIND.items():
            part = self.ledgers.undone.total(WorkKey(name, work, outlook))
            told = part - case.workloads[name].shortfall.allowed * lacks
            rules.at_most("lacking_is_told", (name, work, outlook), told, 0.0)

    def tell_line(self, rules: Rules, name: str, link: Link, time: Time) -> None:
        line, side = self.model.LINE[name, *link, *time], self.model.SIDE[name, *link, *time]
        for role, off in (("prefill", side), ("decode", 1 - side)):
            carried = self.ledgers.carried.total(CarriedKey(name, role, *link, *time))
            most = _most(self.case, name, time, role, link)
            told = line - carried / self.case.planned_rps[name, *time] + most * off
            rules.at_least("line_is_told", (role, name, *link, *time), told, 0.0)

    def tell_work(self, rules: Rules, name: str, work_name: str, outlook: str) -> None:
        low = self.case.workloads[name]
        (work,) = (one for one in _works(low) if one.name == work_name)
        done = [
            self._weight(low, work, (*at, outlook)) * self._served(low, (*at, outlook))
            for at in self.case.work_hours(name, work)
        ]
        told = self.model.WHOLE[self.case.due(name, work, outlook)] - sum(done)
        rules.at_least("work_is_told", (name, work_name, outlook), told, 0.0)

    def forbid_spares(self, rules: Rules, high: Workload, low: Workload, option: Option) -> None:
        for time in self.case.times:
            stands, lacks = (low.name, option.name, *time), self._lacks(high, time)
            if stands not in self.model.STANDS or lacks is None:
                continue
            left, most = self._left(low, option, time)
            floor = 1.0 - low.shortfall.allowed - EPSILON
            freed = (most - floor) * (2 - self.model.STANDS[stands] - lacks)
            rules.at_most("no_replica_is_spare", (high.name, *stands), left - freed, floor)

    def _lacks(self, high: Workload, time: Time) -> Any:
        """Whether the workload lacks something at a time; work does so at all the times that it has."""
        if high.batch is None:
            key = (high.name, *time)
            return self.model.LACKS[key] if self.case.planned_rps[high.name, *time] > 0 else None
        work = _work_at(self.case, high, time)
        return None if work is None else self.model.BEHIND[self.case.due(high.name, work, time[2])]

    def _left(self, low: Workload, option: Option, time: Time) -> tuple[Any, float]:
        """What is served without a replica of the option, as parts of the whole that is asked, and the most of it."""
        work = _work_at(self.case, low, time)
        if work is None:
            return self._without(low, option, time), self._most(low, time)
        lost = self._served(low, time) - self._without(low, option, time)
        most = sum(
            self._weight(low, work, then) * self._most(low, then)
            for then in ((*at, time[2]) for at in self.case.work_hours(low.name, work))
        )
        return self.model.WHOLE[self.case.due(low.name, work, time[2])] - self._weight(low, work, time) * lost, most

    def _weight(self, low: Workload, work: Work, time: Time) -> float:
        """What the most that can be wanted of a work at a time is of the whole."""
        requests = 3600.0 * self.case.hours[time[:2]] * self.case.planned_rps[low.name, *time]
        return requests / self.case.planned_requests(low.name, work, time[2])

    def _served(self, low: Workload, time: Time) -> Any:
        lines = sum(self.model.LINE[low.name, *link, *time] for link in _links(self.case, low.name))
        return lines + self._aggregated(low, time)

    def _without(self, low: Workload, option: Option, time: Time) -> Any:
        demand = self.case.planned_rps[low.name, *time]
        cap = min(1.0, option.capacity_rps * self.case.capability[time[2]] / demand)
        if option.capacity.candidate.role == "aggregated":
            return self._served(low, time) - cap
        role, link = option.capacity.candidate.role, option.link
        carried = self.ledgers.carried.total(CarriedKey(low.name, role, *link, *time)) / demand
        return self._served(low, time) - self.model.LINE[low.name, *link, *time] + carried - cap

    def _aggregated(self, low: Workload, time: Time) -> Any:
        """Aggregated capacity: all that is served, less what is split."""
        demand = self.case.planned_rps[low.name, *time]
        split = sum(self.model.SPLIT[low.name, *link, *time] for link in _links(self.case, low.name))
        return (self.ledgers.served.total(ServedKey(low.name, *time)) - split) / demand

    def _most(self, low: Workload, time: Time) -> float:
        lines = sum(_most(self.case, low.name, time, role, None) for role in ("prefill", "decode", "aggregated"))
        return 1.0 + lines


def _most(case: PlanningCase, name: str, time: Time, role: str, link: Link | None) -> float:
    """The most that the replicas of a role carry, on one link or all, as parts of the demand."""
    demand = case.planned_rps[name, *time]
    return sum(
        case.most_at(name, option, time) * min(1.0, option.capacity_rps * case.capability[time[2]] / demand)
        for option in case.options[name]
        if option.capacity.candidate.role == role and link in (None, option.link)
    )


def _ranked(case: PlanningCase) -> list[Workload]:
    """Workloads with a class that may lack something."""
    return [w for w in case.workloads.values() if w.priority is not None and w.shortfall.allowed > 0]


def _pairs(case: PlanningCase) -> Iterator[tuple[Workload, Workload]]:
    """A workload and one of a lower class."""
    ranked = _ranked(case)
    for high in ranked:
        yield from ((high, low) for low in ranked if (low.priority or 0) > (high.priority or 0))


def _works(workload: Workload) -> tuple[Work, ...]:
    return workload.batch.works if workload.batch is not None else ()


def _work_at(case: PlanningCase, workload: Workload, time: Time) -> Work | None:
    """The work that may be done at a time, None where there is none."""
    for work in _works(workload):
        if time[:2] in case.work_hours(workload.name, work) and work.requests[time[2]] > 0:
            return work
    return None


def _links(case: PlanningCase, name: str) -> list[Link]:
    """Links on which a workload can be served split."""
    roles: dict[Link, set[str]] = {}
    for option in case.options[name]:
        roles.setdefault(option.link, set()).add(option.capacity.candidate.role)
    return [link for link, found in roles.items() if found >= {"prefill", "decode"}]


def _single(case: PlanningCase, name: str) -> list[Option]:
    """Options each replica of which could go by itself."""
    workload, links = case.workloads[name], _links(case, name)
    return [
        option
        for option in case.options[name]
        if option.shared is None
        and not (workload.pooled and option.capacity.candidate.role == "prefill")
        and option.capacity.candidate.role not in dict(workload.least_replicas)
        and (option.capacity.candidate.role == "aggregated" or option.link in links)
    ]
