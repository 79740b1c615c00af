"""How far demand can grow, by hand. A replica is a GPU that carries 1 request/s, a node costs 2160 USD in the period.

Nobody states what a node draws, so that it is 1.9 x 700 W = 1.33 kW for each GPU.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil, floor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetopt.optimizer.solve import SolveOptions
from fleetopt.scenario.domain import Scenario, Shortfall
from fleetopt.scenario.supply_domain import Budget
from fleetopt.study.once import optimize
from fleetopt.study.resolve import Resolver
from fleetopt.study.stretch import Limits, Point, Stretch, scaled, stretch
from fleetopt.verify import verify
from fleetopt.verify.total_power import power_is_kept
from tests.oracle import build
from tests.properties.asked import PROOF, questions, with_supply

NODE = 2160.0
WITHIN = 1e-3


def asked(*lines: Any, rates: tuple[float, ...] = (1.0, 2.0), **more: Any) -> Scenario:
    """Workloads a and b of one model."""
    workloads = [build.workload(name, rps) for name, rps in zip("ab", rates, strict=False)]
    return build.scenario(workloads, [build.rate("c", 1.0)], lines or [build.line("l", "Ax1")], **more)


def found(scenario: Scenario, limits: Limits, **more: Any) -> Stretch:
    answer = stretch(scenario, limits, Resolver(SolveOptions(gap=1e-6)), within=WITHIN, **more)
    assert answer.complete
    return answer


def holds(point: Point, multiple: float) -> None:
    """The multiple is found to the edge, and a thousandth more is proven to have no plan."""
    assert point.low == pytest.approx(multiple, rel=1e-6)
    assert point.high is not None
    assert multiple < point.high <= multiple * (1 + WITHIN) * (1 + 1e-6)
    assert point.plan is not None
    assert point.plan.verdict.passed


def test_the_largest_multiple_within_a_budget() -> None:
    """Proves iso-cost by hand: five nodes for 10 800 USD; m and 2 m take ceil(m) + ceil(2 m) of them, which is five up
    to m = 1.5 and six beyond. One USD less buys four: m = 1, where 1 + 2 are three and 1.5 would be five.

    Sensitivity: whole demand over whole capacity would say 5 / 3.
    """
    (point,) = found(asked(), Limits(budget_usd=5 * NODE)).points
    holds(point, 1.5)
    assert point.usd == pytest.approx(5 * NODE)
    holds(found(asked(), Limits(budget_usd=5 * NODE - 1)).points[0], 1.0)


def test_one_workload_is_stretched_and_the_other_asks_the_same() -> None:
    """Proves `workload`: b keeps two of five nodes, so a has three. Sensitivity: 1.5 if both were stretched."""
    holds(found(asked(), Limits(budget_usd=5 * NODE), workload="a").points[0], 3.0)


def test_the_largest_multiple_within_a_power_over_all_sites() -> None:
    """Proves iso-power: 7 kW are five nodes of 1.33 kW, wherever they stand; each site has only three.

    Sensitivity: a cap on each site would let six run: m = 2. Verify's own sum refuses a sixth node.
    """
    lines = [build.line(site, "Ax1", site=site, max_nodes=3) for site in ("east", "west")]
    scenario = asked(*lines, sites=("east", "west"))
    (point,) = found(scenario, Limits(power_w=7000.0)).points
    holds(point, 1.5)
    holds(found(scenario, Limits()).points[0], 2.0)
    six = optimize(scaled(scenario, 2.0), SolveOptions(gap=1e-6))
    assert not power_is_kept(six, scaled(scenario, 2.0), 7000.0).passed
    assert power_is_kept(six, scaled(scenario, 2.0), 6 * 1330.0).passed


def test_allowed_shortfall_and_headroom_count() -> None:
    """Proves that promises are those of the scenario: of m x 1 with a quarter of headroom, a fifth may go unserved, so
    that five nodes do for m = 5. Sensitivity: without either it would be five as well, with one of them 4 or 6.25."""
    only = asked(rates=(1.0,))
    lenient = replace(only.workloads[0], headroom=0.25, shortfall=Shortfall(0.2, 0.0))
    holds(found(replace(only, workloads=(lenient,)), Limits(budget_usd=5 * NODE)).points[0], 5.0)
    strict = replace(lenient, shortfall=Shortfall(0.0, 0.0))
    holds(found(replace(only, workloads=(strict,)), Limits(budget_usd=5 * NODE)).points[0], 4.0)


def test_without_a_limit_there_is_no_largest_multiple() -> None:
    """Proves that no bound is made up: offers without limit serve 1024 times the demand, and nothing is proven against
    more. Sensitivity: the last multiple that was tried as a bound."""
    (point,) = found(asked(rates=(1.0,)), Limits()).points
    assert (point.low, point.high) == (1024.0, None)


def test_less_than_the_demand_and_nothing_at_all() -> None:
    """Proves multiples below one: 40 requests/s and ten nodes make a quarter; and where the other workload alone is too
    much, not even a thousandth: no plan, and a proof."""
    scenario = asked(build.line("l", "Ax1", max_nodes=10), rates=(40.0, 20.0))
    holds(found(asked(build.line("l", "Ax1", max_nodes=10), rates=(40.0,)), Limits()).points[0], 0.25)
    (point,) = found(scenario, Limits(), workload="a").points
    assert (point.low, point.usd, point.plan) == (0.0, None, None)
    assert point.high is not None
    assert point.high < 0.002


def test_a_curve_over_the_budget_rises() -> None:
    """Proves steps: with 1 to 6 nodes one workload of 1 request/s has 1 to 6 times its demand."""
    points = found(asked(rates=(1.0,)), Limits(budget_usd=6 * NODE), steps=6).points
    assert [point.budget_usd for point in points] == pytest.approx([n * NODE for n in range(1, 7)])
    for n, point in enumerate(points, 1):
        holds(point, float(n))


def test_the_budget_of_a_stretch_stands_beside_those_of_the_scenario() -> None:
    """Proves that the lesser of two budgets binds. Sensitivity: one in the place of the other would give 1.5."""
    scenario = with_supply(asked(rates=(1.0,)), budgets=(Budget("mine", "all", None, 2 * NODE),))
    holds(found(scenario, Limits(budget_usd=5 * NODE)).points[0], 2.0)


def test_time_that_runs_out_proves_nothing() -> None:
    """Proves that solves which are not made leave no claim. Sensitivity: an undecided multiple taken for impossible."""
    answer = stretch(asked(), Limits(budget_usd=NODE), Resolver(SolveOptions(), most=2), within=WITHIN)
    assert not answer.complete
    (point,) = answer.points
    assert point.low <= 1.0
    assert point.high is None or point.high >= 1.0 / 3.0


@pytest.mark.slow
@settings(PROOF, max_examples=8)
@given(st.integers(1, 9), st.sampled_from((0.3, 1.0, 1.7)), st.sampled_from((0.4, 1.0, 2.5)))
def test_against_counting(nodes: int, a: float, b: float) -> None:
    """Proves low and high against trying every number of nodes of a: m = min(x / a, (n - x) / b), the best of all x.
    Sensitivity: an interval that is halved on the wrong side ends at another step."""
    best = max(min(x / a, (nodes - x) / b) for x in range(nodes + 1))
    if best == 0:
        return
    (point,) = found(asked(rates=(a, b)), Limits(budget_usd=nodes * NODE + 1.0)).points
    holds(point, best)
    assert ceil(best * a - 1e-9) + ceil(best * b - 1e-9) <= nodes
    assert floor(point.low / best + 1e-6) == 1


@pytest.mark.slow
@settings(PROOF, max_examples=4)
@given(questions)
def test_the_multiple_of_any_question_has_a_plan(scenario: Scenario) -> None:
    """Proves on random questions that the plan is one of the scenario with its demand multiplied, within the budget,
    and that what was proven to have none is not below it. Sensitivity: a plan of the scenario as it is fails."""
    (point,) = stretch(scenario, Limits(budget_usd=1e5), Resolver(SolveOptions(gap=1e-6)), within=0.05).points
    assert point.high is None or point.high >= point.low
    if point.plan is not None:
        budgets = (*scenario.supply.budgets, Budget("b", "all", None, 1e5))
        assert verify(point.plan, with_supply(scaled(scenario, point.low), budgets=budgets)).passed
