"""What a plan would cost at other prices, and scenarios with other prices."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields, is_dataclass, replace
from typing import Any

from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario
from fleetopt.verify.demand import all_traffic
from fleetopt.verify.dollars import cost_lines, objective_usd
from fleetopt.verify.wellformed import sound_facts


def repriced(scenario: Scenario, lines: Collection[str], factor: float) -> Scenario:
    """The scenario with every price of some supply lines multiplied."""
    supply = scenario.supply
    changed = tuple(
        replace(line, offer=_scaled(line.offer, factor)) if line.name in lines else line for line in supply.lines
    )
    return replace(scenario, supply=replace(supply, lines=changed))


def cost_of(plan: Plan, scenario: Scenario) -> float:
    """What the fleet of a plan costs at the prices of a scenario, by the second computation."""
    facts, _ = sound_facts(plan, scenario)
    return objective_usd(facts, cost_lines(facts, all_traffic(facts)))


def _scaled(value: Any, factor: float) -> Any:
    """A value with each number that is named in dollars multiplied, however deep it stands."""
    if isinstance(value, tuple):
        return tuple(_scaled(one, factor) for one in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changes = {}
    for field in fields(value):
        inner = getattr(value, field.name)
        dollars = "usd" in field.name and isinstance(inner, int | float)
        changes[field.name] = inner * factor if dollars else _scaled(inner, factor)
    return replace(value, **changes)
