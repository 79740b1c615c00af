"""What a plan leaves of the supply to those who come after it.

Each limit less the most that the plan has in service at any time: owned nodes, nodes of an offer, GPUs of a quota,
power, racks and networks; budgets less what it pays, a cap on carbon less what it emits. That is never too much; where
two plans peak at different times it is less than there would be. Lots of an offer are one. Limits of an order or a
delivery, and of GPU types, stand as they are: what plans break together the verification finds.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.supply_domain import Quota
from fleetopt.study.rooms import budgets_left, carbon_left, fabrics_left, facilities_left


def left_over(scenario: Scenario, plan: Plan) -> Scenario:
    """The scenario with the supply that the plan does not use."""
    supply = scenario.supply
    first = {line.name: line.lot_of or line.name for line in supply.lines}
    nodes: dict[str, int] = {}
    together: dict[tuple[str, ...], int] = defaultdict(int)
    for line in plan.fleet:
        together[first.get(line.supply, line.supply), line.period, line.slot, line.outlook] += line.nodes
    for (name, *_), held in together.items():
        nodes[name] = max(nodes.get(name, 0), held)
    for sale in plan.sales:
        nodes[sale.supply] = nodes.get(sale.supply, 0) + sale.nodes
    return replace(
        scenario,
        supply=replace(
            supply,
            stock=tuple(replace(one, nodes=max(0, one.nodes - nodes.get(one.name, 0))) for one in supply.stock),
            lines=tuple(
                one if one.max_nodes is None else replace(one, max_nodes=max(0, one.max_nodes - nodes.get(one.name, 0)))
                for one in supply.lines
            ),
            facilities=facilities_left(scenario, plan),
            fabrics=fabrics_left(scenario, plan),
            budgets=budgets_left(scenario, plan),
            carbon=carbon_left(scenario, plan),
            quotas=tuple(replace(q, max_gpus=max(0, q.max_gpus - most_gpus(q, plan))) for q in supply.quotas),
        ),
    )


def most_gpus(quota: Quota, plan: Plan) -> int:
    """The most GPUs in service at once of those that a quota counts together: at a site, or all of a provider."""
    used: dict[tuple[str, ...], int] = defaultdict(int)
    for line in plan.fleet:
        if line.gpu_type == quota.gpu_type and quota.site in (None, line.site) and quota.period in (None, line.period):
            if quota.provider is None:
                used[line.site, line.period, line.slot, line.outlook] += line.gpus
            elif line.kind != "owned" and line.provider == quota.provider:
                used[quota.provider, line.period, line.slot, line.outlook] += line.gpus
    return max(used.values(), default=0)
