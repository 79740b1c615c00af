"""What the properties share: random questions, their cost, and how hard Hypothesis tries."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TypeAlias

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from fleetopt.capacity.table import derive
from fleetopt.errors import Infeasible
from fleetopt.optimizer.case import build_case
from fleetopt.optimizer.run import optimize_case
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.scenario.domain import Calendar, Scenario, Workload
from fleetopt.scenario.supply_domain import Terms
from tests.oracle.draw import Draw

EXACT = SolveOptions(gap=0.0)
PROOF = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
"""The same examples on every machine."""

Time: TypeAlias = tuple[str, str, str]

questions = st.builds(lambda random: Draw(random).scenario(), st.randoms(use_true_random=False))
"""Random tiny scenarios; about a quarter of them have no plan."""

plain_questions = questions.map(
    lambda asked: with_supply(
        replace(asked, discount_rate=0.0),
        lines=tuple(replace(line, terms=Terms()) for line in asked.supply.lines if line.offer.hourly),
        stock=tuple(replace(stock, last=None) for stock in asked.supply.stock),
    )
).map(lambda asked: with_supply(asked, quotas=tuple(replace(quota, period=None) for quota in asked.supply.quotas)))
"""Scenarios whose periods have nothing to do with one another: no orders, no term or quota of one, no discount."""


def cost(scenario: Scenario) -> float:
    """The least cost of a scenario in USD, infinite where there is no plan."""
    try:
        return optimize_case(build_case(scenario, derive(scenario)), EXACT).readout.objective_usd
    except Infeasible:
        return math.inf


def no_more(changed: float, before: float) -> bool:
    """Whether a cost is at most another, to the solver's absolute tolerance and nine digits."""
    return changed <= before + 1e-9 * abs(before) + 2e-6 if math.isfinite(before) else True


def same(changed: float, before: float) -> bool:
    return no_more(changed, before) and no_more(before, changed)


def with_supply(scenario: Scenario, **parts: object) -> Scenario:
    """The scenario with other lines, stock, quotas or sites."""
    return replace(scenario, supply=replace(scenario.supply, **parts))  # type: ignore[arg-type]


def with_workload(scenario: Scenario, index: int, changed: Workload) -> Scenario:
    workloads = list(scenario.workloads)
    workloads[index] = changed
    return replace(scenario, workloads=tuple(workloads))


def over(scenario: Scenario, calendar: Calendar, source: dict[Time, Time]) -> Scenario:
    """The scenario over another calendar, each new time with the demand of the old one it comes from."""
    workloads = tuple(
        replace(w, demand_rps={new: w.demand_rps[old] for new, old in source.items()}) for w in scenario.workloads
    )
    return replace(scenario, calendar=calendar, workloads=workloads)
