"""Decisions over quarters by hand: terms of offers, budgets, facilities, spares, and money at different times.

Unless a test says otherwise a replica is one GPU that carries 1 request/s, a node is one GPU, a period has 90 days of
one slot, and there is one outlook, so that a node at 1 USD/h costs 2160 USD a period.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fleetopt.errors import Infeasible
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.plan.money import discount
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.supply_domain import Budget, Carbon, Facility, Quota, Stock, SupplyLine, Terms
from fleetopt.study.once import optimize
from fleetopt.verify import verify
from tests.oracle import build

PERIOD_H = 90 * 24.0


def asked(rps: float | list[float], *lines: SupplyLine, periods: int = 1, **more: Any) -> Scenario:
    """One workload that asks for so many requests/s in each period."""
    over = more.pop("over", build.calendar(periods))
    rates = rps if isinstance(rps, list) else [rps] * len(over.periods)
    by_time = {time: rates[int(time[0][1:]) - 1] for time in build.times(over)}
    workload = replace(build.workload("chat", by_time), **more.pop("workload", {}))
    return build.scenario([workload], more.pop("candidates", [build.rate("c", 1.0)]), lines, over=over, **more)


def solved(scenario: Scenario) -> Plan:
    plan = optimize(scenario, SolveOptions(gap=0.0))
    assert plan.verdict.passed
    return plan


def usd(scenario: Scenario) -> float:
    """The least cost in node-hours of a period at 1 USD."""
    return solved(scenario).objective_usd / PERIOD_H


def on_terms(line: SupplyLine, **terms: Any) -> SupplyLine:
    return replace(line, terms=Terms(**terms))


RENT = build.line("rent", "Ax1", 2.0)
KEEP = build.line("keep", "Ax1", 1.0, kind="reserved", term=3)


def test_a_smallest_order_is_taken_whole_or_not_at_all() -> None:
    """Proves min_order: for 2 requests/s two rented nodes cost 4 and the smallest order, three at 1, costs 3.

    For one request/s renting costs 2. Sensitivity: without PLACED two would be ordered for 2, and one for 1.
    """
    terms = on_terms(KEEP, min_order=3)
    assert usd(asked(2.0, RENT, terms)) == pytest.approx(3.0)
    assert usd(asked(1.0, RENT, terms)) == pytest.approx(2.0)


def test_a_largest_order_and_a_delivery_limit_leave_the_rest_to_rent() -> None:
    """Proves max_order and max_delivery: one reserved node at 1, the second request/s rented at 2."""
    assert usd(asked(2.0, RENT, on_terms(KEEP, max_order=1))) == pytest.approx(3.0)
    assert usd(asked(2.0, RENT, on_terms(KEEP, max_delivery=1))) == pytest.approx(3.0)
    assert usd(asked(2.0, RENT, KEEP)) == pytest.approx(2.0)


def test_an_offer_can_be_had_only_in_its_window() -> None:
    """Proves first and last: the cheap rental of the second period is not there in the first, nor in the third."""
    cheap = on_terms(build.line("cheap", "Ax1", 1.0), first="t2", last="t2")
    assert usd(asked(1.0, RENT, cheap, periods=3)) == pytest.approx(2.0 + 1.0 + 2.0)
    ordered = on_terms(replace(KEEP, offer=replace(KEEP.offer, term_months=9)), last="t1")
    plan = solved(asked([1.0, 1.0, 2.0], RENT, ordered, periods=3))
    assert plan.objective_usd / PERIOD_H == pytest.approx(1.0 * 3 + 2.0)
    assert [(order.order_by, order.nodes) for order in plan.orders] == [("t1", 1)]


def test_an_announced_price_holds_for_rent_then_and_for_orders_then() -> None:
    """Proves price_factors: rent at 2, 2 and 1; a reservation ordered before the fall keeps its price, 3 x 1.2."""
    falling = on_terms(RENT, price_factors=(("t3", 0.5),))
    assert usd(asked(1.0, falling, periods=3)) == pytest.approx(2.0 + 2.0 + 1.0)
    nine = replace(build.line("nine", "Ax1", 1.2, kind="reserved", term=9), terms=Terms(price_factors=(("t2", 0.5),)))
    dear = build.line("dear", "Ax1", 5.0)
    plan = solved(asked(1.0, dear, nine, periods=3))
    # Ordering at once costs 3 x 1.2; waiting a period costs 5 + 2 x 0.6.
    assert plan.objective_usd / PERIOD_H == pytest.approx(3.6)
    assert {line.usd_per_node_h for line in plan.fleet} == {1.2}


def test_nodes_leave_and_committed_ones_are_paid_for_idle() -> None:
    """Proves owned nodes: free to run up to t1; a reservation that runs on costs 0.5 used or not, and saves rent."""
    mine = Stock("mine", "main", "Ax1", 1, 0.0, last="t1")
    assert usd(asked(1.0, RENT, periods=2, stock=[mine])) == pytest.approx(2.0)
    running = Stock("old", "main", "Ax1", 2, 0.5, committed=True)
    assert usd(asked(1.0, RENT, stock=[running])) == pytest.approx(1.0)
    assert usd(asked(1.0, RENT, stock=[replace(running, committed=False)])) == pytest.approx(0.5)


BUY = build.line("buy", "Ax1", 0.0, kind="purchase", upfront=2160.0 * 3, term=36)


def test_a_budget_for_purchases_sends_the_rest_to_rent() -> None:
    """Proves capex: two nodes for four periods cost 2 x 6480 less 2/3 left; with 7000 USD one of them is rented.

    The residual value of 24 of 36 months, 4320, is no payment and does not loosen the budget.
    """
    both = usd(asked(2.0, RENT, BUY, periods=4))
    assert both == pytest.approx(2 * 3 * (1 - 24 / 36))
    budget = Budget("b", "capex", None, 7000.0)
    assert usd(asked(2.0, RENT, BUY, periods=4, budgets=(budget,))) == pytest.approx(1.0 + 4 * 2.0)


def test_a_budget_of_a_period_holds_in_every_outlook() -> None:
    """Proves opex by period: 2 x 2160 USD is enough for one rented node, not for the second that `high` needs."""
    over = build.calendar(1, outlooks=(0.9, 0.1))
    demand = {("t1", "h1", "o1"): 1.0, ("t1", "h1", "o2"): 2.0}
    more: dict[str, Any] = {"over": over, "workload": {"demand_rps": demand}}
    enough = Budget("q1", "opex", "t1", 4 * 2160.0)
    assert usd(asked(1.0, RENT, budgets=(enough,), **more)) == pytest.approx(0.9 * 2 + 0.1 * 4)
    with pytest.raises(Infeasible) as refused:
        optimize(asked(1.0, RENT, budgets=(replace(enough, max_usd=3 * 2160.0),), **more))
    assert any("budget q1" in str(repair) for repair in refused.value.repairs)


def two_types(**limits: Any) -> Scenario:
    """A at 2 USD/h draws 1.9 x 700 W and B at 3 as well, but B carries twice as much."""
    candidates = [build.rate("a", 1.0, gpu="A"), build.rate("b", 2.0, gpu="B")]
    lines = [build.line("a", "Ax1", 2.0), build.line("b", "Bx1", 5.0)]
    return build.scenario([build.workload("chat", 4.0)], candidates, lines, **limits)


def test_power_and_racks_choose_the_denser_type() -> None:
    """Proves power: 4 A cost 8; 3 nodes of 1330 W allow two A and one B for 9, two only B for 10."""
    assert usd(two_types()) == pytest.approx(8.0)
    assert usd(two_types(facilities=(Facility("main", power_w=3 * 1330.0),))) == pytest.approx(9.0)
    assert usd(two_types(facilities=(Facility("main", power_w=2 * 1330.0),))) == pytest.approx(10.0)
    with pytest.raises(Infeasible) as refused:
        optimize(two_types(facilities=(Facility("main", power_w=1330.0),)))
    assert any("power of main" in str(repair) for repair in refused.value.repairs)
    scenario = two_types(facilities=(Facility("main", rack_units=16.0),))
    tall = {name: replace(node, rack_units=8.0) for name, node in scenario.node_types.items()}
    assert usd(replace(scenario, node_types=tall)) == pytest.approx(10.0)


def test_electricity_is_paid_for_what_is_owned_and_carbon_for_all() -> None:
    """Proves kWh = 1.33 kW x load x PUE x hours: at 0.5, 1.2 and 0.1 USD/kWh an owned node costs 0.0798 an hour.

    400 g/kWh at 100 USD/t add 0.03192 to owned and rented alike; 0.8 kWh an hour are 690 kg a period.
    """
    power = Facility("main", pue=1.2, load=0.5, usd_per_kwh=0.1, carbon_g_per_kwh=400.0)
    mine = Stock("mine", "main", "Ax1", 1, 0.0)
    assert usd(asked(2.0, RENT, stock=[mine], facilities=(power,))) == pytest.approx(2.0 + 0.0798)
    priced = asked(2.0, RENT, stock=[mine], facilities=(power,), carbon=Carbon(100.0))
    assert usd(priced) == pytest.approx(2.0 + 0.0798 + 2 * 0.03192)
    assert {line.line for line in solved(priced).costs} == {"on_demand", "electricity", "carbon"}
    tonnes = 2 * 0.798 * 0.4 * PERIOD_H / 1e3
    solved(asked(2.0, RENT, stock=[mine], facilities=(power,), carbon=Carbon(0.0, tonnes * 1.001)))
    with pytest.raises(Infeasible):
        optimize(asked(2.0, RENT, stock=[mine], facilities=(power,), carbon=Carbon(0.0, tonnes * 0.999)))


def test_data_stay_where_they_must() -> None:
    """Proves residency: the cheap site is closed to the workload, so it is served at the dear one."""
    lines = [build.line("ams", "Ax1", 1.0, site="ams"), build.line("fra", "Ax1", 3.0, site="fra")]
    free = asked(1.0, *lines, sites=("ams", "fra"))
    assert usd(free) == pytest.approx(1.0)
    assert usd(asked(1.0, *lines, sites=("ams", "fra"), workload={"sites": ("fra",)})) == pytest.approx(3.0)


def test_a_role_in_use_has_its_least_replicas() -> None:
    """Proves least_replicas: half a replica's demand takes three; a role that is not used needs none."""
    assert usd(asked(0.5, RENT, workload={"least_replicas": (("aggregated", 3),)})) == pytest.approx(6.0)
    assert usd(asked(0.5, RENT, workload={"least_replicas": (("prefill", 3),)})) == pytest.approx(2.0)


