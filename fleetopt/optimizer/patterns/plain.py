"""What the search needs of a program, as arrays over pools, times and options.

The search (`search`) knows replicas that carry traffic, GPUs that they set aside, and nodes that hold GPUs. A program
in which nothing else is said of replicas is *plain*; most are. Workloads of which more is said are tied (`tied`): they
are made whole first, and the search goes on around them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.formulation import Problem
from fleetopt.optimizer.matrix import Flags, Floats, Ints, Matrix, Program
from fleetopt.optimizer.options import Link, Pool
from fleetopt.optimizer.patterns.relaxation import Point
from fleetopt.optimizer.patterns.structure import NO_TIME
from fleetopt.optimizer.patterns.tied import DEMAND, FITS, Entries

ROLES = ("decode", "prefill", "aggregated")
"""The roles of a link, in the order in which they are listed everywhere here."""


@dataclass(frozen=True, slots=True, eq=False)
class Ways:
    """The options of one workload.

    `column` and `part` are (times, options): the column of the replicas (-1: none) and the part of the demand that one
    carries (0: none). `excused` has, for each time, the column of demand that may go unserved (-1: none), a unit of
    which is `excused_part` of the demand. `links` has, for each link, the options of its roles: prefill and decode, or
    aggregated alone. `demand` has the row of the demand at each time (-1: none).
    """

    workload: str
    column: Ints
    part: Floats
    excused: Ints
    excused_part: Floats
    gpus: Ints
    pool: Ints
    links: tuple[tuple[Ints, ...], ...]
    demand: Ints

    def replicas(self, values: Floats) -> Floats:
        """Replicas in the columns of a program: (times, options)."""
        return np.where(self.column >= 0, values[self.column], 0.0)

    def among(self, columns: Flags) -> bool:
        """Whether some of the replicas are among columns."""
        return bool(columns[self.column[self.column >= 0]].any())

    def at(self, times: slice | Ints) -> Ways:
        """The options at some of the times."""
        return replace(
            self,
            column=self.column[times],
            part=self.part[times],
            excused=self.excused[times],
            excused_part=self.excused_part[times],
            demand=self.demand[times],
        )

    def roles(self) -> list[Ints]:
        """Options that carry the demand together: those of one role over all links, and the aggregated ones.

        In the order of ROLES; one list where all are aggregated.
        """
        alone = [options for link in self.links if len(link) == 1 for options in link]
        pairs = [link for link in self.links if len(link) == 2]
        found = [np.concatenate([*(link[role] for link in pairs), *alone]) for role in range(2)] if pairs else alone[:1]
        return found if pairs or len(alone) < 2 else [np.concatenate(alone)]


@dataclass(frozen=True, slots=True, eq=False)
class Pools:
    """Where GPUs are held: the rows of `gpus_fit_in_fleet` by pool and time.

    `row` is (pools, times), -1 where no replica could stand. Nodes of one time are listed by `nodes`, with the place
    (pool x times + time) they serve and the GPUs of one; so are columns of no single time, such as orders, by `orders`,
    and with GPUs below zero those that are tied and take some up.
    """

    row: Ints
    nodes: Ints
    node_place: Ints
    node_gpus: Floats
    orders: Ints
    order_place: Ints
    order_gpus: Floats

    @classmethod
    def empty(cls) -> Pools:
        """No pools."""
        none, usd = np.zeros(0, np.int32), np.zeros(0)
        return cls(none.reshape(0, 0), none, none, usd, none, none, usd)

    def price(self, point: Point) -> Floats:
        """What a GPU is worth at a point of the relaxation, USD: (pools, times)."""
        return np.where(self.row >= 0, -point.row_dual[self.row], 0.0)

    def held(self, values: Floats) -> Floats:
        """GPUs that are there whatever is rented: (pools, times)."""
        gpus = np.zeros(self.row.size)
        np.add.at(gpus, self.order_place, self.order_gpus * values[self.orders])
        return gpus.reshape(self.row.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Plain:
    """A program in which replicas carry traffic and take up GPUs, and nothing else; `split` are shares of links.

    What is `tied` is in none of the other arrays but those of what pools hold, and in `asking`: workloads that are not
    plain, but whose replicas carry their demand at least as the arrays say.
    """

    ways: tuple[Ways, ...]
    asking: tuple[Ways, ...]
    pools: Pools
    replicas: Flags
    split: Flags
    tied: Flags

    def loosened(self, program: Program) -> Program:
        """The program without upper bounds that no best plan needs, so that prices say all there is to say."""
        upper = np.where(self.replicas | self.split, np.inf, program.column_upper)
        return replace(program, column_upper=upper)


def carried(program: Program, split: Flags, values: Floats) -> Floats:
    """What shares of links can be with as many replicas: the least of what their two roles carry; others' upper bounds.

    Args:
        program: the program.
        split: which columns are shares of links.
        values: of all columns; those of shares do not matter.
    """
    row = np.repeat(np.arange(program.rows.count), np.diff(program.rows.start))
    column, coefficient = program.rows.column, program.rows.coefficient
    of_split = split[column]
    others = np.bincount(row[~of_split], coefficient[~of_split] * values[column[~of_split]], program.rows.count)
    asking = of_split & (coefficient > 0.0) & np.isfinite(program.row_upper[row])
    most = program.column_upper.copy()
    left = (program.row_upper - others)[row[asking]] / coefficient[asking]
    np.minimum.at(most, column[asking], np.maximum(left, 0.0))
    return most


def plain_of(problem: Problem, matrix: Matrix, time: Ints) -> Plain:
    """The arrays of a program.

    Args:
        problem: where the matrix came from.
        matrix: the program.
        time: the place of each column's time in the calendar, NO_TIME where it has none.
    """
    case = problem.case
    entries = Entries.of(matrix)
    replicas, split = (_columns_of(part, matrix) for part in (problem.model.REPLICAS, problem.model.SPLIT))
    excused, odd = _excused(matrix, replicas | split)
    tied = entries.tied(matrix, time, replicas, _owners(problem, matrix, excused), odd | _undated(problem, matrix))
    helped = _helped(matrix, entries, replicas | split, excused) | ~matrix.integer & replicas
    part = np.zeros(matrix.cost.size)
    part[entries.column[entries.carries]] = np.abs(entries.coefficient[entries.carries])
    pools = pool_places(case)
    found = _ways(problem, matrix, time, part, (pools, excused))
    ways = tuple(one for one in found if not one.among(tied))
    asking = tuple(w for w in found if w.among(tied) and not w.among(helped) and (w.demand >= 0).any())
    held = _pools(matrix, entries, (replicas & ~tied, tied), time, (pools, len(case.times), problem))
    return Plain(ways, asking, held, replicas & ~tied, split & ~tied, tied)


def pool_places(case: PlanningCase) -> dict[Pool, int]:
    """Where each pool stands in arrays over pools."""
    return {pool: place for place, pool in enumerate(sorted(set(case.pool_of.values())))}


def _columns_of(part: Any, matrix: Matrix) -> Flags:
    """Which columns are variables of a part of the model."""
    return np.array([variable.parent_component() is part for variable in matrix.variables], dtype=bool)


def _owners(problem: Problem, matrix: Matrix, excused: dict[tuple[str, ...], tuple[int, float]]) -> Ints:
    """A number for the workload of each column that is a replica, a share of a link or excused demand; -1 of others."""
    number = {workload: place for place, workload in enumerate(problem.case.workloads)}
    parts = problem.model.REPLICAS, problem.model.SPLIT
    found = np.full(matrix.cost.size, -1, np.int32)
    for column, variable in enumerate(matrix.variables):
        if any(variable.parent_component() is part for part in parts):
            found[column] = number.get(variable.index()[0], -1)
    for key, (column, _) in excused.items():
        found[column] = number[key[0]]
    return found


def _undated(problem: Problem, matrix: Matrix) -> Flags:
    """Replicas of workloads that have no demand at a time by itself."""
    asked = {rule.key[0] for rule in matrix.rules if rule.sentence == DEMAND and isinstance(rule.key, tuple)}
    return np.array(
        [v.parent_component() is problem.model.REPLICAS and v.index()[0] not in asked for v in matrix.variables], bool
    )


def _excused(matrix: Matrix, known: Flags) -> tuple[dict[tuple[str, ...], tuple[int, float]], Flags]:
    """Column and coefficient of what a demand may do without, and columns of demands that there is more to."""
    found: dict[tuple[str, ...], tuple[int, float]] = {}
    odd = np.zeros(matrix.cost.size, dtype=bool)
    for index, rule in enumerate(matrix.rules):
        if rule.sentence != DEMAND:
            continue
        key: tuple[str, ...] = rule.key  # type: ignore[assignment]
        for entry in range(matrix.rows.start[index], matrix.rows.start[index + 1]):
            column, coefficient = int(matrix.rows.column[entry]), float(matrix.rows.coefficient[entry])
            if known[column]:
                continue
            if key in found or coefficient < 0.0 or matrix.integer[column]:
                odd[matrix.rows.column[matrix.rows.start[index] : matrix.rows.start[index + 1]]] = True
            else:
                found[key] = column, coefficient
    return found, odd


def _helped(matrix: Matrix, entries: Entries, known: Flags, excused: dict[tuple[str, ...], tuple[int, float]]) -> Flags:
    """Columns that stand in a row of carrying beside one that could carry as well, which no array knows of."""
    other = ~known
    other[[column for column, _ in excused.values()]] = False
    demand = np.array([rule.sentence == DEMAND for rule in matrix.rules], dtype=bool)[entries.row]
    helps = np.where(demand, entries.coefficient > 0.0, entries.coefficient < 0.0)
    helps |= matrix.column_lower[entries.column] < 0.0
    rows, found = np.zeros(matrix.rows.count, dtype=bool), np.zeros(matrix.cost.size, dtype=bool)
    rows[entries.row[entries.carries & other[entries.column] & helps]] = True
    found[entries.column[rows[entries.row]]] = True
    return found


def _ways(
    problem: Problem,
    matrix: Matrix,
    time: Ints,
    part: Floats,
    shape: tuple[dict[tuple[str, str], int], dict[tuple[str, ...], tuple[int, float]]],
) -> tuple[Ways, ...]:
    case, replicas = problem.case, problem.model.REPLICAS
    pools, excused = shape
    rows: dict[Any, int] = {rule.key: row for row, rule in enumerate(matrix.rules) if rule.sentence == DEMAND}
    place_of = {
        (workload, one.name): (workload, place)
        for workload, options in case.options.items()
        for place, one in enumerate(options)
    }
    column = {w: np.full((len(case.times), len(options)), -1, np.int32) for w, options in case.options.items()}
    for index, variable in enumerate(matrix.variables):
        if variable.parent_component() is replicas:
            workload, option = place_of[variable.index()[:2]]
            column[workload][time[index], option] = index
    found = []
    for workload, options in case.options.items():
        links: dict[tuple[Link, bool], dict[str, list[int]]] = {}
        for place, one in enumerate(options):
            role = one.capacity.candidate.role
            links.setdefault((one.link, role == "aggregated"), {}).setdefault(role, []).append(place)
        whole = [roles for (_, alone), roles in links.items() if alone or len(roles) == 2]
        if not whole:
            continue  # whoever cannot be served has nothing to choose from
        there = column[workload]
        free = [excused.get((workload, *moment), (-1, 0.0)) for moment in case.times]
        found.append(
            Ways(
                workload=workload,
                column=there,
                part=np.where(there >= 0, part[there], 0.0),
                excused=np.array([column for column, _ in free], dtype=np.int32),
                excused_part=np.array([coefficient for _, coefficient in free]),
                gpus=np.array([option.node_gpus for option in options], dtype=np.int32),
                pool=np.array([pools[option.pool] for option in options], dtype=np.int32),
                links=tuple(tuple(np.array(roles[r], np.int32) for r in ROLES if r in roles) for roles in whole),
                demand=np.array([rows.get((workload, *moment), -1) for moment in case.times], dtype=np.int32),
            )
        )
    return tuple(found)


def _pools(
    matrix: Matrix,
    entries: Entries,
    kinds: tuple[Flags, Flags],
    time: Ints,
    shape: tuple[dict[tuple[str, str], int], int, Problem],
) -> Pools:
    (pools, times, problem), (replicas, tied) = shape, kinds
    moment = {name: index for index, name in enumerate(problem.case.times)}
    row = np.full((len(pools), times), -1, np.int32)
    place = np.full(matrix.rows.count, -1, np.int32)
    for index, rule in enumerate(matrix.rules):
        if rule.sentence == FITS:
            key: tuple[str, ...] = rule.key  # type: ignore[assignment]
            pool, at = pools[key[0], key[1]], moment[key[2], key[3], key[4]]
            row[pool, at], place[index] = index, pool * times + at
    holds = entries.fits & ~replicas[entries.column]
    shared = (time[entries.column] == NO_TIME) | tied[entries.column]
    nodes, orders = np.flatnonzero(holds & ~shared), np.flatnonzero(holds & shared)
    return Pools(
        row=row,
        nodes=entries.column[nodes],
        node_place=place[entries.row[nodes]],
        node_gpus=-entries.coefficient[nodes],
        orders=entries.column[orders],
        order_place=place[entries.row[orders]],
        order_gpus=-entries.coefficient[orders],
    )
