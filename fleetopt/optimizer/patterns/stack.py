"""Parts of a program put below one another: the arrays of the whole.

Columns of no single time are met again in every part, and are one column of the whole, known by name. What a part says
of their cost beyond what the first one, without any times, says of it, is of the part's times and adds up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from itertools import accumulate
from typing import Any, TypeAlias

import numpy as np

from fleetopt.optimizer.matrix import Flags, Ints, Matrix, Program, Rows
from fleetopt.optimizer.patterns.plain import Plain, Pools, Ways
from fleetopt.optimizer.patterns.structure import NO_TIME, Key, key_of

SHARED = 2**30
"""From here on, while parts come in, columns of no single time are counted; they follow all others in the end."""

Entries: TypeAlias = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Portion:
    """One part: its program and arrays, and by what its columns and rows are known in others.

    `time` is the place of each column's time among those of the part. `marks` tell rows apart; `shared` names columns
    of no single time, `names` those of one time that are neither replicas nor shares of links.
    """

    program: Program
    plain: Plain
    time: Ints
    marks: list[int]
    shared: dict[int, Key]
    names: dict[Key, int]


def portion_of(matrix: Matrix, plain: Plain, time: Ints) -> Portion:
    """A part without the model it was written in, which is large."""
    plainly = plain.replicas | plain.split
    names = {
        key_of(matrix.variables[column]): column for column in np.flatnonzero(~plainly & (time != NO_TIME)).tolist()
    }
    shared = {column: key_of(matrix.variables[column]) for column in np.flatnonzero(time == NO_TIME).tolist()}
    marks = [hash((rule.sentence, rule.key)) for rule in matrix.rules]
    return Portion(_arrays(matrix), plain, time, marks, shared, names)


class Stack:
    """The parts so far."""

    def __init__(self, orders: Matrix, times: int) -> None:
        """Begins with the program without any times."""
        self._times = times
        self._parts: list[Program] = []
        self._plains: list[Plain] = []
        self._time: list[Ints] = []
        self._columns, self._first_time = 0, 0
        self._shared: dict[Key, int] = {}
        self._limits: list[tuple[float, float, bool]] = []
        self._names: dict[Key, int] = {}
        self._seen: set[int] = set()
        none = np.zeros(orders.cost.size, bool)
        nothing = Plain((), (), Pools.empty(), none, none, none)
        portion = portion_of(orders, nothing, np.full(orders.cost.size, NO_TIME, np.int32))
        place = self._place(portion)
        self._rows = orders.rows.count
        self._orders = replace_columns(orders, place)
        self._known = {mark: row for row, mark in enumerate(portion.marks)}
        self._cost = {int(column): float(usd) for column, usd in zip(place, orders.cost, strict=True)}
        self._own_cost = dict(self._cost)
        self._own_offset = self._offset = orders.offset

    def add(self, portion: Portion, times: int) -> bool:
        """Takes a part in, unless it has a row of another part that is not the same row of the orders, or other
        workloads are tied in it.

        Args:
            portion: the part.
            times: how many times it has; they follow those of the parts before.
        """
        place = self._place(portion)
        row = self._row_places(portion, place)
        if row is None or not self._alike(portion.plain):
            return False
        own = row >= self._orders.rows.count
        timed = portion.time != NO_TIME
        self._spend(portion.program, place, timed)
        self._names |= {name: int(place[column]) for name, column in portion.names.items()}
        self._parts.append(_rows_and_columns(replace_columns(portion.program, place), own, timed))
        self._time.append(portion.time[timed] + self._first_time)
        self._plains.append(_moved(portion.plain, place, row, (self._first_time, times, self._times)))
        self._columns += int(timed.sum())
        self._rows += int(own.sum())
        self._first_time += times
        return True

    def _alike(self, plain: Plain) -> bool:
        first = (self._plains or [plain])[0]
        return all(
            [one.workload for one in here] == [one.workload for one in there]
            for here, there in ((plain.ways, first.ways), (plain.asking, first.asking))
        )

    def names(self) -> dict[Key, int]:
        """The columns that are neither replicas nor shares of links."""
        return self._names | {name: self._columns + place - SHARED for name, place in self._shared.items()}

    def whole(self) -> tuple[Program, Plain, Ints]:
        """The program, its arrays, and the place of each column's time."""
        parts, count = [self._orders, *self._parts], len(self._limits)
        lower, upper, integer = (np.array(one) for one in zip(*self._limits, strict=True)) if count else ([], [], [])
        cost = np.zeros(count)
        for place, usd in self._cost.items():
            cost[place - SHARED] = usd
        program = Program(
            rows=Rows(
                start=_starts(part.rows.start for part in parts),
                column=self._final(np.concatenate([part.rows.column for part in parts])),
                coefficient=np.concatenate([part.rows.coefficient for part in parts]),
            ),
            cost=np.concatenate([*(part.cost for part in self._parts), cost]),
            offset=self._offset,
            column_lower=np.concatenate([*(part.column_lower for part in self._parts), lower]),
            column_upper=np.concatenate([*(part.column_upper for part in self._parts), upper]),
            integer=np.concatenate([*(part.integer for part in self._parts), np.array(integer, bool)]),
            row_lower=np.concatenate([part.row_lower for part in parts]),
            row_upper=np.concatenate([part.row_upper for part in parts]),
        )
        time = np.concatenate([*self._time, np.full(count, NO_TIME, np.int32)]).astype(np.int32)
        return program, self._plain(count), time

    def _plain(self, count: int) -> Plain:
        plains, final = self._plains, self._final
        shared = np.zeros(count, bool)
        pools = [plain.pools for plain in plains]

        def joined(of: Callable[[Pools], Any]) -> Any:
            return np.concatenate([of(one) for one in pools])

        return Plain(
            ways=tuple(_ways(list(same), final) for same in zip(*(plain.ways for plain in plains), strict=True)),
            asking=tuple(_ways(list(same), final) for same in zip(*(plain.asking for plain in plains), strict=True)),
            pools=Pools(
                row=np.concatenate([one.row for one in pools], axis=1),
                nodes=final(joined(lambda one: one.nodes)),
                node_place=joined(lambda one: one.node_place),
                node_gpus=joined(lambda one: one.node_gpus),
                orders=final(joined(lambda one: one.orders)),
                order_place=joined(lambda one: one.order_place),
                order_gpus=joined(lambda one: one.order_gpus),
            ),
            replicas=np.concatenate([*(plain.replicas for plain in plains), shared]),
            split=np.concatenate([*(plain.split for plain in plains), shared]),
            tied=np.concatenate([*(plain.tied for plain in plains), shared]),
        )

    def _final(self, place: Ints) -> Ints:
        return np.where(place >= SHARED, place - SHARED + self._columns, place).astype(np.int32)

    def _place(self, portion: Portion) -> Ints:
        """Where each column of a part stands in the whole."""
        program, timed = portion.program, portion.time != NO_TIME
        place = np.zeros(len(timed), np.int32)
        place[timed] = self._columns + np.arange(timed.sum())
        for column, name in portion.shared.items():
            if name not in self._shared:
                self._shared[name] = SHARED + len(self._shared)
                limits = float(program.column_lower[column]), float(program.column_upper[column])
                self._limits.append((*limits, bool(program.integer[column])))
            place[column] = self._shared[name]
        return place

    def _row_places(self, portion: Portion, place: Ints) -> Ints | None:
        """Where each row of a part stands in the whole; None where another part has it."""
        found, rows = np.zeros(len(portion.marks), np.int32), self._rows
        for row, mark in enumerate(portion.marks):
            known = self._known.get(mark)
            if known is not None:
                if _said(portion.program, row, place) != _said(self._orders, known, None):
                    return None
                found[row] = known
                continue
            if mark in self._seen:
                return None
            self._seen.add(mark)
            found[row] = rows
            rows += 1
        return found

    def _spend(self, program: Program, place: Ints, timed: Flags) -> None:
        for column in np.flatnonzero(~timed).tolist():
            usd = float(program.cost[column]) - self._own_cost.get(int(place[column]), 0.0)
            self._cost[int(place[column])] = self._cost.get(int(place[column]), 0.0) + usd
        self._offset += program.offset - self._own_offset


