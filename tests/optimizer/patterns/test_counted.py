"""Rules that count what times cost: told from others, kept by blocks, and no hindrance to a time by itself."""

from __future__ import annotations

from collections.abc import Iterator
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
from fleetopt.optimizer.pieces import allowed
from fleetopt.optimizer.solve import SolveOptions, solve
from fleetopt.scenario.domain import Risk
from tests.optimizer.patterns.test_blocks import assert_optimal
from tests.oracle.draw import Draw

CASES = 60
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


def with_tails(count: int) -> Iterator[Parts]:
    """Random questions of several times that weigh their worst futures."""
    for seed in range(count):
        scenario = replace(Draw(Random(seed)).scenario(), risk=Risk(0.5, 0.7))
        parts = written(Watch(SolveOptions()), build_case(scenario, derive(scenario)), FEATURES)
        if parts is not None and len(counted(parts.program, parts.time).rows):
            yield parts


@pytest.mark.slow
def test_blocks_weigh_the_worst_futures_as_the_whole_does() -> None:
    """Proves: over random questions with CVaR, blocks let no row of it go, and their value, columns and duals are an
    optimum of the whole relaxation.

    Sensitivity: a cut's price without what its time weighs in the tail, or the sign of such a row's dual, proves less
    or more.
    """
    met = 0
    for parts in with_tails(CASES):
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
def test_plans_with_tails_are_chosen_a_time_by_itself() -> None:
    """Proves: over random questions with CVaR, plans from searching and choosing keep every row, cost what is said, and
    at most 10 % more than the best, in questions of a few nodes.

    Sensitivity: an excess that stays what it was below other replicas is paid though nobody has to, or too small;
    limits of nodes by what the tail leaves at the relaxed optimum leave no plan.
    """
    found, exact = 0.0, 0.0
    for parts in with_tails(CASES):
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
        choosing(watch, ground, searching(watch, ground, begin, 1))
        if watch.values is None or watch.incumbent is None:
            continue
        assert allowed(parts.program, watch.values)
        assert watch.incumbent == pytest.approx(float(parts.program.cost @ watch.values) + parts.program.offset)
        assert watch.incumbent >= best * (1.0 - 1e-4) - 1e-6
        found, exact = found + watch.incumbent, exact + best
    assert 0.0 < exact * (1.0 - 1e-4) <= found <= 1.1 * exact
