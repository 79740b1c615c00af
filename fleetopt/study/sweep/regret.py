"""Regret: what it costs, where a variant comes true, to have ordered for the scenario as it is.

    regret[v]  =  least cost of v with the orders and sales of the base plan  -  least cost of v   >=  0

The base plan is that of the scenario as it is; held are the nodes of each supply line ordered in each period, and those
sold, and nothing else: what is rented, and what runs where, is decided anew. What the base plan has ordered is paid at
the variant's prices. Each of the two costs is known to the gap, so the difference is known to the sum of the gaps.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fleetopt.capacity.domain import CapacityTable
from fleetopt.errors import Infeasible, InputError, NoPlanWithinLimit
from fleetopt.optimizer.goals import HeldOrders
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario
from fleetopt.study.holding import Decided, decided_by
from fleetopt.study.once import optimize


def regretted(
    scenario: Scenario, plan: Plan, base: Decided, options: SolveOptions, capacities: CapacityTable
) -> dict[str, Any]:
    """The fields of an outcome that say what keeping the base plan's orders costs in a variant.

    Args:
        scenario: the variant, whose objective is cost.
        plan: its best plan.
        base: what the base plan orders and sells.
        options: how hard to try.
        capacities: those of the variant.
    """
    if decided_by(plan) == base:
        return {"base_orders": "KEPT", "regret_usd": 0.0}
    held = [HeldOrders(base.orders, base.sold)]
    try:
        kept = optimize(scenario, replace(options, diagnose=False), capacities=capacities, extra=held)
    except (Infeasible, InputError):
        return {"base_orders": "IMPOSSIBLE"}
    except NoPlanWithinLimit:
        return {"base_orders": "NOT_KNOWN"}
    return {"base_orders": "KEPT", "regret_usd": max(0.0, kept.objective_usd - plan.objective_usd)}
