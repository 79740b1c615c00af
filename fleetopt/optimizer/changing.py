"""Who may change into what from one slot to the next: families of options, neighbouring slots, and common weights."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from typing import TypeAlias

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.options import Option
from fleetopt.scenario.demand import TimeKey

Family: TypeAlias = tuple[str, str]
"""A workload, with all the parts of its day, and the name that its options of one config on one pool have in common.

Of replicas that length buckets share: the workload they are buckets of, and the option; of groups, the bundle.
"""

Member: TypeAlias = tuple[str, Option]
"""A workload or part of one, with an option of it."""


def families(case: PlanningCase) -> dict[Family, list[Member]]:
    """The options of each family, with the workloads that they serve."""
    found: dict[Family, list[Member]] = {}
    for workload, options in case.options.items():
        for option in options:
            found.setdefault(family_of(case, workload, option), []).append((workload, option))
    return found


def family_of(case: PlanningCase, workload: str, option: Option) -> Family:
    if option.shared is not None:
        return option.shared, option.name
    return case.workloads[workload].whole, option.family


def most_of(members: Iterable[Member]) -> float:
    """Whole replicas of a family beyond which another is of no use."""
    options = [option for _, option in members]
    if options[0].shared is not None and options[0].part is None:
        return math.ceil(sum(option.most for option in options))
    return max(option.most if option.part is None else round(option.most / option.part) for option in options)


def asked(case: PlanningCase, members: Iterable[Member], time: TimeKey) -> list[Member]:
    """The members whose workload asks for something at a time: those of one part of its day, or none."""
    return [(workload, option) for workload, option in members if case.planned_rps[workload, *time] > 0]


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
    for (workload, family), members in families(case).items():
        option = members[0][1]
        if option.pattern is None:
            key = (workload, option.capacity.candidate.config.name, option.pool)
            found.setdefault(key, []).append((workload, family))
    return {key: those for key, those in found.items() if len(those) > 1}


def gpus_of(option: Option) -> int:
    """GPUs that change with a replica: its own, or those of the node that a pattern sets aside."""
    return option.node_gpus if option.pattern is not None else option.capacity.candidate.config.gpus_per_replica
