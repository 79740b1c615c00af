"""Uncertain futures by hand: prices and capacities that differ, and how much the worst of them weigh.

The questions are those of `test_procurement`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fleetopt.scenario.domain import Risk, Scenario
from fleetopt.verify import verify
from tests.oracle import build
from tests.oracle.test_procurement import KEEP, PERIOD_H, RENT, asked, solved, usd


def futures(*outlooks: tuple[float, float, float, float], **more: Any) -> Scenario:
    """Rent at 2, reservations at 1, and outlooks of (probability, demand, price factor, capacity factor)."""
    over = build.calendar(1, outlooks=tuple(one[0] for one in outlooks))
    changed = zip(over.outlooks, outlooks, strict=True)
    over = replace(
        over, outlooks=tuple(replace(o, price_factor=price, capacity_factor=cap) for o, (_, _, price, cap) in changed)
    )
    demand = {("t1", "h1", o.name): one[1] for o, one in zip(over.outlooks, outlooks, strict=True)}
    risk = more.pop("risk", None)
    return replace(asked(0.0, RENT, KEEP, over=over, workload={"demand_rps": demand}, **more), risk=risk)


def test_dearer_rent_in_one_future_is_paid_there() -> None:
    """Proves prices by outlook: one node in a quarter of the futures, at 1.5 times 2 USD, costs 0.75 on average."""
    plan = solved(futures((0.75, 0.0, 1.0, 1.0), (0.25, 1.0, 1.5, 1.0)))
    assert plan.objective_usd / PERIOD_H == pytest.approx(0.25 * 3.0)
    assert {line.usd_per_node_h for line in plan.fleet} == {3.0}


def test_a_future_in_which_profiles_disappoint_needs_more() -> None:
    """Proves capacity by outlook: 3 requests/s take 3 reserved nodes, and a fourth is rented where 10 % is missing.

    Sensitivity: verify refuses the full capacity in the outlook that takes 10 % off.
    """
    scenario = futures((0.5, 3.0, 1.0, 1.0), (0.5, 3.0, 1.0, 0.9))
    plan = solved(scenario)
    assert plan.objective_usd / PERIOD_H == pytest.approx(3.0 + 0.5 * 2.0)
    assert {row.capacity_rps for row in plan.placements} == {1.0, 0.9}
    boast = tuple(row.model_copy(update={"capacity_rps": 1.0}) for row in plan.placements)
    verdict = verify(plan.model_copy(update={"placements": boast}), scenario)
    assert "slo_holds" in [check.name for check in verdict.checks if not check.passed]


@pytest.mark.parametrize(("weight", "orders"), [(0.2, 0), (0.5, 1)])
def test_who_fears_the_worst_reserves(weight: float, orders: int) -> None:
    """Proves CVaR by hand: a node for the 20 % future costs 2 there when rented and 1 always when reserved.

    Expected cost 0.4 against 1; CVaR at 80 % is 2 against 1. (1 - w) 0.4 + 2 w exceeds 1 from w = 0.375 on.
    """
    scenario = futures((0.8, 0.0, 1.0, 1.0), (0.2, 1.0, 1.0, 1.0), risk=Risk(0.8, weight))
    plan = solved(scenario)
    assert len(plan.orders) == orders
    assert plan.cvar_usd is not None
    assert plan.expected_usd is not None
    assert plan.cvar_usd / PERIOD_H == pytest.approx(1.0 if orders else 2.0)
    assert plan.objective_usd == pytest.approx((1 - weight) * plan.expected_usd + weight * plan.cvar_usd)
    lower = plan.model_copy(update={"cvar_usd": plan.cvar_usd - 1.0})
    assert "dollars_add_up" in [check.name for check in verify(lower, scenario).checks if not check.passed]


def test_one_outlook_has_no_tail_of_its_own() -> None:
    """Proves that with one future CVaR is its cost, so that weighing risk changes nothing."""
    certain = futures((1.0, 2.0, 1.0, 1.0))
    assert usd(replace(certain, risk=Risk(0.9, 0.5))) == pytest.approx(usd(certain))
