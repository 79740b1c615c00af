"""What a plan may have little of beside cost: as a goal for the optimizer, and as a figure of a plan.

    power      kW of the nodes in service, nameplate or 1.9 times the GPUs' boards, mean over time and outlooks
    gpus       GPUs in service, mean over time and outlooks          nodes      nodes in service, likewise
    gpu_types  GPU types that are ever in service                    upfront    USD paid ahead, expected and nominal
    carbon     t of carbon dioxide over the horizon, expected        regret     USD, the largest over the outlooks

Energy for carbon is that of docs/math.md: nameplate W x load x PUE x hours.
"""

from __future__ import annotations

from collections.abc import Mapping

from fleetopt.catalog.power import node_power_w
from fleetopt.optimizer.goals import Goal
from fleetopt.plan.domain import Plan
from fleetopt.plan.risk import usd_by_outlook
from fleetopt.scenario.domain import Aim, Scenario
from fleetopt.study.measures import PAID_AHEAD, Weights, measures, node_kw

UNITS: dict[Aim, str] = {
    "power": "kW",
    "gpus": "GPUs",
    "nodes": "nodes",
    "gpu_types": "GPU types",
    "upfront": "USD",
    "carbon": "t",
    "regret": "USD",
}


def goal_of(scenario: Scenario, aim: Aim, best_usd: Mapping[str, float] | None = None) -> Goal:
    """The goal for the optimizer; regret is against what each outlook costs at best."""
    if aim == "gpu_types":
        return Goal(per_gpu_type=1.0)
    if aim == "upfront":
        return Goal(cost_lines=PAID_AHEAD)
    if aim == "regret":
        assert best_usd is not None
        return Goal(best_usd=best_usd)
    lines = {line.name: (line.offer.node_type, line.site) for line in scenario.supply.lines}
    lines |= {stock.name: (stock.node_type, stock.site) for stock in scenario.supply.stock}
    return Goal(per_node={name: _per_node(scenario, aim, *where) for name, where in lines.items()})


def amount_of(scenario: Scenario, plan: Plan, aim: Aim, best_usd: Mapping[str, float] | None = None) -> float:
    """How much of it a plan has."""
    if aim == "regret":
        assert best_usd is not None
        usd = usd_by_outlook(plan.costs, best_usd)
        return max(usd[outlook] - best for outlook, best in best_usd.items())
    figures, weights = measures(scenario, plan), Weights(scenario)
    if aim == "gpu_types":
        return figures.gpu_types
    if aim == "upfront":
        return figures.upfront_usd
    return sum(
        weights.of(line) * line.nodes * _per_node(scenario, aim, line.node_type, line.site) for line in plan.fleet
    )


def _per_node(scenario: Scenario, aim: Aim, node_type: str, site: str) -> float:
    """How much of it a node has that is in service all the time."""
    if aim == "power":
        return node_kw(scenario, node_type)
    if aim == "carbon":
        return _tonnes(scenario, node_type, site)
    return scenario.node_types[node_type].gpus_per_node if aim == "gpus" else 1.0


def _tonnes(scenario: Scenario, node_type: str, site: str) -> float:
    """Carbon dioxide of a node over the horizon."""
    node = scenario.node_types[node_type]
    hours = 24.0 * sum(period.days for period in scenario.calendar.periods)
    for facility in scenario.supply.facilities:
        if facility.site == site:
            watts = node_power_w(node, scenario.gpu_types[node.gpu_type]) * facility.load * facility.pue
            return watts * hours / 1e3 * facility.carbon_g_per_kwh / 1e6
    return 0.0
