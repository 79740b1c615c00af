"""Questions that are the same by what they mean, put in other words: the program may not tell them apart."""

from __future__ import annotations

from dataclasses import replace
from math import inf, isfinite

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fleetopt.capacity.table import derive
from fleetopt.optimizer.case import build_case
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.formulation import FEATURES, formulate
from fleetopt.optimizer.matrix import compile_matrix
from fleetopt.optimizer.readout import read_out
from fleetopt.optimizer.solve import solve
from fleetopt.plan.risk import usd_by_outlook, worth
from fleetopt.scenario.domain import Outlook, Risk, Scenario
from fleetopt.scenario.supply_domain import Terms
from fleetopt.study.once import optimize
from tests.oracle import build
from tests.properties.asked import EXACT, PROOF, cost, over, questions, same, with_supply

pytestmark = pytest.mark.slow

orders: st.SearchStrategy[list[Feature]] = st.permutations(FEATURES)


@settings(PROOF, max_examples=40)
@given(questions, orders)
def test_the_order_of_features_changes_nothing(asked: Scenario, features: list[Feature]) -> None:
    """Proves that features speak only through ledgers: in any order they make a program of the same size whose best
    plan costs the same. Sensitivity: a feature that read a ledger before another posted to it would miss the term."""
    case = build_case(asked, derive(asked))
    problem = formulate(case, features)
    matrix = compile_matrix(problem)
    assert len(matrix.rules) == len(formulate(case).rules)
    values = solve(matrix, EXACT).values
    shuffled = inf if values is None else read_out(problem, matrix, values, tuple(features)).objective_usd
    assert same(shuffled, cost(asked))


@settings(PROOF, max_examples=25)
@given(questions, st.sampled_from(((0.5, 0.5), (0.1, 0.2, 0.7))), st.sampled_from((None, Risk(0.8, 0.4))))
def test_outlooks_that_are_all_alike_are_none(asked: Scenario, shares: tuple[float, ...], risk: Risk | None) -> None:
    """Proves that one outlook is the deterministic question: however its probability is shared out over outlooks that
    are alike, and however risk is weighed, the cost is that of the one. Sensitivity: an order by outlook, a line that
    is not weighted, or a tail that is not their common cost, would change it."""
    calendar = replace(asked.calendar, outlooks=asked.calendar.outlooks[:1])
    only = replace(calendar.outlooks[0], probability=1.0)
    one = over(asked, replace(calendar, outlooks=(only,)), {t: t for t in build.times(calendar)})
    alike = tuple(replace(only, name=f"s{i}", probability=share) for i, share in enumerate(shares))
    split = replace(calendar, outlooks=alike)
    source = {(t, h, o): (t, h, only.name) for t, h, o in build.times(split)}
    assert same(cost(replace(over(one, split, source), risk=risk)), cost(replace(one, risk=None)))


@settings(PROOF, max_examples=25)
@given(questions)
def test_one_period_is_the_static_question(asked: Scenario) -> None:
    """Proves that where there is one time there is nothing to commit to: nodes that are rented, and the same nodes
    reserved for the period, are the same fleet at the same cost. Sensitivity: a term counted a period short, or hours
    counted by slot, would tell them apart."""
    only = build.calendar()
    first = build.times(asked.calendar)[0]
    static = over(asked, replace(only, outlooks=(Outlook("o1", 1.0),)), dict.fromkeys(build.times(only), first))
    lines = [
        replace(line, terms=Terms(), offer=replace(line.offer, kind="on_demand", upfront_usd_per_node=0.0))
        for line in static.supply.lines
    ]
    stock = tuple(replace(one, last=None) for one in static.supply.stock)
    rented = with_supply(static, lines=tuple(lines), stock=stock, quotas=(), budgets=())
    kept = [
        replace(line, offer=replace(line.offer, kind="reserved", term_months=3, lead_time_months=0)) for line in lines
    ]
    assert same(cost(with_supply(rented, lines=tuple(kept))), cost(rented))


@settings(PROOF, max_examples=25)
@given(questions, st.sampled_from((0.0, 0.1)), st.sampled_from((None, Risk(0.7, 0.3), Risk(0.9, 0.8))))
def test_lines_sum_to_whatever_is_minimised(asked: Scenario, rate: float, risk: Risk | None) -> None:
    """Proves that cost lines x probability x discount are the expected cost, those of each outlook its cost, and both
    weighed the objective, to a millionth. Sensitivity: a discount of the wrong day, or a line outside the tail."""
    asked = replace(asked, discount_rate=rate, risk=risk)
    least = cost(asked)
    assume(isfinite(least) and least > 0)
    plan = optimize(asked, EXACT)
    probability = {outlook.name: outlook.probability for outlook in asked.calendar.outlooks}
    assert plan.objective_usd == pytest.approx(least, rel=1e-6)
    assert sum(c.usd * c.probability * c.discount for c in plan.costs) == pytest.approx(plan.expected_usd, rel=1e-6)
    by_outlook = usd_by_outlook(plan.costs, probability)
    expected = sum(probability[name] * usd for name, usd in by_outlook.items())
    assert expected == pytest.approx(plan.expected_usd, rel=1e-6)
    assert worth(plan.costs, probability, risk).objective_usd == pytest.approx(plan.objective_usd, rel=1e-6)
