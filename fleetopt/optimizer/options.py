"""Options: the ways to run a workload that the problem chooses from, with what a replica sets aside and carries.

One for each capacity and pool it can stand on, and one for each range of pool sizes or share of a replica. What another
option can replace at every size is left out before the problem is written (dominance).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TypeAlias

from fleetopt.capacity.bundles import Kind
from fleetopt.capacity.domain import Capacity, CapacityTable
from fleetopt.catalog.domain import Candidate, NodeType, Role
from fleetopt.optimizer.credit import most_lost
from fleetopt.optimizer.dominance import undominated
from fleetopt.optimizer.network import linked, shared_out
from fleetopt.optimizer.node_patterns import NodePattern, node_patterns
from fleetopt.optimizer.packing import gpus_set_aside, sizes_between
from fleetopt.scenario.domain import Scenario, Workload

Pool: TypeAlias = tuple[str, str]
"""(node type, site): nodes that are interchangeable for packing replicas."""

Link: TypeAlias = tuple[str, str]
"""(site, KV format): where and how prefill can hand its KV cache to decode."""


@dataclass(frozen=True, slots=True)
class Option:
    """A way to run a workload: a capacity, on the nodes of one pool, setting aside `node_gpus` GPUs a replica.

    Each replica carries `capacity_rps` while there are `least` to `most` of them: one to as many as the demand can
    use, or a range of sizes of a pool behind one queue. Replicas of a `shared` option belong to several workloads, the
    length buckets of the one named, or the members of a bundle: their number is then not whole. `part` is the part of a
    group of GPUs that is counted as a member's; it carries `capacity_rps` for each whole group of it, and no more. A
    `pattern` counts as one replica. `beyond` are replicas of use beside those that carry, `company` how many are of use
    whatever they carry.
    """

    name: str
    capacity: Capacity
    pool: Pool
    node_gpus: int
    capacity_rps: float
    least: int
    most: float
    shared: str | None = None
    pattern: NodePattern | None = None
    part: float | None = None
    bundle: Kind | None = None
    beyond: int = 0
    company: int = 0

    def most_at(self, rps: float) -> float:
        """Replicas beyond which another one is of no use while so much is asked for, requests/s."""
        if self.shared is not None or self.part is not None:
            return self.most
        return min(self.most, max(_of_use(rps / self.capacity_rps, self.beyond, self.company), self.least))

    @property
    def family(self) -> str:
        """What options of one serving config on one pool have in common, whatever their sizes."""
        return _name(self.capacity, self.pool)

    @property
    def counts(self) -> dict[Role, int]:
        """Replicas of each role that one of it stands for."""
        return {self.capacity.candidate.role: 1} if self.pattern is None else self.pattern.counts

    def lost_rps(self, spares: Mapping[Role, int]) -> float:
        """What a group of it carries less when so many replicas of each role are lost."""
        if self.pattern is not None:
            return self.pattern.lost_rps(spares)
        return spares.get(self.capacity.candidate.role, 0) * self.capacity_rps

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """What stands for a replica of it: one candidate, or both of a node pattern."""
        if self.pattern is None:
            return (self.capacity.candidate,)
        return self.pattern.prefill.candidate, self.pattern.decode.candidate

    @property
    def link(self) -> Link:
        return self.pool[1], self.capacity.candidate.config.kv_format


def build_options(
    scenario: Scenario,
    capacities: CapacityTable,
    pools: list[Pool],
    planned: dict[tuple[str, str, str, str], float],
) -> tuple[dict[str, tuple[Option, ...]], tuple[str, ...]]:
    rows = [row for row in capacities.rows if row.capacity_rps > 0]
    supply_sites = scenario.supply.sites
    places = {w.name: w.sites for w in scenario.workloads}
    pairs = [
        (row, pool)
        for row in rows
        for pool in pools
        if pool[1] in (places[row.workload] or supply_sites) and _runs_on(row, pool, scenario)
    ]
    everything = _sized(scenario, pairs, planned)
    changing = scenario.changes is not None and scenario.changes.counts
    kept = {
        (o.capacity.workload, o.family) for w in scenario.workloads for o in _worth(w, everything[w.name], changing)
    }
    kept = _with_siblings(scenario, kept)
    # Sizes that are gone may have forced the rest to be rounded up, so they are set aside anew.
    options = _sized(scenario, pairs, planned, kept)
    if scenario.supply.fabrics:
        worth = {(w.name, o.family) for w in scenario.workloads for o in _worth(w, options[w.name], changing)}
        worth = _with_siblings(scenario, worth)
        options = {w: tuple(o for o in found if (w, o.family) in worth) for w, found in options.items()}
    options = _as_long_as_any(scenario, options)
    rounded = {
        f"replicas of {o.capacity.candidate.config.gpus_per_replica} GPUs set aside {o.node_gpus} GPUs "
        f"on {o.pool[0]} nodes"
        for found in options.values()
        for o in found
        if o.pattern is None and o.node_gpus != o.capacity.candidate.config.gpus_per_replica
    }
    return options, tuple(sorted(rounded))


def _siblings(scenario: Scenario) -> dict[str, list[str]]:
    """The parts of each workload that its day is cut into, where it matters what stands from one slot to the next."""
    wholes: dict[str, list[str]] = {}
    for workload in scenario.workloads:
        wholes.setdefault(workload.whole, []).append(workload.name)
    return {} if scenario.changes is None else {w.name: wholes[w.whole] for w in scenario.workloads}


def _with_siblings(scenario: Scenario, kept: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """With what is kept for one part of a day also for the others, on whose replicas it may stand."""
    siblings = _siblings(scenario)
    return kept | {(sibling, family) for workload, family in kept for sibling in siblings.get(workload, ())}


def _as_long_as_any(scenario: Scenario, options: dict[str, tuple[Option, ...]]) -> dict[str, tuple[Option, ...]]:
    """The options, of which as many may stand in every part of a day as any part has use for."""
    siblings, most = _siblings(scenario), dict[tuple[str, str], float]()
    for workload, found in options.items():
        for option in found:
            for sibling in siblings.get(workload, ()):
                most[sibling, option.name] = max(option.most, most.get((sibling, option.name), 0.0))
    return {w: tuple(replace(o, most=most.get((w, o.name), o.most)) for o in found) for w, found in options.items()}


def _sized(
    scenario: Scenario,
    pairs: list[tuple[Capacity, Pool]],
    planned: dict[tuple[str, str, str, str], float],
    kept: set[tuple[str, str]] | None = None,
) -> dict[str, tuple[Option, ...]]:
    """Options with the GPUs they set aside; of all those on offer, or of the families to be kept."""
    alone = [(row, pool) for row, pool in pairs if linked(row, pool[1], scenario.supply.fabrics)]
    if kept is not None:
        alone = [(row, pool) for row, pool in alone if (row.workload, _name(row, pool)) in kept]
    sizes: dict[str, set[int]] = {}
    for row, (node_type, _) in alone:
        sizes.setdefault(node_type, set()).add(row.candidate.config.gpus_per_replica)
    aside = {name: gpus_set_aside(found, scenario.node_types[name].gpus_per_node) for name, found in sizes.items()}
    by_name = {w.name: w for w in scenario.workloads}
    families = {w.name: w.family.name for w in scenario.workloads if w.family is not None}
    slowed = {outlook.name: outlook.capacity_factor for outlook in scenario.calendar.outlooks}
    up = 1.0 - most_lost(scenario)
    peak = {
        w.name: max(planned[w.name, *time] / slowed[time[2]] for time in w.demand_rps) / up for w in scenario.workloads
    }
    options: dict[str, list[Option]] = {workload.name: [] for workload in scenario.workloads}
    for given, pool in alone:
        workload = given.workload
        node_gpus = aside[pool[0]][given.candidate.config.gpus_per_replica]
        row = shared_out(given, scenario, by_name[workload], pool, node_gpus)
        lost = _lost_at_once(scenario, by_name[workload], pool, node_gpus)
        options[workload] += _by_size(
            row, pool, node_gpus, _Need.of(by_name[workload], {row.candidate.role: 1}, peak[workload], lost)
        )
        if row.shared is not None:
            options[workload].append(_shared(row, pool, node_gpus, peak[workload], families[workload]))
    for name, own in options.items() if scenario.supply.fabrics else ():
        own.extend(_patterns(scenario, by_name[name], pairs, aside, peak[name]))
    return {name: tuple(found) for name, found in options.items()}


def _patterns(
    scenario: Scenario,
    workload: Workload,
    pairs: list[tuple[Capacity, Pool]],
    aside: Mapping[str, Mapping[int, int]],
    peak_rps: float,
) -> Iterator[Option]:
    """Node patterns of a workload, on every pool that it may stand on."""
    fabrics = {fabric.site: fabric for fabric in scenario.supply.fabrics}
    rows: dict[Pool, list[Capacity]] = {}
    for row, pool in pairs:
        if row.workload == workload.name:
            rows.setdefault(pool, []).append(row)
    for pool, found in rows.items():
        node = scenario.node_types[pool[0]].gpus_per_node
        sizes = sizes_between(aside.get(pool[0], {}).values(), node)
        card = scenario.models[workload.model].card
        for size, pattern in node_patterns(found, workload, card, fabrics[pool[1]], sizes):
            whole = pattern.as_capacity()
            need = _Need.of(workload, pattern.counts, peak_rps, _lost_at_once(scenario, workload, pool, size))
            most = need.most(whole.capacity_rps)
            yield Option(
                _name(whole, pool),
                whole,
                pool,
                size,
                whole.capacity_rps,
                1,
                most,
                pattern=pattern,
                beyond=need.spares,
                company=need.least,
            )


@dataclass(frozen=True, slots=True)
class _Need:
    """What replicas of an option may be wanted for: the demand, and as spares, against losses or as company."""

    peak_rps: float
    spares: int
    least: int

    @classmethod
    def of(cls, workload: Workload, counts: Mapping[Role, int], peak_rps: float, lost: int) -> _Need:
        """Of an option that stands for so many replicas of each role."""
        spares = max(lost, sum(dict(workload.spares).get(role, 0) for role in counts))
        asked = dict(workload.least_replicas)
        return cls(peak_rps, spares, max(-(-asked.get(role, 0) // count) for role, count in counts.items()))

    def most(self, capacity_rps: float) -> int:
        """Replicas beyond which another one is of no use."""
        return _of_use(self.peak_rps / capacity_rps, self.spares, self.least)


def _of_use(carrying: float, beyond: int, company: int) -> int:
    """Replicas of use where so many of them, in fractions, carry all there is."""
    return max(max(1, math.ceil(carrying - 1e-9)) + beyond, company)


def _worth(workload: Workload, options: tuple[Option, ...], changing: bool) -> list[Option]:
    """Options that some best plan may need; a loss takes whole nodes' worth of what is there, so that none is idle.

    Where changes count, what is dominated stays if it may flip to a role of its config that is not.
    """
    if workload.survive.rack or workload.survive.node:
        return list(options)
    counted = workload.spares or workload.least_replicas
    # Of the patterns of those who count replicas those that another beats are left out before.
    apart = [o for o in options if counted and o.pattern is not None]
    kept = [*undominated(o for o in options if not counted or o.pattern is None), *apart]
    partners = {(option.capacity.candidate.config.name, option.pool) for option in kept if changing}
    names = {option.name for option in kept}
    return [o for o in options if o.name in names or (o.capacity.candidate.config.name, o.pool) in partners]


def _lost_at_once(scenario: Scenario, workload: Workload, pool: Pool, node_gpus: int) -> int:
    """Replicas that a node or a rack may take with it, of those that the workload is to survive."""
    racks = {facility.site: facility.nodes_per_rack or 1 for facility in scenario.supply.facilities}
    nodes = racks.get(pool[1], 1) if workload.survive.rack else int(workload.survive.node > 0)
    return nodes * max(1, scenario.node_types[pool[0]].gpus_per_node // node_gpus)


def _by_size(row: Capacity, pool: Pool, node_gpus: int, need: _Need) -> Iterator[Option]:
    """One option, or one for each range of pool sizes; the sizes end where one carries all of the demand.

    None where the same replica may be shared and carries no less.
    """
    if row.shared is not None and row.shared.capacity_rps >= row.capacity_rps * (1.0 - 1e-12):
        return
    if not row.pools:
        most = need.most(row.capacity_rps)
        yield Option(
            _name(row, pool), row, pool, node_gpus, row.capacity_rps, 1, most, beyond=need.spares, company=need.least
        )
        return
    for size, larger in zip_longest(row.pools, row.pools[1:]):
        useful = max(size.replicas, need.most(size.capacity_rps))
        name = f"{_name(row, pool)} x{size.replicas}"
        most = useful if larger is None else larger.replicas - 1
        yield Option(
            name, row, pool, node_gpus, size.capacity_rps, size.replicas, most, beyond=need.spares, company=need.least
        )


def _shared(row: Capacity, pool: Pool, node_gpus: int, peak_rps: float, family: str) -> Option:
    """The option to have a share of the replicas of a family."""
    assert row.shared is not None
    rps = row.shared.capacity_rps
    return Option(f"{_name(row, pool)} shared", row, pool, node_gpus, rps, 1, peak_rps / rps, family)


def _name(row: Capacity, pool: Pool) -> str:
    return f"{row.candidate.name}/{pool[0]}@{pool[1]}"


def _runs_on(row: Capacity, pool: Pool, scenario: Scenario) -> bool:
    """Whether a replica may stand on nodes of a pool.

    A replica may span nodes only of the largest type of its GPU: smaller ones are the same hosts cut up, without
    the fabric between them that the profile was measured on.
    """
    config, node = row.candidate.config, scenario.node_types[pool[0]]
    if node.gpu_type != config.gpu_type:
        return False
    if config.gpus_per_replica <= node.gpus_per_node:
        return True
    return node.gpus_per_node == _largest_node(scenario.node_types.values(), config.gpu_type)


def _largest_node(node_types: Iterable[NodeType], gpu_type: str) -> int:
    return max(node.gpus_per_node for node in node_types if node.gpu_type == gpu_type)
