"""All bundles of a scenario that are worth a column: grown on every shape of group, undominated, and not too many.

A bundle is dominated where another on the same pool carries at least as much of each of its members on as few GPUs.
Of the rest each workload in turn chooses its best, by the GPUs that a bundle stands for on each of its own, until
there are as many as the scenario allows; bundles of one come first, so that sharing nothing stays possible.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from fleetopt.capacity.bundles import Member
from fleetopt.optimizer.bundling.domain import Bundle, Shape
from fleetopt.optimizer.bundling.growth import colocated, spatial, swapped
from fleetopt.optimizer.bundling.shapes import shapes_of
from fleetopt.optimizer.options import Pool
from fleetopt.scenario.demand import TimeKey
from fleetopt.scenario.domain import Scenario

MOST_MOMENTS = 3
"""Demands that bundles are grown for: the peaks of all, and those of the slackest and the middle time."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The bundles that are tried, and how many undominated ones there were."""

    bundles: tuple[Bundle, ...]
    found: int


def choose(scenario: Scenario, pools: Iterable[Pool], planned_rps: Mapping[tuple[str, str, str, str], float]) -> Choice:
    """The bundles of a scenario, none where it allows none."""
    if scenario.bundles is None:
        return Choice((), 0)
    shapes = list(shapes_of(scenario, scenario.bundles, list(pools)))
    least_gpus: dict[str, int] = {}
    for shape in shapes:
        carried = [(one.member.workload.name, one.alone_rps) for one in shape.sliced]
        for name, rps in (*shape.alone_rps.items(), *carried):
            if rps:
                least_gpus[name] = min(least_gpus.get(name, shape.group.gpus), shape.group.gpus)
    grown = [one for demand in _moments(scenario, planned_rps) for one in _grown(shapes, demand, least_gpus)]
    worthy = _undominated(grown)
    return Choice(tuple(_chosen(worthy, scenario.bundles.most_bundles)), len(worthy))


def _grown(shapes: list[Shape], demand: dict[str, float], least_gpus: dict[str, int]) -> Iterator[Bundle]:
    """Resident models want the same on nodes of any size, so that these sets are grown once."""
    known: dict[tuple[int, frozenset[Member]], list[Bundle]] = {}
    for shape in shapes:
        everybody = (*shape.members.values(), *(one.member for one in shape.sliced))
        key = shape.group.gpus, frozenset(everybody)
        if key not in known:
            known[key] = [*colocated(shape, demand, least_gpus), *spatial(shape, demand, least_gpus)]
        yield from (replace(one, shape=shape) for one in known[key])
        yield from swapped(shape, demand, least_gpus)


def _moments(scenario: Scenario, planned_rps: Mapping[tuple[str, str, str, str], float]) -> list[dict[str, float]]:
    """Demands by workload, with headroom and what an outlook takes off every replica."""
    slowed = {outlook.name: outlook.capacity_factor for outlook in scenario.calendar.outlooks}
    names = [workload.name for workload in scenario.workloads]
    times: list[TimeKey] = list(dict.fromkeys((t, h, o) for _, t, h, o in planned_rps))
    demands = [{name: planned_rps[name, *time] / slowed[time[2]] for name in names} for time in times]
    ranked = sorted(demands, key=lambda one: (sum(one.values()), *one.values()))
    peaks = {name: max(one[name] for one in demands) for name in names}
    found = [peaks, ranked[0], ranked[len(ranked) // 2]]
    return [one for index, one in enumerate(found[:MOST_MOMENTS]) if one not in found[:index]]


def _undominated(grown: Iterable[Bundle]) -> list[Bundle]:
    """In the order of worth; of two that dominate each other the first."""
    kept: dict[tuple[Pool, str], list[Bundle]] = {}
    for one in sorted(grown, key=lambda one: (one.shape.group.gpus, -len(one.members), one.order)):
        rivals = [kept.setdefault((one.shape.pool, name), []) for name in one.rates]
        if not any(_dominates(other, one) for other in min(rivals, key=len)):
            for with_name in rivals:
                with_name.append(one)
    found = dict.fromkeys(bundle for bundles in kept.values() for bundle in bundles)
    return sorted(found, key=lambda one: (one.order, one.shape.pool, one.shape.group.gpus))


def _dominates(other: Bundle, one: Bundle) -> bool:
    return all(other.rates.get(name, 0.0) >= rps for name, rps in one.rates.items())


def _chosen(worthy: list[Bundle], most: int) -> Iterator[Bundle]:
    alone = [one for one in worthy if len(one.members) == 1]
    queues = [[one for one in worthy if name in one.rates] for name in sorted({n for o in worthy for n in o.rates})]
    turns = (queue[turn] for turn in range(max(map(len, queues), default=0)) for queue in queues if turn < len(queue))
    yield from list(dict.fromkeys((*alone, *turns)))[: max(most, len(alone))]
