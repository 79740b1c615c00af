"""Work with a deadline by hand: when it is done, what it costs, what is paid for what stays undone.

Unless a test says otherwise a replica is one GPU that carries 1 request/s, a node is one GPU, a period has 90 days of
two slots of 12 h, and a node rented all the time at 1 USD/h costs 2160 USD a period. An amount of work is written in
node-periods: what one node does if it never rests in a period.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from fleetopt.capacity.table import derive
from fleetopt.errors import Infeasible
from fleetopt.optimizer.case import build_case
from fleetopt.optimizer.formulation import formulate
from fleetopt.optimizer.matrix import compile_matrix
from fleetopt.optimizer.patterns.structure import NO_TIME, time_of_columns
from fleetopt.optimizer.pieces import pieces
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.domain import ALL, Plan
from fleetopt.plan.money import discount
from fleetopt.scenario.domain import Calendar, Scenario, Shortfall, Workload
from fleetopt.scenario.supply_domain import SupplyLine, Terms
from fleetopt.scenario.work import AMOUNT, Batch, Work, most_rps
from fleetopt.study.once import optimize
from fleetopt.verify import verify
from tests.oracle import build

PERIOD_H = 90 * 24.0
NODE_PERIOD = 3600.0 * PERIOD_H
HALVES = (12.0, 12.0)
RENT = build.line("rent", "Ax1", 1.0)


def bulk(works: Iterable[Work], over: Calendar, slots: tuple[str, ...] = (), **changes: Any) -> Workload:
    """A batch workload without an SLO."""
    batch = Batch(slots or tuple(slot.name for slot in over.slots), tuple(works))
    base = build.workload("bulk", most_rps(batch, over), over=over, batch=batch, ttft=None, tpot=None)
    return replace(base, **changes)


def amount(node_periods: float, first: int = 0, last: int = 0, outlooks: tuple[str, ...] = ("o1",)) -> Work:
    return Work(AMOUNT, first, last, dict.fromkeys(outlooks, node_periods * NODE_PERIOD))


def asked(work: Workload, *lines: SupplyLine, over: Calendar, beside: Iterable[Workload] = (), **more: Any) -> Scenario:
    candidates = more.pop("candidates", [build.rate("c", 1.0)])
    return build.scenario([*beside, work], candidates, lines or (RENT,), over=over, **more)


def solved(scenario: Scenario) -> Plan:
    """The plan, the same by both methods."""
    plan = optimize(scenario, SolveOptions(gap=0.0, method="mip"))
    other = optimize(scenario, SolveOptions(gap=0.0, method="patterns"))
    assert plan.verdict.passed
    assert other.verdict.passed
    assert other.objective_usd == pytest.approx(plan.objective_usd)
    return plan


def usd(scenario: Scenario) -> float:
    """The least cost in node-periods at 1 USD/h."""
    return solved(scenario).objective_usd / PERIOD_H


def test_work_fills_the_valley_of_a_fleet_that_is_there_anyway() -> None:
    """Proves the choice of the slot: two nodes kept for chat by day do a node-period of work by night for nothing.

    Sensitivity: if the work had to run by day there would be four nodes, and if it had to run evenly, three.
    """
    over = build.calendar(1, HALVES)
    chat = build.workload("chat", {("t1", "h1", "o1"): 0.0, ("t1", "h2", "o1"): 2.0}, over=over)
    keep = build.line("keep", "Ax1", 1.0, kind="reserved", term=3)
    assert usd(asked(bulk([amount(1.0)], over), keep, over=over, beside=[chat])) == pytest.approx(2.0)
    assert usd(asked(bulk([amount(1.0)], over, ("h2",)), keep, over=over, beside=[chat])) == pytest.approx(4.0)


def test_nothing_is_rounded_up_in_each_slot() -> None:
    """Proves that only the whole work counts: a third of a node-period is one node in one of three slots.

    Sensitivity: a third of a node in each slot, rounded up there, would cost three times as much.
    """
    over = build.calendar(1, (8.0, 8.0, 8.0))
    plan = solved(asked(bulk([amount(1 / 3)], over), over=over))
    assert plan.objective_usd == pytest.approx(PERIOD_H / 3)
    assert sorted(o.served_rps for o in plan.workloads) == pytest.approx([0.0, 0.0, 1.0])
    assert sum(cost.million_tokens for cost in plan.workload_costs) == pytest.approx(NODE_PERIOD / 3 * 1100 / 1e6)


def test_work_waits_for_a_lower_price_if_its_deadline_lets_it() -> None:
    """Proves the window: done in the second period at half the price, in the first where it is due then, or from it on.

    Sensitivity: a window one period off would cost 1 instead of 1/2, or 1/2 instead of 1.
    """
    over = build.calendar(2, HALVES)
    cheaper = replace(RENT, terms=Terms(price_factors=(("t2", 0.5),)))
    assert usd(asked(bulk([amount(1.0, 0, 1)], over), cheaper, over=over)) == pytest.approx(0.5)
    assert usd(asked(bulk([amount(1.0, 0, 0)], over), cheaper, over=over)) == pytest.approx(1.0)
    dearer = replace(RENT, terms=Terms(price_factors=(("t2", 2.0),)))
    assert usd(asked(bulk([amount(1.0, 1, 1)], over), dearer, over=over)) == pytest.approx(2.0)


def test_every_period_has_its_own_work() -> None:
    """Proves work of every day: a node-period in each period, though the second is half the price."""
    over = build.calendar(2, HALVES)
    cheaper = replace(RENT, terms=Terms(price_factors=(("t2", 0.5),)))
    works = [replace(amount(1.0, i, i), name=f"t{i + 1}") for i in range(2)]
    assert usd(asked(bulk(works, over), cheaper, over=over)) == pytest.approx(1.5)


def test_the_work_is_done_in_every_outlook() -> None:
    """Proves the row per outlook: twice the work with probability 1/4 costs 2 there and 1 else."""
    over = build.calendar(1, HALVES, (0.75, 0.25))
    work = Work(AMOUNT, 0, 0, {"o1": NODE_PERIOD, "o2": 2 * NODE_PERIOD})
    plan = solved(asked(bulk([work], over), over=over))
    assert plan.objective_usd / PERIOD_H == pytest.approx(0.75 + 0.25 * 2)
    assert [row.done_requests for row in plan.work] == pytest.approx([NODE_PERIOD, 2 * NODE_PERIOD])


def test_headroom_is_room_for_more_work() -> None:
    """Proves W (1 + headroom): half a node-period with 100 % headroom takes a whole one, and is done at half load."""
    over = build.calendar(1, HALVES)
    plan = solved(asked(bulk([amount(0.5)], over, headroom=1.0), over=over))
    assert plan.objective_usd / PERIOD_H == pytest.approx(1.0)
    assert {p.utilization for p in plan.placements} == {0.5}


def test_a_slower_outlook_takes_more_replicas_of_work() -> None:
    """Proves capability: replicas that carry half do a node-period with two nodes."""
    over = build.calendar(1, HALVES)
    slow = replace(over, outlooks=(replace(over.outlooks[0], capacity_factor=0.5),))
    assert usd(asked(bulk([amount(1.0)], slow), over=slow)) == pytest.approx(2.0)


def test_prefill_and_decode_do_the_work_in_the_same_slot() -> None:
    """Proves that a link carries work: one prefill and two decode replicas of half its rate do half a node-period.

    Sensitivity: counted apart over the period, prefill by day and decode by night would seem enough.
    """
    over = build.calendar(1, HALVES)
    split = [build.rate("p", 1.0, "prefill"), build.rate("d", 0.5, "decode")]
    plan = solved(asked(bulk([amount(0.5)], over), over=over, candidates=split))
    assert plan.objective_usd / PERIOD_H == pytest.approx(3 / 2)


def test_work_left_undone_is_paid_at_its_deadline() -> None:
    """Proves the shortfall of work: a half at most, at less than a node costs; dearer than a node, none.

    Half a node-period undone costs 0.4 of a node-period here, in the last period of the window and at its worth then.
    """
    over = build.calendar(2, HALVES)
    cheap = Shortfall(0.5, 0.0, 0.8 * PERIOD_H / NODE_PERIOD)
    plan = solved(asked(bulk([amount(1.0, 0, 1)], over, shortfall=cheap), over=over))
    assert plan.objective_usd / PERIOD_H == pytest.approx(0.5 + 0.4)
    (line,) = [cost for cost in plan.costs if cost.line == "shortfall"]
    assert (line.period, line.slot, line.item) == ("t2", ALL, "bulk")
    dear = Shortfall(0.5, 0.0, 1.2 * PERIOD_H / NODE_PERIOD)
    assert usd(asked(bulk([amount(1.0, 0, 1)], over, shortfall=dear), over=over)) == pytest.approx(1.0)
    later = asked(bulk([amount(1.0, 0, 1)], over, shortfall=cheap), over=over, discount=0.2)
    worth = [discount("on_demand", "t2", over.periods, 0.2), discount("shortfall", "t2", over.periods, 0.2)]
    assert usd(later) == pytest.approx(0.5 * worth[0] + 0.4 * worth[1])


def test_a_request_that_goes_unserved_may_be_priced_itself() -> None:
    """Proves USD per request beside USD per million tokens: the same dollars, and both at once add up."""
    over = build.calendar(1)
    price = 0.5 * PERIOD_H / NODE_PERIOD
    by_request = build.workload("chat", 1.0, over=over)
    costs = [
        usd(build.scenario([replace(by_request, shortfall=one)], [build.rate("c", 1.0)], [RENT], over=over))
        for one in (Shortfall(1.0, 0.0, price), Shortfall(1.0, price / 1100 * 1e6), Shortfall(0.5, 0.0, price))
    ]
    assert costs == pytest.approx([0.5, 0.5, 1.0])


def test_too_much_work_is_infeasible_and_named() -> None:
    """Proves the conflict: one node does 2 node-periods in two periods, not 3; the limit and the work are named."""
    over = build.calendar(2, HALVES)
    one = replace(RENT, max_nodes=1)
    assert usd(asked(bulk([amount(2.0, 0, 1)], over), one, over=over)) == pytest.approx(2.0)
    with pytest.raises(Infeasible) as error:
        optimize(asked(bulk([amount(3.0, 0, 1)], over), one, over=over))
    assert set(error.value.conflict) == {"demand of bulk", "offer rent"}
    assert any("t1 to t2" in detail for repair in error.value.repairs for detail in repair.details)


def tampered(plan: Plan, scenario: Scenario, **changes: Any) -> set[str]:
    verdict = verify(plan.model_copy(update=changes), scenario)
    return {check.name for check in verdict.checks if not check.passed}


def test_a_plan_that_does_less_or_tells_more_is_refused() -> None:
    """Proves the second computation: a replica taken away, a figure changed, a dollar or an outcome left out."""
    over = build.calendar(2, HALVES)
    short = Shortfall(0.5, 0.0, 0.8 * PERIOD_H / NODE_PERIOD)
    scenario = asked(bulk([amount(1.0, 0, 1)], over, shortfall=short), over=over)
    plan = solved(scenario)
    assert "demand_is_met" in tampered(plan, scenario, placements=plan.placements[1:])
    (work,) = plan.work
    more = work.model_copy(update={"done_requests": work.requests})
    assert tampered(plan, scenario, work=(more,)) == {"outcomes_are_true"}
    assert tampered(plan, scenario, work=()) == {"outcomes_are_true"}
    assert "plan_is_well_formed" in tampered(plan, scenario, work=(work, work))
    assert "plan_is_well_formed" in tampered(plan, scenario, work=(work.model_copy(update={"due": "t9"}),))
    costs = tuple(cost for cost in plan.costs if cost.line != "shortfall")
    assert "dollars_add_up" in tampered(plan, scenario, costs=costs)
    busy = next(o for o in plan.workloads if o.asked_rps > 0)
    idle = busy.model_copy(update={"asked_rps": 0.0})
    assert tampered(plan, scenario, workloads=tuple(idle if o is busy else o for o in plan.workloads)) == {
        "outcomes_are_true"
    }


def test_times_of_a_work_are_planned_apart_once_its_shares_are_held() -> None:
    """Proves that DONE is of no single time: with it and orders held, each of four times is a piece by itself.

    Sensitivity: were the work one row over what is served, all times of its window would be one large piece.
    """
    over = build.calendar(2, HALVES)
    problem = formulate(build_case(scenario := asked(bulk([amount(1.0, 0, 1)], over), over=over), derive(scenario)))
    matrix = compile_matrix(problem)
    shared = time_of_columns(problem, matrix) == NO_TIME
    assert sum(shared) == 4
    assert len(pieces(matrix.rows, shared)) == 4
