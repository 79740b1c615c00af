"""How many GPUs of a node a replica sets aside, so that counting GPUs is the same as packing nodes.

If every size in use divides the next larger one and they all divide the node (1, 2, 4, 8 on an 8-GPU node),
replicas whose GPUs fit in total fit into nodes: place the largest first, and what is left over is always a
multiple of the next size. Otherwise each size is rounded up to a power of two that divides the node, or to the
whole node: never too few GPUs, and the plan says that some were set aside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise


def gpus_set_aside(sizes: Iterable[int], gpus_per_node: int) -> Mapping[int, int]:
    """GPUs to set aside for each replica size on nodes of `gpus_per_node` GPUs.

    >>> gpus_set_aside([1, 2, 8, 16], 8)
    {1: 1, 2: 2, 8: 8, 16: 16}
    >>> gpus_set_aside([1, 3, 4, 12], 8)
    {1: 1, 3: 4, 4: 4, 12: 16}
    """
    whole = {g: _whole_nodes(g, gpus_per_node) for g in sizes}
    inside = sorted({g for g in whole.values() if g < gpus_per_node} | {gpus_per_node})
    if all(larger % smaller == 0 for smaller, larger in pairwise(inside)):
        return whole
    return {g: set_aside if set_aside >= gpus_per_node else _power(g, gpus_per_node) for g, set_aside in whole.items()}


def sizes_between(set_aside: Iterable[int], gpus_per_node: int) -> tuple[int, ...]:
    """What may be set aside beside replicas that set aside so much, and counting still is packing: by rising size.

    Each divides the next, and the node. More of them leave less of a node idle, so all powers of two that fit in.

    >>> sizes_between([2, 8], 8), sizes_between([3], 6), sizes_between([16], 8)
    ((1, 2, 4, 8), (1, 3, 6), (1, 2, 4, 8))
    """
    known = sorted({1, gpus_per_node, *(size for size in set_aside if size < gpus_per_node)})
    found: list[int] = []
    for smaller, larger in pairwise(known):
        size = smaller
        while size < larger and larger % size == 0:
            found.append(size)
            size *= 2
    return (*found, gpus_per_node)


def _whole_nodes(gpus: int, gpus_per_node: int) -> int:
    """Replicas as large as a node or larger take whole nodes."""
    return gpus if gpus < gpus_per_node else -(-gpus // gpus_per_node) * gpus_per_node


def _power(gpus: int, gpus_per_node: int) -> int:
    power = 1
    while power < gpus:
        power *= 2
    return power if gpus_per_node % power == 0 else gpus_per_node