def _arrays(matrix: Matrix) -> Program:
    return Program(**{one.name: getattr(matrix, one.name) for one in fields(Program)})


def replace_columns(program: Program, place: Ints) -> Program:
    """The program with its entries in other columns."""
    column = place[program.rows.column].astype(np.int32)
    return replace(program, rows=replace(program.rows, column=column))


def _said(program: Program, row: int, place: Ints | None) -> tuple[Entries, float, float]:
    """A row's entries by column, and its limits."""
    here = slice(program.rows.start[row], program.rows.start[row + 1])
    column = program.rows.column[here] if place is None else place[program.rows.column[here]]
    entries = sorted(zip(column.tolist(), program.rows.coefficient[here].tolist(), strict=True))
    return tuple(entries), float(program.row_lower[row]), float(program.row_upper[row])


def _rows_and_columns(program: Program, rows: Flags, columns: Flags) -> Program:
    """Some rows with all their entries, and the limits and costs of some columns."""
    lengths = np.diff(program.rows.start)
    entries = np.repeat(rows, lengths)
    start = np.concatenate([[0], np.cumsum(lengths[rows])]).astype(np.int32)
    return Program(
        rows=Rows(start, program.rows.column[entries], program.rows.coefficient[entries]),
        cost=program.cost[columns],
        offset=0.0,
        column_lower=program.column_lower[columns],
        column_upper=program.column_upper[columns],
        integer=program.integer[columns],
        row_lower=program.row_lower[rows],
        row_upper=program.row_upper[rows],
    )


