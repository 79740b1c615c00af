"""Drops options that no best plan needs.

An option is dominated when whole copies of another (same workload, role, pool and KV format) set aside no more GPUs and
carry at least as much: replace each of its replicas by the copies and every promise still holds at the same
cost. Where replicas share a queue, the copies are credited with what they carry alone and the others with what they
carry in the largest pool. Shared options stay: what is best for one bucket may not be for another. Of two that
dominate each other the first by (GPUs, capacity, name) stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fleetopt.optimizer.options import Link, Option, Pool


def undominated(options: Iterable[Option]) -> list[Option]:
    """The options of one workload worth offering to the problem, in the order given."""
    everything = list(options)
    kept: dict[tuple[str, Pool, Link], list[Option]] = {}
    for option in sorted((one for one in everything if one.shared is None), key=_smallest_first):
        group = kept.setdefault((option.capacity.candidate.role, option.pool, _reach(option)), [])
        if not any(other.family != option.family and _dominates(other, option) for other in group):
            group.append(option)
    chosen = {option.name for group in kept.values() for option in group}
    return [option for option in everything if option.name in chosen or option.shared is not None]


def _reach(option: Option) -> Link:
    """What decides with whom a replica can work: nobody else, for aggregated serving."""
    return (option.pool[1], "") if option.capacity.candidate.role == "aggregated" else option.link


def _smallest_first(option: Option) -> tuple[int, float, str]:
    return option.node_gpus, -option.capacity.capacity_rps, option.name


def _dominates(small: Option, large: Option) -> bool:
    copies = large.node_gpus // small.node_gpus
    alone, pools = small.capacity.capacity_rps, large.capacity.pools
    return copies * alone >= (pools[-1].capacity_rps if pools else large.capacity.capacity_rps)
