"""What is left after a loss, from the definitions alone: whole sites, and the worst single config of a node or a rack.

A node or a rack takes replicas of one config, as many as its nodes hold, counted whether or not so many are there; what
is enough without the whole pool (for a rack: the site) is enough as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from fleetopt.catalog.domain import Role
from fleetopt.scenario.domain import Scenario, Workload

NEARLY = 1e-9

Pool: TypeAlias = tuple[str, str]


class Stands(NamedTuple):
    """Replicas of a config on a pool, and requests/s of each."""

    role: Role
    pool: Pool
    precision: str
    gpus: int
    replicas: int
    rps: float


def lost_at_once(scenario: Scenario, workload: Workload, pool: Pool, gpus: int) -> int:
    """Replicas of one size that a node or a rack takes, of those that the workload is to survive."""
    racks = {one.site: one.nodes_per_rack or 1 for one in scenario.supply.facilities}
    holds = max(1, scenario.node_types[pool[0]].gpus_per_node // gpus)
    if workload.survive.rack:
        return racks.get(pool[1], 1) * holds
    return holds if workload.survive.node else 0


def survives(scenario: Scenario, workload: Workload, asked: float, stands: Sequence[Stands]) -> bool:
    """Whether the replicas keep what is promised of a demand.

    A replica that carries more than is promised counts as carrying that: one of them is enough.
    """
    most = max(workload.survive.site, workload.survive.rack, workload.survive.node) * asked
    stands = [one._replace(rps=min(one.rps, most)) for one in stands]
    racks = {one.site: one.nodes_per_rack or 1 for one in scenario.supply.facilities}
    survive = workload.survive
    pools = {one.pool for one in stands if one.replicas}
    sites = {pool[1] for pool in pools}
    wholes = [({p for p in pools if p[1] == site}, survive.site) for site in sites]
    parts = [({p for p in pools if p[1] == site}, racks.get(site, 1), survive.rack) for site in sites]
    parts += [({pool}, 1, survive.node) for pool in pools]
    if any(not _enough(_without(stands, lost), share * asked) for lost, share in wholes):
        return False
    return all(
        _enough(_without(stands, lost), share * asked)
        or all(_enough(left, share * asked) for left in _bitten(scenario, stands, lost, nodes))
        for lost, nodes, share in parts
    )


def _without(stands: Sequence[Stands], lost: set[Pool]) -> list[Stands]:
    return [one for one in stands if one.pool not in lost]


def _bitten(scenario: Scenario, stands: Sequence[Stands], lost: set[Pool], nodes: int) -> Iterator[list[Stands]]:
    for index, one in enumerate(stands):
        if one.replicas and one.pool in lost:
            holds = max(1, scenario.node_types[one.pool[0]].gpus_per_node // one.gpus)
            left = one._replace(replicas=one.replicas - nodes * holds)
            yield [*stands[:index], left, *stands[index + 1 :]]


def _enough(stands: Sequence[Stands], wanted: float) -> bool:
    """At each site and precision the lesser of prefill and decode, and aggregated replicas anywhere."""
    rps: dict[tuple[Role, str, str], float] = {}
    for one in stands:
        key = (one.role, one.pool[1], one.precision)
        rps[key] = rps.get(key, 0.0) + one.replicas * one.rps
    aggregated = sum(total for (role, _, _), total in rps.items() if role == "aggregated")
    links = {(site, precision) for _, site, precision in rps}
    split = sum(min(rps.get(("prefill", *link), 0.0), rps.get(("decode", *link), 0.0)) for link in links)
    return aggregated + split >= wanted * (1.0 - NEARLY)
