"""Rows of whole nodes: every plan obeys them, and where one kind of node is paid for there must be so many."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import fleetopt
from fleetopt.optimizer.matrix import Program, Rows
from fleetopt.optimizer.patterns.relaxation import Relaxation
from fleetopt.optimizer.patterns.rows import strengthened
from fleetopt.optimizer.patterns.structure import NO_TIME
from fleetopt.optimizer.patterns.whole_nodes import whole_nodes
from fleetopt.optimizer.solve import Progress, SolveOptions, solve

MOST = 6
"""Of every column of a drawn program."""


def program(costs: list[float], rows: list[tuple[list[float], float]], continuous: int | None = None) -> Program:
    """Columns at these costs, rows  coefficients . columns >= right side."""
    count, integer = len(costs), np.ones(len(costs), dtype=bool)
    dense = np.array([coefficients for coefficients, _ in rows])
    if continuous is not None:
        integer[continuous] = False
    return Program(
        rows=Rows(
            np.cumsum([0, *np.count_nonzero(dense, axis=1)]).astype(np.int32),
            np.nonzero(dense)[1].astype(np.int32),
            dense[np.nonzero(dense)],
        ),
        cost=np.array(costs),
        offset=0.0,
        column_lower=np.zeros(count),
        column_upper=np.full(count, float(MOST)),
        integer=integer,
        row_lower=np.array([least for _, least in rows]),
        row_upper=np.full(len(rows), np.inf),
    )


def found(of: Program, time: list[int]) -> list[tuple[list[float], float]]:
    """The rows at the optimum of the relaxation: coefficients of all columns, and the right side."""
    point = Relaxation(of).optimum(60.0)
    assert point is not None
    rows = []
    for row in whole_nodes(of, of.integer, np.array(time, np.int32), point):
        everywhere = np.zeros(of.cost.size)
        everywhere[row.columns] = row.coefficients
        rows.append((everywhere.tolist(), row.lower))
    return rows


NODES = program([0.0, 0.0, 24.0], [([-5.0, -3.0, 8.0], 0.0), ([2.0, 1.0, 0.0], 7.0)])
"""Two kinds of replicas of 5 and 3 GPUs that carry 2 and 1 of a demand of 7, on nodes of 8 GPUs at 24 USD."""


def test_a_row_by_hand() -> None:
    """Proves the row of a time with one kind of node.

    The cheapest way takes 3.5 replicas of 5 GPUs: 17.5 GPUs, 2.1875 nodes, 52.5 USD, 3 USD for a GPU and 7.5 for a unit
    of demand. Weighed so, the rows give  24 n - 1.5 r >= 52.5,  without the replicas that only cost  n >= 2.1875, and
    rounded  n >= 3. Sensitivity: a row of the demand alone (r >= 4) leaves it at 2.5 nodes.
    """
    ((coefficients, least),) = found(NODES, [0, 0, 0])
    assert least / coefficients[2] == pytest.approx(3.0)
    assert coefficients[:2] == [0.0, 0.0]


def test_orders_count_at_every_time_that_they_hold_nodes_at() -> None:
    """Proves: a row of a time has what is held for it, and each time has a row of its own.

    Nodes held at both times or rented at one: with 2.1875 at the first and 1.25 at the second, n + held >= 3 and >= 2.
    """
    first = [([-5.0, 0.0, 8.0, 0.0, 8.0], 0.0), ([2.0, 0.0, 0.0, 0.0, 0.0], 7.0)]
    second = [([0.0, -5.0, 0.0, 8.0, 8.0], 0.0), ([0.0, 2.0, 0.0, 0.0, 0.0], 4.0)]
    both = program([0.0, 0.0, 24.0, 24.0, 30.0], [*first, *second])
    rows = [[round(c / least, 6) for c in coefficients] for coefficients, least in found(both, [0, 1, 0, 1, NO_TIME])]
    assert [0.0, 0.0, round(1 / 3, 6), 0.0, round(1 / 3, 6)] in rows
    assert [0.0, 0.0, 0.0, 0.5, 0.5] in rows


def test_columns_that_may_be_negative_have_no_row() -> None:
    """Proves: what is below zero may not be dropped, so nothing is said."""
    assert found(replace(NODES, column_lower=np.full(3, -1.0)), [0, 0, 0]) == []


COSTS = st.lists(st.integers(1, 30).map(float), min_size=3, max_size=3)
WEIGHTS = st.lists(st.integers(-4, 8).map(float), min_size=3, max_size=3)


@given(COSTS, st.lists(st.tuples(WEIGHTS, st.integers(-3, 20).map(float)), min_size=1, max_size=3), st.integers(0, 3))
def test_no_plan_is_cut_off(costs: list[float], rows: list[tuple[list[float], float]], continuous: int) -> None:
    """Proves validity: of random programs every whole plan obeys the rows, and the optimum breaks them.

    Sensitivity: a coefficient below zero that is kept, a dual of the wrong sign, or a column that is not whole taken
    for one, cut plans off.
    """
    one = program(costs, rows, continuous=continuous if continuous < 3 else None)
    point = Relaxation(one).optimum(60.0)
    assume(point is not None)
    assert point is not None
    for coefficients, least in found(one, [0, 0, 0]):
        assert np.dot(coefficients, point.columns) < least
        for plan in product(range(MOST + 1), repeat=3):
            if all(np.dot(weights, plan) >= right for weights, right in rows):
                assert np.dot(coefficients, plan) >= least - 1e-6 * max(1.0, least)


@given(COSTS, st.lists(st.tuples(WEIGHTS, st.integers(-3, 20).map(float)), min_size=1, max_size=3))
def test_the_optimum_stays(costs: list[float], rows: list[tuple[list[float], float]]) -> None:
    """Proves the same of a program with a column that is not whole, whose plans cannot be counted: with the rows the
    optimum costs as much as without.
    """
    one = program(costs, rows, continuous=1)
    point = Relaxation(one).optimum(60.0)
    assume(point is not None)
    assert point is not None
    more = list(whole_nodes(one, one.integer, np.zeros(3, np.int32), point))
    exactly = SolveOptions(gap=0.0, time_limit_s=60.0)
    known, stronger = solve(one, exactly), solve(strengthened(one, more) if more else one, exactly)
    assert (known.objective is None) == (stronger.objective is None)
    # A whole number may be off by the solver's 1e-6, and costs up to 30 USD.
    assert known.objective == pytest.approx(stronger.objective, abs=1e-4)


def test_rent_or_buy_is_proven_by_its_bound() -> None:
    """Proves: of one kind of node the rows say how many are needed at each time, and the bound is the plan's cost with
    no search for it. Sensitivity: without them the bound is 12 % below.
    """
    told: list[Progress] = []
    options = SolveOptions(gap=1e-6, time_limit_s=60.0, method="patterns", on_progress=told.append)
    plan = fleetopt.optimize(fleetopt.load("rent-or-buy"), options)
    bounds = [one.bound for one in told if one.phase == "bounding" and one.bound is not None]
    assert max(bounds) == pytest.approx(plan.objective_usd, rel=1e-6)