def test_spares_are_beyond_the_need() -> None:
    """Proves N+k: 3 requests/s on replicas of 1 take 3 + 1; of 2 they take 2 + 1 on dearer nodes.

    Sensitivity: verify refuses the plan with one node and replica less, which still meets the demand.
    """
    spared = asked(3.0, RENT, workload={"spares": (("aggregated", 1),)})
    plan = solved(spared)
    assert plan.objective_usd / PERIOD_H == pytest.approx(8.0)
    bare = solved(asked(3.0, RENT))
    assert [c.name for c in verify(bare, spared).checks if not c.passed] == ["spares_are_kept"]


def test_spares_of_prefill_and_decode_count_on_their_link() -> None:
    """Proves spares on both sides: 2 requests/s take 2 + 1 prefill of 1 and 1 + 2 decode of 2."""
    candidates = [build.rate("p", 1.0, "prefill"), build.rate("d", 2.0, "decode")]
    workload = {"spares": (("decode", 2), ("prefill", 1))}
    assert usd(asked(2.0, RENT, candidates=candidates, workload=workload)) == pytest.approx(2.0 * (3 + 3))


def test_interrupted_nodes_are_not_counted_on() -> None:
    """Proves availability: with 60 % of spot nodes there, 3 requests/s take five of them at 0.5."""
    spot = on_terms(build.line("spot", "Ax1", 0.5, kind="spot"), availability=0.6)
    assert usd(asked(3.0, RENT, spot)) == pytest.approx(2.5)
    plan = solved(asked(3.0, RENT, spot))
    fewer = tuple(line.model_copy(update={"nodes": 4, "gpus": 4}) for line in plan.fleet)
    failed = [
        c.name for c in verify(plan.model_copy(update={"fleet": fewer}), asked(3.0, RENT, spot)).checks if not c.passed
    ]
    assert "nodes_are_available" in failed


