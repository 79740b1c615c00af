"""All bundles of a scenario that are worth a column: grown on every shape of group, undominated, and not too many.

A bundle is dominated where another on the same pool carries at least as much of each of its members on as few GPUs.
Of the rest each workload in turn chooses its best, by the GPUs that a bundle stands for on each of its own, until
there are as many as the scenario allows; bundles of one come first, so that sharing nothing stays possible.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from fleetopt.capacity.bundles import Group, Member
from fleetopt.capacity.members import members_of
from fleetopt.catalog.domain import NodeType
from fleetopt.catalog.memory import BYTES_PER_GIB
from fleetopt.optimizer.bundling.domain import Bundle, Shape, largest_rps
from fleetopt.optimizer.bundling.growth import colocated, swapped
from fleetopt.optimizer.options import Pool
from fleetopt.scenario.bundling import Bundling
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
    shapes = list(_shapes(scenario, scenario.bundles, list(pools)))
    least_gpus: dict[str, int] = {}
    for shape in shapes:
        for name, rps in shape.alone_rps.items():
            if rps:
                least_gpus[name] = min(least_gpus.get(name, shape.group.gpus), shape.group.gpus)
    grown = [one for demand in _moments(scenario, planned_rps) for one in _grown(shapes, demand, least_gpus)]
    worthy = _undominated(grown)
    return Choice(tuple(_chosen(worthy, scenario.bundles.most_bundles)), len(worthy))


def _grown(shapes: list[Shape], demand: dict[str, float], least_gpus: dict[str, int]) -> Iterator[Bundle]:
    """Resident models want the same on nodes of any size, so that these sets are grown once."""
    known: dict[tuple[int, frozenset[Member]], list[Bundle]] = {}
    for shape in shapes:
        key = shape.group.gpus, frozenset(shape.members.values())
        if key not in known:
            known[key] = list(colocated(shape, demand, least_gpus))
        yield from (replace(one, shape=shape) for one in known[key])
        yield from swapped(shape, demand, least_gpus)


def _shapes(scenario: Scenario, allowed: Bundling, pools: list[Pool]) -> Iterator[Shape]:
    supplied = {scenario.node_types[pool[0]].gpu_type for pool in pools}
    everybody: dict[tuple[str, int, str], list[Member]] = {}
    for workload in scenario.workloads:
        for one in members_of(scenario, workload, supplied):
            key = one.config.gpu_type, one.config.gpus_per_replica, workload.name
            everybody.setdefault(key, []).append(one)
    best = {key: max(_alone(scenario, rivals, allowed), key=lambda one: one[0]) for key, rivals in everybody.items()}
    for pool in pools:
        node = scenario.node_types[pool[0]]
        for gpus in sorted({gpus for gpu_type, gpus, _ in best if gpu_type == node.gpu_type}):
            own = {
                name: one for (gpu_type, size, name), one in best.items() if (gpu_type, size) == (node.gpu_type, gpus)
            }
            there = {name: one for name, one in own.items() if one[1].workload.may_use(node.gpu_type, pool[1])}
            if there and node.gpus_per_node % gpus == 0:
                members = {name: one for name, (_, one) in there.items()}
                alone_rps = {name: rps for name, (rps, _) in there.items()}
                yield Shape(pool, _group(scenario, node, gpus), members, alone_rps, allowed)


def _alone(scenario: Scenario, rivals: list[Member], allowed: Bundling) -> Iterator[tuple[float, Member]]:
    """Rivals with what each carries by itself; who carries nothing may still be swapped in."""
    for one in rivals:
        size_bytes = scenario.gpu_types[one.config.gpu_type].memory_gib * BYTES_PER_GIB
        yield largest_rps(one, Group(one.config.gpus_per_replica, size_bytes), allowed), one


def _group(scenario: Scenario, node: NodeType, gpus: int) -> Group:
    """The group, which has its GPUs' part of what the node has for weights, so that any groups fit together."""
    swapping = scenario.bundles.swapping if scenario.bundles is not None else None
    host_bytes = dict(swapping.host_memory_bytes).get(node.name, 0.0) if swapping is not None else 0.0
    size_bytes = scenario.gpu_types[node.gpu_type].memory_gib * BYTES_PER_GIB
    return Group(gpus, size_bytes, host_bytes * gpus / node.gpus_per_node)


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
