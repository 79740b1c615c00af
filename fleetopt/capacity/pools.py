"""Pools: what each replica carries when n of them share one queue, which grows with n.

More servers behind one queue wait for one another less often (economies of scale; Whitt 1992, "Understanding the
efficiency of multi-server service systems", Management Science 38). A size is kept where it carries more per
replica than every smaller one; a pool between two sizes is credited with the smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fleetopt.capacity.domain import PoolSize

EVERY_SIZE_UP_TO = 12
GROWTH = 1.25
WORTH_A_SIZE = 1e-3
"""A size that carries less than this fraction more than the one before is left out."""


def pool_sizes(carried_rps: Callable[[int], float], peak_rps: float) -> tuple[PoolSize, ...]:
    """Sizes from one replica to as many as carry `peak_rps`; `carried_rps` gives requests/s per replica by size."""
    kept: list[PoolSize] = []
    for replicas in _sizes():
        rps = carried_rps(replicas)
        if not kept or rps > kept[-1].capacity_rps * (1.0 + WORTH_A_SIZE):
            kept.append(PoolSize(replicas, rps))
        elif replicas > EVERY_SIZE_UP_TO:
            break
        if replicas * rps >= peak_rps:
            break
    return tuple(kept)


def _sizes() -> Iterator[int]:
    size = 0
    while True:
        size = size + 1 if size < EVERY_SIZE_UP_TO else int(size * GROWTH)
        yield size
