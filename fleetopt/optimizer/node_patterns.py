"""Node patterns: prefill and decode replicas that stand in one node, and serve whole requests together.

    capacity(a, b)  =  min(a cap[prefill], b cap[decode])      a, b >= 1,  a gpus[prefill] + b gpus[decode] <= v

A pattern of a prefill replicas of one config and b decode replicas of another, of one KV format and one GPU type, is an
option like an aggregated replica of v GPUs: the KV cache stays inside the node. `v` is one of the sizes that leave
counting GPUs the same as packing nodes (docs/decisions/0005). For each size the pattern that carries most is kept, if
it carries more than copies of a smaller one do; any other can be replaced by it.

    lost(k of a role)  =  (k div n) capacity + max(0, capacity - (n - k mod n) cap[role])        n replicas of it

is the most that k replicas of a role can take with them, since to empty whole nodes takes most by the replica. With
spares or least replicas those patterns are kept that no other beats in what it carries, in that less what spares may
lose, and in replicas of each role that is counted.

Source: Zhong et al., DistServe, OSDI 2024, Algorithm 2 (placement where nodes have a slow network between them), with
the pair of configs chosen by the program, and several replicas of each in a node.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from fleetopt.capacity.domain import Capacity
from fleetopt.capacity.fabric import kv_bytes
from fleetopt.catalog.domain import Candidate, ModelCard, Role
from fleetopt.scenario.domain import Workload
from fleetopt.scenario.supply_domain import Fabric


@dataclass(frozen=True, slots=True)
class NodePattern:
    """Replicas of a workload that share a node: `prefills` of one config, and `decodes` of another."""

    prefill: Capacity
    prefills: int
    decode: Capacity
    decodes: int

    @property
    def name(self) -> str:
        """What a plan calls it: 2 x a100-tp2 + 1 x a100-tp4."""
        names = self.prefill.candidate.config.name, self.decode.candidate.config.name
        return f"{self.prefills} x {names[0]} + {self.decodes} x {names[1]}"

    @property
    def counts(self) -> dict[Role, int]:
        """Replicas of each role."""
        return {"prefill": self.prefills, "decode": self.decodes}

    def lost_rps(self, spares: Mapping[Role, int]) -> float:
        """The most that the patterns of a group carry less when so many replicas of each role are lost."""
        whole, lost = self.capacity_rps, 0.0
        each = {"prefill": self.prefill.capacity_rps, "decode": self.decode.capacity_rps}
        for role, count in self.counts.items():
            emptied, more = divmod(spares.get(role, 0), count)
            lost += emptied * whole + max(0.0, whole - (count - more) * each[role])
        return lost

    @property
    def gpus(self) -> int:
        """GPUs of all its replicas."""
        prefill, decode = (one.candidate.config.gpus_per_replica for one in (self.prefill, self.decode))
        return self.prefills * prefill + self.decodes * decode

    @property
    def capacity_rps(self) -> float:
        """Whole requests/s."""
        return min(self.prefills * self.prefill.capacity_rps, self.decodes * self.decode.capacity_rps)

    def as_capacity(self) -> Capacity:
        """The pattern as what one replica of aggregated serving would be."""
        config = replace(
            self.prefill.candidate.config,
            name=self.name,
            gpus_per_replica=self.gpus,
            tensor_parallel=self.gpus,
            pipeline_parallel=1,
            data_parallel=1,
        )
        return replace(
            self.prefill,
            candidate=Candidate(config, "aggregated", self.prefill.candidate.profile),
            capacity_rps=self.capacity_rps,
            reach=None,
            pools=(),
            shared=None,
        )


def node_patterns(
    rows: Iterable[Capacity], workload: Workload, card: ModelCard, fabric: Fabric, sizes: Iterable[int]
) -> Iterator[tuple[int, NodePattern]]:
    """The patterns of a workload worth having on one kind of node, with the GPUs set aside for each, by rising size.

    Args:
        rows: its capacities on the node's GPU type.
        workload: the workload.
        card: its model.
        fabric: that of the site.
        sizes: GPUs that may be set aside, at most a node; each divides the next.
    """
    if fabric.inside_bytes_per_s is None:
        return
    most_rps = fabric.fill * fabric.inside_bytes_per_s / kv_bytes(workload, card)
    found = [_at_most(row, most_rps) for row in rows if row.capacity_rps > 0]
    prefills = [
        row for row in found if row.reach is not None and (row.reach.site, row.reach.hop) == (fabric.site, "inside")
    ]
    decodes = [row for row in found if row.candidate.role == "decode"]
    pairs = [pair for pair in product(_largest(prefills), _largest(decodes)) if _speak(*pair)]
    best: list[tuple[int, NodePattern]] = []
    for size in sizes:
        counted = bool(workload.spares or workload.least_replicas)
        fitting = [pattern for pair in pairs for pattern in _within(*pair, size, counted=counted)]
        for one in sorted(fitting, key=lambda one: (one.capacity_rps, -one.gpus, one.name), reverse=True):
            own = _worth(one, workload, 1)
            if not any(_beats(_worth(other, workload, size // smaller), own) for smaller, other in best):
                best.append((size, one))
    yield from best


def _worth(pattern: NodePattern, workload: Workload, copies: int) -> tuple[float, ...]:
    """What speaks for so many copies of a pattern: what they carry and, where it counts, what is left and is there."""
    carried = copies * pattern.capacity_rps
    left = carried - pattern.lost_rps(dict(workload.spares))
    there = (copies * pattern.counts.get(role, 0) for role, _ in workload.least_replicas)
    return carried, left, *there


def _beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(a >= b for a, b in zip(one, other, strict=True))


def _at_most(row: Capacity, rps: float) -> Capacity:
    """What a replica carries, at most what its link does."""
    return row if row.capacity_rps <= rps else replace(row, capacity_rps=rps, binds="network")


def _largest(rows: Iterable[Capacity]) -> list[Capacity]:
    """Of each size and KV format the config that carries most."""
    best: dict[tuple[int, str], Capacity] = {}
    for row in rows:
        key = row.candidate.config.gpus_per_replica, row.candidate.config.kv_format
        if key not in best or row.capacity_rps > best[key].capacity_rps:
            best[key] = row
    return list(best.values())


def _speak(prefill: Capacity, decode: Capacity) -> bool:
    return prefill.candidate.config.kv_format == decode.candidate.config.kv_format


def _within(prefill: Capacity, decode: Capacity, gpus: int, *, counted: bool) -> Iterator[NodePattern]:
    """Every number of prefill replicas with as many of decode as still fit, or with any number where they count."""
    for prefills in range(1, gpus // prefill.candidate.config.gpus_per_replica + 1):
        left = gpus - prefills * prefill.candidate.config.gpus_per_replica
        most = left // decode.candidate.config.gpus_per_replica
        if counted:
            yield from (NodePattern(prefill, prefills, decode, decodes) for decodes in range(1, most + 1))
        elif most:
            yield _trimmed(NodePattern(prefill, prefills, decode, most))


def _trimmed(pattern: NodePattern) -> NodePattern:
    """The pattern without decode replicas that prefill cannot keep busy."""
    rps, each = pattern.prefills * pattern.prefill.capacity_rps, pattern.decode.capacity_rps
    while pattern.decodes > 1 and (pattern.decodes - 1) * each >= rps:
        pattern = replace(pattern, decodes=pattern.decodes - 1)
    return pattern
