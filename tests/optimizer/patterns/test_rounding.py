"""Rounded rows: every whole number of replicas that serves the demand obeys them, and relaxed ones do not."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetopt.optimizer.patterns.plain import Ways
from fleetopt.optimizer.patterns.relaxation import Point, Relaxation
from fleetopt.optimizer.patterns.rounding import broken_rows, of_demand, rounding
from fleetopt.optimizer.patterns.rows import Row
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.solve import SolveOptions
from tests.optimizer.patterns.test_covers import ways_of
from tests.optimizer.patterns.test_method import growing
from tests.optimizer.patterns.test_search import program

ONE_ROLE = (([0, 1, 2],),)
EXCUSED = 3
"""Column of demand that may go unserved, where a test has one."""


def at(columns: list[float]) -> Point:
    """An optimum of a relaxation that only says what its columns are."""
    return Point(0.0, np.array(columns), np.zeros(0), np.zeros(len(columns)))


def left_side(row: Row, columns: list[float]) -> float:
    return float(row.coefficients @ np.array(columns)[row.columns])


def excusing(ways: Ways) -> Ways:
    """The same workload, all of whose demand may go unserved."""
    return replace(ways, excused=np.array([EXCUSED], dtype=np.int32), excused_part=np.ones(1))


def test_a_row_by_hand() -> None:
    """Proves the formula on one option that carries 0.4 of the demand: 2.5 replicas relaxed, 3 whole.

    1 / 0.4 = 2.5, so n >= 3: coefficient floor(1) = 1, right side 3. Sensitivity: without rounding up it would be 2.5.
    """
    (row,) = broken_rows(ways_of([[0.4, 0.0, 0.0]], (([0],),)), at([2.5, 0.0, 0.0]))
    assert row.lower / row.coefficients[0] == pytest.approx(3.0)


def test_a_row_with_two_options_by_hand() -> None:
    """Proves the share of a smaller option: 0.4 and 0.1 of the demand; divided by 0.4, 1/d = 2.5 and f = 0.5, so that
    the smaller one counts min(1, 0.25 / 0.5) = one half, and n1 + n2 / 2 >= 3.
    """
    (row,) = broken_rows(ways_of([[0.4, 0.1, 0.0]], (([0, 1],),)), at([2.5, 0.0, 0.0]))
    assert (row.coefficients / row.coefficients[0]).tolist() == pytest.approx([1.0, 0.5])
    assert row.lower / row.coefficients[0] == pytest.approx(3.0)


def test_work_that_may_wait_has_no_row() -> None:
    """Proves: where no row asks for a demand at a time, nothing is rounded, though replicas carry a part of something.

    Sensitivity: work of a period would have to be done in each of its slots, and bounds would be above the optimum.
    """
    ways = ways_of([[0.4, 0.0, 0.0], [0.4, 0.0, 0.0]], (([0],),))
    waiting = replace(ways, demand=np.array([-1, 1], dtype=np.int32))
    assert [row.time for row in broken_rows(waiting, at([2.5, 0.0, 0.0, 2.5, 0.0, 0.0]))] == [1]


class Failing(Relaxation):
    """A relaxation whose optimum is found once."""

    found = False

    def optimum(self, time_limit_s: float) -> Point | None:
        before, self.found = self.found, True
        return None if before else super().optimum(time_limit_s)


def test_rows_without_an_optimum_are_not_given_out() -> None:
    """Proves: where the optimum with the first rows is not found, there are none, and duals and rows belong together.

    Sensitivity: with them, a price check has more rows than duals (a shortfall of 10 % once ended so).
    """
    _, matrix, plain = program(growing())
    watch, loose = Watch(SolveOptions(time_limit_s=60.0)), plain.loosened(matrix)
    some, _ = rounding(watch, Relaxation(loose), partial(of_demand, plain))
    rows, point = rounding(watch, Failing(loose), partial(of_demand, plain))
    assert some
    assert rows == []
    assert point is not None
    assert len(point.row_dual) == matrix.rows.count


PARTS = st.lists(st.floats(0.08, 1.2), min_size=3, max_size=3)


@given(PARTS, st.integers(0, 2), st.floats(0.0, 1.0))
def test_no_whole_way_to_serve_is_cut_off(part: list[float], corner: int, mix: float) -> None:
    """Proves validity: over all whole numbers up to what one option takes alone, whoever serves all obeys the row.

    Sensitivity: taking frac(a) / f without the minimum, or f of another number, cuts off plans.
    """
    relaxed = [0.0, 0.0, 0.0]
    relaxed[corner] = mix / part[corner]
    relaxed[(corner + 1) % 3] = (1.0 - mix) / part[(corner + 1) % 3]
    for row in broken_rows(ways_of([part], ONE_ROLE), at(relaxed)):
        assert left_side(row, relaxed) < row.lower
        for counts in product(*(range(int(np.ceil(1.0 / p)) + 2) for p in part)):
            if np.dot(counts, part) >= 1.0:
                assert left_side(row, list(counts)) >= row.lower - 1e-6 * max(1.0, row.lower)


@given(PARTS, st.floats(0.0, 1.0))
def test_what_is_excused_needs_no_replicas(part: list[float], excused: float) -> None:
    """Proves the row where demand may go unserved: with any part excused, whoever serves the rest obeys it.

    Sensitivity: leaving the column of the excused demand out of the row cuts off cheaper plans.
    """
    relaxed = [1.0 / part[0], 0.0, 0.0, 0.0]
    for row in broken_rows(excusing(ways_of([part], ONE_ROLE)), at(relaxed)):
        for counts in product(*(range(int(np.ceil(1.0 / p)) + 1) for p in part)):
            if np.dot(counts, part) + excused >= 1.0:
                assert left_side(row, [*counts, excused]) >= row.lower - 1e-6 * max(1.0, row.lower)


def test_numbers_that_are_whole_break_nothing() -> None:
    """Proves that a relaxation that is whole already gets no more rows."""
    assert broken_rows(ways_of([[0.5, 0.3, 0.2]], ONE_ROLE), at([2.0, 0.0, 0.0])) == []
