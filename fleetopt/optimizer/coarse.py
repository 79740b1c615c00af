"""A coarse case: a period's slots and outlooks put together in a few groups, by how much is asked for in them.

Each group stands for its hours at the mean demand of its times, in one outlook. The answer is no plan of the case, and
its cost no bound. It says what GPUs are worth when little and when much is asked for, and so which options deserve a
closer look, for a small part of the effort.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from fleetopt.optimizer.case import PlanningCase
from fleetopt.scenario.demand import TimeKey
from fleetopt.scenario.domain import Workload


def coarse(case: PlanningCase, groups: int) -> PlanningCase:
    """The case with so many slots a period, from the busiest to the quietest, and one outlook.

    Args:
        case: the case. Work that is done when it suits is left out: it would be asked for in no slot that is left.
        groups: slots of a period; fewer where a period has fewer times.
    """
    outlook = next(iter(case.probability))
    weight = {(t, h, o): case.hours[t, h] * case.probability[o] for t, h, o in case.times}
    hours: dict[tuple[str, str], float] = {}
    planned: dict[tuple[str, str, str, str], float] = {}
    asking = {name: workload for name, workload in case.workloads.items() if not workload.batch}
    for period, slot, times in _grouped(case, groups):
        hours[period, slot] = sum(weight[time] for time in times)
        for workload in asking:
            asked = sum(weight[time] * case.planned_rps[workload, *time] for time in times)
            planned[workload, period, slot, outlook] = asked / hours[period, slot]
    return replace(
        case,
        times=tuple((period, slot, outlook) for period, slot in hours),
        hours=hours,
        probability={outlook: 1.0},
        planned_rps=planned,
        workloads={name: with_demand(workload, planned) for name, workload in asking.items()},
        options={name: case.options[name] for name in asking},
        risk=None,
    )


def with_demand(workload: Workload, planned: Mapping[tuple[str, str, str, str], float]) -> Workload:
    """The workload with other demand: planned requests/s by workload and time, which have its headroom."""
    of_it = {key[1:]: rps / (1 + workload.headroom) for key, rps in planned.items() if key[0] == workload.name}
    return replace(workload, demand_rps=of_it)


def _grouped(case: PlanningCase, groups: int) -> Iterator[tuple[str, str, list[TimeKey]]]:
    """Period, name and times of each group: as many times in each, by falling demand beside each workload's peak."""
    peak = {w: max(case.planned_rps[w, *time] for time in case.times) for w in case.workloads}
    asked = [w for w in case.workloads if peak[w] > 0]
    busy = {time: sum(case.planned_rps[w, *time] / peak[w] for w in asked) for time in case.times}
    for period in case.periods:
        here = sorted((time for time in case.times if time[0] == period.name), key=lambda time: -busy[time])
        for index, places in enumerate(np.array_split(np.arange(len(here)), min(groups, len(here)))):
            yield period.name, f"group {index}", [here[place] for place in places]
