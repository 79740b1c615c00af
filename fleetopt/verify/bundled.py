"""May models share a group at all: as the scenario allows it, on whole groups inside nodes, by profiles there are?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from fleetopt.catalog.domain import DecodeProfile, PrefillProfile
from fleetopt.plan.domain import Placement
from fleetopt.scenario.domain import Survive, Workload
from fleetopt.verify.facts import Facts

WHOLE = 1e-6
"""What groups may be off a whole number."""


def group_faults(facts: Facts, rows: Sequence[Placement]) -> Iterator[str]:
    allowed, kinds = facts.scenario.bundles, {row.bundle for row in rows}
    unheard = allowed is None or (allowed.swapping is None and "swapped" in kinds)
    if allowed is None or unheard or (allowed.spatial is None and "spatial" in kinds):
        yield "the scenario allows no such bundle"
        return
    if len(kinds) > 1 or len({(row.gpus_per_replica, row.node_gpus_per_replica, row.gpu_type) for row in rows}) > 1:
        yield "its members stand on groups of different kinds"
    most = allowed.swapping.most_models if allowed.swapping and "swapped" in kinds else allowed.most_models
    if len(rows) > most:
        yield f"{len(rows)} models share a group, at most {most} may"
    if max(Counter(row.workload for row in rows).values()) > 1:
        yield "a workload stands twice on one group"
    yield from _share_faults(facts, rows)
    groups = sum(row.replicas for row in rows)
    if rows[0].shared is None or round(groups) < 1 or abs(groups - round(groups)) > WHOLE:
        yield f"its members' replicas add up to {groups:.9g} groups, which is no whole number of a named bundle"
    for row in rows:
        yield from _row_faults(facts, row, alone=len(rows) == 1)


def _share_faults(facts: Facts, rows: Sequence[Placement]) -> Iterator[str]:
    """Shares of the GPUs' compute are given away once, and nobody takes turns at the speed of a share."""
    found = [(row, facts.candidates.get((row.model, row.config, role))) for row in rows for role in row.profiles[:1]]
    shares = {row.workload: one.config.gpu_share for row, one in found if one is not None}
    if rows[0].bundle == "spatial" and sum(shares.values()) > 1.0 + WHOLE:
        yield f"its members have {100 * sum(shares.values()):g} % of the GPUs' compute"
    for name, share in shares.items() if rows[0].bundle != "spatial" else ():
        if share < 1.0:
            yield f"{name} takes turns by profiles of {100 * share:g} % of a GPU"


def _row_faults(facts: Facts, row: Placement, *, alone: bool) -> Iterator[str]:
    workload, node = facts.workloads[row.workload], facts.scenario.node_types[row.node_type]
    if row.role != "aggregated":
        yield f"{row.workload} is bundled as {row.role}"
    if workload.isolation and not alone:
        yield f"{row.workload} is to be isolated"
    if not _may_share(workload):
        yield f"{row.workload} promises what is not worked out for bundles"
    for role, kind in zip(row.profiles, (PrefillProfile, DecodeProfile), strict=True):
        found = facts.candidates.get((row.model, row.config, role))
        if found is None or not isinstance(found.profile, kind):
            yield f"{row.config} of {row.model} has no {role} profile"
        elif found.config.data_parallel != 1 or row.gpus_per_replica > node.gpus_per_node:
            yield f"{row.config} is not one group inside a node"


def _may_share(workload: Workload) -> bool:
    bound = (workload.spares, workload.least_replicas, workload.pooled, workload.speculation, workload.family)
    paced = workload.tpot is None or workload.tpot.percentile is None
    several = (workload.further_ttft, workload.further_tpot, workload.e2e)
    return paced and not any(bound) and not any(several) and workload.batch is None and workload.survive == Survive()
