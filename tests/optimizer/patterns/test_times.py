"""Times by themselves: each has its own rows, and rules over several are kept whatever each of them does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetopt.optimizer.matrix import Program, Rows
from fleetopt.optimizer.patterns.structure import NO_TIME, SEVERAL, time_of_rows
from fleetopt.optimizer.patterns.times import Times
from fleetopt.optimizer.pieces import allowed

TIME = np.array([0, 1, 2, NO_TIME], dtype=np.int32)
"""A column for each of three times, and an order."""

NONE = np.zeros(0, dtype=np.int32)


def program(rows: list[tuple[list[float], float, float]]) -> Program:
    """Four columns, rows  lower <= coefficients . columns <= upper."""
    dense = np.array([coefficients for coefficients, _, _ in rows])
    start = np.cumsum([0, *np.count_nonzero(dense, axis=1)]).astype(np.int32)
    return Program(
        rows=Rows(start, np.nonzero(dense)[1].astype(np.int32), dense[np.nonzero(dense)]),
        cost=np.ones(4),
        offset=0.0,
        column_lower=np.zeros(4),
        column_upper=np.full(4, 100.0),
        integer=np.ones(4, dtype=bool),
        row_lower=np.array([lower for _, lower, _ in rows]),
        row_upper=np.array([upper for _, _, upper in rows]),
    )


OWN = ([1.0, 0.0, 0.0, 2.0], 4.0, np.inf)
ORDERS = ([0.0, 0.0, 0.0, 1.0], 0.0, 9.0)
BUDGET = ([1.0, 2.0, 0.0, 3.0], -np.inf, 30.0)


def test_what_a_rule_leaves_over_is_shared_out() -> None:
    """Proves by hand: with 2, 5 and an order of 4 a budget of 30 has 6 left, so that the first time may use 2 + 3 and
    the second 2 x 5 + 3; the third has no part in it, and rules of one time or of orders are as they were.

    Sensitivity: with all that is left over for each, both could spend the 6.
    """
    one = program([OWN, ORDERS, BUDGET])
    first, second, third = Times(one, TIME, NONE).opened(np.array([2.0, 5.0, 7.0, 4.0]))
    assert first.program.row_lower.tolist() == [4.0 - 8.0, -np.inf]
    assert first.program.row_upper.tolist() == [np.inf, 5.0]
    assert second.program.row_upper.tolist() == [13.0]
    assert second.program.rows.coefficient.tolist() == [2.0]
    assert third.program.rows.count == 0
    assert time_of_rows(one.rows, TIME).tolist() == [0, NO_TIME, SEVERAL]


def test_a_time_without_rows_is_a_time() -> None:
    """Proves: where nothing is asked of a time, it is there with its columns.

    Sensitivity: rows and columns of times that are counted by what there is do not belong together.
    """
    times = Times(program([OWN, ([0.0, 0.0, 1.0, 0.0], 1.0, 2.0)]), TIME, NONE)
    assert [one.tolist() for one in times.rows] == [[0], [], [1]]
    assert [one.tolist() for one in times.columns] == [[0], [1], [2]]


NUMBERS = st.lists(st.integers(0, 6).map(float), min_size=4, max_size=4)
WEIGHTS = st.lists(st.integers(-3, 5).map(float), min_size=4, max_size=4)


@given(NUMBERS, NUMBERS, st.lists(st.tuples(WEIGHTS, st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=3))
def test_all_times_may_change_at_once(
    before: list[float], after: list[float], rules: list[tuple[list[float], int, int]]
) -> None:
    """Proves: where every time keeps its own program, all together keep the whole one, whatever its rules join.

    Sensitivity: a limit that is shared out in the wrong direction lets some pair of times break it.
    """
    values = np.array(before)
    sums = [float(np.dot(weights, before)) for weights, _, _ in rules]
    one = program([(w, s - down, s + up) for (w, down, up), s in zip(rules, sums, strict=True) if any(w)] or [OWN])
    times, changed = Times(one, TIME, NONE), values.copy()
    for piece in times.opened(values):
        new = np.array(after)[piece.columns]
        changed[piece.columns] = np.where(allowed(piece.program, new), new, values[piece.columns])
    if allowed(one, values):
        assert allowed(one, changed)


def test_the_best_of_each_time_is_put_together() -> None:
    """Proves: times with a plan have it, the others and the orders are as they were."""
    times, values = Times(program([OWN, BUDGET]), TIME, NONE), np.array([2.0, 5.0, 7.0, 4.0])
    pieces = times.opened(values)
    pieces[1].take(np.array([3.0]))
    assert times.joined(values, pieces).tolist() == pytest.approx([2.0, 3.0, 7.0, 4.0])
