from __future__ import annotations

import fleetopt
from fleetopt.plan.domain import Plan
from fleetopt.report.purchase_orders import purchase_orders
from fleetopt.report.view import usd
from fleetopt.report.words import summary
from fleetopt.scenario.domain import Scenario


def test_the_summary_says_what_to_do_and_by_when(quarters: Plan, scenario: Scenario) -> None:
    """Orders by kind with their latest dates, then what is rented and what is owned, then the money."""
    said = summary(quarters, purchase_orders(quarters, scenario))
    assert "Buy 1 node (8 B200); order by 2027-10-01 at the latest." in said
    assert "Reserve 1 node (8 H200); order by 2027-10-01 at the latest." in said
    assert "Use what is owned: up to 1 node at a time (H100)." in said
    (money,) = (one for one in said if one.startswith("This costs"))
    assert f"{usd(quarters.objective_usd)} USD, expected over the outlooks: 310,000.37 USD of capex" in money
    assert "Counted, but not paid: " in money
    assert "residual value -29" in money


def test_several_orders_of_a_kind_are_one_sentence(quarters: Plan, scenario: Scenario) -> None:
    """All nodes and GPUs of a kind, how many orders they are, and the date of the first."""
    bought = next(order for order in quarters.orders if order.kind == "purchase")
    later = bought.model_copy(update={"order_by": "2028-Q1", "nodes": 2, "gpus": 16})
    plan = quarters.model_copy(update={"orders": (later, bought)})
    said = summary(plan, purchase_orders(plan, scenario))
    assert "Buy 3 nodes (24 B200) in 2 orders, the first 1 node by 2027-10-01 at the latest." in said


def test_what_is_discounted_is_said_to_be(quarters: Plan, scenario: Scenario) -> None:
    """A present value is not passed off as dollars to be paid."""
    costs = tuple(cost.model_copy(update={"discount": 0.9}) for cost in quarters.costs)
    said = " ".join(summary(quarters.model_copy(update={"costs": costs}), ()))
    assert "USD at present value" in said
    assert "of opex in dollars of their day" in said


def test_what_falls_short_is_not_hidden(plan: Plan) -> None:
    """A plan that serves less than asked says where and by how much, and one without a bound that it has none."""
    said = " ".join(summary(plan, purchase_orders(plan, fleetopt.load("seed-paper"))))
    assert "It falls short: chat in 2027-Q1" in said
    unproven = plan.model_copy(update={"gap": None, "bound_usd": None})
    assert "no proof of how good it is" in " ".join(summary(unproven, ()))
