"""What little the method knows of the problem: which columns are of one time.

A variable whose index ends in (period, slot, outlook) is of that time; any other, such as an order, is of no single
time. That is a habit of the formulation that new features follow anyway; where one does not, a bound is weaker or a
piece larger, and nothing is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from fleetopt.optimizer.formulation import Problem
from fleetopt.optimizer.matrix import Ints, Matrix, Rows

NO_TIME = -1

SEVERAL = -2
"""The time of a row that has columns of several."""

Key: TypeAlias = tuple[str, ...]
"""The name of a variable and its index."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Rows and columns of one workload (or of several that share) at one time."""

    rows: Ints
    columns: Ints


def time_of_columns(problem: Problem, matrix: Matrix) -> Ints:
    """The place of each column's time in the calendar, NO_TIME where it has none."""
    place = {time: index for index, time in enumerate(problem.case.times)}

    def time_of(variable: object) -> int:
        index = variable.index()  # type: ignore[attr-defined]
        return place.get(index[-3:], NO_TIME) if isinstance(index, tuple) else NO_TIME

    return np.array([time_of(variable) for variable in matrix.variables], dtype=np.int32)


def key_of(variable: Any) -> Key:
    """The key of a variable."""
    index = variable.index()
    name = variable.parent_component().local_name
    return (name, *index) if isinstance(index, tuple) else (name,) if index is None else (name, str(index))


def time_of_rows(rows: Rows, time: Ints) -> Ints:
    """The place of the time whose columns each row has, NO_TIME where it has none of any, SEVERAL where of several.

    Args:
        rows: the sparse matrix.
        time: the place of each column's time, NO_TIME where it has none.
    """
    row = np.repeat(np.arange(rows.count), np.diff(rows.start))
    timed = time[rows.column] != NO_TIME
    first = np.full(rows.count, time.max(initial=0) + 1, dtype=np.int32)
    last = np.full(rows.count, NO_TIME, dtype=np.int32)
    np.minimum.at(first, row[timed], time[rows.column[timed]])
    np.maximum.at(last, row[timed], time[rows.column[timed]])
    return np.where(first < last, np.int32(SEVERAL), last)
