"""Other ways to size a fleet, each worked out by hand. A period is 90 days: a node at 1 USD/h costs 2160 USD."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from fleetopt.errors import Infeasible, InputError
from fleetopt.optimizer.case import build_case
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.load import load
from fleetopt.scenario.supply_domain import Quota, Sale, Stock
from fleetopt.study.baselines import Baseline, baselines
from fleetopt.study.leftover import left_over
from fleetopt.study.merge import merged
from fleetopt.study.once import optimize
from fleetopt.study.resolve import Resolver
from fleetopt.study.restrict import with_workloads
from fleetopt.study.static import by_cost
from tests.oracle import build
from tests.oracle.draw import has_odd_sizes
from tests.properties.asked import PROOF, questions

EXACT = SolveOptions(gap=1e-7)
NODE = 2160.0
ALONE, ONE_TYPE, STATIC, ON_DEMAND = (
    "each workload sized alone",
    "one GPU type for all",
    "static fleet for the peak",
    "all on demand",
)


def against(scenario: Scenario) -> dict[str, Baseline]:
    plan = optimize(scenario, EXACT)
    return {one.name: one for one in baselines(scenario, plan, Resolver(EXACT))}


def two_halves(**changes: object) -> Scenario:
    """Two workloads of half a node each, on nodes of two GPUs."""
    workloads = [build.workload("chat", 1.0), build.workload("code", 1.0)]
    made = build.scenario(workloads, [build.rate("c", 1.0)], [build.line("rent", "Ax2")])
    return replace(made, supply=replace(made.supply, **changes)) if changes else made  # type: ignore[arg-type]


def test_workloads_alone_do_not_share_nodes() -> None:
    """Proves: together one node is enough, alone each has its own, so half is saved.
    Sensitivity: fractions of nodes would make both the same.
    """
    alone = against(two_halves())[ALONE]
    assert alone.usd == pytest.approx(2 * NODE)
    assert (alone.feasible, alone.verified) == (True, True)
    assert alone.saving == pytest.approx(0.5)


def test_scarce_supply_goes_to_the_first_who_asks() -> None:
    """Proves: of one free node that both want, the second workload gets none and rents instead.
    Sensitivity: lent to both, the baseline would cost nothing and beat the plan.
    """
    scenario = two_halves(stock=(Stock("own", "main", "Ax2", 1, 0.0),))
    alone = against(scenario)[ALONE]
    assert alone.usd == pytest.approx(NODE)
    assert alone.feasible
    assert "first who asks" in alone.note


def test_a_baseline_that_breaks_a_limit_claims_nothing() -> None:
    """Proves: with a quota of one node, two fleets of a node each are not feasible, and no saving is told.
    Sensitivity: each alone keeps the quota, so only the merged plan shows it.
    """
    alone = against(two_halves(quotas=(Quota("q", "A", None, None, 2),)))[ALONE]
    assert (alone.feasible, alone.verified, alone.saving) == (False, False, None)
    assert "4 of 2 GPUs" in alone.note


def test_the_best_single_type_is_taken() -> None:
    """Proves: chat runs on A for 1 and on B for 5, code on A for 4 and on B for 1: together 2, on A alone 5.
    Sensitivity: the first type that works, or the sum over types, would be B's 6 or 11.
    """
    workloads = [build.workload("chat", 1.0, model="m"), build.workload("code", 1.0, model="n")]
    candidates = [
        build.rate("ma", 1.0, model="m"),
        build.rate("mb", 0.2, gpu="B", model="m"),
        build.rate("na", 0.25, model="n"),
        build.rate("nb", 1.0, gpu="B", model="n"),
    ]
    scenario = build.scenario(workloads, candidates, [build.line("b", "Bx1"), build.line("a", "Ax1")])
    one = against(scenario)[ONE_TYPE]
    assert one.usd == pytest.approx(5 * NODE)
    assert one.saving == pytest.approx(0.6)
    assert one.note.startswith("A is the cheapest")


def test_what_is_owned_of_other_types_stays_owned() -> None:
    """Proves: beside two nodes of B that nothing runs on, one to be sold for 500 and one committed at 0.5 an hour, the
    plan is on A alone and so is the baseline, at the same cost; and a static fleet pays for the committed node too.
    Sensitivity: without the other types' nodes the sale is missed, and the plan claims a saving over itself; and the
    committed node is not paid for, which breaks the scenario.
    """
    stock = (
        Stock("sell", "main", "Bx1", 1, 0.0, sale=Sale(500.0, first="t1", last="t1")),
        Stock("held", "main", "Bx1", 1, 0.5, committed=True),
    )
    made = build.scenario([build.workload("chat", 1.0)], [build.rate("c", 1.0)], [build.line("rent", "Ax1")])
    node = made.node_types["Ax1"]
    nodes = {**made.node_types, "Bx1": replace(node, name="Bx1", gpu_type="B")}
    found = against(replace(made, node_types=nodes, supply=replace(made.supply, stock=stock)))
    assert found[ONE_TYPE].usd == pytest.approx(1.5 * NODE - 500.0)
    assert found[ONE_TYPE].saving == pytest.approx(0.0)
    assert found[STATIC].usd == pytest.approx(1.5 * NODE)
    assert found[STATIC].verified
    assert "owned nodes are not sold" in found[STATIC].note


def test_the_static_fleet_is_the_papers_formula_rounded_up() -> None:
    """Proves: 10 requests/s at a peak of 8 hours, 3 carried by prefill and 4 by decode, make ceil(3.33) + ceil(2.5) = 7
    replicas that are held all day; the plan holds 7 for 8 hours and ceil(0.33) + ceil(0.25) = 2 for 16.
    Sensitivity: without ceilings 5.83, without the peak 2.
    """
    over = build.calendar(slots=(8.0, 16.0))
    demand = {("t1", "h1", "o1"): 10.0, ("t1", "h2", "o1"): 1.0}
    candidates = [build.rate("p", 3.0, "prefill"), build.rate("d", 4.0, "decode")]
    scenario = build.scenario([build.workload(rps=demand)], candidates, [build.line("rent", "Ax1")], over=over)
    static = against(scenario)[STATIC]
    assert static.usd == pytest.approx(7 * NODE)
    assert static.saving == pytest.approx(1 - (7 * 8 + 2 * 16) / (7 * 24))


def test_the_formula_finds_the_papers_4p4d() -> None:
    """Proves: seed-paper needs 3.07 P and 3.79 D, so the static fleet is 4 and 4 on eight nodes.
    Sensitivity: the shortfall that the scenario allows would make it 3P4D.
    """
    scenario = load("seed-paper")
    case = build_case(scenario, Resolver().capacities(scenario))
    (sizing,) = by_cost(case, scenario)
    assert (sizing.replicas, sizing.nodes) == ((4, 4), 8)


def test_a_static_fleet_goes_where_there_is_enough() -> None:
    """Proves: the cheaper pool is too small for the peak, so the other one is taken, with the config of it that fills
    fewest nodes.
    Sensitivity: bound to the cheapest pool there would be no such fleet, with the first config of it one of 6 nodes.
    """
    lines = [build.line("few", "Ax1", 1.0, max_nodes=2), build.line("many", "Bx2", 3.0)]
    candidates = [build.rate("a", 1.0), build.rate("b1", 0.35, gpu="B"), build.rate("b2", 1.0, gpu="B", gpus=2)]
    scenario = build.scenario([build.workload(rps=4.0)], candidates, lines)
    found = against(scenario)
    assert found[STATIC].usd == pytest.approx(4 * 3 * NODE)


def test_commitments_save_against_renting() -> None:
    """Proves: a node that is reserved for 0.5 USD/h against 1 USD/h on demand saves half.
    Sensitivity: a baseline that keeps commitments would save nothing.
    """
    lines = [build.line("rent", "Ax1"), build.line("keep", "Ax1", 0.5, kind="reserved", term=3)]
    found = against(build.scenario([build.workload()], [build.rate("c", 1.0)], lines))
    assert found[ON_DEMAND].usd == pytest.approx(NODE)
    assert found[ON_DEMAND].saving == pytest.approx(0.5)


def test_what_one_plan_uses_is_gone_for_the_next() -> None:
    """Proves: what is left is each limit less the most in service at once.
    Sensitivity: less the sum over times it would be nothing.
    """
    scenario = two_halves(
        lines=(build.line("rent", "Ax2", max_nodes=5),),
        stock=(Stock("own", "main", "Ax2", 3, 0.0),),
        quotas=(Quota("q", "A", None, None, 8),),
    )
    scenario = replace(scenario, calendar=build.calendar(slots=(12.0, 12.0)))
    demand = {("t1", "h1", "o1"): 8.0, ("t1", "h2", "o1"): 7.5}
    first = optimize(with_workloads(scenario, [build.workload("chat", demand)]), EXACT)
    left = left_over(scenario, first).supply
    assert (left.stock[0].nodes, left.lines[0].max_nodes, left.quotas[0].max_gpus) == (0, 4, 0)


def test_a_merged_plan_is_verified_as_a_whole() -> None:
    """Proves: two plans put together hold every check of the whole scenario, at the sum of their costs.
    Sensitivity: fleet lines that are not added up would be stated twice and fail.
    """
    scenario = two_halves()
    parts = [optimize(with_workloads(scenario, [workload]), EXACT) for workload in scenario.workloads]
    whole = merged(scenario, parts)
    assert whole.verdict.passed
    assert whole.objective_usd == pytest.approx(2 * NODE)
    assert [line.nodes for line in whole.fleet] == [2]
    assert (whole.bound_usd, whole.gap) == (None, None)


@settings(PROOF, max_examples=8)
@given(questions)
def test_no_baseline_beats_the_plan(scenario: Scenario) -> None:
    """Proves: a baseline that keeps every promise is never cheaper than the best plan; odd sizes aside, where the
    program rounds GPUs up and a narrower choice may round less.
    Sensitivity: a baseline that double-counts stock, or misses a cost line, would.
    """
    try:
        plan = optimize(scenario, EXACT)
    except (Infeasible, InputError):
        return
    for one in baselines(scenario, plan, Resolver(EXACT)):
        assert one.feasible == one.verified
        if one.feasible and not has_odd_sizes(scenario):
            assert one.usd is not None
            assert one.usd >= plan.objective_usd - 1e-6 * abs(plan.objective_usd) - 1e-5
