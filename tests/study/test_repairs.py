"""Repairs are made as they are written, and the plan then costs what was promised.

A period is 90 days: a node at 1 USD/h costs 2160 USD.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetopt.errors import Change, Infeasible, Repair
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.load import load
from fleetopt.scenario.supply_domain import Quota
from fleetopt.study.limits import SHARE, apply, moved
from fleetopt.study.once import optimize
from fleetopt.study.repairs import priced
from fleetopt.units import Latency
from tests.oracle import build

EXACT = SolveOptions(gap=1e-6)


def repairs(scenario: Scenario) -> dict[str, Repair]:
    with pytest.raises(Infeasible) as stop:
        optimize(scenario, EXACT)
    return {"; ".join(repair.details): repair for repair in priced(scenario, stop.value, EXACT).repairs}


def keeps_its_promise(scenario: Scenario, repair: Repair) -> None:
    assert repair.usd == pytest.approx(optimize(apply(scenario, repair), EXACT).objective_usd, abs=0.01)


def short_of_supply() -> Scenario:
    """5 requests/s at 1 a GPU, in two periods, for a quota of 3 GPUs and 4 nodes on offer; and in the first 2."""
    over = build.calendar(periods=2)
    demand = {("t1", "h1", "o1"): 2.0, ("t2", "h1", "o1"): 5.0}
    return build.scenario(
        [build.workload(rps=demand)],
        [build.rate("c", 1.0)],
        [build.line("rent", "Ax1", max_nodes=4)],
        quotas=[Quota("q", "A", None, None, 3)],
        over=over,
    )


def short_of_speed() -> Scenario:
    """Decode takes 20 ms + 10 ms x batch, so at 30 ms 10 requests/s of 100 tokens want 30 GPUs, and there are 25."""
    candidates = [build.prefill("p", 1e6), build.decode("d", (1, 0.03), (2, 0.04), (4, 0.06))]
    line = build.line("rent", "Ax1", max_nodes=26)
    return build.scenario([build.workload(rps=10.0, tpot=Latency(0.03))], candidates, [line])


def below_the_floor() -> Scenario:
    """Prefill of 1000 tokens takes 500 ms and 400 ms are promised."""
    candidates = [build.prefill("p", 2000.0), build.decode("d", (1, 0.03), (2, 0.04))]
    return build.scenario([build.workload(ttft=Latency(0.4))], candidates, [build.line("rent", "Ax1")])


def test_limits_raised_together_cost_what_is_promised() -> None:
    """Proves: quota and offer go to 5 together, and the plan then costs (2 + 5) x 2160 USD.
    Sensitivity: a repair of the period it is short in alone, or one limit alone, would have no plan.
    """
    scenario = short_of_supply()
    found = repairs(scenario)
    raised = found["offer rent from 4 to 5 nodes (short in t2); quota q from 3 to 5 GPUs (+2 A, short in t2)"]
    assert set(raised.changes) == {
        Change("quota q", 2, "GPUs", "main/t2/h1/o1"),
        Change("offer rent", 1, "nodes", "t2/h1/o1"),
    }
    assert raised.usd == pytest.approx(7 * 2160.0)
    keeps_its_promise(scenario, raised)
    for change in raised.changes:
        with pytest.raises(Infeasible):
            optimize(moved(scenario, change), EXACT)


def test_a_workload_with_spares_is_not_asked_to_go_short() -> None:
    """4 GPUs and a spare for 5 requests/s. Spares beside a shortfall are refused where scenarios are read, so that this
    repair could not be made: only supply is left. Sensitivity: without the spare 2 in 5 may go unserved.
    """
    line = build.line("rent", "Ax1", max_nodes=4)
    spare = build.scenario([build.workload(rps=5.0, spares=(("aggregated", 1),))], [build.rate("c", 1.0)], [line])
    found = repairs(spare)
    assert list(found) == ["offer rent from 4 to 6 nodes"]
    keeps_its_promise(spare, found["offer rent from 4 to 6 nodes"])
    assert any("unserved" in words for words in repairs(replace(spare, workloads=(build.workload(rps=5.0),))))


def test_orders_and_deliveries_are_raised_by_name() -> None:
    """5 nodes are needed at once, two may be ordered and three delivered in a period: both terms are raised to 5."""
    line = build.line("buy", "Ax1", kind="purchase", upfront=10.0, term=24)
    terms = replace(line.terms, max_order=2, max_delivery=3)
    scenario = build.scenario([build.workload(rps=5.0)], [build.rate("c", 1.0)], [replace(line, terms=terms)])
    found = repairs(scenario)
    both = found["largest order of buy from 2 to 5 nodes; largest delivery of buy from 3 to 5 nodes"]
    keeps_its_promise(scenario, both)
    made = apply(scenario, both).supply.lines[0].terms
    assert (made.max_order, made.max_delivery) == (5, 5)


def test_the_terms_of_all_lots_are_raised_at_once() -> None:
    """A volume price is a lot of its own and shares the first one's limits: raising those is enough."""
    line = build.line("buy", "Ax1", kind="purchase", upfront=10.0, term=24)
    first = replace(line, terms=replace(line.terms, max_order=2))
    cheaper = replace(line.offer, upfront_usd_per_node=9.0)
    lot = replace(line, name="buy (4+)", offer=cheaper, terms=replace(line.terms, min_order=4), lot_of="buy")
    scenario = build.scenario([build.workload(rps=5.0)], [build.rate("c", 1.0)], [first, lot])
    found = repairs(scenario)
    keeps_its_promise(scenario, found["largest order of buy from 2 to 5 nodes"])


