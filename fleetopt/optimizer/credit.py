"""What a replica counts for: the part of the demand that it carries, and the part of a slot that it loses as it starts.

    part[w,c,t,h,o]  =  min(1 / (1 - lost), cap[w,c] / d[w,t,h,o])        lost: the larger of the two shares below
    lost             =  min(1, seconds / (3600 x hours of the slot))      of a role flip, and of a load

A replica that carries more than the demand counts as carrying all of it, even as it starts: the same integer solutions,
a tighter relaxation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fleetopt.catalog.memory import weight_bytes
from fleetopt.scenario.demand import TimeKey
from fleetopt.scenario.domain import Scenario

if TYPE_CHECKING:
    from fleetopt.optimizer.case import PlanningCase
    from fleetopt.optimizer.options import Option

MOST_LOST = 0.75
"""Replicas that lose more of their first slot are not started by the dozen to make up for it."""


def credit(case: PlanningCase, workload: str, option: Option, time: TimeKey) -> float:
    """The part of a workload's demand that one replica carries: at most all of it, where replicas are whole and none is
    spare.
    """
    part = option.capacity_rps / (case.planned_rps[workload, *time] / case.capability[time[2]])
    if option.part is not None:
        return min(part, 1.0 / option.part)
    lost = max(lost_shares(case, load_key(workload, option), time))
    if option.shared or case.workloads[workload].spares or lost >= 1.0:
        return part
    return min(1.0 / (1.0 - lost), part)


def load_key(workload: str, option: Option) -> tuple[str, str]:
    """What is loaded as one: replicas of a family of options, or the groups of a bundle with all of its members."""
    return (workload, option.family) if option.part is None else (option.shared or "", option.name)


def lost_shares(case: PlanningCase, loaded: tuple[str, str], time: TimeKey) -> tuple[float, float]:
    """The part of its first slot that a replica loses by a role flip, and by a load."""
    changes = case.changes
    if changes is None or not changes.counts:
        return 0.0, 0.0
    days = next(period.days for period in case.periods if period.name == time[0])
    slot_s = 3600.0 * case.hours[time[:2]] / days
    return min(1.0, changes.role_flip_s / slot_s), min(1.0, case.load_s[loaded] / slot_s)


def load_seconds(scenario: Scenario, options: Mapping[str, tuple[Option, ...]]) -> dict[tuple[str, str], float]:
    """Seconds to start a replica, by what is loaded as one: the replicas of a node pattern load at once, the models of
    a bundle one after another.
    """
    changes = scenario.changes
    if changes is None:
        return {}
    cards = {w.name: scenario.models[w.model].card for w in scenario.workloads}
    found, weights = dict[tuple[str, str], float](), dict[tuple[str, str], float]()
    for name, own in options.items():
        for option in own:
            key, one = load_key(name, option), option.capacity.candidate.config
            if option.part is not None:
                weights[key] = weights.get(key, 0.0) + weight_bytes(one, cards[name])
                found[key] = changes.load_s(weights[key], one.gpus_per_replica)
            else:
                found[key] = max(
                    changes.load_s(weight_bytes(c.config, cards[name]), c.config.gpus_per_replica)
                    for c in option.candidates
                )
    return found


def most_lost(scenario: Scenario) -> float:
    """The largest part of a slot that a start may cost, up to MOST_LOST: by so much more may be started."""
    changes = scenario.changes
    if changes is None or not changes.counts:
        return 0.0
    loads = [
        max(changes.load_s(weight_bytes(one.config, llm.card), one.config.gpus_per_replica) for one in llm.candidates)
        for llm in scenario.models.values()
        if llm.candidates
    ]
    longest_s = sum(loads) if scenario.bundles is not None else max(loads, default=0.0)
    shortest_s = 3600.0 * min(slot.hours_per_day for slot in scenario.calendar.slots)
    return min(MOST_LOST, max(changes.role_flip_s, longest_s) / shortest_s)
