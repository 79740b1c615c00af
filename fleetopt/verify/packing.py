"""Do the replicas stand on the nodes, one by one, without any GPU used twice?"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable

from fleetopt.plan.domain import Check, Placement
from fleetopt.verify.facts import Facts, named
from fleetopt.verify.patterns import joined
from fleetopt.verify.tally import Tally

_SUM_TOLERANCE = 1e-9
"""Shares that add up to whole replicas do so to a double's precision."""


def gpus_pack_into_nodes(facts: Facts) -> Check:
    """For each node type and site at each time, first-fit decreasing puts every replica on its nodes.

    Replicas as large as a node take whole nodes. The rest are packed at their true sizes and, where that
    fails, at the sizes set aside for them: first-fit decreasing never fails on sizes that divide one another
    and fit in total, but it may on others.
    """
    tally = Tally("gpus_pack_into_nodes", "nodes", nothing="no replicas")
    for (node_type, site, time), rows in facts.placements_by_pool.items():
        nodes, size = facts.pools.get((node_type, site, time), 0), facts.gpus_per_node(node_type)
        needed = nodes_needed(rows, size, nodes)
        detail = f"{node_type} at {site} in {named(time)}: {needed} of {nodes} nodes"
        tally.hold(nodes - needed, 0.0, detail)
    return tally.check()


def nodes_needed(rows: Iterable[Placement], gpus_per_node: int, nodes: int) -> int:
    """Nodes that the replicas of a pool fill; what packs at either size counts."""
    true, aside = Counter[int](), Counter[int]()
    for (_, _, _, gpus, set_aside), replicas in standing(rows).items():
        true[gpus] += replicas
        aside[max(set_aside, gpus)] += replicas
    needed = first_fit_decreasing(true, gpus_per_node)
    return needed if needed <= nodes else min(needed, first_fit_decreasing(aside, gpus_per_node))


def standing(rows: Iterable[Placement]) -> dict[tuple[str, str, str, int, int], int]:
    """Whole replicas, by owner, config, role and sizes: those that buckets share are counted once, rounded up.

    A node pattern counts as one replica: it fits into one node, or not at all.
    """
    shares: dict[tuple[str, str, str, int, int], float] = defaultdict(float)
    for row in joined(rows):
        owner = f"shared {row.shared}" if row.shared is not None else f"own {row.workload}"
        # Members of a bundle differ in their configs and stand on the same GPUs.
        config = row.config if row.bundle is None else "bundle"
        aside = math.ceil(row.node_gpus_per_replica)
        shares[owner, config, row.role, row.gpus_per_replica, aside] += row.replicas
    return {key: math.ceil(share * (1.0 - _SUM_TOLERANCE)) for key, share in shares.items()}


def first_fit_decreasing(replicas: Counter[int], gpus_per_node: int) -> int:
    """Nodes that first-fit decreasing opens for so many replicas of each size (GPUs).

    Nodes in the same state are kept as one group, in the order in which they were opened, so that the work
    does not grow with the number of replicas.

    >>> first_fit_decreasing(Counter({16: 1, 4: 3, 2: 2}), 8)
    4
    """
    whole = sum(count * math.ceil(size / gpus_per_node) for size, count in replicas.items() if size >= gpus_per_node)
    groups: list[tuple[int, int]] = []
    for size in sorted((size for size in replicas if 0 < size < gpus_per_node), reverse=True):
        groups, left = _fill(groups, size, replicas[size])
        per_node = gpus_per_node // size
        opened = [(gpus_per_node - per_node * size, left // per_node), (gpus_per_node - left % per_node * size, 1)]
        groups += opened if left % per_node else opened[:1]
    return whole + sum(count for _, count in groups)


def _fill(groups: list[tuple[int, int]], size: int, left: int) -> tuple[list[tuple[int, int]], int]:
    """Put up to `left` replicas of a size into the (free GPUs, nodes) groups, first node first."""
    filled: list[tuple[int, int]] = []
    for free, count in groups:
        per_node = free // size
        full = min(count, left // per_node) if per_node else 0
        rest = left - full * per_node if per_node and full < count else 0
        filled.append((free - per_node * size if full else free, full))
        filled.append((free - rest * size, 1 if rest else 0))
        filled.append((free, count - full - (1 if rest else 0)))
        left -= full * per_node + rest
    return [(free, count) for free, count in filled if count], left