def test_more_gpu_types_are_a_repair_with_a_price() -> None:
    """3 GPUs of each of two types for 5 requests/s, and one type allowed."""
    workload = build.workload(rps=5.0, most_gpu_types=1)
    candidates = [build.rate("a", 1.0, gpu="A"), build.rate("b", 1.0, gpu="B")]
    lines = [build.line("a", "Ax1", max_nodes=3), build.line("b", "Bx1", max_nodes=3)]
    scenario = build.scenario([workload], candidates, lines)
    keeps_its_promise(scenario, repairs(scenario)["GPU types of chat from 1 to 2 GPU types"])


def test_a_shortfall_costs_what_is_promised() -> None:
    """Proves: with 40 % unserved in t2 allowed the plan costs 2 x 0.6 rounded up + 3 nodes, and is listed last.
    Sensitivity: priced at the demand's worst time alone it would leave out what is saved in t1.
    """
    scenario = short_of_supply()
    found = repairs(scenario)
    accepted = list(found.values())[-1]
    assert accepted.details == ("demand of chat in t2/h1/o1: 40 % more unserved",)
    assert accepted.usd == pytest.approx((2 + 3) * 2160.0)
    keeps_its_promise(scenario, accepted)


def test_an_slo_is_loosened_by_as_little_as_helps() -> None:
    """Proves: 25 GPUs (and one for prefill) must each make 40 tokens/s, which takes a batch of 4/3 and 33.3 ms; that
    much and at most 1 % and a digit more is asked for, at the cost of all 26 nodes.
    Sensitivity: a loosening to the next measured point would say 40 ms.
    """
    scenario = short_of_speed()
    found = repairs(scenario)
    (loosened,) = [repair for words, repair in found.items() if words.startswith("TPOT of chat from 30 to ")]
    keeps_its_promise(scenario, loosened)
    (change,) = loosened.changes
    assert 0.1 / 3 <= 0.03 + change.by <= 0.1 / 3 * 1.015
    assert loosened.usd == pytest.approx(26 * 2160.0)
    assert not any(words.startswith("TTFT") for words in found)


def test_what_is_below_its_floor_is_lifted_above_it() -> None:
    """Proves: a TTFT of 400 ms under a floor of 500 ms is loosened to just above it, or to twice that for less money.
    Sensitivity: treated as a shortage, a limit of supply would be raised, which never helps.
    """
    scenario = below_the_floor()
    cheap, near = repairs(scenario).values()
    assert (cheap.action, near.action) == ("Loosen this limit", "Loosen this limit")
    assert 0.5 < 0.4 + near.changes[0].by < 0.5 * 1.02
    assert 0.4 + cheap.changes[0].by == pytest.approx(2 * (0.4 + near.changes[0].by), rel=0.01)
    assert cheap.usd is not None
    assert near.usd is not None
    assert cheap.usd < near.usd
    for repair in (cheap, near):
        keeps_its_promise(scenario, repair)


def test_two_floors_are_lifted_together() -> None:
    """Proves: with TTFT and TPOT both below their floors a repair loosens both.
    Sensitivity: one at a time there is none, and nothing would be offered.
    """
    scenario = below_the_floor()
    both = replace(scenario, workloads=(replace(scenario.workloads[0], tpot=Latency(0.01)),))
    found = repairs(both)
    assert found
    for repair in found.values():
        assert {change.limit for change in repair.changes} == {"TTFT of chat", "TPOT of chat"}
        keeps_its_promise(both, repair)


