"""What a plan leaves of the room and the money that all workloads share: power, rack units, carbon and budgets.

Each limit less the most that the plan takes of it at any time, or pays under it in any outlook.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace

from fleetopt.capacity.fabric import gbit_s, kv_bytes
from fleetopt.catalog.power import node_power_w
from fleetopt.optimizer.features.budgets import NOT_PAID
from fleetopt.plan.domain import ALL, FleetLine, Plan
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.supply_domain import Budget, Carbon, Fabric, Facility
from fleetopt.verify.facts import Facts


def facilities_left(scenario: Scenario, plan: Plan) -> tuple[Facility, ...]:
    """The sites with the power and rack units that the plan's nodes leave."""

    def watts(node_type: str) -> float:
        node = scenario.node_types[node_type]
        return node_power_w(node, scenario.gpu_types[node.gpu_type])

    def units(node_type: str) -> float:
        return scenario.node_types[node_type].rack_units or 0.0

    return tuple(
        replace(
            one,
            power_w=_less(one.power_w, _most(plan, one.site, watts)),
            rack_units=_less(one.rack_units, _most(plan, one.site, units)),
        )
        for one in scenario.supply.facilities
    )


def fabrics_left(scenario: Scenario, plan: Plan) -> tuple[Fabric, ...]:
    """The networks less what the plan's prefill replicas can send to other nodes at once."""
    by_name = {workload.name: workload for workload in scenario.workloads}
    sent: dict[tuple[str, ...], float] = defaultdict(float)
    for p in plan.placements:
        if p.role == "prefill" and p.pattern is None:
            gbit = gbit_s(kv_bytes(by_name[p.workload], scenario.models[p.model].card))
            sent[p.site, p.period, p.slot, p.outlook] += p.replicas * p.capacity_rps * gbit
    return tuple(
        replace(
            one,
            total_gbit_s=_less(one.total_gbit_s, max((v for k, v in sent.items() if k[0] == one.site), default=0.0)),
        )
        for one in scenario.supply.fabrics
    )


def budgets_left(scenario: Scenario, plan: Plan) -> tuple[Budget, ...]:
    """The budgets less what the plan pays under them in its dearest outlook."""
    return tuple(
        replace(one, max_usd=max(0.0, one.max_usd - _paid(scenario, plan, one))) for one in scenario.supply.budgets
    )


def carbon_left(scenario: Scenario, plan: Plan) -> Carbon:
    """The cap on carbon less what the plan's nodes emit in the outlook in which they emit most."""
    facts, carbon = Facts(scenario, plan), scenario.supply.carbon
    tonnes: dict[str, float] = defaultdict(float)
    for key, time in facts.nodes:
        tonnes[time[2]] += facts.kwh(key, time) * facts.electricity(key[1])[1] / 1e6
    return replace(carbon, max_tonnes=_less(carbon.max_tonnes, max(tonnes.values(), default=0.0)))


def _paid(scenario: Scenario, plan: Plan, budget: Budget) -> float:
    bought = {order.supply for order in plan.orders if order.kind == "purchase"}
    paid: dict[str, float] = defaultdict(float)
    for cost in plan.costs:
        capex = cost.line == "upfront" and cost.item in bought
        covered = budget.spending == "all" or (budget.spending == "capex") is capex
        if covered and cost.line not in NOT_PAID and budget.period in (None, cost.period):
            paid[cost.outlook] += cost.usd
    return paid[ALL] + max((paid[outlook.name] for outlook in scenario.calendar.outlooks), default=0.0)


def _most(plan: Plan, site: str, of_node: Callable[[str], float]) -> float:
    taken: dict[tuple[str, str, str], float] = defaultdict(float)
    for line in _at(plan, site):
        taken[line.period, line.slot, line.outlook] += line.nodes * of_node(line.node_type)
    return max(taken.values(), default=0.0)


def _at(plan: Plan, site: str) -> Iterable[FleetLine]:
    return (line for line in plan.fleet if line.site == site)


def _less(limit: float | None, taken: float) -> float | None:
    return None if limit is None else max(0.0, limit - taken)
