"""Who causes which dollar: the fleet's cost, shared out to workloads by the GPUs they use.

Accrual, not cash: all that a supply line costs over the horizon is spread evenly over the hours its nodes are in
service, so that an upfront payment falls on the quarters it serves. At any time the cost of a pool (node type
at a site) is shared in proportion to GPUs set aside on it; idle GPUs of a pool in use are thus borne by its
users, and a pool that nobody uses goes to '(unused)', as does what a supply line costs that is never in service. So
does what owned nodes fetch, or are worth in the end: it makes nobody's tokens cheaper.
Expected over outlooks, at present value where the scenario discounts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import TypeAlias

from fleetopt.plan.domain import CostLine, FleetLine, Placement, Plan, WorkloadCost, WorkloadOutcome
from fleetopt.scenario.domain import Scenario

UNUSED = "(unused)"

Sums: TypeAlias = dict[tuple[str, str], float]
"""By workload and period."""

Shares: TypeAlias = dict[tuple[str, str, str, str, str], dict[str, float]]
"""Of node type, site, period, slot and outlook, by workload."""

Weight: TypeAlias = Callable[[FleetLine | Placement | WorkloadOutcome], float]
Owner: TypeAlias = Callable[[Placement], str]


def workload_costs(
    scenario: Scenario,
    fleet: Iterable[FleetLine],
    placements: Iterable[Placement],
    outcomes: Iterable[WorkloadOutcome],
    costs: Iterable[CostLine],
    *,
    owner: Owner = attrgetter("workload"),
) -> tuple[WorkloadCost, ...]:
    """Each workload's expected cost, GPU-hours and tokens by period. They sum to the expected cost of the plan.

    `owner` names the workload of the scenario that a placement is counted for.
    """
    lines, placed, weight = list(fleet), list(placements), expected_hours(scenario)
    usd = _usd(scenario, lines, _shares(placed, owner), list(costs), weight)
    gpu_hours, tokens = _gpu_hours(placed, owner, weight), _million_tokens(scenario, outcomes, weight)
    models = {workload.name: workload.model for workload in scenario.workloads}
    return tuple(
        WorkloadCost(
            workload=name,
            model=models.get(name, ""),
            period=period.name,
            usd=usd[key],
            gpu_hours=gpu_hours[key],
            million_tokens=tokens[key],
            usd_per_million_tokens=usd[key] / tokens[key] if tokens[key] > 0 else None,
        )
        for name in (*models, UNUSED)
        for period in scenario.calendar.periods
        if (key := (name, period.name)) and (name != UNUSED or usd[key])
    )


def expected_hours(scenario: Scenario) -> Weight:
    """Expected hours of the time that a record is of: the hours of its slot by the probability of its outlook."""
    calendar = scenario.calendar
    probability = {outlook.name: outlook.probability for outlook in calendar.outlooks}
    hours = {(t.name, h.name): t.days * h.hours_per_day for t in calendar.periods for h in calendar.slots}
    return lambda record: probability[record.outlook] * hours[record.period, record.slot]


def owners_usd(plan: Plan) -> dict[str, float]:
    """By period, what owned nodes fetch or are worth in the end: below zero, of '(unused)', and no cost of tokens."""
    kept = {cost.item for cost in plan.costs} - {order.supply for order in plan.orders}
    found: dict[str, float] = defaultdict(float)
    for cost in plan.costs:
        if _is_owners(cost, kept):
            found[cost.period] += cost.usd * cost.probability * cost.discount
    return dict(found)


def _usd(scenario: Scenario, fleet: list[FleetLine], shares: Shares, costs: list[CostLine], weight: Weight) -> Sums:
    """Expected USD by workload and period."""
    usd: Sums = defaultdict(float)
    owned = {stock.name for stock in scenario.supply.stock}
    shared = [cost for cost in costs if not _is_owners(cost, owned)]
    rate = _usd_per_node_hour(fleet, shared, {workload.name for workload in scenario.workloads}, usd, weight)
    for entry in costs:
        if _is_owners(entry, owned) or (entry.site and entry.item not in rate):
            usd[UNUSED, entry.period] += entry.usd * entry.probability * entry.discount
    for line in fleet:
        cost = line.nodes * weight(line) * rate[line.supply]
        pool = (line.node_type, line.site, line.period, line.slot, line.outlook)
        for workload, share in shares.get(pool, {UNUSED: 1.0}).items():
            usd[workload, line.period] += share * cost
    return usd


def _gpu_hours(placements: list[Placement], owner: Owner, weight: Weight) -> Sums:
    hours: Sums = defaultdict(float)
    for p in placements:
        hours[owner(p), p.period] += p.replicas * p.gpus_per_replica * weight(p)
    return hours


def _million_tokens(scenario: Scenario, outcomes: Iterable[WorkloadOutcome], weight: Weight) -> Sums:
    """Millions of tokens served."""
    per_request = {workload.name: workload.tokens_per_request for workload in scenario.workloads}
    tokens: Sums = defaultdict(float)
    for outcome in outcomes:
        served = outcome.served_rps * 3600.0 * weight(outcome)
        tokens[outcome.workload, outcome.period] += served * per_request[outcome.workload] / 1e6
    return tokens


def _is_owners(cost: CostLine, owned: set[str]) -> bool:
    """Whether a line is about what owned nodes are worth, not what serving costs."""
    return cost.line == "sale" or (cost.line == "residual_value" and cost.item in owned)


def _usd_per_node_hour(
    fleet: list[FleetLine],
    costs: Iterable[CostLine],
    workloads: set[str],
    usd: Sums,
    weight: Weight,
) -> dict[str, float]:
    """Each supply line's cost per expected node-hour; a workload's own lines go straight to it."""
    total: dict[str, float] = defaultdict(float)
    for line in costs:
        if not line.site and line.item in workloads:
            usd[line.item, line.period] += line.usd * line.probability * line.discount
        else:
            total[line.item] += line.usd * line.probability * line.discount
    node_hours: dict[str, float] = defaultdict(float)
    for node in fleet:
        node_hours[node.supply] += node.nodes * weight(node)
    return {supply: total[supply] / h if h else 0.0 for supply, h in node_hours.items()}


def _shares(placements: list[Placement], owner: Owner) -> Shares:
    """The share of each pool's GPUs in use that a workload sets aside, at every time."""
    used: dict[tuple[str, str, str, str, str], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for p in placements:
        used[p.node_type, p.site, p.period, p.slot, p.outlook][owner(p)] += p.replicas * p.node_gpus_per_replica
    return {pool: {w: g / sum(by.values()) for w, g in by.items()} for pool, by in used.items()}
