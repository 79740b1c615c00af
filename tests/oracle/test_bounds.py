"""Bounds on nodes that rules with a binary are written with, by hand: none is less than a best plan needs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleetopt.scenario.domain import Objective
from fleetopt.scenario.supply_domain import Stock, Terms
from tests.oracle import build
from tests.oracle.test_procurement import PERIOD_H, asked, solved

SPLIT = [build.rate("p", 1.0, "prefill"), build.rate("d", 1.0, "decode")]


def test_a_lot_may_be_as_large_as_both_roles_need() -> None:
    """Proves: 6 requests/s take 6 nodes of prefill and 6 of decode, ordered as one lot of at least two.

    Sensitivity: a bound that counts the larger role alone allows an order of 7, and there would be no plan.
    """
    keep = replace(build.line("keep", "Ax1", 1.0, kind="reserved", term=3), terms=Terms(min_order=2))
    plan = solved(build.scenario([build.workload(rps=6.0)], SPLIT, [keep]))
    assert plan.objective_usd / PERIOD_H == pytest.approx(12.0)


def test_a_type_at_a_site_may_serve_both_roles() -> None:
    """Proves: the same twelve nodes, rented at a site that is to have one GPU type.

    Sensitivity: a bound that counts the larger role alone allows 7 nodes, and there would be no plan.
    """
    rent = build.line("rent", "Ax1", 1.0)
    plan = solved(build.scenario([build.workload(rps=6.0)], SPLIT, [rent], most_gpu_types=(("main", 1),)))
    assert plan.objective_usd / PERIOD_H == pytest.approx(12.0)


def test_orders_that_overlap_are_each_of_use() -> None:
    """Proves: 6, 0 and 6 requests/s with terms of two periods, to be ordered in the first two: 12 nodes held in
    the second, at 1 USD/h each, at a site that is to have one GPU type.

    Sensitivity: a bound of what one period can use, 7 nodes and a lot in each of three periods, allows 10.
    """
    keep = replace(build.line("keep", "Ax1", 1.0, kind="reserved", term=6), terms=Terms(last="t2"))
    scenario = asked([6.0, 0.0, 6.0], keep, periods=3)
    supply = replace(scenario.supply, most_gpu_types=(("main", 1),))
    plan = solved(replace(scenario, supply=supply))
    assert plan.objective_usd / PERIOD_H == pytest.approx(24.0)


def test_the_fewest_gpu_types_count_nodes_that_are_paid_for_anyhow() -> None:
    """Proves: eight committed nodes for 3 requests/s, and for as few GPU types as can be, are one type at 8 USD/h.

    Sensitivity: a bound of what the demand can use, 3 nodes, contradicts the commitment.
    """
    stock = Stock("kept", "main", "Ax1", 8, 1.0, committed=True)
    scenario = build.scenario([build.workload(rps=3.0)], [build.rate("a", 1.0)], stock=[stock])
    plan = solved(replace(scenario, objective=Objective(("gpu_types",), None)))
    assert plan.objective is not None
    assert plan.objective.goals[0].value == 1
    assert plan.objective_usd / PERIOD_H == pytest.approx(8.0)
