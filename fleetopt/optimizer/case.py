"""The planning case: everything the problem needs, as index tuples and plain numbers.

Between a Scenario with its capacities and the mathematical program stands this value. No solver object is in
it, so that a coefficient can be read, tested and printed before anything is solved.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeAlias

from fleetopt.capacity.domain import Capacity, CapacityTable
from fleetopt.catalog.domain import GpuType, NodeType, Offer
from fleetopt.catalog.power import node_power_w, power_assumption
from fleetopt.optimizer.dominance import undominated
from fleetopt.optimizer.packing import gpus_set_aside
from fleetopt.scenario.demand import TimeKey, time_keys
from fleetopt.scenario.domain import (
    Budget,
    Carbon,
    Facility,
    Period,
    Quota,
    Risk,
    Scenario,
    Stock,
    SupplyLine,
    Workload,
)

Pool: TypeAlias = tuple[str, str]
"""(node type, site): nodes that are interchangeable for packing replicas."""

Link: TypeAlias = tuple[str, str]
"""(site, KV format): where and how prefill can hand its KV cache to decode."""


@dataclass(frozen=True, slots=True)
class Option:
    """A way to run a workload: a capacity, on the nodes of one pool, setting aside `node_gpus` GPUs a replica.

    Each replica carries `capacity_rps` while there are `least` to `most` of them: one to as many as the demand can
    use, or a range of sizes of a pool behind one queue. Replicas of a `shared` option belong to several workloads, the
    length buckets of the one named; their number is then a share of time, not whole.
    """

    name: str
    capacity: Capacity
    pool: Pool
    node_gpus: int
    capacity_rps: float
    least: int
    most: float
    shared: str | None = None

    @property
    def family(self) -> str:
        """What options of one serving config on one pool have in common, whatever their sizes."""
        return _name(self.capacity, self.pool)

    @property
    def link(self) -> Link:
        return self.pool[1], self.capacity.candidate.config.kv_format


@dataclass(frozen=True, slots=True)
class Commitment:
    """A supply line whose nodes are ordered ahead and held for a term, counted in periods."""

    line: SupplyLine
    lead_periods: int
    term_periods: int


@dataclass(frozen=True, slots=True)
class PlanningCase:
    """Indices and coefficients of the problem. Rates in requests/s, money in US dollars, time in hours."""

    times: tuple[TimeKey, ...]
    periods: tuple[Period, ...]
    hours: dict[tuple[str, str], float]
    probability: dict[str, float]
    workloads: dict[str, Workload]
    sites: tuple[str, ...]
    planned_rps: dict[tuple[str, str, str, str], float]
    options: dict[str, tuple[Option, ...]]
    node_types: dict[str, NodeType]
    rentals: tuple[SupplyLine, ...]
    commitments: tuple[Commitment, ...]
    stock: tuple[Stock, ...]
    quotas: tuple[Quota, ...]
    budgets: tuple[Budget, ...]
    facilities: tuple[Facility, ...]
    carbon: Carbon
    most_gpu_types: dict[str, int]
    gpu_types: dict[str, GpuType]
    pool_of: dict[str, Pool]
    availability: dict[str, float]
    discount_rate: float
    risk: Risk | None
    rent_factor: dict[str, float]
    capability: dict[str, float]
    assumptions: tuple[str, ...]

    def gpus_per_node(self, pool: Pool) -> int:
        return self.node_types[pool[0]].gpus_per_node

    @property
    def self_powered(self) -> set[str]:
        """Supply lines whose electricity the planner pays for: owned and purchased nodes."""
        bought = {c.line.name for c in self.commitments if c.line.offer.kind == "purchase"}
        return bought | {stock.name for stock in self.stock}

    def node_power_w(self, node_type: str) -> float:
        node = self.node_types[node_type]
        return node_power_w(node, self.gpu_types[node.gpu_type])

    def node_rack_units(self, node_type: str) -> float:
        units = self.node_types[node_type].rack_units
        assert units is not None  # the scenario is refused where a limit needs what nobody states
        return units

    def gpu_type(self, pool: Pool) -> str:
        return self.node_types[pool[0]].gpu_type

    def is_open(self, line: SupplyLine, period: str) -> bool:
        """Whether nodes can be rented or ordered under a line in a period."""
        names = [one.name for one in self.periods]
        first = 0 if line.terms.first is None else names.index(line.terms.first)
        last = len(names) - 1 if line.terms.last is None else names.index(line.terms.last)
        return first <= names.index(period) <= last

    def price_factor(self, line: SupplyLine, period: str) -> float:
        """What the price of a line is multiplied by in a period: the latest change announced up to then."""
        names = [one.name for one in self.periods]
        found = [f for name, f in line.terms.price_factors if names.index(name) <= names.index(period)]
        return found[-1] if found else 1.0

    def is_there(self, stock: Stock, period: str) -> bool:
        """Whether nodes in stock are still there in a period."""
        names = [one.name for one in self.periods]
        return stock.last is None or names.index(period) <= names.index(stock.last)

    def most_nodes(self, pool: Pool) -> int:
        """Nodes of a pool beyond which another is of no use at any time."""
        gpus = sum(
            max((option.most * option.node_gpus for option in found if option.pool == pool), default=0)
            for found in self.options.values()
        )
        counted_on = min((self.availability.get(s, 1.0) for s, at in self.pool_of.items() if at == pool), default=1.0)
        return math.ceil(gpus / self.gpus_per_node(pool) / counted_on) + 1

    def most_fielded(self, supply: str) -> int:
        """Nodes of a supply line that can be in service: those in stock, or what can be of use and what lots force."""
        stock = {stock.name: stock.nodes for stock in self.stock}
        if supply in stock:
            return stock[supply]
        lots = sum(c.line.terms.min_order for c in self.commitments if c.line.name == supply) * len(self.periods)
        return self.most_nodes(self.pool_of[supply]) + lots

    def period_hours(self, period: str) -> float:
        return sum(hours for (t, _), hours in self.hours.items() if t == period)


def build_case(scenario: Scenario, capacities: CapacityTable) -> PlanningCase:
    """The planning case of a scenario under given capacities."""
    calendar, supply = scenario.calendar, scenario.supply
    times = tuple(time_keys(calendar))
    pool_of = {line.name: (line.offer.node_type, line.site) for line in supply.lines}
    pool_of |= {stock.name: (stock.node_type, stock.site) for stock in supply.stock}
    planned = {(w.name, *time): w.demand_rps[time] * (1 + w.headroom) for w in scenario.workloads for time in times}
    options, assumptions = _options(scenario, capacities, sorted(set(pool_of.values())), planned)
    months = calendar.periods[0].months
    return PlanningCase(
        times=times,
        periods=calendar.periods,
        hours={(t.name, h.name): t.days * h.hours_per_day for t in calendar.periods for h in calendar.slots},
        probability={outlook.name: outlook.probability for outlook in calendar.outlooks},
        workloads={workload.name: workload for workload in scenario.workloads},
        sites=supply.sites,
        planned_rps=planned,
        options=options,
        node_types=scenario.node_types,
        rentals=tuple(line for line in supply.lines if line.offer.hourly),
        commitments=tuple(_commitment(line, months) for line in supply.lines if not line.offer.hourly),
        stock=supply.stock,
        quotas=supply.quotas,
        budgets=supply.budgets,
        facilities=supply.facilities,
        carbon=supply.carbon,
        most_gpu_types=dict(supply.most_gpu_types),
        gpu_types=scenario.gpu_types,
        pool_of=pool_of,
        discount_rate=scenario.discount_rate,
        risk=scenario.risk,
        rent_factor={outlook.name: outlook.price_factor for outlook in calendar.outlooks},
        capability={outlook.name: outlook.capacity_factor for outlook in calendar.outlooks},
        availability={line.name: line.terms.availability for line in supply.lines},
        assumptions=(*assumptions, *_power_assumptions(scenario, set(pool_of.values()))),
    )


def _power_assumptions(scenario: Scenario, pools: set[Pool]) -> list[str]:
    """What is assumed of the draw of nodes, where a facility asks for it."""
    powered = {facility.site for facility in scenario.supply.facilities}
    nodes = sorted({node_type for node_type, site in pools if site in powered})
    found = [scenario.node_types[name] for name in nodes]
    said = [power_assumption(node, scenario.gpu_types[node.gpu_type]) for node in found]
    return [sentence for sentence in said if sentence is not None]


def _commitment(line: SupplyLine, months: int) -> Commitment:
    assert line.offer.term_months is not None
    return Commitment(line, -(-line.offer.lead_time_months // months), -(-line.offer.term_months // months))


def unexpired_share(offer: Offer, months_in_service: int) -> float:
    """The share of a committed term that lies beyond the horizon, valued straight-line."""
    assert offer.term_months is not None
    return max(0, offer.term_months - months_in_service) / offer.term_months


def _options(
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
    kept = {(o.capacity.workload, o.family) for name in everything for o in undominated(everything[name])}
    # Sizes that are gone may have forced the rest to be rounded up, so they are set aside anew.
    options = _sized(scenario, [(r, p) for r, p in pairs if (r.workload, _name(r, p)) in kept], planned)
    rounded = {
        f"replicas of {o.capacity.candidate.config.gpus_per_replica} GPUs set aside {o.node_gpus} GPUs "
        f"on {o.pool[0]} nodes"
        for found in options.values()
        for o in found
        if o.node_gpus != o.capacity.candidate.config.gpus_per_replica
    }
    return options, tuple(sorted(rounded))


def _sized(
    scenario: Scenario, pairs: list[tuple[Capacity, Pool]], planned: dict[tuple[str, str, str, str], float]
) -> dict[str, tuple[Option, ...]]:
    sizes: dict[str, set[int]] = {}
    for row, (node_type, _) in pairs:
        sizes.setdefault(node_type, set()).add(row.candidate.config.gpus_per_replica)
    aside = {name: gpus_set_aside(found, scenario.node_types[name].gpus_per_node) for name, found in sizes.items()}
    by_name = {w.name: w for w in scenario.workloads}
    families = {w.name: w.family.name for w in scenario.workloads if w.family is not None}
    slowed = {outlook.name: outlook.capacity_factor for outlook in scenario.calendar.outlooks}
    peak = {w.name: max(planned[w.name, *time] / slowed[time[2]] for time in w.demand_rps) for w in scenario.workloads}
    options: dict[str, list[Option]] = {workload.name: [] for workload in scenario.workloads}
    for row, pool in pairs:
        workload = row.workload
        node_gpus = aside[pool[0]][row.candidate.config.gpus_per_replica]
        options[workload] += _by_size(row, pool, node_gpus, _Need.of(by_name[workload], row, peak[workload]))
        if row.shared is not None:
            options[workload].append(_shared(row, pool, node_gpus, peak[workload], families[workload]))
    return {name: tuple(found) for name, found in options.items()}


@dataclass(frozen=True, slots=True)
class _Need:
    """What replicas of an option may be wanted for: the demand, and as spares or company."""

    peak_rps: float
    spares: int
    least: int

    @classmethod
    def of(cls, workload: Workload, row: Capacity, peak_rps: float) -> _Need:
        role = row.candidate.role
        return cls(peak_rps, dict(workload.spares).get(role, 0), dict(workload.least_replicas).get(role, 0))

    def most(self, capacity_rps: float) -> int:
        """Replicas beyond which another one is of no use."""
        carrying = max(1, math.ceil(self.peak_rps / capacity_rps - 1e-9))
        return max(carrying + self.spares, self.least)


def _by_size(row: Capacity, pool: Pool, node_gpus: int, need: _Need) -> Iterator[Option]:
    """One option, or one for each range of pool sizes; the sizes end where one carries all of the demand.

    None where the same replica may be shared and carries no less.
    """
    if row.shared is not None and row.shared.capacity_rps >= row.capacity_rps * (1.0 - 1e-12):
        return
    if not row.pools:
        most = need.most(row.capacity_rps)
        yield Option(_name(row, pool), row, pool, node_gpus, row.capacity_rps, 1, most)
        return
    for size, larger in zip_longest(row.pools, row.pools[1:]):
        useful = max(size.replicas, need.most(size.capacity_rps))
        name = f"{_name(row, pool)} x{size.replicas}"
        most = useful if larger is None else larger.replicas - 1
        yield Option(name, row, pool, node_gpus, size.capacity_rps, size.replicas, most)


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
