"""Whole nodes: rows that hold at a time because nodes and orders are whole, found from what its rows are worth.

Weighed by their duals at an optimum of the relaxation, the rows of a time add up to one:  sum_j a[j] x[j] >= b  for
every plan. Its right side is what the time's demand is worth; what is left on the left are nodes, held or rented, as
far as the optimum pays for them: replicas pay for themselves there, and what has less than nothing is dropped, as no
column is negative. That row is rounded as rows of demand are (`rounding`), with the nodes' own a[j] and parts and
multiples of them as divisors. Where one kind of node is paid for at a time, it says how many there must be; where
several are, the rounded row often cuts nothing off. (Rounding a row that is put together by duals: Chvatal, Discrete
Math. 4, 1973; mixed-integer: Nemhauser and Wolsey, Math. Prog. 46, 1990.)
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from fleetopt.optimizer.matrix import Flags, Floats, Ints, Program
from fleetopt.optimizer.patterns.relaxation import Point
from fleetopt.optimizer.patterns.rounding import BROKEN, rounded
from fleetopt.optimizer.patterns.rows import Row
from fleetopt.optimizer.patterns.structure import NO_TIME, time_of_rows

SHARES = np.array([1 / 4, 1 / 3, 1 / 2, 1.0, 2.0, 3.0, 4.0])
"""What a node's own coefficient is multiplied with to be tried as a divisor."""

FRACTION = 1e-6
"""How far from whole a node must be for its coefficient to be tried."""

NOTHING = 1e-9
"""Of the largest coefficient, what is a rounding error: divided by one, a right side has no fraction to speak of."""


def whole_nodes(program: Program, integer: Flags, time: Ints, point: Point) -> Iterator[Row]:
    """For each time the rounded row that the optimum breaks most, if it breaks one.

    Args:
        program: the relaxed program; columns that may be negative keep a time from having a row.
        integer: which of its columns are whole in truth.
        time: the place of each column's time, NO_TIME for orders and the like.
        point: an optimum of the program, with its duals.
    """
    for columns, weighed, least in _weighed(program, time, point):
        kept = weighed > NOTHING * np.abs(weighed).max(initial=0.0)
        if least <= 0.0 or not kept.any() or (program.column_lower[columns] < 0.0).any():
            continue
        found = _rounded(weighed[kept] / least, integer[columns[kept]], point.columns[columns[kept]])
        if found is not None:
            yield Row(columns[kept].astype(np.int32), *found)


def _weighed(program: Program, time: Ints, point: Point) -> Iterator[tuple[Ints, Floats, float]]:
    """The columns, coefficients and right side of the sum of each time's rows, every row by its dual."""
    of = time_of_rows(program.rows, time)
    limit = np.where(point.row_dual > 0.0, program.row_lower, program.row_upper)
    # The dual of a row without a limit on its side is a rounding error.
    dual = np.where((of >= 0) & np.isfinite(limit), point.row_dual, 0.0)
    row = np.repeat(np.arange(program.rows.count), np.diff(program.rows.start))
    entries = np.flatnonzero(dual[row])
    entries = entries[np.argsort(of[row[entries]], kind="stable")]
    count, weighs = int(time.max(initial=NO_TIME)) + 1, np.flatnonzero(dual)
    right = np.bincount(of[weighs], dual[weighs] * limit[weighs], count)
    ends = np.searchsorted(of[row[entries]], np.arange(count + 1))
    for at, (start, stop) in enumerate(pairwise(ends.tolist())):
        here = entries[start:stop]
        columns, place = np.unique(program.rows.column[here], return_inverse=True)
        terms = program.rows.coefficient[here] * dual[row[here]]
        yield columns, np.bincount(place, terms, len(columns)).astype(float), float(right[at])


def _rounded(part: Floats, integer: Flags, values: Floats) -> tuple[Floats, float] | None:
    """Coefficients and right side of  part . columns >= 1, rounded by the divisor that the values break most."""
    open_ = integer & (np.abs(values - np.rint(values)) > FRACTION)
    divisors = np.unique(np.outer(part[open_], SHARES))
    if not len(divisors):
        return None
    usable, whole, slope, least = rounded(np.broadcast_to(part, (len(divisors), len(part))), divisors)
    coefficients = np.where(integer, whole, slope[:, None] * part)
    # Divided by a divisor that is beyond all measure the right side is zero, which nothing breaks.
    kept = np.divide(coefficients @ values, least, out=np.ones_like(least), where=usable & (least > 0.0))
    missing = 1.0 - kept
    worst = int(missing.argmax())
    return (coefficients[worst], float(least[worst])) if missing[worst] > BROKEN else None
