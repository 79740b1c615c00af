"""Features that were built apart, in one question: held decisions with sales, futures and multiples with batch work."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleetopt.optimizer.goals import HeldOrders
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.supply_domain import Terms
from fleetopt.study.futures import futures
from fleetopt.study.once import optimize
from fleetopt.study.outlooks import MEAN, expected, with_outlook
from fleetopt.study.resolve import Resolver
from fleetopt.study.stretch import scaled
from fleetopt.verify import verify
from tests.oracle import build
from tests.oracle.test_batch import PERIOD_H, RENT, amount, asked, bulk
from tests.oracle.test_procurement import asked as asked_for
from tests.oracle.test_sales import owned, sold

EXACT = SolveOptions(gap=0.0)


def test_orders_that_are_held_hold_sales_too() -> None:
    """Proves that what is sold is decided before the outlook is known: held at none and at one, dear or not.

    Of two nodes that nobody needs both are sold for 1 each. Sensitivity: were only orders held, both would go.
    """
    scenario = asked_for([0.0, 0.0], RENT, periods=2, stock=[owned(2, 1.0, price_factors=(("t2", 0.9),))])
    assert sold(optimize(scenario, EXACT)) == [("t1", 2)]
    for held in ({}, {("mine", "t2"): 1}):
        plan = optimize(scenario, EXACT, extra=[HeldOrders({}, held)])
        assert {(("mine", period)): nodes for period, nodes in sold(plan)} == held


def batch_in_two_outlooks() -> Scenario:
    """One node-period of work in a quarter of the futures and three in the others, on rent at 1 USD."""
    over = build.calendar(1, outlooks=(0.25, 0.75))
    work = replace(amount(1.0), requests={o: n * 3600.0 * PERIOD_H for o, n in (("o1", 1.0), ("o2", 3.0))})
    return asked(bulk([work], over), RENT, over=over)


@pytest.mark.parametrize(("name", "node_periods", "nodes"), [("o1", 1.0, 1), ("o2", 3.0, 3), (MEAN, 2.5, 3)])
def test_batch_work_follows_the_outlook(name: str, node_periods: float, nodes: int) -> None:
    """Proves that a known outlook asks for its own work and the mean outlook for the mean of both, on whole nodes.

    Sensitivity: with the work of all outlooks left in the one that is known, the program has no such outlook.
    """
    whole = batch_in_two_outlooks()
    plan = optimize(expected(whole) if name == MEAN else with_outlook(whole, name), EXACT)
    assert plan.objective_usd / PERIOD_H == pytest.approx(nodes)
    assert [work.done_requests for work in plan.work] == pytest.approx([node_periods * 3600.0 * PERIOD_H])


def test_futures_of_batch_work_by_hand() -> None:
    """Proves RP = WS where all is rented: 0.25 x 1 + 0.75 x 3 = 2.5 node-periods; knowing is worth nothing."""
    scenario = batch_in_two_outlooks()
    study = futures(scenario, optimize(scenario, EXACT), Resolver(EXACT))
    assert study.complete
    assert study.perfect_information is not None
    assert study.plan.usd / PERIOD_H == pytest.approx(2.5)
    assert study.perfect_information.usd == pytest.approx(0.0, abs=1e-6)


def test_a_multiple_of_demand_is_one_of_the_work() -> None:
    """Proves that twice the demand is twice the work, at twice the cost, and verified as such."""
    scenario = batch_in_two_outlooks()
    twice = scaled(scenario, 2.0)
    plan = optimize(twice, EXACT)
    assert plan.objective_usd == pytest.approx(2.0 * optimize(scenario, EXACT).objective_usd)
    assert verify(plan, twice).passed


@pytest.mark.parametrize(("name", "late"), [("o1", 0), ("o2", 1), (MEAN, 1)])
def test_deliveries_are_as_late_as_in_the_outlook_that_comes(name: str, late: int) -> None:
    """Proves that a known outlook keeps its own delay, and the mean one that of the likeliest."""
    whole = batch_in_two_outlooks()
    line = replace(build.line("keep", "Ax1", 1.0, kind="reserved", term=3), terms=Terms(slips=(("o2", 1),)))
    whole = replace(whole, supply=replace(whole.supply, lines=(line,)))
    one = expected(whole) if name == MEAN else with_outlook(whole, name)
    assert one.supply.lines[0].terms.late(name) == late
