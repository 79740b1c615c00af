"""What the network between nodes lets a replica hand over, wherever it comes to stand.

    capacity  <=  fill * between * (GPUs set aside) / (GPUs of a node) / bytes      prefill sends, decode takes

Each replica has the part of its node's link that it has of the node's GPUs, each way. Then no node sends or takes more
than its link carries, however replicas are packed and however traffic is spread within their capacities: the link of a
node is shared like its GPUs, and both are counted by the same rows. Anything less strict would have to know who stands
beside whom. Source: docs/math.md, "Fabrics"; docs/decisions/0022.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from fleetopt.capacity.domain import Capacity, PoolSize
from fleetopt.capacity.fabric import kv_bytes
from fleetopt.scenario.domain import Scenario, Workload
from fleetopt.scenario.supply_domain import Fabric

if TYPE_CHECKING:
    from fleetopt.optimizer.options import Pool


def linked(row: Capacity, site: str, fabrics: Iterable[Fabric]) -> bool:
    """Whether a replica can stand at a site by itself, with its other role, if it has one, on other nodes."""
    fabric = _at(site, fabrics)
    if fabric is None or row.candidate.role == "aggregated":
        return True
    if row.reach is not None and (row.reach.site, row.reach.hop) != (site, "between"):
        return False
    return fabric.between_bytes_per_s is not None


def shared_out(row: Capacity, scenario: Scenario, workload: Workload, pool: Pool, node_gpus: int) -> Capacity:
    """What a replica carries when it has no more than its share of the link of its node, or of its nodes."""
    fabric = _at(pool[1], scenario.supply.fabrics)
    if fabric is None or fabric.between_bytes_per_s is None or row.candidate.role == "aggregated":
        return row
    share = node_gpus / scenario.node_types[pool[0]].gpus_per_node
    card = scenario.models[workload.model].card
    most_rps = fabric.fill * fabric.between_bytes_per_s * share / kv_bytes(workload, card)
    pools = tuple(PoolSize(one.replicas, min(one.capacity_rps, most_rps)) for one in row.pools)
    shared = row.shared
    if shared is not None and shared.capacity_rps > most_rps:
        shared = replace(shared, capacity_rps=most_rps)
    if row.capacity_rps <= most_rps:
        return replace(row, pools=pools, shared=shared)
    part = most_rps / row.capacity_rps
    slower = row.slo_tokens_per_s * part
    return replace(row, capacity_rps=most_rps, slo_tokens_per_s=slower, binds="network", pools=pools, shared=shared)


def _at(site: str, fabrics: Iterable[Fabric]) -> Fabric | None:
    return next((fabric for fabric in fabrics if fabric.site == site), None)
