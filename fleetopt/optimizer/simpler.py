"""Simpler cases of one whose slots hang together: there changes are free, and times are by themselves again.

    all day    a period has one slot, in which every workload asks for the most it asks for there: nothing need start
    as new     each replica carries in every slot no more than it does in one in which it starts
    free       starts take no time, and there may be any number of them

Plans of the first two are plans of the case, as far as rules over several workloads allow. No plan of the case costs
less than the cheapest of the last one; nor than the cheapest of the first, where each workload keeps its replicas or
its GPUs all day and no rule but that of nodes joins workloads: take what each has when it asks for most, and the nodes
of the slot in which they cost least.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.changing import families, gpus_of
from fleetopt.optimizer.coarse import with_demand
from fleetopt.optimizer.credit import MOST_LOST, load_key, lost_shares
from fleetopt.optimizer.patterns.structure import Key
from fleetopt.scenario.demand import TimeKey
from fleetopt.scenario.domain import Survive

DAY = "day"
"""The one slot of a period."""


@dataclass(frozen=True, slots=True, eq=False)
class Simpler:
    """A simpler case, and whether its bound is one of the case that it was made from.

    `slots` has the times of that case by the time of this one that stands for them.
    """

    case: PlanningCase
    bounds: bool
    slots: Mapping[Key, tuple[TimeKey, ...]]

    def spread(self, amounts: Mapping[Key, float]) -> Iterator[tuple[Key, float]]:
        """What is decided in this case, as decisions of the case it was made from: in all of its slots.

        Parts of one workload's day, which take turns, each have what the one with most replicas has.
        """
        shared = _taking_turns(self.case)
        for key, amount in amounts.items():
            those = shared.get(key[1:3], ()) if key[0] == "REPLICAS" else ()
            most = max((amounts.get(("REPLICAS", *one, *key[3:]), 0.0) for one in those), default=amount)
            for time in self.slots.get(key[-3:], ()):
                yield (*key[:-3], *time), most
            if key[-3:] not in self.slots:
                yield key, amount


def hang_together(case: PlanningCase) -> bool:
    """Whether what stands in one slot depends on what stands in another."""
    return case.changes is not None and case.changes.restricts and not any(w.batch for w in case.workloads.values())


def simpler(case: PlanningCase) -> Iterator[Simpler]:
    """Cases whose plans are plans of the case, the more promising ones first."""
    changes = case.changes
    assert changes is not None
    limited = changes.mode != "free" or changes.per_change_gpus is not None or changes.per_day_gpus is not None
    if limited:
        yield all_day(case)
    if changes.mode == "free" and (new := as_new(case)) is not None:
        yield new


def free(case: PlanningCase) -> PlanningCase:
    """The case with free changes: what it costs at least."""
    return replace(case, changes=None)


def all_day(case: PlanningCase) -> Simpler:
    """The case with one slot a period."""
    slots: dict[TimeKey, tuple[TimeKey, ...]] = {}
    for period, slot, outlook in case.times:
        day = (period, DAY, outlook)
        slots[day] = (*slots.get(day, ()), (period, slot, outlook))
    planned = {
        (workload, *day): max(case.planned_rps[workload, *time] for time in times)
        for workload in case.workloads
        for day, times in slots.items()
    }
    made = replace(
        case,
        times=tuple(slots),
        hours={(period.name, DAY): case.period_hours(period.name) for period in case.periods},
        planned_rps=planned,
        workloads={name: with_demand(workload, planned) for name, workload in case.workloads.items()},
        changes=None,
    )
    return Simpler(made, keeps_all_day(case), dict(slots.items()))


def as_new(case: PlanningCase) -> Simpler | None:
    """The case with so much more demand as replicas that start lose at most; none where they lose nearly all."""
    lost = {(w, *time): _most_lost(case, w, time) for w in case.workloads for time in case.times}
    if max(lost.values(), default=0.0) > MOST_LOST:
        return None
    planned = {key: rps / (1.0 - lost[key]) for key, rps in case.planned_rps.items()}
    made = replace(case, planned_rps=planned, changes=None)
    return Simpler(made, not any(lost.values()), {time: (time,) for time in case.times})


def _most_lost(case: PlanningCase, workload: str, time: TimeKey) -> float:
    loaded = {load_key(workload, option) for option in case.options[workload]}
    return max((max(lost_shares(case, one, time)) for one in loaded), default=0.0)


def more_all_day(case: PlanningCase) -> float | None:
    """GPUs that a plan needs more at a time, at most, to have all day what each workload has when it asks for most.

    What is missing in a slot starts in one of the others before it is needed: no more GPUs than may start in a day, or
    in all slots but one. None where there is no limit, or more than nodes joins workloads.
    """
    changes, slots = case.changes, Counter((period, outlook) for period, _, outlook in case.times)
    assert changes is not None
    others = max(slots.values(), default=1) - 1
    limits = [changes.per_day_gpus, None if changes.per_change_gpus is None else changes.per_change_gpus * others]
    started = min((float(limit) for limit in limits if limit is not None), default=None)
    if started is None or changes.mode != "free" or not _apart(case):
        return None
    options = [option for found in case.options.values() for option in found]
    return started * max((option.node_gpus / gpus_of(option) for option in options), default=1.0)


def keeps_all_day(case: PlanningCase) -> bool:
    """Whether what suffices for each workload's peak all day is cheapest, too: see above."""
    return case.changes is not None and case.changes.mode != "free" and _apart(case)


def _apart(case: PlanningCase) -> bool:
    """Whether nothing but nodes joins workloads, and no rule joins times."""
    totals = case.budgets or case.raises or case.fabrics or case.carbon.max_tonnes is not None
    return not totals and all(_stays_alone(case, name) for name in case.workloads)


def _stays_alone(case: PlanningCase, name: str) -> bool:
    """Whether a workload shares nothing with others or with other parts of its day, and may be short of nothing."""
    workload, options = case.workloads[name], case.options[name]
    shares = workload.part_of or workload.family or any(one.part is not None or one.shared for one in options)
    gives = workload.shortfall.allowed > 0 or workload.priority or workload.survive != Survive()
    return not (shares or gives) and len({option.family for option in options}) == len(options)


def _taking_turns(case: PlanningCase) -> Mapping[Key, list[tuple[str, str]]]:
    """Options of parts of a day by workload and name, each with those that take turns with it."""
    found: dict[Key, list[tuple[str, str]]] = {}
    for members in families(case).values():
        names = [(workload, option.name) for workload, option in members if option.shared is None]
        if len({workload for workload, _ in names}) > 1:
            found |= dict.fromkeys(names, names)
    return found
