"""What the oracle takes from definitions alone: exact bin packing, and a queue of several servers."""

from __future__ import annotations

import math
from functools import cache


@cache
def together(servers: int, mu: float, ttft_s: float) -> float:
    """The arrival rate at which an M/M/c queue's mean sojourn C / (c mu - lam) + 1/mu is the promise, by halving."""
    low, high = 0.0, servers * mu
    for _ in range(100):
        lam = (low + high) / 2.0
        busy = lam / mu
        empty = sum(busy**k / math.factorial(k) for k in range(servers))
        full = busy**servers / math.factorial(servers) / (1.0 - busy / servers) if busy < servers else math.inf
        late = busy >= servers or full / (empty + full) / (servers * mu - lam) + 1.0 / mu > ttft_s
        low, high = (low, lam) if late else (lam, high)
    return low


@cache
def fewest_nodes(sizes: tuple[int, ...], gpus_per_node: int) -> int:
    """Exact bin packing. A replica as large as a node or larger takes whole nodes for itself."""
    whole = sum(-(-size // gpus_per_node) for size in sizes if size >= gpus_per_node)
    small = tuple(sorted((size for size in sizes if size < gpus_per_node), reverse=True))
    bins = -(-sum(small) // gpus_per_node)
    while not _packs(small, (gpus_per_node,) * bins):
        bins += 1
    return whole + bins


@cache
def _packs(sizes: tuple[int, ...], free: tuple[int, ...]) -> bool:
    """Whether the sizes fit into the free space, by trying the first of them on every node."""
    if not sizes:
        return True
    places = {space for space in free if space >= sizes[0]}
    return any(_packs(sizes[1:], tuple(sorted(_less(free, space, sizes[0])))) for space in places)


def _less(free: tuple[int, ...], space: int, size: int) -> list[int]:
    left = list(free)
    left.remove(space)
    return [*left, space - size]
