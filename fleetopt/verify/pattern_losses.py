"""What node patterns are still good for when replicas in them are lost, tried one way after another.

Of k replicas of a role some are lost in one node, some in the next: the worst of all ways to divide them is taken, and
those of the other role are lost in yet other nodes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from fleetopt.catalog.domain import Role
from fleetopt.plan.domain import Placement
from fleetopt.verify.patterns import count_of, joined


def weakened(rows: Sequence[Placement], spares: Mapping[Role, int]) -> list[Placement]:
    """The node patterns among the placements of a workload at a time, each as one, with as many as are still whole."""
    groups: dict[tuple[str | None, str, str], list[Placement]] = defaultdict(list)
    for row in rows:
        if row.pattern is not None and row.replicas > 0:
            groups[row.pattern, row.node_type, row.site].append(row)
    found = []
    for pair in groups.values():
        (whole,) = joined(pair)
        lost = sum(_worst(pair, row, spares.get(row.role, 0)) for row in pair)
        left = max(0.0, max(map(count_of, pair)) * whole.capacity_rps - lost)
        replicas = left / whole.capacity_rps if whole.capacity_rps > 0 else 0.0
        found.append(whole.model_copy(update={"replicas": replicas}))
    return found


def _worst(pair: Sequence[Placement], row: Placement, lost: int) -> float:
    """The most requests/s that so many replicas of a placement take with them."""
    each = row.pattern_replicas or 0
    worst = [0.0]
    for count in range(1, lost + 1):
        ways = (_taken(pair, row, here) + worst[count - here] for here in range(1, min(each, count) + 1))
        worst.append(max(ways, default=0.0))
    return worst[lost]


def _taken(pair: Sequence[Placement], row: Placement, lost: int) -> float:
    """What one pattern carries less without so many replicas of a placement."""
    there = {one.role: (one.pattern_replicas or 0) * one.capacity_rps for one in pair}
    left = there | {row.role: ((row.pattern_replicas or 0) - lost) * row.capacity_rps}
    return min(there.values()) - min(left.values())
