"""The times of a program, each a program of its own beneath orders.

A rule over several times, such as a budget, is in the program of each of them: what the others use is taken off its
limit, and of what is left over each has an equal part. So all times may change at once, and the rule is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from fleetopt.optimizer.matrix import Floats, Ints, Program
from fleetopt.optimizer.patterns.opened import Piece
from fleetopt.optimizer.patterns.structure import NO_TIME, SEVERAL, time_of_rows
from fleetopt.optimizer.pieces import program_of


class Times:
    """Rows and columns of each time."""

    def __init__(self, program: Program, time: Ints, elsewhere: Ints) -> None:
        """Sorts them.

        Args:
            program: the program.
            time: the place of each column's time, NO_TIME for orders and the like.
            elsewhere: rows over several times that are seen to elsewhere.
        """
        self._program, count = program, int(time.max()) + 1
        row_time = time_of_rows(program.rows, time)
        row_time[elsewhere] = NO_TIME
        self.columns, own = _by_time(time, count), _by_time(row_time, count)
        several = np.flatnonzero(row_time == SEVERAL).astype(np.int32)
        there = np.zeros((len(several), count + 1), dtype=bool)
        for place, row in enumerate(several.tolist()):
            # What is of no time has the last place, which is no time's.
            there[place, time[program.rows.column[program.rows.start[row] : program.rows.start[row + 1]]]] = True
        there = there[:, :count]
        self.rows = [np.concatenate([rows, several[here]]) for rows, here in zip(own, there.T, strict=True)]
        self._sharing = np.ones(program.rows.count)
        self._sharing[several] = there.sum(axis=1)

    def opened(self, values: Floats) -> list[Piece]:
        """A piece for each time, beneath orders and beside the other times, at their values."""
        used = np.bincount(
            np.repeat(np.arange(self._program.rows.count), np.diff(self._program.rows.start)),
            self._program.rows.coefficient * values[self._program.rows.column],
            self._program.rows.count,
        )
        # Of a rule that is of one time alone, nothing is others'.
        others = 1.0 - 1.0 / self._sharing
        lower, upper = self._program.row_lower, self._program.row_upper
        below = np.where(np.isfinite(lower), others * (used - np.where(np.isfinite(lower), lower, 0.0)), 0.0)
        above = np.where(np.isfinite(upper), others * (np.where(np.isfinite(upper), upper, 0.0) - used), 0.0)
        pieces = []
        for rows, columns in zip(self.rows, self.columns, strict=True):
            alone = program_of(self._program, values, rows, columns)
            limits = {"row_lower": alone.row_lower + below[rows], "row_upper": alone.row_upper - above[rows]}
            pieces.append(Piece(columns, replace(alone, **limits)))
        return pieces

    def joined(self, values: Floats, pieces: Sequence[Piece]) -> Floats:
        """A plan with the best of each piece, its own columns elsewhere."""
        found = values.copy()
        for piece in pieces:
            if piece.best is not None and piece.best.values is not None:
                found[piece.columns] = piece.best.values
        return found


def _by_time(time: Ints, count: int) -> list[Ints]:
    """What is of each of so many times, in order."""
    order = np.argsort(time, kind="stable").astype(np.int32)
    ends = np.searchsorted(time[order], np.arange(count + 1))
    return [order[first:last] for first, last in pairwise(ends.tolist())]