def test_owned_nodes_fail_too() -> None:
    """Proves availability of owned nodes, and that the plan says where it comes from: of four free nodes three quarters
    are counted on, so that the fourth request/s is rented. Sensitivity: verify refuses three nodes."""
    mine = Stock("mine", "main", "Ax1", 4, 0.0, availability=0.75, availability_from="3 h / (3 h + 1 h)")
    scenario = asked(4.0, RENT, stock=[mine])
    plan = solved(scenario)
    assert plan.objective_usd / PERIOD_H == pytest.approx(2.0)
    said = "75 % of the nodes of mine are counted on: 3 h / (3 h + 1 h)"
    assert said in plan.provenance.assumptions
    fewer = tuple(row.model_copy(update={"nodes": 3, "gpus": 3}) if row.supply == "mine" else row for row in plan.fleet)
    verdict = verify(plan.model_copy(update={"fleet": fewer}), scenario)
    assert "nodes_are_available" in [check.name for check in verdict.checks if not check.passed]


def test_money_later_is_worth_less() -> None:
    """Proves discounting at 21 % a year, 10 % a half: rent of 2160 in the middle of four quarters, by hand."""
    plan = solved(asked(1.0, build.line("l", "Ax1", 1.0), periods=4, discount=0.21))
    expected = sum(2160.0 * 1.21 ** -((quarter + 0.5) / 4) for quarter in range(4))
    assert plan.objective_usd == pytest.approx(expected)
    assert sum(line.usd for line in plan.costs) == pytest.approx(4 * 2160.0)


