"""What plans are compared by besides their cost, and how far apart two fleets are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from fleetopt.catalog.power import NODE_OVER_GPUS, node_power_w
from fleetopt.plan.domain import FleetLine, Plan
from fleetopt.plan.record import Record
from fleetopt.scenario.domain import Scenario

PAID_AHEAD = frozenset({"upfront"})
"""Cost lines that are money paid ahead."""

POWER = f"by nameplate, or {NODE_OVER_GPUS:g} times the GPUs' boards where nobody states one"
"""How the power of nodes is counted, in words."""

SAME = 1e-9
"""Relative: costs closer than this are the same."""


class Measures(Record):
    """A plan in a few figures; nodes and power are means over time and outlooks, power as limits on it count it."""

    usd: float
    gpu_types: int
    nodes: float
    power_kw: float
    upfront_usd: float


def measures(scenario: Scenario, plan: Plan) -> Measures:
    """The figures of a plan."""
    weights = Weights(scenario)
    return Measures(
        usd=plan.objective_usd,
        gpu_types=len({line.gpu_type for line in plan.fleet}),
        nodes=sum(weights.of(line) * line.nodes for line in plan.fleet),
        power_kw=sum(weights.of(line) * line.nodes * node_kw(scenario, line.node_type) for line in plan.fleet),
        upfront_usd=sum(line.usd * line.probability for line in plan.costs if line.line in PAID_AHEAD),
    )


def gap_of(usd: float | None, bound: float | None) -> float | None:
    """How much cheaper there may be, as a fraction of the cost; none that the solver could not tell apart.

    >>> gap_of(100.0, 98.0), gap_of(100.0, 100.0 - 1e-9), gap_of(100.0, None)
    (0.02, 0.0, None)
    """
    if usd is None or bound is None:
        return None
    return 0.0 if usd - bound <= SAME * abs(usd) else (usd - bound) / abs(usd)


class Largest(Record):
    """The most GPUs, nodes and power in service at once, each by itself."""

    gpus: int
    nodes: int
    power_kw: float


def largest(scenario: Scenario, plan: Plan) -> Largest:
    """What a plan has in service at its largest."""
    at: dict[tuple[str, str, str], list[float]] = defaultdict(lambda: [0, 0, 0.0])
    for line in plan.fleet:
        here = at[line.period, line.slot, line.outlook]
        here[0] += line.gpus
        here[1] += line.nodes
        here[2] += line.nodes * node_kw(scenario, line.node_type)
    gpus, nodes, power_kw = (max((here[index] for here in at.values()), default=0) for index in range(3))
    return Largest(gpus=int(gpus), nodes=int(nodes), power_kw=power_kw)


def node_kw(scenario: Scenario, node_type: str) -> float:
    """Power of a node, as limits on power count it."""
    node = scenario.node_types[node_type]
    return node_power_w(node, scenario.gpu_types[node.gpu_type]) / 1e3


def distance(scenario: Scenario, one: Plan, other: Plan) -> float:
    """The share of GPU-hours that two plans spend differently, by GPU type, provider and kind: 0 the same, 1 nothing
    in common.
    """
    weights = Weights(scenario)
    shares = [_shares(plan, weights) for plan in (one, other)]
    keys = {key for share in shares for key in share}
    return 0.5 * sum(abs(shares[0].get(key, 0.0) - shares[1].get(key, 0.0)) for key in keys)


def _shares(plan: Plan, weights: Weights) -> dict[tuple[str, str, str], float]:
    hours: dict[tuple[str, str, str], float] = defaultdict(float)
    for line in plan.fleet:
        hours[line.gpu_type, line.provider, line.kind] += weights.of(line) * line.gpus
    total = sum(hours.values())
    return {key: value / total for key, value in hours.items()}


@dataclass(frozen=True)
class Weights:
    """The part of all time and all outlooks that a fleet line stands for."""

    scenario: Scenario

    def of(self, line: FleetLine) -> float:
        calendar = self.scenario.calendar
        days = {period.name: period.days for period in calendar.periods}
        hours = {slot.name: slot.hours_per_day for slot in calendar.slots}
        probability = {outlook.name: outlook.probability for outlook in calendar.outlooks}
        part = days[line.period] * hours[line.slot] / (24.0 * sum(days.values()))
        return part * probability[line.outlook]
