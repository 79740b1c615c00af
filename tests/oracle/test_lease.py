"""Leases by hand: hardware held for a term at a rent, in one's own racks, that goes back at the end.

A replica is one GPU that carries 1 request/s, a node is one GPU, and one at 1 USD/h costs 2160 USD a period.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fleetopt.errors import Infeasible
from fleetopt.report.money import spend
from fleetopt.report.purchase_orders import purchase_orders
from fleetopt.report.words import summary
from fleetopt.scenario.supply_domain import Budget, Facility
from fleetopt.study.once import optimize
from fleetopt.verify import verify
from tests.oracle import build
from tests.oracle.test_procurement import PERIOD_H, RENT, asked, solved, usd

LEASE = build.line("lease", "Ax1", 1.0, kind="lease", term=6, lead=3)


def test_leased_nodes_are_held_for_their_term_and_go_back() -> None:
    """Proves lead time and term: ordered in t1, there in t2 and t3 at 1 each; in t1 a node is rented at 2.

    Sensitivity: verify refuses the plan where the fleet calls the leased nodes reserved.
    """
    scenario = asked([1.0, 1.0, 1.0, 0.0], RENT, LEASE, periods=4)
    plan = solved(scenario)
    assert plan.objective_usd / PERIOD_H == pytest.approx(2 * 1.0 + 2.0)
    assert [(o.kind, o.order_by, o.in_service, o.last_period) for o in plan.orders] == [("lease", "t1", "t2", "t3")]
    assert {line.line for line in plan.costs} == {"on_demand", "lease"}
    called = tuple(f.model_copy(update={"kind": "reserved"}) if f.kind == "lease" else f for f in plan.fleet)
    refused = verify(plan.model_copy(update={"fleet": called}), scenario)
    assert [c.name for c in refused.checks if not c.passed] == ["supply_is_respected"]


def test_nothing_is_left_of_what_a_lease_takes_upfront() -> None:
    """Proves that a lease has no residual value: 1 a period and 2 upfront for two years cost 6 in four quarters.

    Sensitivity: the same terms as a reservation leave half of what was paid ahead, and cost 5.
    """
    terms: dict[str, Any] = {"usd": 1.0, "upfront": 2 * PERIOD_H, "term": 24}
    dear = build.line("rent", "Ax1", 9.0)
    assert usd(asked(1.0, dear, build.line("l", "Ax1", kind="lease", **terms), periods=4)) == pytest.approx(6.0)
    assert usd(asked(1.0, dear, build.line("l", "Ax1", kind="reserved", **terms), periods=4)) == pytest.approx(5.0)


def test_a_lessee_pays_for_power() -> None:
    """Proves electricity: 1.33 kW at 0.1 USD/kWh make a lease at 1 dearer than a reservation at 1.1, not than 1.2."""
    power = (Facility("main", usd_per_kwh=0.1),)
    lease = replace(LEASE, offer=replace(LEASE.offer, term_months=3, lead_time_months=0))
    for kept, cheapest in ((1.1, 1.1), (1.2, 1.133)):
        reserved = build.line("keep", "Ax1", kept, kind="reserved", term=3)
        assert usd(asked(1.0, lease, reserved, facilities=power)) == pytest.approx(cheapest)


def test_a_lease_is_opex() -> None:
    """Proves budgets and reports: rent and fee, 2 x 2160 USD, are opex in both, and no capex budget stops them."""
    lease = build.line("lease", "Ax1", 1.0, kind="lease", term=12, upfront=PERIOD_H)
    scenario = asked(1.0, lease, budgets=(Budget("c", "capex", None, 0.0), Budget("o", "opex", None, 2 * PERIOD_H)))
    plan = solved(scenario)
    assert {(entry.title, entry.kind) for entry in spend(plan)} == {
        ("Lease rent", "opex"),
        ("Paid with the order", "opex"),
    }
    [order] = orders = purchase_orders(plan, scenario)
    assert (order.upfront_usd, order.use_usd) == pytest.approx((PERIOD_H, PERIOD_H))
    assert summary(plan, orders)[0].startswith("Lease 1 node (1 A); order by ")
    with pytest.raises(Infeasible):
        optimize(asked(1.0, lease, budgets=(Budget("o", "opex", None, 1.9 * PERIOD_H),)))
