"""Changes of a question that change nothing, or everything by a known factor."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetopt.optimizer.solve import SolveOptions
from fleetopt.scenario.domain import Calendar, Scenario, Shortfall
from fleetopt.study.once import optimize
from tests.oracle import build
from tests.properties.asked import PROOF, Time, cost, over, plain_questions, questions, same, with_supply

pytestmark = pytest.mark.slow


@PROOF
@given(questions, st.sampled_from((0.01, 0.5, 3.0, 1000.0)))
def test_the_cost_scales_with_all_prices(asked: Scenario, k: float) -> None:
    """Proves that the objective is money and nothing else: k times every price is k times the cost. Sensitivity: any
    constant or preference hidden in the objective would stay behind."""
    supply = asked.supply
    scaled = with_supply(
        asked,
        lines=tuple(
            replace(
                line,
                offer=replace(
                    line.offer,
                    usd_per_node_h=k * line.offer.usd_per_node_h,
                    upfront_usd_per_node=k * line.offer.upfront_usd_per_node,
                ),
            )
            for line in supply.lines
        ),
        stock=tuple(replace(stock, usd_per_node_h=k * stock.usd_per_node_h) for stock in supply.stock),
    )
    workloads = tuple(
        replace(w, shortfall=Shortfall(w.shortfall.allowed, k * w.shortfall.usd_per_million_tokens))
        for w in asked.workloads
    )
    assert cost(replace(scaled, workloads=workloads)) == pytest.approx(
        k * cost(asked), rel=1e-8, abs=2e-6 * max(1.0, k)
    )


@PROOF
@given(questions)
def test_names_and_order_are_nothing(asked: Scenario) -> None:
    """Proves that neither the names nor the order of workloads, offers, stock, quotas and sites change the cost.
    Sensitivity: keying a ledger by an offer instead of its supply line would merge two and change it."""
    supply = asked.supply
    sites = {site: f"z{i}" for i, site in enumerate(reversed(supply.sites))}
    lines = [
        replace(line, name=f"n{i}", site=sites[line.site], offer=replace(line.offer, name="shared"))
        for i, line in enumerate(supply.lines)
    ]
    stock = [replace(one, name=f"s{i}", site=sites[one.site]) for i, one in enumerate(supply.stock)]
    quotas = [replace(one, name=f"q{i}", site=one.site and sites[one.site]) for i, one in enumerate(supply.quotas)]
    workloads = [
        replace(w, name=f"w{i}", sites=w.sites and tuple(sites[site] for site in w.sites))
        for i, w in enumerate(asked.workloads)
    ]
    renamed = with_supply(
        asked,
        sites=tuple(sorted(sites.values())),
        lines=tuple(reversed(lines)),
        stock=tuple(reversed(stock)),
        quotas=tuple(reversed(quotas)),
        facilities=tuple(replace(one, site=sites[one.site]) for one in supply.facilities),
    )
    assert same(cost(replace(renamed, workloads=tuple(reversed(workloads)))), cost(asked))


@PROOF
@given(questions)
def test_an_outlook_split_in_two_is_still_one(asked: Scenario) -> None:
    """Proves that probability only weights: an outlook split into two halves with the same demand costs the same.
    Sensitivity: a first-stage order indexed by outlook, or an unweighted line, would change the cost."""
    calendar = asked.calendar
    first, *rest = calendar.outlooks
    half = replace(first, probability=first.probability / 2.0)
    split = replace(calendar, outlooks=(replace(half, name="l"), replace(half, name="r"), *rest))
    came = {"l": first.name, "r": first.name}
    source: dict[Time, Time] = {(t, h, o): (t, h, came.get(o, o)) for t, h, o in build.times(split)}
    assert same(cost(over(asked, split, source)), cost(asked))


@PROOF
@given(questions)
def test_a_slot_split_in_two_is_still_one(asked: Scenario) -> None:
    """Proves that hours only weight: two slots of half the length cost what one did. Sensitivity: counting a
    commitment's hours by slot would double its running cost."""
    calendar = asked.calendar
    first, *rest = calendar.slots
    half = replace(first, hours_per_day=first.hours_per_day / 2.0)
    split = replace(calendar, slots=(replace(half, name="l"), replace(half, name="r"), *rest))
    came = {"l": first.name, "r": first.name}
    source: dict[Time, Time] = {(t, h, o): (t, came.get(h, h), o) for t, h, o in build.times(split)}
    assert same(cost(over(asked, split, source)), cost(asked))


@PROOF
@given(plain_questions)
def test_the_same_again_costs_as_much_again(asked: Scenario) -> None:
    """Proves that without commitments periods do not know each other: all of them twice cost twice as much.
    Sensitivity: a limit on nodes summed over periods would make it infeasible, a shared node cheaper than twice."""
    calendar = asked.calendar
    again = tuple(replace(period, name=f"{period.name}-again") for period in calendar.periods)
    twice = Calendar((*calendar.periods, *again), calendar.slots, calendar.outlooks)
    source: dict[Time, Time] = {(t, h, o): (t.removesuffix("-again"), h, o) for t, h, o in build.times(twice)}
    before = cost(asked)
    assert same(cost(over(asked, twice, source)), 2.0 * before)


@PROOF
@given(questions.filter(lambda asked: 0.0 < cost(asked) < float("inf")))
def test_cost_lines_sum_to_the_objective(asked: Scenario) -> None:
    """Proves that the cost report is the objective: its lines, weighted by probability, sum to it, and the workloads'
    shares sum to it too. Sensitivity: a dollar posted under no line would be missing from the sum."""
    plan = optimize(asked, SolveOptions())
    lines = sum(line.usd * line.probability * line.discount for line in plan.costs)
    shares = sum(share.usd for share in plan.workload_costs)
    assert lines == pytest.approx(plan.expected_usd, rel=1e-6)
    assert asked.risk is not None or plan.objective_usd == plan.expected_usd
    assert shares == pytest.approx(plan.expected_usd, rel=1e-6)
