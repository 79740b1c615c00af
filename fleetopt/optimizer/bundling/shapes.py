"""The shapes of groups that a scenario has, and who may stand on them: of each workload the config that carries most.

Who runs on a share of the GPUs stands beside these, the best of each share.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from fleetopt.capacity.bundles import Group, Member
from fleetopt.capacity.members import members_of
from fleetopt.catalog.domain import NodeType
from fleetopt.catalog.memory import BYTES_PER_GIB
from fleetopt.optimizer.bundling.domain import Shape, Sliced, largest_rps, sliced
from fleetopt.optimizer.options import Pool
from fleetopt.scenario.bundling import Bundling
from fleetopt.scenario.domain import Scenario

Who: TypeAlias = tuple[str, int, str]
"""GPU type, GPUs of a group, workload."""


def shapes_of(scenario: Scenario, allowed: Bundling, pools: list[Pool]) -> Iterator[Shape]:
    """Every shape of group inside the nodes of each pool."""
    supplied = {scenario.node_types[pool[0]].gpu_type for pool in pools}
    rivals: dict[tuple[Who, float], list[Member]] = {}
    for workload in scenario.workloads:
        for one in members_of(scenario, workload, supplied):
            who = one.config.gpu_type, one.config.gpus_per_replica, workload.name
            rivals.setdefault((who, one.config.gpu_share), []).append(one)
    whole = {who: _most(scenario, found, allowed) for (who, share), found in rivals.items() if share == 1.0}
    parts = [(who, _best(scenario, found, allowed)) for (who, share), found in rivals.items() if share < 1.0]
    for pool in pools:
        node = scenario.node_types[pool[0]]
        for gpus in sorted({gpus for (gpu_type, gpus, _), _ in rivals if gpu_type == node.gpu_type}):
            shape = node.gpu_type, gpus
            there = {who[2]: one for who, one in whole.items() if who[:2] == shape and _may(one[1], pool, node)}
            cut = tuple(one for who, one in parts if one and who[:2] == shape and _may(one.member, pool, node))
            if (there or cut) and node.gpus_per_node % gpus == 0:
                members = {name: one for name, (_, one) in there.items()}
                alone_rps = {name: rps for name, (rps, _) in there.items()}
                yield Shape(pool, _group(scenario, node, gpus), members, alone_rps, allowed, cut)


def _may(one: Member, pool: Pool, node: NodeType) -> bool:
    return one.workload.may_use(node.gpu_type, pool[1])


def _most(scenario: Scenario, rivals: list[Member], allowed: Bundling) -> tuple[float, Member]:
    """The rival that carries most by itself, and that; who carries nothing may still be swapped in."""
    found = [(largest_rps(one, _alone(scenario, one), allowed), one) for one in rivals]
    return max(found, key=lambda one: one[0])


def _best(scenario: Scenario, rivals: list[Member], allowed: Bundling) -> Sliced | None:
    found = [cut for one in rivals if (cut := sliced(one, _alone(scenario, one), allowed)) is not None]
    return max(found, key=lambda one: one.alone_rps, default=None)


def _alone(scenario: Scenario, one: Member) -> Group:
    size_bytes = scenario.gpu_types[one.config.gpu_type].memory_gib * BYTES_PER_GIB
    return Group(one.config.gpus_per_replica, size_bytes)


def _group(scenario: Scenario, node: NodeType, gpus: int) -> Group:
    """The group, which has its GPUs' part of what the node has for weights, so that any groups fit together."""
    swapping = scenario.bundles.swapping if scenario.bundles is not None else None
    host_bytes = dict(swapping.host_memory_bytes).get(node.name, 0.0) if swapping is not None else 0.0
    size_bytes = scenario.gpu_types[node.gpu_type].memory_gib * BYTES_PER_GIB
    return Group(gpus, size_bytes, host_bytes * gpus / node.gpus_per_node)
