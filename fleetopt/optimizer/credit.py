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
    lost = max(lost_shares(case, workload, option.family, time))
    if option.shared or case.workloads[workload].spares or lost >= 1.0:
        return part
    return min(1.0 / (1.0 - lost), part)


def lost_shares(case: PlanningCase, workload: str, family: str, time: TimeKey) -> tuple[float, float]:
    """The part of its first slot that a replica loses by a role flip, and by a load."""
    changes = case.changes
    if changes is None or not changes.counts:
        return 0.0, 0.0
    days = next(period.days for period in case.periods if period.name == time[0])
    slot_s = 3600.0 * case.hours[time[:2]] / days
    return min(1.0, changes.role_flip_s / slot_s), min(1.0, case.load_s[workload, family] / slot_s)


def load_seconds(scenario: Scenario, options: Mapping[str, tuple[Option, ...]]) -> dict[tuple[str, str], float]:
    """Seconds to start a replica, by workload and family of options; the replicas of a node pattern load at once."""
    changes = scenario.changes
    cards = {w.name: scenario.models[w.model].card for w in scenario.workloads}
    return {
        (name, option.family): max(
            changes.load_s(weight_bytes(one.config, cards[name]), one.config.gpus_per_replica)
            for one in option.candidates
        )
        for name, found in options.items()
        for option in (found if changes is not None else ())
        if changes is not None
    }


def most_lost(scenario: Scenario) -> float:
    """The largest part of a slot that a start may cost, up to MOST_LOST: by so much more may be started."""
    changes = scenario.changes
    if changes is None or not changes.counts:
        return 0.0
    loads = (
        changes.load_s(weight_bytes(one.config, llm.card), one.config.gpus_per_replica)
        for llm in scenario.models.values()
        for one in llm.candidates
    )
    shortest_s = 3600.0 * min(slot.hours_per_day for slot in scenario.calendar.slots)
    return min(MOST_LOST, max((changes.role_flip_s, *loads)) / shortest_s)
