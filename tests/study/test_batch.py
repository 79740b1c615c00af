"""Studies of work with a deadline: what its promises cost, what repairs it, what plainer fleets for it cost.

A period is 90 days of two slots of 12 h, a replica is a GPU of 1 request/s, a node is a GPU at 1 USD/h, so that a
node-period of work costs 2160 USD.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleetopt.errors import Infeasible, Repair
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.supply_domain import SupplyLine, Terms
from fleetopt.scenario.work import AMOUNT, Batch, Work, most_rps
from fleetopt.study.alternatives import alternatives
from fleetopt.study.baselines import baselines
from fleetopt.study.compare import compare_scenarios
from fleetopt.study.explain import explain
from fleetopt.study.limits import apply
from fleetopt.study.once import optimize
from fleetopt.study.repairs import priced
from fleetopt.study.resolve import Resolver
from tests.oracle import build

EXACT = SolveOptions(gap=1e-6)
USD = 2160.0
OVER = build.calendar(3, (12.0, 12.0))
RENT = build.line("rent", "Ax1")


def asked(
    node_periods: float,
    last: int,
    *lines: SupplyLine,
    slots: tuple[str, ...] = ("h1", "h2"),
    chat: tuple[float, float] = (0.0, 0.0),
) -> Scenario:
    """An amount of work from the first period on, beside chat by day and by night."""
    batch = Batch(slots, (Work(AMOUNT, 0, last, {"o1": node_periods * 3600.0 * USD}),))
    bulk = build.workload("bulk", most_rps(batch, OVER), over=OVER, batch=batch, ttft=None, tpot=None)
    rates = {time: chat[0 if time[1] == "h1" else 1] for time in build.times(OVER)}
    beside = build.workload("chat", rates, over=OVER)
    return build.scenario([beside, bulk], [build.rate("c", 1.0)], lines or (RENT,), over=OVER)


def test_explain_says_what_the_deadline_and_the_slots_cost() -> None:
    """Proves: due in t2 at 1 USD/h a node-period costs 2160 USD, by the end at half the price in t3 1080.

    Only by night in the first period, at 2 USD/h less in the day... the slots cost nothing where both cost the same.
    """
    cheaper = replace(RENT, terms=Terms(price_factors=(("t3", 0.5),)))
    scenario = asked(1.0, 1, cheaper, slots=("h2",))
    plan = optimize(scenario, EXACT)
    found = {f.about: f.usd for f in explain(scenario, plan, Resolver(EXACT)).findings if f.topic == "promise"}
    assert found["bulk: done by the end of t2"] == pytest.approx(0.5 * USD)
    assert found["bulk: done only in h2"] == pytest.approx(0.0, abs=0.01)


def test_explain_says_what_work_of_each_period_costs() -> None:
    """Proves: three node-periods, each in its own, cost (1 + 1 + 1/2) x 2160; all in the cheap one 3/2 x 2160."""
    cheaper = replace(RENT, terms=Terms(price_factors=(("t3", 0.5),)))
    scenario = asked(1.0, 0, cheaper)
    works = tuple(Work(f"t{i + 1}", i, i, {"o1": 3600.0 * USD}) for i in range(3))
    batch = Batch(("h1", "h2"), works)
    chat, bulk = scenario.workloads
    daily = replace(scenario, workloads=(chat, replace(bulk, batch=batch, demand_rps=most_rps(batch, OVER))))
    plan = optimize(daily, EXACT)
    assert plan.objective_usd == pytest.approx(2.5 * USD)
    found = {f.about: f.usd for f in explain(daily, plan, Resolver(EXACT)).findings if f.topic == "promise"}
    assert found["bulk: the work of each period done in that period"] == pytest.approx(1.0 * USD)


def repairs(scenario: Scenario) -> dict[str, Repair]:
    with pytest.raises(Infeasible) as stop:
        optimize(scenario, EXACT)
    return {"; ".join(repair.details): repair for repair in priced(scenario, stop.value, EXACT, seconds=60.0).repairs}


def test_too_much_work_is_repaired_by_time_by_nodes_or_by_less_of_it() -> None:
    """Proves: 2 node-periods for one node by t1 are done by t2, by two nodes, or half of them; each at what it says.

    Sensitivity: a repair that did not move what the work can ask of each time would find no plan.
    """
    scenario = asked(2.0, 0, replace(RENT, max_nodes=1))
    found = repairs(scenario)
    assert set(found) == {
        "deadline of bulk from t1 to t2",
        "offer rent from 1 to 2 nodes (short in t1)",
        "demand of bulk in t1/o1: 50 % more unserved",
    }
    assert found["deadline of bulk from t1 to t2"].action == "Put this deadline off"
    for repair in found.values():
        assert repair.usd == pytest.approx(optimize(apply(scenario, repair), EXACT).objective_usd, abs=0.01)
    assert found["deadline of bulk from t1 to t2"].usd == pytest.approx(2 * USD)
    assert found["demand of bulk in t1/o1: 50 % more unserved"].usd == pytest.approx(USD)


def test_work_that_no_time_suffices_for_has_no_later_deadline() -> None:
    """Proves: 4 node-periods do not fit in the three periods of one node, so that no deadline is offered."""
    found = repairs(asked(4.0, 1, replace(RENT, max_nodes=1)))
    assert not [detail for detail in found if "deadline" in detail]


def test_the_static_fleet_does_the_work_evenly() -> None:
    """Proves: a node-period over half of each of three periods is 2/3 request/s, a node all the time, 3 x 2160 USD.

    By itself it takes a node for a period. Sensitivity: sized for all of it in one slot it would take two nodes.
    """
    scenario = asked(1.0, 2, slots=("h2",))
    plan = optimize(scenario, EXACT)
    found = {one.name: one for one in baselines(scenario, plan, Resolver(EXACT))}
    assert found["static fleet for the peak"].usd == pytest.approx(3 * USD)
    assert found["each workload sized alone"].usd == pytest.approx(USD)
    assert all(one.verified for one in found.values() if one.usd is not None)


def test_a_comparison_tells_the_work_from_the_rest() -> None:
    """Proves: half a node-period more moves the cost by 1080 USD under demand, told once and not for every time."""
    found = compare_scenarios(asked(1.0, 2), asked(1.5, 2), Resolver(EXACT))
    (move,) = found.moves
    assert move.group == "calendar and demand"
    assert move.usd == pytest.approx(0.5 * USD)
    inputs = [one.about for one in found.differences if one.section == "input"]
    assert inputs == ["workloads.bulk.batch.works.amount.requests.o1"]


def test_from_a_rate_to_work_is_a_change_of_demand() -> None:
    """Proves: chat that becomes work is compared step by step, though its SLO is gone as well."""
    a, b = asked(1.0, 0), asked(1.0, 0)
    chat, bulk = a.workloads
    rated = replace(bulk, batch=None, demand_rps=dict.fromkeys(build.times(OVER), 1.0))
    found = compare_scenarios(replace(a, workloads=(chat, rated)), b, Resolver(EXACT))
    assert sum(move.usd for move in found.moves) == pytest.approx(-2 * USD)


def test_alternatives_of_batch_work_are_verified() -> None:
    """Proves that goals under a cap hold with it: the dear GPU type at 2 % more is a plan of the work."""
    other = build.line("other", "Bx1", 1.02)
    scenario = asked(1.0, 0, RENT, other)
    llm = scenario.models["m"]
    both = replace(llm, candidates=(*llm.candidates, build.rate("b", 1.0, gpu="B")))
    scenario = replace(scenario, models={"m": both})
    found = alternatives(scenario, optimize(scenario, EXACT), 0.05, 3, Resolver(EXACT))
    assert [(one.name, one.plan.verdict.passed) for one in found.found] == [("without A", True)]
