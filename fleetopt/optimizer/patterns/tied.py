"""Tied columns: replicas that stand in more rules than the search knows, and all that hangs together with them.

A replica that carries traffic and takes up GPUs, and nothing else, is plain. Spares, losses to survive, least numbers,
service classes, work that is done when it suits, buckets and bundles put replicas into other rules, and other columns
beside them: such a workload is *tied*, and so is any that a rule of one time joins to it. What is of no single time is
not: at a time it is held, as orders are.

Once GPUs have a price the tied columns fall apart into *knots*, mostly one for each workload and time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleetopt.optimizer.matrix import Flags, Floats, Ints, Matrix, Program
from fleetopt.optimizer.patterns.structure import NO_TIME, Piece, time_of_rows
from fleetopt.optimizer.pieces import pieces

DEMAND = "demand_is_met"
CARRIES = ("prefill_carries_split_traffic", "decode_carries_split_traffic", DEMAND)
FITS = "gpus_fit_in_fleet"


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """The nonzero coefficients of a program, one after another, and whether rows of carrying or fitting have them."""

    row: Ints
    column: Ints
    coefficient: Floats
    carries: Flags
    fits: Flags

    @classmethod
    def of(cls, matrix: Matrix) -> Entries:
        """Those of a program."""
        row = np.repeat(np.arange(matrix.rows.count, dtype=np.int32), np.diff(matrix.rows.start))
        sentence = [0 if r.sentence == FITS else 1 if r.sentence in CARRIES else 2 for r in matrix.rules]
        kind = np.array(sentence, np.int8)[row]
        return cls(row, matrix.rows.column, matrix.rows.coefficient, kind == 1, kind == 0)

    def tied(self, matrix: Matrix, time: Ints, replicas: Flags, owner: Ints, odd: Flags) -> Flags:
        """Which columns are tied.

        Args:
            matrix: the program.
            time: the place of each column's time, NO_TIME for orders and the like.
            replicas: which columns are replicas.
            owner: a number for the workload whose traffic a column is about, -1 of any other column.
            odd: columns that are tied whatever their rows say.
        """
        uses, holds = (self._columns(self.fits & (sign * self.coefficient > 0.0), len(time)) for sign in (1.0, -1.0))
        known = self.carries | self.fits
        tied = odd | (uses & ~replicas) | (self._columns(~known, len(time)) & replicas)
        joining = ((time_of_rows(matrix.rows, time) >= 0)[self.row]) & ~self.fits
        may, rows = (time != NO_TIME) & ~holds, np.zeros(matrix.rows.count, dtype=bool)
        while True:
            rows[self.row[joining & tied[self.column]]] = True
            more = tied | (self._columns(joining & rows[self.row], len(time)) & may)
            owners = np.unique(owner[more & (owner >= 0)])
            more |= np.isin(owner, owners) & (owner >= 0)
            if (more == tied).all():
                return np.asarray(tied)
            tied = more

    def _columns(self, entries: Flags, columns: int) -> Flags:
        found = np.zeros(columns, dtype=bool)
        found[self.column[entries]] = True
        return found


def knots(program: Program, tied: Flags, time: Ints, joining: Flags, *, beneath_orders: bool) -> list[Piece]:
    """What hangs together of tied columns; rows in which others stand are not among its rows.

    Args:
        program: the program.
        tied: which columns are tied.
        time: the place of each column's time, NO_TIME for orders and the like.
        joining: columns of no time that knots have too (`sharing`); without any each is of one time.
        beneath_orders: whether other columns of no time may stand in the rows, as constants.
    """
    row = np.repeat(np.arange(program.rows.count, dtype=np.int32), np.diff(program.rows.start))

    def having(columns: Flags) -> Flags:
        found = np.zeros(program.rows.count, dtype=bool)
        found[row[columns[program.rows.column]]] = True
        return found

    own = tied | joining
    among = ((time_of_rows(program.rows, time) >= 0) & having(tied)) | having(joining)
    among &= ~having(~own & ((time != NO_TIME) | (not beneath_orders)))
    return [Piece(rows, columns) for rows, columns in pieces(program.rows, ~own, among)]


def sharing(program: Program, tied: Flags, time: Ints) -> Flags:
    """Columns of no time that stand beside nothing but tied ones and each other, as work that is shared among times."""
    row = np.repeat(np.arange(program.rows.count, dtype=np.int32), np.diff(program.rows.start))
    found = (time == NO_TIME) & ~program.integer
    while found.any():
        strange = np.zeros(program.rows.count, dtype=bool)
        strange[row[~(found | tied)[program.rows.column]]] = True
        beside = np.zeros_like(found)
        beside[program.rows.column[strange[row]]] = True
        if not (found & beside).any():
            break
        found &= ~beside
    return np.asarray(found)