def test_each_limit_of_a_conflict_is_offered_by_itself() -> None:
    """Proves: with A and B both short, one more A, or two more B at half the rate, are repairs, the cheaper first.
    Sensitivity: the smallest excess over all limits would name A alone.
    """
    candidates = [build.rate("a", 1.0), build.rate("b", 0.5, gpu="B")]
    lines = [build.line("a", "Ax1", 3.0, max_nodes=1), build.line("b", "Bx1", 1.0, max_nodes=2)]
    scenario = build.scenario([build.workload(rps=3.0)], candidates, lines)
    found = repairs(scenario)
    b, a = found["offer b from 2 to 4 nodes"], found["offer a from 1 to 2 nodes"]
    assert b.usd == pytest.approx(7 * 2160.0)
    assert a.usd == pytest.approx(8 * 2160.0)
    words = list(found)
    assert words.index("offer b from 2 to 4 nodes") < words.index("offer a from 1 to 2 nodes")


def test_no_time_leaves_repairs_without_a_price() -> None:
    """Proves: with no seconds to spend the repairs that are known stay, unpriced.
    Sensitivity: a price of zero, or no repairs, would be a false promise.
    """
    scenario = short_of_supply()
    with pytest.raises(Infeasible) as stop:
        optimize(scenario, EXACT)
    found = priced(scenario, stop.value, EXACT, seconds=0.0).repairs
    assert [repair.usd for repair in found] == [None, None]


def test_a_repair_that_says_nothing_is_not_made() -> None:
    """Proves: a repair without changes, or of a limit that is not there, is refused.
    Sensitivity: the scenario unchanged would look repaired.
    """
    scenario = short_of_supply()
    with pytest.raises(ValueError, match="does not say"):
        apply(scenario, Repair("Loosen", ("it",)))
    with pytest.raises(ValueError, match="no limit of case"):
        apply(scenario, Repair("Raise", ("it",), (Change("quota z", 1, "GPUs"),)))


def test_no_more_than_everything_goes_unserved() -> None:
    """Proves: a share that may go unserved is raised to all of the demand at most.
    Sensitivity: 130 % of the demand would be excused, and the plan be told that it owes less than nothing.
    """
    changed = moved(
        moved(short_of_supply(), Change("demand of chat", 0.7, SHARE)), Change("demand of chat", 0.6, SHARE)
    )
    assert changed.workloads[0].shortfall.allowed == 1.0


@pytest.mark.parametrize("nodes", [1, 2])
def test_shipped_models_are_repaired_too(nodes: int) -> None:
    """Proves: seed-paper on one or two nodes is repaired by nodes, latencies or a shortfall, all at the promised cost.
    Sensitivity: figures that only whole tests reach (three digits, 1 %) would fall short on true curves.
    """
    scenario = load("seed-paper")
    lines = tuple(replace(line, max_nodes=nodes) for line in scenario.supply.lines)
    scenario = replace(scenario, supply=replace(scenario.supply, lines=lines))
    found = repairs(scenario)
    assert len(found) >= 2
    for repair in found.values():
        keeps_its_promise(scenario, repair)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(rps=st.sampled_from((0.7, 2.0, 3.3, 5.0)), quota=st.integers(0, 4), nodes=st.integers(0, 3))
def test_every_repair_keeps_its_promise(rps: float, quota: int, nodes: int) -> None:
    """Proves: whatever is short, every repair is made and its plan costs what was promised.
    Sensitivity: an amount rounded down, or priced on another scenario, would break the promise.
    """
    lines = [build.line("a", "Ax2", max_nodes=nodes), build.line("b", "Bx1", 2.0, max_nodes=1)]
    candidates = [build.rate("a", 1.0), build.rate("b", 1.5, gpu="B")]
    scenario = build.scenario([build.workload(rps=rps)], candidates, lines, quotas=[Quota("q", "A", None, None, quota)])
    try:
        optimize(scenario, EXACT)
    except Infeasible:
        for repair in repairs(scenario).values():
            keeps_its_promise(scenario, repair)


def test_a_promise_that_was_not_planned_without_is_no_repair() -> None:
    """Proves: without time to plan it, leaving out the headroom is not said to help, though it stands in the conflict.

    Sensitivity: every promise of a large fleet would be offered that nobody had the time to look at.
    """
    line = build.line("rent", "Ax1", max_nodes=2)
    asked = build.workload(rps=2.0, headroom=1.0)
    scenario = build.scenario([asked], [build.rate("c", 1.0)], [line])
    with pytest.raises(Infeasible) as stop:
        optimize(scenario, EXACT)
    hasty, patient = (priced(scenario, stop.value, EXACT, seconds=seconds) for seconds in (1e-9, 20.0))
    name = "chat: headroom of 100 %"
    assert name in hasty.conflict
    assert name in patient.conflict
    assert [repair.details for repair in hasty.repairs if repair.action == "Leave out this promise"] == []
    assert [repair.details for repair in patient.repairs if repair.action == "Leave out this promise"] == [(name,)]
