"""What a plan leaves of power, rack units and budgets to those who plan after it.

A node of one GPU draws 1.9 x 700 W = 1330 W and 90 days at 1 USD/h are 2160 USD.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.supply_domain import Budget, Carbon, Facility, Quota, Sale, Stock, SupplyLine
from fleetopt.study.baselines import baselines
from fleetopt.study.leftover import left_over, most_gpus
from fleetopt.study.once import optimize
from fleetopt.study.resolve import Resolver
from tests.oracle import build

EXACT = SolveOptions(gap=1e-6)
RENT = build.line("rent", "Ax1")
BUY = build.line("buy", "Ax1", usd=1.0, kind="purchase", upfront=100.0, term=60)


def asked(line: SupplyLine, *budgets: Budget) -> Scenario:
    """Three requests/s at 1 a GPU: three nodes of one line."""
    facility = Facility("main", power_w=10_000.0)
    return build.scenario(
        [build.workload(rps=3.0)], [build.rate("c", 1.0)], [line], facilities=(facility,), budgets=budgets
    )


def left(scenario: Scenario) -> list[float | None]:
    """Power at the site, then each budget."""
    supply = left_over(scenario, optimize(scenario, EXACT)).supply
    return [supply.facilities[0].power_w, *(budget.max_usd for budget in supply.budgets)]


def test_power_and_money_that_a_plan_takes_are_gone() -> None:
    """Proves: 10 kW less three nodes, and budgets less what is paid under each of them, capex and opex apart.
    Sensitivity: a purchase that counted as opex, or a residual value as income, would leave other sums.
    """
    budgets = (
        Budget("capex", "capex", None, 1_000.0),
        Budget("opex", "opex", None, 10_000.0),
        Budget("all", "all", None, 9_000.0),
    )
    assert left(asked(RENT, *budgets)) == pytest.approx([6_010.0, 1_000.0, 3_520.0, 2_520.0])
    assert left(asked(BUY, *budgets)) == pytest.approx([6_010.0, 700.0, 3_520.0, 2_220.0])


def test_a_budget_of_another_period_is_left_whole() -> None:
    """Proves: what is paid in one period takes nothing of another one's budget."""
    over = build.calendar(periods=2)
    first = {("t1", "h1", "o1"): 3.0, ("t2", "h1", "o1"): 0.0}
    budgets = (Budget("now", "all", "t1", 9_000.0), Budget("then", "all", "t2", 9_000.0))
    scenario = build.scenario(
        [build.workload(rps=first, over=over)], [build.rate("c", 1.0)], [RENT], budgets=budgets, over=over
    )
    left_of = left_over(scenario, optimize(scenario, EXACT)).supply.budgets
    assert [budget.max_usd for budget in left_of] == pytest.approx([2_520.0, 9_000.0])


def test_a_sale_makes_no_budget_larger() -> None:
    """Proves: two of five owned nodes sold at 500 USD leave the budget what three nodes at 1 USD/h leave of it.

    Sensitivity: sales that counted as payments below zero would leave 1 000 USD more than there are.
    """
    stock = Stock("own", "main", "Ax1", 5, 1.0, sale=Sale(500.0))
    scenario = build.scenario(
        [build.workload(rps=3.0)],
        [build.rate("c", 1.0)],
        stock=[stock],
        budgets=(Budget("all", "all", None, 9_000.0),),
    )
    plan = optimize(scenario, EXACT)
    assert sum(sale.nodes for sale in plan.sales) == 2
    assert left_over(scenario, plan).supply.budgets[0].max_usd == pytest.approx(2_520.0)


def test_a_cap_on_carbon_is_left_less_what_was_emitted() -> None:
    """Proves: three nodes of 1.33 kW for 2160 h at 500 g/kWh emit 4.3092 t of 10.

    Sensitivity: a cap that stood as it was would let a second plan emit as if the first did not.
    """
    scenario = build.scenario(
        [build.workload(rps=3.0)],
        [build.rate("c", 1.0)],
        [RENT],
        facilities=(Facility("main", carbon_g_per_kwh=500.0),),
        carbon=Carbon(0.0, 10.0),
    )
    left_of = left_over(scenario, optimize(scenario, EXACT)).supply.carbon
    assert left_of.max_tonnes == pytest.approx(10.0 - 3 * 1.33 * 2160.0 * 0.5e-3)


def test_a_quota_of_a_provider_counts_its_nodes_over_all_sites() -> None:
    """Proves: two nodes here and one there are three of the provider's GPUs, and none of another one's.

    Sensitivity: counted by site they are two, of whoever it is; a plan could then take one more than was granted.
    """
    lines = [build.line("here", "Ax1", max_nodes=2), build.line("there", "Ax1", 2.0, site="far")]
    scenario = build.scenario([build.workload(rps=3.0)], [build.rate("c", 1.0)], lines, sites=("main", "far"))
    plan = optimize(scenario, EXACT)
    assert most_gpus(Quota("p", "A", None, None, 9, "p"), plan) == 3
    assert most_gpus(Quota("q", "A", None, None, 9, "q"), plan) == 0
    assert most_gpus(Quota("each", "A", None, None, 9), plan) == 2


def test_no_question_is_asked_finer_than_the_plan_is_known() -> None:
    """Proves: with a plan known to 2 % baselines are solved to 2 %, and never to more than was asked for."""
    scenario = asked(RENT)
    best = optimize(scenario, EXACT)
    for gap, expected in ((0.02, 0.02), (1e-9, 1e-6), (None, 1e-6)):
        desk = Resolver(EXACT)
        baselines(scenario, known_to(best, gap), desk)
        assert desk.options.gap == expected


def known_to(plan: Plan, gap: float | None) -> Plan:
    return plan.model_copy(update={"gap": gap})


def test_a_limit_of_power_stands_under_its_site() -> None:
    """Proves: a facility goes by its site, so that a repair of its power finds it."""
    assert replace(Facility("ams"), power_w=1.0).name == "ams"
