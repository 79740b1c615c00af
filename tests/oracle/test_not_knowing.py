"""What not knowing the future costs, by hand. A node is a GPU that carries 1 request/s; rent costs 2, a reservation 1.

Outlooks of one period: x reserved nodes cost x, and 2 for each request/s beyond them in the outlook that comes.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetopt.errors import Infeasible, InputError
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Objective, Risk, Scenario
from fleetopt.study.futures import Choice, Futures, futures
from fleetopt.study.once import optimize
from fleetopt.study.outlooks import expected
from fleetopt.study.resolve import Resolver
from fleetopt.verify import verify
from tests.oracle.test_futures import futures as asked
from tests.oracle.test_procurement import PERIOD_H, RENT
from tests.properties.asked import PROOF, questions

EXACT = SolveOptions(gap=0.0)


def found(scenario: Scenario) -> Futures:
    return futures(scenario, optimize(scenario, EXACT), Resolver(EXACT))


def named(study: Futures, name: str) -> Choice:
    return next(one for one in study.choices if name in one.names)


def hours(*usd: float | None) -> list[float]:
    """Dollars in node-hours of the period at 1 USD."""
    assert None not in usd
    return [one / PERIOD_H for one in usd if one is not None]


TWO = asked((0.75, 0.0, 1.0, 1.0), (0.25, 4.0, 1.0, 1.0))
"""None or four requests/s. At best 0 and 4. The mean is one."""


def test_two_outlooks_by_hand() -> None:
    """Proves RP, WS, EEV and both values: a reservation pays 1 for what is used a quarter of the time at 2, so nothing
    is ordered: RP = 0.25 x 8 = 2. WS = 0.25 x 4 = 1, EVPI = 1. The mean of 1 request/s is reserved: EEV = 1 + 0.25 x 6
    = 2.5, VSS = 0.5. All are proven, so the ranges are points.

    Sensitivity: WS with the orders of the plan would be RP; EEV without holding the orders would be RP too.
    """
    study = found(TWO)
    assert study.complete
    spans = (
        study.plan,
        study.wait_and_see,
        study.perfect_information,
        study.mean_orders,
        study.stochastic_solution,
    )
    for span, value in zip(spans, (2.0, 1.0, 1.0, 2.5, 0.5), strict=True):
        assert span is not None
        assert hours(span.usd, span.low, span.high) == pytest.approx([value] * 3, abs=1e-9)
    assert [hours(one.plan_usd, one.best_usd) for one in study.outlooks] == [[0.0, 0.0], [8.0, 4.0]]


def test_the_regret_table_by_hand() -> None:
    """Proves the table: x reserved nodes cost x in the first outlook (regret x) and x + 2 (4 - x) in the second (regret
    4 - x). None, one and four ordered regret 4, 3 and 4 at worst, and two, which nobody ordered so far, 2.

    Sensitivity: regret by probability would order none; against the largest cost instead of the best, four.
    """
    study = found(TWO)
    rows = {
        one.nodes: hours(*(cell.regret_usd for cell in one.outlooks), one.worst_regret_usd) for one in study.choices
    }
    assert rows == {x: pytest.approx([x, 4 - x, max(x, 4 - x)], abs=1e-9) for x in (0, 1, 2, 4)}
    assert study.least_regret is not None
    assert hours(study.least_regret.usd, study.least_regret.low, study.least_regret.high) == pytest.approx([2.0] * 3)
    assert (named(study, "the plan").nodes, named(study, "least regret").nodes) == (0, 2)
    assert named(study, "for o1") is named(study, "the plan")
    for one in study.choices:
        assert one.plan is not None
        assert verify(one.plan, TWO).passed


def test_orders_that_leave_an_outlook_unserved_are_said_to() -> None:
    """Proves what has no value: with at most two nodes to rent, one reserved for the mean leaves the second outlook
    with three of four requests/s. It cannot be served, and planning for both is worth more than any money.

    Sensitivity: a shortfall that nobody allowed would give a number.
    """
    scarce = replace(TWO.supply.lines[0], max_nodes=2)
    scenario = replace(TWO, supply=replace(TWO.supply, lines=(scarce, *TWO.supply.lines[1:])))
    study = found(scenario)
    assert study.complete
    assert study.unservable == ("o2",)
    assert (study.mean_orders, study.stochastic_solution) == (None, None)
    mean = named(study, "for the mean of the outlooks")
    assert [cell.impossible for cell in mean.outlooks] == [False, True]
    assert (mean.plan, mean.worst_regret_usd, mean.usd) == (None, None, None)
    assert hours(mean.outlooks[0].usd, mean.outlooks[0].regret_usd) == [1.0, 1.0]


def test_risk_weighs_in_every_figure() -> None:
    """Proves that the same weighing runs through: with half the weight on the worst quarter, four reserved cost 4, none
    cost 0.5 x 2 + 0.5 x 8 = 5. WS = 0.5 x 1 + 0.5 x 4 = 2.5, EVPI = 1.5; the mean's one costs
    0.5 x 2.5 + 0.5 x 7 = 4.75, VSS = 0.75.

    Sensitivity: EVPI of expectations would be 4 - 1 = 3.
    """
    study = found(replace(TWO, risk=Risk(0.75, 0.5)))
    assert study.perfect_information is not None
    assert study.stochastic_solution is not None
    assert hours(study.plan.usd, study.perfect_information.usd) == pytest.approx([4.0, 1.5])
    assert hours(study.stochastic_solution.usd) == pytest.approx([0.75])


def test_a_loose_gap_leaves_ranges_around_the_truth() -> None:
    """Proves that proofs are carried through: whatever the gap, the figures lie in their ranges, and so does the true
    EVPI of 1. (VSS is that of the orders found for the mean, which a gap may change.)

    Sensitivity: a bound taken of the wrong solve would leave the truth out.
    """
    for gap in (0.05, 0.3, 0.6):
        loose = SolveOptions(gap=gap)
        study = futures(TWO, optimize(TWO, loose), Resolver(loose))
        for span, truth in ((study.perfect_information, PERIOD_H), (study.stochastic_solution, None)):
            assert span is not None
            assert span.low is not None
            assert span.high is not None
            known = span.usd if truth is None else truth
            assert span.low <= min(span.usd, known) + 1e-6
            assert max(span.usd, known) <= span.high + 1e-6


def test_nothing_is_worked_out_without_solves_and_that_is_said() -> None:
    """Proves a budget of none: the plan stands, everything else is null, and it is called incomplete.
    Sensitivity: zeros in their place would say that knowing is worth nothing."""
    study = futures(TWO, optimize(TWO, EXACT), Resolver(EXACT, most=0))
    assert not study.complete
    assert (study.wait_and_see, study.mean_orders, study.least_regret) == (None, None, None)
    assert [one.names for one in study.choices] == [("the plan",)]
    assert [one.best_usd for one in study.outlooks] == [None, None]


def test_the_mean_of_the_outlooks_is_of_all_that_differs() -> None:
    """Proves the mean: 1 request/s, rent at 0.75 x 1 + 0.25 x 1.4 = 1.1, capacity 0.75 + 0.25 x 0.8 = 0.95."""
    mean = expected(asked((0.75, 0.0, 1.0, 1.0), (0.25, 4.0, 1.4, 0.8)))
    (outlook,) = mean.calendar.outlooks
    assert (outlook.price_factor, outlook.capacity_factor) == pytest.approx((1.1, 0.95))
    assert mean.workloads[0].demand_rps == {("t1", "h1", "expected"): 1.0}


class Impatient(Resolver):
    """Stopped by Ctrl-C at its third question, between two solves."""

    def solve(self, *args: object, **more: object) -> object:  # type: ignore[override]
        if self.solves == 2:
            raise KeyboardInterrupt
        return super().solve(*args, **more)  # type: ignore[arg-type]


def test_ctrl_c_keeps_what_is_finished() -> None:
    """Proves: stopped after both outlooks, the value of perfect information stands, and nothing after it is solved.
    Sensitivity: an interrupt that got through would lose all of it."""
    desk = Impatient(EXACT)
    study = futures(TWO, optimize(TWO, EXACT), desk)
    assert not study.complete
    assert study.perfect_information is not None
    assert hours(study.perfect_information.usd) == pytest.approx([1.0])
    assert study.mean_orders is None
    assert desk.spent


rates = st.sampled_from((0.0, 1.0, 2.0, 3.0, 5.0))


@pytest.mark.slow
@settings(PROOF, max_examples=8)
@given(st.tuples(rates, rates, rates), st.sampled_from(((0.2, 0.3, 0.5), (0.6, 0.3, 0.1))), st.sampled_from((1.2, 3.0)))
def test_all_figures_by_trying_every_order(rps: tuple[float, ...], shares: tuple[float, ...], rent: float) -> None:
    """Proves RP, WS and least regret against counting: x from none to the largest demand, rent beyond it.
    Sensitivity: least regret taken over the orders of the table alone misses the middle ones."""
    scenario = asked(*((share, demand, 1.0, 1.0) for share, demand in zip(shares, rps, strict=True)))
    dear = replace(RENT, offer=replace(RENT.offer, usd_per_node_h=rent))
    scenario = replace(scenario, supply=replace(scenario.supply, lines=(dear, *scenario.supply.lines[1:])))
    if not any(rps):
        return
    study = found(scenario)
    cost = {(x, i): x + rent * max(0.0, demand - x) for x, (i, demand) in product(range(6), enumerate(rps))}
    best = [min(cost[x, i] for x in range(6)) for i in range(3)]
    together = [sum(share * cost[x, i] for i, share in enumerate(shares)) for x in range(6)]
    assert study.wait_and_see is not None
    assert study.least_regret is not None
    assert hours(study.plan.usd) == pytest.approx([min(together)])
    assert hours(study.wait_and_see.usd) == pytest.approx([sum(p * b for p, b in zip(shares, best, strict=True))])
    regret = min(max(cost[x, i] - best[i] for i in range(3)) for x in range(6))
    assert hours(study.least_regret.usd) == pytest.approx([regret], abs=1e-6)


@pytest.mark.slow
@settings(PROOF, max_examples=8)
@given(questions)
def test_waiting_is_cheapest_and_the_mean_dearest(scenario: Scenario) -> None:
    """Proves WS <= RP <= EEV, that no choice of orders has less regret than the least, that no outlook costs less than
    its best, and that every choice is a verified plan. Sensitivity: a cost of one outlook weighed by its probability,
    or an order left free, breaks one of them."""
    try:
        plan = optimize(scenario, EXACT)
    except (Infeasible, InputError):
        return
    study = futures(scenario, plan, Resolver(EXACT))
    allowed = 1e-6 * max(1.0, plan.objective_usd)
    assert study.complete
    assert study.wait_and_see is not None
    assert study.least_regret is not None
    assert study.wait_and_see.usd <= study.plan.usd + allowed
    assert study.mean_orders is None or study.mean_orders.usd >= study.plan.usd - allowed
    for one in study.choices:
        assert one.plan is None or one.plan.verdict.passed
        assert one.worst_regret_usd is None or one.worst_regret_usd >= study.least_regret.usd - 10 * allowed
        assert all(cell.regret_usd is None or cell.regret_usd >= 0.0 for cell in one.outlooks)


def test_regret_is_the_same_as_an_objective() -> None:
    """Proves that `objective: regret` plans for what the table calls least regret. Sensitivity: two definitions."""
    plan: Plan = optimize(replace(TWO, objective=Objective(("regret",))), EXACT)
    study = found(TWO)
    assert plan.objective is not None
    assert study.least_regret is not None
    assert plan.objective.goals[0].value == pytest.approx(study.least_regret.usd)
    assert sum(order.nodes for order in plan.orders) == named(study, "least regret").nodes
