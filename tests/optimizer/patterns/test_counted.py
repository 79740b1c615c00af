"""Rules that count what times cost: told from others, kept by blocks, and no hindrance to a time by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from fleetopt.capacity.table import derive
from fleetopt.optimizer.case import build_case
from fleetopt.optimizer.formulation import FEATURES
from fleetopt.optimizer.matrix import Floats, Ints, Program, Rows
from fleetopt.optimizer.patterns.blocks import Blocks
from fleetopt.optimizer.patterns.choosing import choosing
from fleetopt.optimizer.patterns.counted import adjusted, counted
from fleetopt.optimizer.patterns.fixing import fixed
from fleetopt.optimizer.patterns.parts import Parts, written
from fleetopt.optimizer.patterns.relaxation import Relaxation
from fleetopt.optimizer.patterns.relaxed import Ground, relaxed
from fleetopt.optimizer.patterns.search import searching
from fleetopt.optimizer.patterns.structure import NO_TIME
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.pieces import allowed, program_of
from fleetopt.optimizer.solve import SolveOptions, solve
from fleetopt.scenario.domain import Risk, Scenario
from fleetopt.scenario.supply_domain import Budget
from tests.optimizer.patterns.test_blocks import assert_optimal
from tests.oracle.draw import Draw

CASES = 60
AMPLE = 1e9
"""USD that nobody spends."""
TIME = np.array([0, 1, NO_TIME, NO_TIME], np.int32)
"""Rent y and z, one of each time, an order x that serves both, and what an excess e costs."""


def program(rule: list[float], lower: float, upper: float, rent: float = 2.0) -> Program:
    """y + x >= 1 and z + x >= 1 at 5 USD an order and 2 USD of rent, beside a rule; a unit of e costs 1 USD."""
    dense = np.array([[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0], rule])
    start = np.cumsum([0, *np.count_nonzero(dense, axis=1)]).astype(np.int32)
    return Program(
        rows=Rows(start, np.nonzero(dense)[1].astype(np.int32), dense[np.nonzero(dense)]),
        cost=np.array([rent, 2.0, 5.0, 1.0]),
        offset=0.0,
        column_lower=np.zeros(4),
        column_upper=np.full(4, np.inf),
        integer=np.array([True, True, True, False]),
        row_lower=np.array([1.0, 1.0, lower]),
        row_upper=np.array([np.inf, np.inf, upper]),
    )


NONE: list[int] = []


@pytest.mark.parametrize(
    ("rule", "limits", "weight", "loose", "adjusting"),
    [
        ([2.0, 6.0, 5.0, -1.0], (-np.inf, 9.0), [1.0, 3.0], [2], [3]),
        ([-1.0, -1.0, 0.0, 2.0], (-9.0, np.inf), [0.5, 0.5], [2], [3]),
        ([2.0, 2.0, 5.0, 0.0], (-np.inf, 9.0), [1.0, 1.0], NONE, NONE),
        ([2.0, 2.0, 5.0, 1.0], (-np.inf, 9.0), [1.0, 1.0], NONE, [3]),
        ([2.0, -2.0, 0.0, 0.0], (-np.inf, 9.0), None, NONE, NONE),
        ([2.0, 2.0, 0.0, 0.0], (0.0, 9.0), None, NONE, NONE),
        ([2.0, 2.0, 0.0, 0.0], (0.0, np.inf), None, NONE, NONE),
        ([2.0, 0.0, 0.0, -1.0], (-np.inf, 0.5), None, NONE, NONE),
    ],
)
def test_rules_that_count_costs_are_told_from_others(
    rule: list[float], limits: tuple[float, float], weight: list[float] | None, loose: list[int], adjusting: list[int]
) -> None:
    """Proves by hand: a rule counts where each time stands in it as in the objective, times a number that is not below
    zero against its limit; e keeps it at any cost where more of e leaves more room. One time's rule joins nothing.

    Sensitivity: with a range, or a time that costs less the more it is counted, the cheapest plan of a time may be no
    plan of the whole.
    """
    found = counted(program(rule, *limits), TIME)
    assert found.rows.tolist() == ([] if weight is None else [2])
    assert found.weight.tolist() == ([] if weight is None else [weight])
    assert found.loose.tolist() == loose
    assert found.adjusting.tolist() == adjusting


def test_a_column_more_of_a_time_is_another_cost() -> None:
    """Proves: a rule that leaves out a column that costs something, or weighs two of a time differently, counts none.

    Sensitivity: by the first column alone, or by those that the rule has, both would look like counts.
    """
    one = program([2.0, 2.0, 0.0, -1.0], -np.inf, 9.0)
    assert counted(one, TIME).rows.tolist() == [2]
    together = np.array([0, 0, 1, NO_TIME], np.int32)
    missing = program([2.0, 0.0, 5.0, -1.0], -np.inf, 9.0)
    joined = replace(missing, rows=replace(missing.rows, column=np.array([0, 2, 1, 2, 0, 2, 3], np.int32)))
    assert counted(joined, together).rows.tolist() == []
    assert counted(program([2.0, 3.0, 5.0, -1.0], -np.inf, 9.0), together).rows.tolist() == []


def test_the_tail_of_a_time_is_weighed_against_orders() -> None:
    """Proves by hand: where rent beyond 1.5 USD in all costs 1 USD more a dollar, 0.625 orders (3.125 USD) and rent of
    1.5 are the best, 4.625 USD in all, and not rent alone (4, and 2.5 of excess) or orders alone (5).

    Sensitivity: a rule that is let go proves 4.
    """
    one = program([2.0, 2.0, 0.0, -1.0], -np.inf, 1.5)
    blocks, best = Blocks(one, TIME, np.zeros(2)), Relaxation(one).optimum(10.0)
    assert not blocks.lets_go
    point = blocks.optimum(10.0)
    assert point is not None
    assert point.value == pytest.approx(4.625, rel=1e-4)
    assert_optimal(one, point, best)
    whole = blocks.whole(1e-4, 10.0)
    assert whole is not None
    assert whole.value == pytest.approx(5.0)
    assert whole.columns[2:].tolist() == pytest.approx([1.0, 0.0])


def test_what_adjusts_is_no_larger_than_it_must_be() -> None:
    """Proves by hand: beside rent of 3 and 2 units, 10 USD, the excess over 1.5 is 8.5; with room for 20 it is nothing;
    where it may be 5 at most there is none.

    Sensitivity: values left as they were keep an excess of 100 that nobody has to pay.
    """
    one = program([2.0, 2.0, 0.0, -1.0], -np.inf, 1.5)
    values, at = np.array([3.0, 2.0, 0.0, 100.0]), np.array([3], np.int32)
    assert settled(one, at, values) == pytest.approx([3.0, 2.0, 0.0, 8.5])
    roomy = replace(one, row_upper=np.array([np.inf, np.inf, 20.0]))
    assert settled(roomy, at, values) == pytest.approx([3.0, 2.0, 0.0, 0.0])
    tight = replace(one, column_upper=np.array([np.inf, np.inf, np.inf, 5.0]))
    assert adjusted(tight, at, values) is None


def settled(one: Program, at: Ints, values: Floats) -> list[float]:
    found = adjusted(one, at, values)
    assert found is not None
    return [float(value) for value in found]


def test_hard_rules_are_left_out_and_looked_at_in_the_end() -> None:
    """Proves by hand: 4 USD of rent keep a limit of 9, and 10 USD do not; beside an excess that nobody limits they do.
    Without the rule there is room for both.

    Sensitivity: plans put together from the cheapest of each time would be told although nobody has the money.
    """
    few, many = np.array([1.0, 1.0, 0.0, 0.0]), np.array([3.0, 2.0, 0.0, 0.0])
    hard, loose = program([2.0, 2.0, 5.0, 0.0], -np.inf, 9.0), program([2.0, 2.0, 5.0, -1.0], -np.inf, 9.0)
    rules = counted(hard, TIME)
    assert rules.hard.tolist() == [True]
    assert rules.settled(hard, few) is few
    assert rules.settled(hard, many) is None
    assert allowed(rules.lifted(hard), many)
    assert not allowed(hard, many)
    rules = counted(loose, TIME)
    assert rules.hard.tolist() == [False]
    found = rules.settled(loose, many)
    assert found is not None
    assert found.tolist() == pytest.approx([3.0, 2.0, 0.0, 1.0])


def test_a_budget_for_rent_is_weighed_against_orders() -> None:
    """Proves by hand: with 1.5 USD for rent at most, 0.625 orders (3.125 USD) and rent of 1.5 are the best, 4.625 USD;
    an order and no rent are the best whole one.

    Sensitivity: a limit that the master does not have lets rent alone be the best, 4 USD.
    """
    one = program([2.0, 2.0, 0.0, 0.0], -np.inf, 1.5)
    blocks = Blocks(one, TIME, np.zeros(2))
    assert not blocks.lets_go
    assert_optimal(one, blocks.optimum(10.0), Relaxation(one).optimum(10.0))
    whole = blocks.whole(1e-4, 10.0)
    assert whole is not None
    assert whole.columns.tolist() == pytest.approx([0.0, 0.0, 1.0, 0.0])


def of_many_prices(limit: float) -> tuple[Program, Ints]:
    """Six times at which one more costs a little more, an order x for all of them, and a limit on what they cost."""
    times, lines, place = 6, 60, np.arange(60)
    dense, time = np.zeros((times + 1, times * lines + 1)), np.append(np.repeat(np.arange(times), lines), NO_TIME)
    usd = np.append(np.tile(1.0 + place**1.5 / 30.0, times), 7.2)
    for at in range(times):
        dense[at, time == at] = 1.0
    dense[:times, -1] = 1.0
    dense[times, :-1] = usd[:-1]
    start = np.cumsum([0, *np.count_nonzero(dense, axis=1)]).astype(np.int32)
    return Program(
        rows=Rows(start, np.nonzero(dense)[1].astype(np.int32), dense[np.nonzero(dense)]),
        cost=usd,
        offset=0.0,
        column_lower=np.zeros(len(usd)),
        column_upper=np.append(np.full(times * lines, 2.0 / lines), np.inf),
        integer=np.zeros(len(usd), dtype=bool),
        row_lower=np.array([0.6, 0.8, 0.9, 1.1, 1.3, 1.4, -np.inf]),
        row_upper=np.array([np.inf] * times + [limit]),
    ), time.astype(np.int32)


@pytest.mark.parametrize("share", [0.6, 0.3])
def test_a_budget_is_kept_at_the_optimum_however_near_costs_are(share: float) -> None:
    """Proves: where each time has sixty prices of rent and all may cost a share of what they would like to, blocks
    end at the optimum.

    Sensitivity: cuts lie below what times cost, so orders that keep the limit by the cuts are a little over it by the
    blocks; taking those for the end, once costs are near enough, gives out nothing.
    """
    free, time = of_many_prices(np.inf)
    best = Relaxation(free).optimum(10.0)
    assert best is not None
    one, _ = of_many_prices(share * float(free.cost[:-1] @ best.columns[:-1]))
    assert_optimal(one, Blocks(one, time, np.zeros(1)).optimum(10.0), Relaxation(one).optimum(10.0))


@pytest.mark.parametrize(
    ("limit", "most", "dearer", "orders"),
    [
        (4.1, np.inf, 0.0, 0.0),
        (4.1, np.inf, 0.05, 1.0),
        (4.3, np.inf, 0.05, 0.0),
        (4.1, 0.0, 0.05, 0.0),
        (4.01, 0.0, 0.05, 0.0),
    ],
)
def test_whole_orders_leave_room_for_whole_replicas(limit: float, most: float, dearer: float, orders: float) -> None:
    """Proves by hand: rent of 4 USD is the best, and fits under 4.1 USD; if it costs 5 % more in the end it does not,
    and an order takes its place, unless nobody offers one: half of the room fits then, or none.

    Sensitivity: orders without room leave budgets that no whole replicas keep; room at any price leaves no orders.
    """
    one = program([2.0, 2.0, 0.0, 0.0], -np.inf, limit)
    one = replace(one, column_upper=np.array([np.inf, np.inf, most, np.inf]))
    blocks = Blocks(one, TIME, np.zeros(2))
    best = blocks.optimum(10.0)
    assert best is not None
    assert best.value == pytest.approx(4.0, rel=1e-4)
    whole = blocks.whole(1e-4, 10.0, dearer=dearer)
    assert whole is not None
    assert whole.columns[2] == pytest.approx(orders)


def with_tails(count: int) -> Iterator[Parts]:
    """Random questions of several times that weigh their worst futures."""
    for seed in range(count):
        scenario = replace(Draw(Random(seed)).scenario(), risk=Risk(0.5, 0.7))
        parts = written(Watch(SolveOptions()), build_case(scenario, derive(scenario)), FEATURES)
        if parts is not None and len(counted(parts.program, parts.time).rows):
            yield parts


def limited(scenario: Scenario, usd: float) -> Parts | None:
    """A question with a limit on running costs, if that is a rule that counts costs."""
    budget = Budget("opex", "opex", None, usd)
    asked = replace(scenario, supply=replace(scenario.supply, budgets=(budget,)))
    parts = written(Watch(SolveOptions()), build_case(asked, derive(asked)), FEATURES)
    return parts if parts is not None and counted(parts.program, parts.time).hard.any() else None


def with_budgets(count: int) -> Iterator[Parts]:
    """Random questions of several times with about as much for running costs as the cheapest plan pays."""
    for seed in range(3 * count):
        scenario = Draw(Random(seed)).scenario()
        ample = limited(scenario, AMPLE)
        values = None if ample is None else solve(ample.program, SolveOptions(gap=1e-3)).values
        if ample is None or values is None:
            continue
        rows = counted(ample.program, ample.time).rows
        left = program_of(ample.program, values, rows, np.zeros(0, np.int32)).row_upper
        parts = limited(scenario, (AMPLE - float(left.min())) * Random(seed).choice((0.95, 1.0, 1.05)))
        if parts is not None:
            yield parts


@pytest.mark.slow
@pytest.mark.parametrize("questions", [with_tails, with_budgets])
def test_blocks_weigh_what_times_cost_as_the_whole_does(questions: Callable[[int], Iterator[Parts]]) -> None:
    """Proves: over random questions with CVaR and with budgets, blocks let no row of them go, and their value, columns
    and duals are an optimum of the whole relaxation.

    Sensitivity: a cut's price without what its time weighs in the tail, or the sign of such a row's dual, proves less
    or more.
    """
    met = 0
    for parts in questions(CASES):
        program = parts.plain.loosened(parts.program)
        if (program.cost[parts.time != NO_TIME] < 0.0).any():
            continue
        blocks = Blocks(program, parts.time, np.zeros(int(parts.shared.sum())))
        best = Relaxation(program).optimum(60.0)
        if best is None or blocks.lets_go:
            continue
        assert_optimal(program, blocks.optimum(60.0), best)
        met += 1
    assert met > CASES // 6


@pytest.mark.slow
@pytest.mark.parametrize("questions", [with_tails, with_budgets])
def test_plans_are_chosen_a_time_by_itself(questions: Callable[[int], Iterator[Parts]]) -> None:
    """Proves: over random questions with CVaR and with budgets, plans from searching and choosing keep every row, cost
    what is said, and at most 10 % more than the best, in questions of a few nodes.

    Sensitivity: an excess that stays what it was below other replicas is paid though nobody has to, or too small;
    limits of nodes by what a rule leaves at the relaxed optimum leave no plan.
    """
    found, exact, planned, there = 0.0, 0.0, 0, 0
    for parts in questions(CASES):
        watch = Watch(SolveOptions(gap=1e-4, time_limit_s=60.0))
        plain, time = parts.plain, parts.time
        relaxation = relaxed(watch, plain, plain.loosened(parts.program), time, np.zeros(int(parts.shared.sum())))
        best = solve(parts.program, SolveOptions(gap=1e-4, time_limit_s=60.0)).objective
        if relaxation is None or not relaxation.apart or best is None:
            continue
        begin, rules = relaxation.with_whole_orders(watch), counted(parts.program, time)
        ground = fixed(watch, Ground(parts.program, plain, time, True, relaxation.rows, relaxation.point, begin, rules))
        if ground is None:
            continue
        begin = ground.begin
        there += 1
        choosing(watch, ground, searching(watch, ground, begin, 1))
        if watch.values is None or watch.incumbent is None:
            continue
        assert allowed(parts.program, watch.values)
        assert watch.incumbent == pytest.approx(float(parts.program.cost @ watch.values) + parts.program.offset)
        assert watch.incumbent >= best * (1.0 - 1e-4) - 1e-6
        found, exact, planned = found + watch.incumbent, exact + best, planned + 1
    assert planned >= 0.9 * there
    assert 0.0 < exact * (1.0 - 1e-4) <= found <= 1.1 * exact