def _starts(found: Iterable[Ints]) -> Ints:
    starts = list(found)
    offsets = [0, *accumulate(int(start[-1]) for start in starts)]
    moved = [start[:-1] + offset for start, offset in zip(starts, offsets, strict=False)]
    return np.concatenate([*moved, [offsets[-1]]]).astype(np.int32)


def _moved(plain: Plain, place: Ints, row: Ints, times: tuple[int, int, int]) -> Plain:
    """The arrays of a part in the columns, rows and times of the whole; flags of its own columns alone."""
    first, here, everywhere = times

    def places(found: Ints) -> Ints:
        return (found // here * everywhere + found % here + first).astype(np.int32)

    def ways_moved(one: Ways) -> Ways:
        return replace(one, column=_of(one.column, place), excused=_of(one.excused, place), demand=_of(one.demand, row))

    timed = place < SHARED
    pools = plain.pools
    return Plain(
        ways=tuple(ways_moved(one) for one in plain.ways),
        asking=tuple(ways_moved(one) for one in plain.asking),
        pools=replace(
            pools,
            row=_of(pools.row, row),
            nodes=_of(pools.nodes, place),
            node_place=places(pools.node_place),
            orders=_of(pools.orders, place),
            order_place=places(pools.order_place),
        ),
        replicas=plain.replicas[timed],
        split=plain.split[timed],
        tied=plain.tied[timed],
    )


def _of(found: Ints, places: Ints) -> Ints:
    """The places of what was found, -1 where nothing was."""
    moved = np.full(found.shape, -1, np.int32)
    moved[found >= 0] = places[found[found >= 0]]
    return moved


def _ways(found: list[Ways], final: Callable[[Ints], Ints]) -> Ways:
    """The options of a workload at the times of all parts."""
    return replace(
        found[0],
        column=np.concatenate([one.column for one in found]),
        part=np.concatenate([one.part for one in found]),
        excused=final(np.concatenate([one.excused for one in found])),
        excused_part=np.concatenate([one.excused_part for one in found]),
        demand=np.concatenate([one.demand for one in found]),
    )
