from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import pytest

from fleetopt.plan.domain import Plan
from fleetopt.report.cost_views import purchase_order_view
from fleetopt.report.money import spend
from fleetopt.report.plan_views import order_view
from fleetopt.report.purchase_orders import beyond_sentence, purchase_orders
from fleetopt.report.words import summary
from fleetopt.scenario.domain import Outlook, Scenario, Slot


def test_dates_are_the_calendar_s(quarters: Plan, scenario: Scenario) -> None:
    """Bought with a lead time of a quarter: ordered on the first day of Q4, in service on the first of Q1."""
    bought = next(o for o in purchase_orders(quarters, scenario) if o.order.kind == "purchase")
    assert (bought.order_by, bought.in_service, bought.until) == (
        date(2027, 10, 1),
        date(2028, 1, 1),
        date(2028, 3, 31),
    )
    assert bought.unit_usd == pytest.approx(310000.37)


def test_money_of_all_orders_is_what_committed_supply_costs(quarters: Plan, scenario: Scenario) -> None:
    """With the order and by the hour, over all orders, is the cash of the lines of ordered supply."""
    orders = purchase_orders(quarters, scenario)
    supplies = {order.supply for order in quarters.orders}
    paid = [e.usd for e in spend(quarters) if e.item in supplies and e.kind != "unpaid"]
    assert math.fsum(o.total_usd for o in orders) == pytest.approx(math.fsum(paid), rel=1e-12)


def test_one_node_by_the_hour_costs_its_hours(quarters: Plan, scenario: Scenario) -> None:
    """The bought node runs 91 days at 9 USD/h; the reserved one 183 days at 15 USD/h."""
    use = {o.order.supply: o.use_usd for o in purchase_orders(quarters, scenario)}
    assert use == {"buy-b200": pytest.approx(91 * 24 * 9), "reserve-h200": pytest.approx(183 * 24 * 15)}


def test_orders_of_one_supply_share_its_hours_by_nodes_in_service(quarters: Plan, scenario: Scenario) -> None:
    """A second order of three nodes from Q1 on takes three quarters of Q1 and nothing of Q4."""
    first = next(order for order in quarters.orders if order.supply == "reserve-h200")
    second = first.model_copy(update={"order_by": "2028-Q1", "in_service": "2028-Q1", "nodes": 3})
    shared = quarters.model_copy(update={"orders": (first, second)})
    early, late = purchase_orders(shared, scenario)
    assert early.use_usd == pytest.approx((92 + 91 / 4) * 24 * 15)
    assert late.use_usd == pytest.approx(91 * 0.75 * 24 * 15)


def test_an_order_names_the_workloads_on_its_nodes(quarters: Plan, scenario: Scenario) -> None:
    """Workloads are those placed on the order's node type and site while it is in service, the largest first."""
    for one in purchase_orders(quarters, scenario):
        pool = (one.order.node_type, one.order.site)
        span = ["2027-Q4", "2028-Q1"] if one.order.in_service == "2027-Q4" else ["2028-Q1"]
        placed = {p.workload for p in quarters.placements if (p.node_type, p.site) == pool and p.period in span}
        assert set(one.carries) == placed


def test_the_workload_with_the_most_gpu_hours_is_named_first(quarters: Plan, scenario: Scenario) -> None:
    """By GPUs alone the first would be the one with ten for an hour, not the one with two for 23."""
    order = quarters.orders[0]
    slots, outlooks = (Slot("peak", 1.0), Slot("rest", 23.0)), (Outlook("certain", 1.0),)
    calendar = replace(scenario.calendar, slots=slots, outlooks=outlooks)
    at = {"node_type": order.node_type, "site": order.site, "period": order.in_service, "outlook": "certain"}
    brief, long = (
        quarters.placements[0].model_copy(
            update={**at, "workload": name, "slot": slot, "replicas": count, "node_gpus_per_replica": 1}
        )
        for name, slot, count in (("brief", "peak", 10), ("long", "rest", 2))
    )
    one = quarters.model_copy(update={"orders": (order,), "placements": (brief, long)})
    [found] = purchase_orders(one, replace(scenario, calendar=calendar))
    assert found.carries == ("long", "brief")


def _with_terms(scenario: Scenario, months: int) -> Scenario:
    lines = tuple(
        replace(line, offer=replace(line.offer, term_months=months)) if line.offer.term_months else line
        for line in scenario.supply.lines
    )
    return replace(scenario, supply=replace(scenario.supply, lines=lines))


def test_a_term_that_runs_on_after_the_horizon_is_told(quarters: Plan, scenario: Scenario) -> None:
    """Reserved for twelve months from 2027-10-01, the node costs 15 USD/h for 183 days after the horizon, which ends on
    2028-03-31. A purchase, with a life of 48 months, owes nothing by the hour.
    """
    orders = purchase_orders(quarters, scenario)
    assert {one.order.kind: one.bound_until for one in orders} == {"reserved": date(2028, 9, 30), "purchase": None}
    assert [one.beyond_usd for one in orders if one.beyond_usd] == [pytest.approx(183 * 24 * 15)]
    said = "The term of 1 order runs on after the horizon, until 2028-09-30 at the latest: 65,880.00 USD more by"
    assert said in order_view(quarters, scenario).note
    assert said in " ".join(summary(quarters, orders))
    shown = purchase_order_view(orders)
    assert said in shown.note
    assert "2027-10-01 to 2028-03-31, bound until 2028-09-30" in [row[1] for row in shown.rows]


