"""Ways to have nodes, each against a fleet worked out by hand. One replica takes one GPU and carries 1 request/s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario
from fleetopt.study.once import optimize

if TYPE_CHECKING:
    from tests.optimizer.conftest import Build


def planned(scenario: Scenario) -> Plan:
    return optimize(scenario, SolveOptions(gap=0.0))


def by_line(plan: Plan) -> dict[str, Any]:
    totals: dict[str, float] = {}
    for line in plan.costs:
        totals[line.line] = totals.get(line.line, 0.0) + line.usd * line.probability
    return {name: pytest.approx(usd) for name, usd in totals.items()}


def test_rented_nodes_are_paid_only_in_the_slot_that_needs_them(build: Build) -> None:
    """Proves: one node for 16 hours and three for 8 cost 16 + 24 USD.
    Sensitivity: rented for the whole day at the peak the cost would be 72 instead of 40.
    """
    over = build.calendar(slots=(16.0, 8.0))
    asked = build.workload(rps={("t1", "h1", "o1"): 1.0, ("t1", "h2", "o1"): 3.0})
    plan = planned(build.scenario(asked, [build.rate("c", 1.0)], [build.line("rent", "Ax1")], over=over))
    assert plan.objective_usd == pytest.approx(40.0)
    assert [(line.slot, line.nodes) for line in plan.fleet] == [("h1", 1), ("h2", 3)]


def test_nodes_used_enough_are_reserved_and_the_others_rented(build: Build) -> None:
    """Proves: at 60 % of the hourly price the node used all day is reserved, those used for 8 hours are not.
    Sensitivity: reserving all three would cost 43.20, renting all 40, against 14.40 + 16.
    """
    over = build.calendar(slots=(16.0, 8.0))
    asked = build.workload(rps={("t1", "h1", "o1"): 1.0, ("t1", "h2", "o1"): 3.0})
    lines = [build.line("rent", "Ax1"), build.line("hold", "Ax1", 0.6, kind="reserved", term=1)]
    plan = planned(build.scenario(asked, [build.rate("c", 1.0)], lines, over=over))
    assert plan.objective_usd == pytest.approx(30.4)
    assert by_line(plan) == {"reserved": 14.4, "on_demand": 16.0}
    assert [(order.supply, order.nodes) for order in plan.orders] == [("hold", 1)]


def test_a_lead_time_keeps_bought_nodes_out_of_the_first_period(build: Build) -> None:
    """Proves: what is ordered in t1 with a month's lead serves t2; t1 is rented. 24 + 10 upfront - 5 left of the term.
    Sensitivity: delivered at once the node would serve both periods and the cost would be 10 instead of 29.
    """
    over = build.calendar(2)
    lines = [build.line("rent", "Ax1"), build.line("buy", "Ax1", 0.0, kind="purchase", upfront=10.0, term=2, lead=1)]
    plan = planned(build.scenario(build.workload(over=over), [build.rate("c", 1.0)], lines, over=over))
    assert plan.objective_usd == pytest.approx(29.0)
    assert [(o.order_by, o.in_service, o.last_period) for o in plan.orders] == [("t1", "t2", "t2")]
    assert [(line.supply, line.period) for line in plan.fleet] == [("rent", "t1"), ("buy", "t2")]


def test_a_lead_time_is_rounded_up_to_whole_periods(build: Build) -> None:
    """Proves: a month's lead in a calendar of quarters costs the whole first quarter, and here the only one.
    Sensitivity: rounded down the node would be there at once and cost 10 / 2 USD instead of 24.
    """
    over = build.calendar(months=3)
    lines = [build.line("rent", "Ax1"), build.line("buy", "Ax1", 0.0, kind="purchase", upfront=10.0, term=6, lead=1)]
    plan = planned(build.scenario(build.workload(), [build.rate("c", 1.0)], lines, over=over))
    assert plan.objective_usd == pytest.approx(24.0)
    assert plan.orders == ()


def test_a_term_that_ends_within_the_horizon_is_renewed(build: Build) -> None:
    """Proves: three periods of a one-period term take three orders at 10 USD.
    Sensitivity: a term that never ends would be bought once, 10 instead of 30.
    """
    over = build.calendar(3)
    lines = [build.line("rent", "Ax1"), build.line("hold", "Ax1", 0.0, kind="reserved", upfront=10.0, term=1)]
    plan = planned(build.scenario(build.workload(over=over), [build.rate("c", 1.0)], lines, over=over))
    assert plan.objective_usd == pytest.approx(30.0)
    assert [(o.order_by, o.last_period, o.nodes) for o in plan.orders] == [(t, t, 1) for t in ("t1", "t2", "t3")]


def test_a_held_node_is_paid_where_it_stands_idle(build: Build) -> None:
    """Proves: a reservation for two periods costs its hours in both, so that one used in t1 alone is not made.
    Sensitivity: paid by use it would be taken, and the cost would be 14.40 instead of 24.
    """
    over = build.calendar(2)
    asked = build.workload(rps={("t1", "h1", "o1"): 1.0, ("t2", "h1", "o1"): 0.0})
    lines = [build.line("rent", "Ax1"), build.line("hold", "Ax1", 0.6, kind="reserved", term=2)]
    plan = planned(build.scenario(asked, [build.rate("c", 1.0)], lines, over=over))
    assert plan.objective_usd == pytest.approx(24.0)


def test_what_is_left_of_a_term_is_worth_its_share(build: Build) -> None:
    """Proves: of 40 USD for four months, of which one lies within the horizon, 30 come back.
    Sensitivity: without residual value a day's rent at 24 would be preferred to 40.
    """
    lines = [build.line("rent", "Ax1"), build.line("buy", "Ax1", 0.0, kind="purchase", upfront=40.0, term=4)]
    plan = planned(build.scenario(build.workload(), [build.rate("c", 1.0)], lines))
    assert plan.objective_usd == pytest.approx(10.0)
    assert by_line(plan) == {"upfront": 40.0, "residual_value": -30.0}


def test_a_bought_node_still_costs_its_running(build: Build) -> None:
    """Proves: power and space of a purchase are paid by the hour on top of its price.
    Sensitivity: left out the cost would be 10 instead of 12.40.
    """
    plan = planned(
        build.scenario(
            build.workload(),
            [build.rate("c", 1.0)],
            [build.line("buy", "Ax1", 0.1, kind="purchase", upfront=10.0, term=1)],
        )
    )
    assert plan.objective_usd == pytest.approx(12.4)
    assert by_line(plan) == {"upfront": 10.0, "purchase_running": 2.4}


@pytest.mark.parametrize(
    ("site", "period", "most", "expected"),
    [
        pytest.param("east", None, 1, 2 * (24.0 + 2 * 48.0), id="at one site"),
        pytest.param(None, None, 2, 2 * (2 * 24.0 + 48.0), id="at each site"),
        pytest.param("east", "t1", 1, (24.0 + 2 * 48.0) + 3 * 24.0, id="in one period"),
        pytest.param("west", None, 0, 2 * 3 * 24.0, id="at a site not needed"),
    ],
)
def test_quotas_hold_where_and_when_they_say(
    build: Build, site: str | None, period: str | None, most: int, expected: float
) -> None:
    """Proves: three nodes at 1 USD/h in the east, as far as the quota lets them, and the rest at 2 USD/h in the west.
    Sensitivity: without the quota each would cost 144; two GPUs for both sites together would leave no plan at all.
    """
    over = build.calendar(2)
    lines = [build.line("e", "Ax1"), build.line("w", "Ax1", 2.0, site="west")]
    quota = build.quota(most, site=site, period=period)
    asked = build.workload(rps=3.0, over=over)
    made = build.scenario(asked, [build.rate("c", 1.0)], lines, quotas=[quota], over=over, sites=("east", "west"))
    assert planned(made).objective_usd == pytest.approx(expected)


def test_a_quota_counts_every_gpu_of_a_node(build: Build) -> None:
    """Proves: a quota of 3 GPUs admits one node of 2, so that the third request/s runs on type B at 5 USD/h.
    Sensitivity: counting only GPUs in use would admit two nodes of A, 96 USD instead of 48 + 120.
    """
    lines = [build.line("a", "Ax2", 2.0), build.line("b", "Bx1", 5.0)]
    candidates = [build.rate("a", 1.0), build.rate("b", 1.0, gpu="B")]
    plan = planned(build.scenario(build.workload(rps=3.0), candidates, lines, quotas=[build.quota(3)]))
    assert plan.objective_usd == pytest.approx(168.0)
    assert [binding.limit for binding in plan.binding] == []


def test_a_quota_covers_owned_and_ordered_nodes(build: Build) -> None:
    """Proves: stock, reservations and rentals of a GPU type count together against its quota of 2.
    Sensitivity: counting rentals alone would run on the owned and both reserved nodes of A for 16.80 USD.
    """
    lines = [build.line("hold", "Ax1", 0.3, kind="reserved", term=1), build.line("b", "Bx1", 5.0)]
    candidates = [build.rate("a", 1.0), build.rate("b", 1.0, gpu="B")]
    owned = [build.stock("own", "Ax1", 1, usd=0.1)]
    plan = planned(build.scenario(build.workload(rps=3.0), candidates, lines, stock=owned, quotas=[build.quota(2)]))
    assert plan.objective_usd == pytest.approx(2.4 + 7.2 + 120.0)
    assert [binding.limit for binding in plan.binding] == ["quota q (east/t1/h1/o1)"]


def test_owned_nodes_are_used_before_any_are_rented(build: Build) -> None:
    """Proves: both owned nodes at 0.10 USD/h and one rented.
    Sensitivity: without stock the cost would be 72 instead of 28.80; with stock for nothing, 24.
    """
    owned = [build.stock("own", "Ax1", 2, usd=0.1)]
    lines = [build.line("rent", "Ax1")]
    plan = planned(build.scenario(build.workload(rps=3.0), [build.rate("c", 1.0)], lines, stock=owned))
    assert plan.objective_usd == pytest.approx(28.8)
    assert by_line(plan) == {"owned": 4.8, "on_demand": 24.0}


def test_owned_nodes_that_cost_more_to_run_than_rent_stay_off(build: Build) -> None:
    """Proves: stock is an option, not a duty.
    Sensitivity: switched on regardless the cost would be 48 instead of 24.
    """
    owned = [build.stock("own", "Ax1", 1, usd=2.0)]
    plan = planned(build.scenario(build.workload(), [build.rate("c", 1.0)], [build.line("rent", "Ax1")], stock=owned))
    assert plan.objective_usd == pytest.approx(24.0)


def test_a_cheap_offer_is_taken_up_to_its_last_node(build: Build) -> None:
    """Proves: two spot nodes at 0.30 USD/h, the third on demand, and the plan names the limit that it used up.
    Sensitivity: without `max_nodes` the cost would be 21.60 instead of 38.40.
    """
    lines = [build.line("rent", "Ax1"), build.line("spot", "Ax1", 0.3, kind="spot", max_nodes=2)]
    plan = planned(build.scenario(build.workload(rps=3.0), [build.rate("c", 1.0)], lines))
    assert plan.objective_usd == pytest.approx(38.4)
    assert [(b.limit, b.used, b.available, b.unit) for b in plan.binding] == [("offer spot (t1/h1/o1)", 2, 2, "nodes")]


def test_most_held_nodes_counts_overlapping_orders(build: Build) -> None:
    """Proves: `max_nodes` of a commitment is of nodes held at a time, not of nodes in one order.
    Sensitivity: by order, two could be held in t2, one ordered in each period, and the cost would be 36 instead of 48.
    """
    over = build.calendar(2)
    asked = build.workload(rps={("t1", "h1", "o1"): 1.0, ("t2", "h1", "o1"): 2.0})
    lines = [build.line("rent", "Ax1"), build.line("hold", "Ax1", 0.5, kind="reserved", term=2, max_nodes=1)]
    plan = planned(build.scenario(asked, [build.rate("c", 1.0)], lines, over=over))
    assert plan.objective_usd == pytest.approx(2 * 12.0 + 24.0)


def test_a_slot_without_demand_runs_and_rents_nothing(build: Build) -> None:
    """Proves: no node, replica or dollar in a slot that asks for nothing; its outcome is still in the plan.
    Sensitivity: at least one replica always on would cost 24 instead of 8.
    """
    over = build.calendar(slots=(16.0, 8.0))
    asked = build.workload(rps={("t1", "h1", "o1"): 0.0, ("t1", "h2", "o1"): 1.0})
    plan = planned(build.scenario(asked, [build.rate("c", 1.0)], [build.line("rent", "Ax1")], over=over))
    assert plan.objective_usd == pytest.approx(8.0)
    assert {p.slot for p in plan.placements} == {line.slot for line in plan.fleet} == {"h2"}
    assert [(w.slot, w.served_rps, w.roles == ()) for w in plan.workloads] == [("h1", 0.0, True), ("h2", 1.0, False)]


def test_nothing_asked_costs_nothing(build: Build) -> None:
    """Proves: without any demand the plan is empty, optimal, and free.
    Sensitivity: a program without columns would be called infeasible, or its cost unknown.
    """
    plan = planned(build.scenario(build.workload(rps=0.0), [build.rate("c", 1.0)], [build.line("rent", "Ax1")]))
    assert (plan.status, plan.objective_usd, plan.fleet, plan.placements) == ("OPTIMAL", 0.0, (), ())
