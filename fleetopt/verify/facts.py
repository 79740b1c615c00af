"""Plan and scenario, indexed once for all checks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TypeAlias

from fleetopt.catalog.domain import Candidate, Role
from fleetopt.plan.domain import ALL, FleetLine, Order, Placement, Plan
from fleetopt.scenario.domain import Scenario, Workload
from fleetopt.scenario.supply_domain import Stock, SupplyLine

Time: TypeAlias = tuple[str, str, str]
SupplyKey: TypeAlias = tuple[str, str]


def named(time: Time) -> str:
    """A time key as it stands in details: 2027-Q1/day/base."""
    return "/".join(time)


@dataclass(frozen=True)
class Facts:
    """The plan's sound rows and the scenario's facts by key. Plan rows here name only what the scenario has."""

    scenario: Scenario
    plan: Plan

    @cached_property
    def times(self) -> tuple[Time, ...]:
        calendar = self.scenario.calendar
        names = ([part.name for part in parts] for parts in (calendar.periods, calendar.slots, calendar.outlooks))
        return tuple((period, slot, outlook) for period, slot, outlook in product(*names))

    @cached_property
    def hours(self) -> dict[tuple[str, str], float]:
        """Hours of a slot in a period."""
        calendar = self.scenario.calendar
        return {(p.name, s.name): p.days * s.hours_per_day for p in calendar.periods for s in calendar.slots}

    @cached_property
    def probability(self) -> dict[str, float]:
        return {ALL: 1.0} | {outlook.name: outlook.probability for outlook in self.scenario.calendar.outlooks}

    @cached_property
    def period_index(self) -> dict[str, int]:
        return {period.name: index for index, period in enumerate(self.scenario.calendar.periods)}

    @cached_property
    def workloads(self) -> dict[str, Workload]:
        return {workload.name: workload for workload in self.scenario.workloads}

    @cached_property
    def sources(self) -> dict[SupplyKey, SupplyLine | Stock]:
        """Every supply line and stock by name and site."""
        lines: dict[SupplyKey, SupplyLine | Stock] = {(s.name, s.site): s for s in self.scenario.supply.lines}
        return lines | {(s.name, s.site): s for s in self.scenario.supply.stock}

    @cached_property
    def candidates(self) -> dict[tuple[str, str, Role], Candidate]:
        """Every candidate by model, serving config and role."""
        return {
            (model, candidate.config.name, candidate.role): candidate
            for model, llm in self.scenario.models.items()
            for candidate in llm.candidates
        }

    def margin(self, candidate: Candidate) -> float:
        """By what fraction the evidence of a candidate is slowed down."""
        margins = self.scenario.margins
        by_kind = {"measured": margins.measured, "modelled": margins.modelled, "assumed": margins.assumed}
        return by_kind[candidate.profile.provenance.evidence]

    @cached_property
    def placements(self) -> dict[tuple[str, Time], list[Placement]]:
        """Placements by workload and time."""
        found: dict[tuple[str, Time], list[Placement]] = defaultdict(list)
        for row in self.plan.placements:
            found[row.workload, (row.period, row.slot, row.outlook)].append(row)
        return found

    @cached_property
    def orders(self) -> dict[SupplyKey, list[Order]]:
        found: dict[SupplyKey, list[Order]] = defaultdict(list)
        for row in self.plan.orders:
            found[row.supply, row.site].append(row)
        return found

    @cached_property
    def nodes(self) -> dict[tuple[SupplyKey, Time], int]:
        """Nodes in service by source and time."""
        found: Counter[tuple[SupplyKey, Time]] = Counter()
        for row in self.plan.fleet:
            for time in self.times_of(row):
                found[(row.supply, row.site), time] += row.nodes
        return found

    @cached_property
    def pools(self) -> dict[tuple[str, str, Time], int]:
        """Nodes in service by node type, site and time."""
        found: Counter[tuple[str, str, Time]] = Counter()
        for ((name, site), time), nodes in self.nodes.items():
            found[node_type_of(self.sources[name, site]), site, time] += nodes
        return found

    @cached_property
    def placements_by_pool(self) -> dict[tuple[str, str, Time], list[Placement]]:
        found: dict[tuple[str, str, Time], list[Placement]] = defaultdict(list)
        for row in self.plan.placements:
            found[row.node_type, row.site, (row.period, row.slot, row.outlook)].append(row)
        return found

    def times_of(self, row: FleetLine) -> Iterator[Time]:
        """The times a fleet line stands for; ALL stands for each slot or outlook."""
        calendar = self.scenario.calendar
        slots = [slot.name for slot in calendar.slots] if row.slot == ALL else [row.slot]
        outlooks = [outlook.name for outlook in calendar.outlooks] if row.outlook == ALL else [row.outlook]
        for slot, outlook in product(slots, outlooks):
            yield row.period, slot, outlook

    def gpus_per_node(self, node_type: str) -> int:
        return self.scenario.node_types[node_type].gpus_per_node

    def node_w(self, node_type: str) -> float:
        """Nameplate W of a node, or 1.9 times its GPUs' boards where nobody states it."""
        node = self.scenario.node_types[node_type]
        boards = node.gpus_per_node * self.scenario.gpu_types[node.gpu_type].power_w
        return 1.9 * boards if node.power_w is None else node.power_w

    def kwh(self, key: SupplyKey, time: Time) -> float:
        """Energy that the nodes of a source take at a time, their site's losses included."""
        for facility in self.scenario.supply.facilities:
            if facility.site == key[1]:
                watts = self.nodes.get((key, time), 0) * self.node_w(node_type_of(self.sources[key]))
                return watts * facility.load * facility.pue * self.hours[time[:2]] / 1000.0
        return 0.0

    def electricity(self, site: str) -> tuple[float, float]:
        """USD and grams of carbon dioxide per kWh at a site."""
        for facility in self.scenario.supply.facilities:
            if facility.site == site:
                return facility.usd_per_kwh, facility.carbon_g_per_kwh
        return 0.0, 0.0

    def price_factor(self, source: SupplyLine | Stock, period: str) -> float:
        """The last change announced up to a period, as a factor on the stated price."""
        factor = 1.0
        if isinstance(source, SupplyLine):
            announced = dict(source.terms.price_factors)
            for name in list(self.period_index)[: self.period_index[period] + 1]:
                factor = announced.get(name, factor)
        return factor

    def usd_per_node_h(self, source: SupplyLine | Stock, period: str, outlook: str = ALL) -> float:
        """What a node-hour costs; of ordered nodes the mean over the orders that keep them in service."""
        if isinstance(source, Stock):
            return source.usd_per_node_h
        if source.offer.hourly:
            then = {o.name: o.price_factor for o in self.scenario.calendar.outlooks}.get(outlook, 1.0)
            return source.offer.usd_per_node_h * self.price_factor(source, period) * then
        weights = [
            (order.nodes, self.price_factor(source, order.order_by))
            for order in self.orders.get((source.name, source.site), ())
            if self.serves(order, period, outlook)
        ]
        nodes = sum(count for count, _ in weights)
        mean = sum(count * factor for count, factor in weights) / nodes if nodes else 1.0
        return source.offer.usd_per_node_h * mean

    def serves(self, order: Order, period: str, outlook: str = ALL) -> bool:
        """Whether the nodes of an order are in service in a period, both ends included, later where they are late."""
        index, late = self.period_index, self.late(order.supply, order.site, outlook)
        return index[order.in_service] <= index[period] - late <= index[order.last_period]

    def late(self, supply: str, site: str, outlook: str) -> int:
        """Periods by which an outlook delays the orders of a supply line."""
        source = self.sources[supply, site]
        if isinstance(source, Stock):
            return 0
        return next((periods for name, periods in source.terms.slips if name == outlook), 0)

    def is_open(self, source: SupplyLine | Stock, period: str) -> bool:
        """Whether nodes may be rented, ordered or, where they are there already, used in a period."""
        first, last = (None, source.last) if isinstance(source, Stock) else (source.terms.first, source.terms.last)
        at, index = self.period_index[period], self.period_index
        return (first is None or index[first] <= at) and (last is None or at <= index[last])


def node_type_of(source: SupplyLine | Stock) -> str:
    return source.node_type if isinstance(source, Stock) else source.offer.node_type


def is_committed(source: SupplyLine | Stock) -> bool:
    """Whether nodes come by order and stay for a term."""
    return isinstance(source, SupplyLine) and not source.offer.hourly
