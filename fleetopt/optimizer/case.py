"""The planning case: everything the problem needs, as index tuples and plain numbers.

Between a Scenario with its capacities and the mathematical program stands this value. No solver object is in
it, so that a coefficient can be read, tested and printed before anything is solved.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from fleetopt.capacity.domain import CapacityTable
from fleetopt.capacity.fabric import kv_bytes
from fleetopt.catalog.domain import AggregatedProfile, GpuType, NodeType, Offer
from fleetopt.catalog.power import node_power_w, power_assumption
from fleetopt.optimizer.bundling.columns import with_bundles
from fleetopt.optimizer.credit import load_seconds
from fleetopt.optimizer.ledgers import ServedKey
from fleetopt.optimizer.options import Option, Pool, build_options
from fleetopt.scenario.changing import Changes
from fleetopt.scenario.demand import TimeKey, time_keys
from fleetopt.scenario.domain import Period, Risk, Scenario, Workload
from fleetopt.scenario.supply_domain import Budget, Carbon, Fabric, Facility, Quota, Sale, Stock, SupplyLine, Terms
from fleetopt.scenario.work import Work


@dataclass(frozen=True, slots=True)
class Commitment:
    """A supply line whose nodes are ordered ahead and held for a term, counted in periods."""

    line: SupplyLine
    lead_periods: int
    term_periods: int


@dataclass(frozen=True, slots=True)
class PlanningCase:
    """Indices and coefficients of the problem. Rates in requests/s, money in US dollars, time in hours.

    `raises` has, for limits that may be raised, USD for each unit, and `lowered` by how much less they are taken for
    (`optimizer.raises`).
    """

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
    fabrics: tuple[Fabric, ...] = ()
    kv_bytes: Mapping[str, float] = field(default_factory=dict)
    changes: Changes | None = None
    load_s: Mapping[tuple[str, str], float] = field(default_factory=dict)
    raises: Mapping[str, float] = field(default_factory=dict)
    lowered: Mapping[str, float] = field(default_factory=dict)

    def most_at(self, workload: str, option: Option, time: TimeKey) -> float:
        """Replicas of an option beyond which another one is of no use at a time.

        Where changes count, what stands at one time may be of use because of another.
        """
        rps = self.planned_rps[workload, *time] / self.capability[time[2]]
        return option.most if self.changes is not None else option.most_at(rps)

    def gpus_per_node(self, pool: Pool) -> int:
        return self.node_types[pool[0]].gpus_per_node

    @property
    def self_powered(self) -> set[str]:
        """Supply lines whose electricity the planner pays for: owned, leased and purchased nodes."""
        hosted = {c.line.name for c in self.commitments if c.line.offer.hosted}
        return hosted | {stock.name for stock in self.stock if stock.hosted}

    @property
    def support_usd_per_year(self) -> dict[str, float]:
        """USD for each year of a node, by supply line."""
        offered = {c.line.name: c.line.offer.support_usd_per_node_year for c in self.commitments}
        return offered | {stock.name: stock.support_usd_per_node_year for stock in self.stock}

    def room_usd_per_month(self, supply: str) -> float:
        """USD for a month of the room that a node takes."""
        node_type, site = self.pool_of[supply]
        usd = 0.0
        for facility in (one for one in self.facilities if one.site == site):
            usd += self.node_power_w(node_type) / 1e3 * facility.colocation_usd_per_kw_month
            if facility.colocation_usd_per_unit_month:
                usd += self.node_rack_units(node_type) * facility.colocation_usd_per_unit_month
        return usd

    def node_power_w(self, node_type: str) -> float:
        node = self.node_types[node_type]
        return node_power_w(node, self.gpu_types[node.gpu_type])

    def node_rack_units(self, node_type: str) -> float:
        units = self.node_types[node_type].rack_units
        assert units is not None  # the scenario is refused where a limit needs what nobody states
        return units

    def gpu_type(self, pool: Pool) -> str:
        return self.node_types[pool[0]].gpu_type

    def lots_of(self, line: SupplyLine) -> list[Commitment]:
        """The lots that share the limits of a line: itself and its volume prices; none for a further lot."""
        own = [c for c in self.commitments if line.name in (c.line.name, c.line.lot_of)]
        return own if line.lot_of is None else []

    def first_lot(self, line: SupplyLine) -> SupplyLine:
        """The line whose limits hold for a line."""
        names = {c.line.name: c.line for c in self.commitments}
        return names[line.lot_of or line.name]

    def is_open(self, line: SupplyLine, period: str) -> bool:
        """Whether nodes can be rented or ordered under a line in a period."""
        return self._within(line.terms, period)

    def price_factor(self, line: SupplyLine, period: str) -> float:
        """What the price of a line is multiplied by in a period: the latest change announced up to then."""
        return self._change(line.terms, period)

    def sale_usd(self, stock: Stock, period: str) -> float | None:
        """What a node in stock fetches at the start of a period; None where it cannot be sold then."""
        sale = stock.sale
        if sale is None or not self.is_there(stock, period) or not self._within(sale, period):
            return None
        return sale.usd_per_node * self._change(sale, period)

    def _within(self, window: Terms | Sale, period: str) -> bool:
        names = [one.name for one in self.periods]
        first = 0 if window.first is None else names.index(window.first)
        last = len(names) - 1 if window.last is None else names.index(window.last)
        return first <= names.index(period) <= last

    def _change(self, announced: Terms | Sale, period: str) -> float:
        names = [one.name for one in self.periods]
        found = [f for name, f in announced.price_factors if names.index(name) <= names.index(period)]
        return found[-1] if found else 1.0

    def is_there(self, stock: Stock, period: str) -> bool:
        """Whether nodes in stock are still there in a period."""
        names = [one.name for one in self.periods]
        return stock.last is None or names.index(period) <= names.index(stock.last)

    def most_nodes(self, pool: Pool) -> int:
        """Nodes of a pool beyond which another is of no use at any time: all options of all roles may be in use."""
        found = (option for options in self.options.values() for option in options if option.pool == pool)
        gpus = sum(option.node_gpus * math.ceil(option.most) for option in found)
        counted_on = min((self.availability.get(s, 1.0) for s, at in self.pool_of.items() if at == pool), default=1.0)
        return math.ceil(gpus / self.gpus_per_node(pool) / counted_on) + 1

    def most_fielded(self, supply: str) -> int:
        """Nodes of a supply line that can be in service: those in stock, or what can be of use.

        Of a commitment each order may be of use in another period, and be forced up to its lot, while all are held.
        """
        stock = {stock.name: stock.nodes for stock in self.stock}
        useful = self.most_nodes(self.pool_of[supply])
        ordered = {
            c.line.name: min(c.term_periods, len(self.periods)) * max(useful, c.line.terms.min_order)
            for c in self.commitments
        }
        return stock.get(supply, ordered.get(supply, useful))

    def work_hours(self, workload: str, work: Work) -> dict[tuple[str, str], float]:
        """The hours of each (period, slot) in which a work of a workload may be done."""
        batch, names = self.workloads[workload].batch, [one.name for one in self.periods[work.first : work.last + 1]]
        assert batch is not None
        return {(t, h): hours for (t, h), hours in self.hours.items() if t in names and h in batch.slots}

    def due(self, workload: str, work: Work, outlook: str) -> tuple[str, str, str, str, str]:
        """The index of a decision about the whole of a work: it is one of the last time that the work has."""
        return (workload, work.name, *list(self.work_hours(workload, work))[-1], outlook)

    def planned_requests(self, workload: str, work: Work, outlook: str) -> float:
        """The requests of a work, with headroom."""
        return work.requests[outlook] * (1.0 + self.workloads[workload].headroom)

    def done_requests(self, workload: str, work: Work, outlook: str, rps: Mapping[ServedKey, float]) -> float:
        """The requests that come to be done of a work at the rates of the workload."""
        hours = self.work_hours(workload, work)
        return sum(3600.0 * h * rps[ServedKey(workload, t, slot, outlook)] for (t, slot), h in hours.items())

    def period_hours(self, period: str) -> float:
        return sum(hours for (t, _), hours in self.hours.items() if t == period)


def build_case(scenario: Scenario, capacities: CapacityTable) -> PlanningCase:
    """The planning case of a scenario under given capacities."""
    calendar, supply = scenario.calendar, scenario.supply
    times = tuple(time_keys(calendar))
    pool_of = {line.name: (line.offer.node_type, line.site) for line in supply.lines}
    pool_of |= {stock.name: (stock.node_type, stock.site) for stock in supply.stock}
    planned = {(w.name, *time): w.demand_rps[time] * (1 + w.headroom) for w in scenario.workloads for time in times}
    pools = sorted(set(pool_of.values()))
    options, assumptions = build_options(scenario, capacities, pools, planned)
    options, bundled = with_bundles(scenario, pools, planned, options)
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
        availability={line.name: line.terms.availability for line in supply.lines}
        | {stock.name: stock.availability for stock in supply.stock},
        assumptions=(
            *assumptions,
            *bundled,
            *_power_assumptions(scenario, set(pool_of.values())),
            *_availability_assumptions(scenario),
            *supply.conversions,
            *_network_assumptions(scenario, options),
            *_change_assumptions(scenario),
            *_loop_assumptions(options),
        ),
        fabrics=supply.fabrics,
        kv_bytes={w.name: kv_bytes(w, scenario.models[w.model].card) for w in scenario.workloads},
        changes=scenario.changes,
        load_s=load_seconds(scenario, options),
    )


def _power_assumptions(scenario: Scenario, pools: set[Pool]) -> list[str]:
    """What is assumed of the draw of nodes, where a facility asks for it."""
    powered = {facility.site for facility in scenario.supply.facilities}
    nodes = sorted({node_type for node_type, site in pools if site in powered})
    found = [scenario.node_types[name] for name in nodes]
    said = [power_assumption(node, scenario.gpu_types[node.gpu_type]) for node in found]
    return [sentence for sentence in said if sentence is not None]


def _availability_assumptions(scenario: Scenario) -> list[str]:
    """How many nodes are counted on, where that follows from something."""
    supply = scenario.supply
    found = [(line.name, line.terms.availability, line.terms.availability_from) for line in supply.lines]
    found += [(stock.name, stock.availability, stock.availability_from) for stock in supply.stock]
    return [
        f"{100 * share:.6g} % of the nodes of {name} are counted on: {formula}"
        for name, share, formula in found
        if formula
    ]


def _network_assumptions(scenario: Scenario, options: Mapping[str, tuple[Option, ...]]) -> list[str]:
    """What is assumed of KV caches on their way, and of spares in node patterns."""
    if not scenario.supply.fabrics:
        instant = (w.name for w in scenario.workloads if w.kv_transfer_s_per_token + w.ttft_overhead_s == 0.0)
        split = [name for name in instant if any(one.capacity.candidate.role == "prefill" for one in options[name])]
        free = (
            "KV caches are taken to go from prefill to decode in no time: neither fabrics nor ttft_overhead is stated"
        )
        return [f"{', '.join(split)}: {free}"] if split else []
    spared = [w.name for w in scenario.workloads if w.spares]
    said = ["a KV cache travels at the full speed of its link: that several may share it for a moment is not counted"]
    if spared:
        said.append(f"spares of {', '.join(spared)} in node patterns: those of both roles are lost in different nodes")
    return said


def _change_assumptions(scenario: Scenario) -> list[str]:
    """What is assumed of replicas that start between slots, where that takes time."""
    if scenario.changes is None or not scenario.changes.counts:
        return []
    said = "what a replica that starts carries is a mean over its first slot; while it starts the others carry more"
    return [said, *([f"times of changes: {scenario.changes.source}"] if scenario.changes.source else [])]


def _loop_assumptions(options: Mapping[str, tuple[Option, ...]]) -> list[str]:
    """What operating points of aggregated serving do not show."""
    told = [
        name
        for name, found in options.items()
        if any(isinstance(one.capacity.candidate.profile, AggregatedProfile) for one in found)
    ]
    said = (
        "aggregated serving has the latencies of its profile's points; "
        "where these were measured at a fixed concurrency, requests that come at random wait longer for one another"
    )
    return [f"{', '.join(told)}: {said}"] if told else []


def _commitment(line: SupplyLine, months: int) -> Commitment:
    assert line.offer.term_months is not None
    return Commitment(line, -(-line.offer.lead_time_months // months), -(-line.offer.term_months // months))


def unexpired_share(offer: Offer, months_in_service: int) -> float:
    """The share of a committed term that lies beyond the horizon, valued straight-line."""
    assert offer.term_months is not None
    return max(0, offer.term_months - months_in_service) / offer.term_months
