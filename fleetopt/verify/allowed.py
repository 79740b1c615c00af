"""May each placement be there: a known serving config, on the GPU type and in a role its workload allows?"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

from fleetopt.catalog.domain import EVIDENCE, Candidate, NodeType
from fleetopt.plan.domain import Check, Placement
from fleetopt.scenario.domain import Workload
from fleetopt.verify.facts import Facts, Time, named
from fleetopt.verify.patterns import patterns_are_whole
from fleetopt.verify.tally import Tally


def placements_are_allowed(facts: Facts) -> Check:
    """Every placement is a candidate of its workload's model, on nodes and of a size that fit it."""
    tally = Tally("placements_are_allowed", "", nothing=f"{len(facts.plan.placements)} placements")
    for row in facts.plan.placements:
        for fault in _faults(facts, row):
            tally.fail(f"{place(row)}: {fault}")
    for fault in _division_faults(facts):
        tally.fail(fault)
    patterns_are_whole(facts, tally)
    return tally.check()


def place(row: Placement) -> str:
    """Which placement, in words."""
    return f"{row.workload} {row.role} on {row.config} at {row.site} in {row.period}/{row.slot}/{row.outlook}"


def _faults(facts: Facts, row: Placement) -> Iterator[str]:
    found = [facts.candidates.get((row.model, row.config, role)) for role in row.profiles]
    candidate = max(filter(None, found), key=_surety, default=None) if all(found) else None
    if candidate is None:
        yield f"{row.model} has no serving config '{row.config}' for {row.role}"
        return
    node = facts.scenario.node_types[row.node_type]
    if not facts.workloads[row.workload].allows(candidate.config, row.role):
        yield f"the workload does not allow {row.role} on {candidate.config.gpu_type} at {candidate.config.precision}"
    places = facts.workloads[row.workload].sites
    if places is not None and row.site not in places:
        yield f"the workload may not stand at {row.site}"
    yield from _sharing_faults(facts.workloads[row.workload], row)
    yield from _gpu_type_faults(row, candidate, node)
    yield from _size_faults(row, candidate, node)
    evidence = candidate.profile.provenance.evidence
    if row.evidence != evidence:
        yield f"its evidence is {evidence}, not {row.evidence}"


def _surety(candidate: Candidate) -> int:
    """How little sure the evidence is."""
    return EVIDENCE.index(candidate.profile.provenance.evidence)


def _sharing_faults(workload: Workload, row: Placement) -> Iterator[str]:
    if row.bundle is not None:
        return  # judged with its group
    family = workload.family
    if row.shared is None and row.replicas != int(row.replicas):
        yield f"{row.replicas:g} replicas are not whole, and nobody shares them"
    if row.shared is not None and (family is None or family.sharing == "none" or family.name != row.shared):
        yield f"its replicas are shared with '{row.shared}', which the workload is no bucket of"


def _division_faults(facts: Facts) -> Iterator[str]:
    """Buckets that are to stay whole and yet are served in two places."""
    places: dict[tuple[str, Time, str], set[tuple[str, str, str, str | None]]] = defaultdict(set)
    for row in facts.plan.placements:
        family = facts.workloads[row.workload].family
        if family is not None and family.sharing == "whole" and row.replicas > 0:
            for side in ("prefill", "decode") if row.role == "aggregated" else (row.role,):
                at = (row.config, row.node_type, row.site, row.shared)
                places[row.workload, (row.period, row.slot, row.outlook), side].add(at)
    for (workload, time, side), found in places.items():
        if len(found) > 1:
            yield f"{workload} in {named(time)}: {side} is divided over {len(found)} configs, and is to stay whole"


def _gpu_type_faults(row: Placement, candidate: Candidate, node: NodeType) -> Iterator[str]:
    if row.gpu_type != candidate.config.gpu_type:
        yield f"the config runs on {candidate.config.gpu_type}, not {row.gpu_type}"
    if node.gpu_type != candidate.config.gpu_type:
        yield f"node type {node.name} has {node.gpu_type}, the config runs on {candidate.config.gpu_type}"


def _size_faults(row: Placement, candidate: Candidate, node: NodeType) -> Iterator[str]:
    gpus, per_node = candidate.config.gpus_per_replica, node.gpus_per_node
    if row.gpus_per_replica != gpus:
        yield f"a replica has {gpus} GPUs, not {row.gpus_per_replica}"
    if row.pattern is not None:
        return  # what a pattern sets aside is judged as a whole
    whole = math.ceil(gpus / per_node) * per_node
    if gpus >= per_node and row.node_gpus_per_replica != whole:
        yield f"a replica of {gpus} GPUs takes whole nodes of {per_node}, not {row.node_gpus_per_replica} GPUs"
    if gpus < per_node and not gpus <= row.node_gpus_per_replica <= per_node:
        yield f"a replica of {gpus} GPUs cannot set aside {row.node_gpus_per_replica} of a node's {per_node}"