def test_discounting_turns_buying_into_renting() -> None:
    """Proves that present value decides: 7200 USD now against 4 x 2160 later, 8640, but 7115 at 60 % a year."""
    buy = build.line("buy", "Ax1", 0.0, kind="purchase", upfront=7200.0, term=12)
    rent = build.line("rent", "Ax1", 1.0)
    assert [order.supply for order in solved(asked(1.0, rent, buy, periods=4)).orders] == ["buy"]
    assert not solved(asked(1.0, rent, buy, periods=4, discount=0.6)).orders


def test_a_half_year_at_21_percent_is_a_tenth() -> None:
    """Proves the factor: the middle of the first year of 12 months at 21 % is 1 / 1.1."""
    periods = build.calendar(1, months=12).periods
    assert discount("on_demand", "t1", periods, 0.21) == pytest.approx(1 / 1.1)
    assert discount("upfront", "t1", periods, 0.21) == 1.0
    assert discount("residual_value", "t1", periods, 0.21) == pytest.approx(1 / 1.21)


@pytest.mark.parametrize(("utilization", "orders"), [(0.49, 0), (0.51, 1)])
def test_rent_or_buy_flips_where_arithmetic_says(utilization: float, orders: int) -> None:
    """Proves the break-even of buying, residual value and lead time in it.

    A node costs 12 x 2160 USD upfront and lasts 24 months of which 9 are used: 15/24 are left, so 9720 are spent for
    three quarters. Rent at 3 USD/h for them costs 3 x 6480 x u, so the break-even is u = 9720 / 19440 = 0.5 of the day.
    """
    over = build.calendar(4, (24.0 * utilization, 24.0 * (1 - utilization)))
    demand = {time: 1.0 if time[1] == "h1" and time[0] != "t1" else 0.0 for time in build.times(over)}
    buy = build.line("buy", "Ax1", 0.0, kind="purchase", upfront=12 * 2160.0, term=24, lead=3)
    plan = solved(asked(0.0, build.line("rent", "Ax1", 3.0), buy, over=over, workload={"demand_rps": demand}))
    assert len(plan.orders) == orders
    assert all((order.order_by, order.in_service) == ("t1", "t2") for order in plan.orders)


def test_few_gpu_types_for_a_workload_or_at_a_site() -> None:
    """Proves most_gpu_types: 5 requests/s take the three A there are and one B for 11, or three B for 15.

    Sensitivity: verify refuses the mixed plan where one type is allowed.
    """
    candidates = [build.rate("a", 1.0, gpu="A"), build.rate("b", 2.0, gpu="B")]
    lines = [build.line("a", "Ax1", 2.0, max_nodes=3), build.line("b", "Bx1", 5.0)]
    chat = build.workload("chat", 5.0)
    free = build.scenario([chat], candidates, lines)
    assert usd(free) == pytest.approx(3 * 2.0 + 5.0)
    few = build.scenario([replace(chat, most_gpu_types=1)], candidates, lines)
    assert usd(few) == pytest.approx(15.0)
    one_site = build.scenario([chat], candidates, lines, most_gpu_types=(("main", 1),))
    assert usd(one_site) == pytest.approx(15.0)
    mixed = solved(free)
    for limited in (few, one_site):
        assert [c.name for c in verify(mixed, limited).checks if not c.passed] == ["types_are_few"]


def test_a_quota_of_a_provider_counts_over_its_sites() -> None:
    """Proves provider quotas: two of three requests/s with the cheap provider, at either site, the third elsewhere."""
    cheap = [build.line(f"cheap-{site}", "Ax1", 1.0, site=site) for site in ("ams", "fra")]
    dear = build.line("dear", "Ax1", 3.0, site="ams")
    dear = replace(dear, offer=replace(dear.offer, provider="q"))
    more: dict[str, Any] = {"sites": ("ams", "fra"), "candidates": [build.rate("c", 1.0)]}
    quota = Quota("few", "A", None, None, 2, "p")
    assert usd(asked(3.0, *cheap, dear, quotas=[quota], **more)) == pytest.approx(2 * 1.0 + 3.0)
    each = replace(quota, provider=None)
    assert usd(asked(3.0, *cheap, dear, quotas=[each], **more)) == pytest.approx(3.0)
