"""Menus: what workloads choose from at one time, as columns of a small program, and the way back from its answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fleetopt.optimizer.matrix import Flags, Floats, Ints, Program, Rows
from fleetopt.optimizer.patterns.opened import Piece
from fleetopt.optimizer.patterns.plain import Plain, Ways, carried
from fleetopt.optimizer.patterns.relaxation import Point

EXCUSED = 1e-9


class Look(NamedTuple):
    """How all times are looked at in a pass.

    Patterns that a workload has to choose from beside what it has in the plan, if the relaxation takes one for it and
    if it mixes several; and how far from the best the choice may be, next to what a time may be too dear.
    """

    taken: int
    mixed: int
    slack: float


@dataclass(frozen=True, slots=True, eq=False)
class Menu:
    """Patterns as values of a piece's columns, (patterns, columns); the last is the plan's, if there is one."""

    columns: Ints
    counts: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Dish:
    """A piece of one time at hand: the place of the time, its rows, and for each workload its options and patterns.

    `lists` are of some times, among which this one has the place `listed`.
    """

    piece: Piece
    rows: Ints
    lists: Sequence[tuple[Ways, Floats]]
    listed: int
    time: int


@dataclass(frozen=True, slots=True, eq=False)
class Card:
    """The program of a time's menus: the free columns of the piece, then the patterns of each menu.

    `kept` are the rows of the piece that come first in it; one row for each menu comes after them.
    """

    program: Program
    menus: Sequence[Menu]
    free: Flags
    kept: Ints

    @property
    def first(self) -> int:
        """Where patterns begin among the columns."""
        return int(self.free.sum())

    def now(self, values: Floats) -> Floats:
        """The columns at values of the piece, which are the last pattern of each menu."""
        shares = (np.append(np.zeros(len(menu.counts) - 1), 1.0) for menu in self.menus)
        return np.concatenate([values[self.free], *shares])

    def liked(self, point: Point, look: Look) -> Flags:
        """The free columns, and the patterns that a relaxation uses and those it would take next."""
        return np.concatenate([np.ones(self.first, dtype=bool), *self._liked(point, look)])

    def _liked(self, point: Point, look: Look) -> Iterator[Flags]:
        first = self.first
        for menu in self.menus:
            here = slice(first, first + len(menu.counts))
            used = point.columns[here] > EXCUSED
            rank = np.where(used, -1.0, point.column_dual[here])
            liked = np.zeros(len(menu.counts), dtype=bool)
            liked[np.argsort(rank, kind="stable")[: look.mixed if used.sum() > 1 else look.taken]] = True
            first = here.stop
            yield liked

    def shares(self, point: Point) -> Iterator[Floats]:
        """What is taken of each menu's patterns."""
        first = self.first
        for menu in self.menus:
            yield point.columns[first : first + len(menu.counts)]
            first += len(menu.counts)

    def served(self, piece: Piece, values: Floats, split: Flags, found: Floats) -> Floats:
        """The columns of the piece, from those of its program; shares of links are as large as they can be."""
        values, first = values.copy(), self.first
        values[self.free] = found[:first]
        for menu in self.menus:
            values[menu.columns] = menu.counts[int(found[first : first + len(menu.counts)].argmax())]
            first += len(menu.counts)
        values[split] = carried(piece.program, split, values)[split]
        return values


def menus(plain: Plain, dish: Dish, values: Floats, *, planned: bool) -> tuple[Flags, list[Menu]]:
    """Which columns of the piece are nodes and the like, and the menus of plain workloads.

    A workload whose demand is excused keeps what it has.
    """
    piece = dish.piece
    free = ~(plain.replicas | plain.split | plain.tied)[piece.columns]
    found = []
    for ways, lists in dish.lists:
        there = ways.column[dish.listed] >= 0
        if not there.any():
            continue
        at = np.searchsorted(piece.columns, ways.column[dish.listed, there]).astype(np.int32)
        more = lists[dish.listed][:, there]
        usable = more[(more <= piece.program.column_upper[at]).all(axis=1)]
        if ways.excused[dish.listed] >= 0:
            excused = int(np.searchsorted(piece.columns, ways.excused[dish.listed]))
            free[excused] = False
            usable = usable[:0] if values[excused] > EXCUSED else usable
        found.append(Menu(at, np.concatenate([differing(usable), values[at][None, :][: int(planned)]])))
    return free, found


def card(piece: Piece, values: Floats, found: tuple[Flags, Sequence[Menu]], dropped: Flags) -> Card:
    """The program of menus.

    Args:
        piece: the piece of a time.
        values: of its columns; those that are neither free nor in a menu stay at them.
        found: its free columns and its menus.
        dropped: rows that every pattern keeps by itself, or that are looked at when there is an answer.
    """
    (free, lists), whole = found, piece.program
    row, kept = np.repeat(np.arange(whole.rows.count), np.diff(whole.rows.start)), ~dropped
    dense = np.zeros((whole.rows.count, whole.cost.size))
    dense[row, whole.rows.column] = whole.rows.coefficient
    dense = dense[kept]
    chosen = np.zeros(whole.cost.size, dtype=bool)
    for menu in lists:
        chosen[menu.columns] = True
    fixed = dense @ np.where(free | chosen, 0.0, values)
    used = [dense[:, menu.columns] @ menu.counts.T for menu in lists]
    ones = np.repeat(np.eye(len(lists)), [len(menu.counts) for menu in lists], axis=1)
    above = np.concatenate([dense[:, free], *used], axis=1)
    below = np.concatenate([np.zeros((len(lists), int(free.sum()))), ones], axis=1)
    matrix, one, count = np.concatenate([above, below]), np.ones(len(lists)), ones.shape[1]
    at, column = np.nonzero(matrix)
    start = np.concatenate([[0], np.cumsum(np.bincount(at, minlength=len(matrix)))]).astype(np.int32)
    program = Program(
        rows=Rows(start, column.astype(np.int32), matrix[at, column]),
        cost=np.concatenate([whole.cost[free], *(menu.counts @ whole.cost[menu.columns] for menu in lists)]),
        offset=0.0,
        column_lower=np.concatenate([whole.column_lower[free], np.zeros(count)]),
        column_upper=np.concatenate([whole.column_upper[free], np.ones(count)]),
        integer=np.concatenate([whole.integer[free], np.ones(count, dtype=bool)]),
        row_lower=np.concatenate([whole.row_lower[kept] - fixed, one]),
        row_upper=np.concatenate([whole.row_upper[kept] - fixed, one]),
    )
    return Card(program, lists, free, np.flatnonzero(kept).astype(np.int32))


def differing(counts: Floats) -> Floats:
    """The rows of an array of numbers, each once."""
    # Equal sums of different rows need numbers that nobody draws; they would cost a pattern, no more.
    mixed = counts @ np.random.default_rng(0).random(counts.shape[1])
    return counts[np.unique(mixed, return_index=True)[1]]