def test_a_term_that_ends_with_the_horizon_owes_nothing(quarters: Plan, scenario: Scenario) -> None:
    orders = purchase_orders(quarters, _with_terms(scenario, 6))
    assert beyond_sentence([one.beyond for one in orders]) == ""
    assert not any(one.beyond_usd for one in orders)
    later = purchase_orders(quarters, _with_terms(scenario, 7))
    assert [one.beyond_usd for one in later if one.bound_until] == [pytest.approx(30 * 24 * 15)]


def _late(scenario: Scenario, outlook: str) -> Scenario:
    """Deliveries are a period late in an outlook."""
    lines = tuple(replace(one, terms=replace(one.terms, slips=((outlook, 1),))) for one in scenario.supply.lines)
    return replace(scenario, supply=replace(scenario.supply, lines=lines))


def test_a_term_that_begins_late_ends_late(quarters: Plan, scenario: Scenario) -> None:
    """Proves the end of a term in the outlook that is a quarter late, and what is owed after the horizon on average.

    Twelve months from 2027-10-01 are 183 days after the horizon, from 2028-01-01 they are 275. Sensitivity: the day
    and the hours of the plan as it was ordered.
    """
    growth = next(one.probability for one in scenario.calendar.outlooks if one.name == "growth")
    orders = purchase_orders(quarters, _late(scenario, "growth"))
    [reserved] = [one for one in orders if one.order.kind == "reserved"]
    assert reserved.bound_until == date(2028, 12, 31)
    assert reserved.beyond_usd == pytest.approx((183 + growth * (275 - 183)) * 24 * 15)
    assert "until 2028-12-31 at the latest" in order_view(quarters, _late(scenario, "growth")).note


def test_only_days_after_the_horizon_are_owed_of_a_term_that_begins_there(quarters: Plan, scenario: Scenario) -> None:
    """Proves that a term that begins after the horizon is owed from its own first day on: 31 days of July 2028.

    Sensitivity: the days from the end of the horizon to the end of the term, which are 122.
    """
    first = next(order for order in quarters.orders if order.supply == "reserve-h200")
    order = first.model_copy(update={"order_by": "2028-Q1", "in_service": "2028-Q1"})
    late = _late(_with_terms(scenario, 1), "growth")
    lines = tuple(replace(one, terms=replace(one.terms, slips=(("growth", 2),))) for one in late.supply.lines)
    later = replace(late, supply=replace(late.supply, lines=lines))
    growth = next(one.probability for one in scenario.calendar.outlooks if one.name == "growth")
    [told] = purchase_orders(quarters.model_copy(update={"orders": (order,)}), later)
    assert told.bound_until == date(2028, 7, 31)
    assert told.beyond_usd == pytest.approx(growth * 31 * 24 * 15)


def test_hours_of_a_late_delivery_are_its_own(quarters: Plan, scenario: Scenario) -> None:
    """Proves that what is paid in an outlook goes to the orders that are in service there: a quarter late, those of Q4
    serve in Q1, and those of Q1 after the horizon.

    Sensitivity: shares by the periods that were planned give all of it to the second order.
    """
    first = next(order for order in quarters.orders if order.supply == "reserve-h200")
    early = first.model_copy(update={"last_period": "2027-Q4"})
    second = first.model_copy(update={"order_by": "2028-Q1", "in_service": "2028-Q1", "nodes": 3})
    [line] = [c for c in quarters.costs if (c.line, c.item, c.period) == ("reserved", "reserve-h200", "2028-Q1")]
    growth = next(one.probability for one in scenario.calendar.outlooks if one.name == "growth")
    paid = line.model_copy(update={"outlook": "growth", "probability": growth})
    shared = quarters.model_copy(update={"orders": (early, second), "costs": (paid,)})
    told = purchase_orders(shared, _late(scenario, "growth"))
    assert [one.use_usd for one in told] == [pytest.approx(growth * line.usd), 0.0]


def test_an_order_that_may_be_late_says_until_when(quarters: Plan, scenario: Scenario) -> None:
    """A quarter later than the first of Q1 is the first of April, beyond the horizon; those on time say nothing."""
    told = tuple(o.model_copy(update={"periods_late": int(o.kind == "purchase")}) for o in quarters.orders)
    late = quarters.model_copy(update={"orders": told})
    orders = purchase_orders(late, scenario)
    assert {one.latest for one in orders if one.order.periods_late} == {date(2028, 4, 1)}
    spans = [row[1] for row in purchase_order_view(orders).rows[:-1]]
    assert "2028-01-01 to 2028-03-31, latest 2028-04-01" in spans
    assert sum("latest" in span for span in spans) == sum(order.periods_late for order in told)
    assert any("2028-Q1 (up to +1)" in row for row in order_view(late).rows)
    assert not any("latest" in str(row) for row in purchase_order_view(purchase_orders(quarters, scenario)).rows)
