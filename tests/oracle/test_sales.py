"""Owned nodes sold early, by hand: gone for good, what they fetch against what they would have saved.

A replica is one GPU that carries 1 request/s, a node is one GPU, and one at 1 USD/h costs 2160 USD a period.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from fleetopt.errors import Infeasible
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.attribution import UNUSED
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.supply_domain import Budget, Facility, Sale, Stock
from fleetopt.study.baselines import baselines
from fleetopt.study.once import optimize
from fleetopt.verify import verify
from tests.oracle import build
from tests.oracle.test_procurement import PERIOD_H, RENT, asked, solved


def owned(nodes: int, fetches: float, *, support: float = 0.0, price: float = 0.0, **window: Any) -> Stock:
    """Nodes that fetch so many periods of 1 USD/h each."""
    sale = Sale(fetches * PERIOD_H, **window)
    return Stock("mine", "main", "Ax1", nodes, price, support_usd_per_node_year=4 * support * PERIOD_H, sale=sale)


def sold(plan: Plan) -> list[tuple[str, int]]:
    return [(sale.period, sale.nodes) for sale in plan.sales]


def test_what_nobody_needs_any_more_is_sold_at_the_best_time() -> None:
    """Proves when and how many: of three nodes one stays, one goes when demand falls in t2, one at once.

    A node fetches 1 in t1, 0.8 in t2 and 0.7 in t3, and is worth 0.5 in the end; rent costs 2. Cost: -1 - 0.8 - 0.5.
    Sensitivity: worth nothing in the end, the third would go in t3 only if rent cost less than 0.7.
    """
    stock = owned(3, 1.0, price_factors=(("t2", 0.8), ("t3", 0.7)), end_usd_per_node=0.5 * PERIOD_H)
    scenario = asked([2.0, 1.0, 1.0], RENT, periods=3, stock=[stock])
    plan = solved(scenario)
    assert sold(plan) == [("t1", 1), ("t2", 1)]
    assert [sale.usd for sale in plan.sales] == pytest.approx([1.0 * PERIOD_H, 0.8 * PERIOD_H])
    assert plan.objective_usd / PERIOD_H == pytest.approx(-2.3)
    assert {cost.line for cost in plan.costs} == {"sale", "residual_value"}
    assert {c.workload: c.usd for c in plan.workload_costs if c.period == "t2"} == pytest.approx(
        {"chat": 0.0, UNUSED: -0.8 * PERIOD_H}
    ), "what is fetched makes nobody's tokens cheaper"
    without = plan.model_copy(update={"costs": tuple(c for c in plan.costs if c.line == "sale")})
    assert "dollars_add_up" in [c.name for c in verify(without, scenario).checks if not c.passed]


@pytest.mark.parametrize(("end", "parts"), [(0.9, 1), (1.1, 0)])
def test_a_node_is_kept_for_what_it_is_worth_in_the_end(end: float, parts: int) -> None:
    """Proves that an idle node that fetches 1 stays where it is worth more than that at the end of the horizon."""
    stock = owned(1, 1.0, end_usd_per_node=end * PERIOD_H)
    assert sum(nodes for _, nodes in sold(solved(asked(0.0, RENT, periods=2, stock=[stock])))) == parts


@pytest.mark.parametrize(("fetches", "parts"), [(3.9, 0), (4.1, 1)])
def test_a_node_goes_when_it_fetches_more_than_it_saves(fetches: float, parts: int) -> None:
    """Proves the break-even by arithmetic: a node in use saves 4 x (rent 2 - support 0.75 - running 0.25) = 4.

    Somebody takes it in t1 only.
    """
    stock = owned(1, fetches, support=0.75, price=0.25, last="t1")
    assert sold(solved(asked(1.0, RENT, periods=4, stock=[stock]))) == [("t1", 1)] * parts


@pytest.mark.parametrize(("utilization", "parts"), [(0.54, 1), (0.56, 0)])
def test_selling_flips_at_the_use_that_arithmetic_says(utilization: float, parts: int) -> None:
    """Proves the break-even of keeping: a node saves rent of 2 for the part u of the hours that it is used, and costs
    support of 0.5 and room of 399 USD, 0.184722, whatever its use.

    It fetches 1.6611 at once; over four periods 4 (2 u - 0.684722) = 1.6611 at u = 0.55.
    """
    over = build.calendar(4, (24.0 * utilization, 24.0 * (1.0 - utilization)))
    demand = {time: 1.0 if time[1] == "h1" else 0.0 for time in build.times(over)}
    room = Facility("main", colocation_usd_per_kw_month=100.0)
    stock = owned(1, 4 * (2 * 0.55 - 0.5 - 399.0 / PERIOD_H), support=0.5, last="t1")
    more: dict[str, Any] = {"workload": {"demand_rps": demand}, "stock": [stock], "facilities": (room,)}
    assert sold(solved(asked(0.0, RENT, over=over, **more))) == [("t1", 1)] * parts


def test_upkeep_ends_with_the_sale() -> None:
    """Proves that support, room and power stop: for nothing in return an idle node goes at the first chance, in t2.

    Support 0.5 and 1.33 kW of room at 100 USD a month are paid for t1 only. Sensitivity: kept, it would cost thrice.
    """
    room = Facility("main", colocation_usd_per_kw_month=100.0)
    stock = owned(1, 0.0, support=0.5, first="t2")
    plan = solved(asked(0.0, RENT, periods=3, stock=[stock], facilities=(room,)))
    assert sold(plan) == [("t2", 1)]
    assert plan.objective_usd == pytest.approx(0.5 * PERIOD_H + 399.0)


def test_a_sale_is_decided_before_the_future_is_known() -> None:
    """Proves first-stage: half the time a node saves rent at 2, so selling at 1.1 pays, at 0.9 not."""
    over = build.calendar(1, outlooks=(0.5, 0.5))
    demand = {("t1", "h1", "o1"): 0.0, ("t1", "h1", "o2"): 1.0}
    for fetches, parts in ((0.9, 0), (1.1, 1)):
        plan = solved(asked(0.0, RENT, over=over, workload={"demand_rps": demand}, stock=[owned(1, fetches)]))
        assert sold(plan) == [("t1", 1)] * parts


def test_what_is_fetched_is_worth_less_later_and_leaves_budgets_alone() -> None:
    """Proves discounting from the first day (1.21 a year: t3 is half a year on, 1/1.1), and that no budget grows.

    Sensitivity: 2160 USD of rent under a budget of 2159 is infeasible however much a sale fetches.
    """
    plan = solved(asked(0.0, RENT, periods=3, stock=[owned(1, 1.0, first="t3")], discount=0.21))
    assert plan.objective_usd == pytest.approx(-PERIOD_H / 1.1)
    cheap = build.line("rent", "Bx1", 1.0)
    candidates = [build.rate("b", 1.0, gpu="B")]
    more: dict[str, Any] = {"candidates": candidates, "stock": [owned(1, 5.0)]}
    assert solved(asked(1.0, cheap, budgets=(Budget("b", "all", None, PERIOD_H),), **more)).sales
    with pytest.raises(Infeasible):
        optimize(asked(1.0, cheap, budgets=(Budget("b", "all", None, PERIOD_H - 1.0),), **more))


def kept_and_sold() -> tuple[Scenario, Plan]:
    scenario = asked([2.0, 1.0], RENT, periods=2, stock=[owned(2, 0.5, first="t2")])
    return scenario, solved(scenario)


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"period": "t1"}, "supply_is_respected"),
        ({"nodes": 3, "gpus": 3, "usd": 1.5 * PERIOD_H}, "supply_is_respected"),
        ({"nodes": 2, "gpus": 2, "usd": PERIOD_H}, "supply_is_respected"),
        ({"usd_per_node": 0.6 * PERIOD_H, "usd": 0.6 * PERIOD_H}, "supply_is_respected"),
        ({"usd": 0.6 * PERIOD_H}, "supply_is_respected"),
        ({"gpu_type": "B"}, "supply_is_respected"),
        ({"supply": "rent"}, "plan_is_well_formed"),
        ({"nodes": 10**30}, "plan_is_well_formed"),
        ({"nodes": -1}, "plan_is_well_formed"),
        ({"period": "t9"}, "plan_is_well_formed"),
    ],
)
def test_a_sale_that_is_not_true_is_refused(changes: dict[str, Any], check: str) -> None:
    """Proves the second computation: too early, too many, at another price, of another type, or of what is rented."""
    scenario, plan = kept_and_sold()
    [sale] = plan.sales
    tampered = plan.model_copy(update={"sales": (sale.model_copy(update=changes),)})
    assert check in [c.name for c in verify(tampered, scenario).checks if not c.passed]
    twice = plan.model_copy(update={"sales": (sale, sale)})
    assert not verify(twice, scenario).passed


def test_a_sale_that_is_left_out_is_refused() -> None:
    """Proves that proceeds without a sale are not believed."""
    scenario, plan = kept_and_sold()
    silent = plan.model_copy(update={"sales": ()})
    assert "dollars_add_up" in [c.name for c in verify(silent, scenario).checks if not c.passed]


def test_plans_made_before_there_were_sales_can_be_read() -> None:
    """Proves that the field is an addition: a plan.json without it has none."""
    _, plan = kept_and_sold()
    older = plan.model_dump(mode="json")
    del older["sales"]
    assert Plan.model_validate_json(json.dumps(older), strict=True).sales == ()


def test_patterns_sell_the_same() -> None:
    """Proves that the pattern method reaches the cost of the plain program with sales in it."""
    scenario, plan = kept_and_sold()
    found = optimize(scenario, SolveOptions(gap=0.0, method="patterns"))
    assert found.objective_usd == pytest.approx(plan.objective_usd)
    assert sold(found) == sold(plan)


def test_baselines_sell_nothing_twice() -> None:
    """Proves that every baseline is a verified plan: fleets of parts keep what is owned, a single type may sell it."""
    chats = [build.workload(name, 1.0) for name in ("chat", "code")]
    stock = replace(owned(3, 0.5, support=0.1), name="mine")
    scenario = build.scenario(chats, [build.rate("c", 1.0)], [RENT], stock=[stock])
    plan = optimize(scenario, SolveOptions(gap=0.0))
    assert plan.objective_usd / PERIOD_H == pytest.approx(2 * 0.1 - 0.5)
    found = {one.name: one for one in baselines(scenario, plan)}
    assert {name: one.verified for name, one in found.items()} == dict.fromkeys(found, True)
    assert found["each workload sized alone"].usd == pytest.approx(0.3 * PERIOD_H)
    assert found["one GPU type for all"].usd == pytest.approx(plan.objective_usd)
