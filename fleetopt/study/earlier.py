"""Whether an earlier plan has anything to do with a scenario that is to be planned from it."""

from __future__ import annotations

from itertools import chain

from fleetopt.errors import InputError, Issue
from fleetopt.plan.domain import FleetLine, Order, Plan, Sale
from fleetopt.scenario.demand import time_keys
from fleetopt.scenario.domain import Scenario

MOST = 10**9
"""More replicas or nodes than anybody has: a file that says so was not written by a plan."""

FIX = "Give the plan.json, or its folder, of an earlier plan of this scenario or of one much like it"


def check_related(plan: Plan, scenario: Scenario, where: str) -> None:
    """Refuses a plan that a search cannot begin from.

    Args:
        plan: the earlier plan.
        scenario: what is to be planned.
        where: how the plan is called in the error.

    Raises:
        InputError: it has nothing in common with the scenario, or amounts that cannot be.
    """
    nodes = (line.nodes for line in chain[FleetLine | Order | Sale](plan.fleet, plan.orders, plan.sales))
    amounts = chain(nodes, (placement.replicas for placement in plan.placements))
    if max(amounts, default=0) > MOST:
        raise InputError([Issue("bad-plan", where, f"has more than {MOST:,} replicas or nodes of a kind", FIX)])
    missing = _missing(plan, scenario)
    if missing:
        what = f"is a plan of '{plan.scenario}', which has no {missing} in common with '{scenario.name}'"
        raise InputError([Issue("foreign-plan", where, what, FIX)])


def _missing(plan: Plan, scenario: Scenario) -> str:
    """What the two should have in common and do not, if anything."""
    periods = {period for period, _, _ in time_keys(scenario.calendar)}
    theirs = {w.period for w in plan.workloads}
    if theirs and not theirs & periods:
        return "period"
    supply = {line.name for line in scenario.supply.lines} | {stock.name for stock in scenario.supply.stock}
    names = {w.name for w in scenario.workloads}
    related = names & {w.workload for w in plan.workloads} or supply & {line.supply for line in plan.fleet}
    return "" if related else "workload and no supply"
