"""Who may change into what from one slot to the next: families of options, neighbouring slots, and common weights."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeAlias

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.options import Option
from fleetopt.scenario.demand import TimeKey

Family: TypeAlias = tuple[str, str]
"""A workload and the name that its options of one serving config on one pool have in common."""


def families(case: PlanningCase) -> dict[Family, list[Option]]:
    """The options of each family, all of whose replicas are whole."""
    found: dict[Family, list[Option]] = {}
    for workload, options in case.options.items():
        for option in options:
            if option.shared is None:
                found.setdefault((workload, option.family), []).append(option)
    return found


def steps(case: PlanningCase) -> list[tuple[TimeKey, TimeKey]]:
    """Neighbouring slots of a period and outlook, in the order of the calendar; the last comes before the first.

    None where there is one slot only: it has no neighbour.
    """
    days: dict[tuple[str, str], list[TimeKey]] = {}
    for time in case.times:
        days.setdefault((time[0], time[2]), []).append(time)
    return [step for day in days.values() if len(day) > 1 for step in zip([day[-1], *day[:-1]], day, strict=True)]


def same_weights(case: PlanningCase) -> dict[Hashable, list[Family]]:
    """Families that can flip into one another: roles of one config on one pool, which have the same weights."""
    found: dict[Hashable, list[Family]] = {}
    for (workload, family), options in families(case).items():
        option = options[0]
        if option.pattern is None:
            key = (workload, option.capacity.candidate.config.name, option.pool)
            found.setdefault(key, []).append((workload, family))
    return {key: those for key, those in found.items() if len(those) > 1}


def gpus_of(option: Option) -> int:
    """GPUs that change with a replica: its own, or those of the node that a pattern sets aside."""
    return option.node_gpus if option.pattern is not None else option.capacity.candidate.config.gpus_per_replica
