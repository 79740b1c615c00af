"""A program with its columns by name: the variable and its index, however the program was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.formulation import Problem
from fleetopt.optimizer.matrix import Ints, Matrix, Program
from fleetopt.optimizer.patterns.parts import Parts
from fleetopt.optimizer.patterns.structure import NO_TIME, Key, key_of, time_of_columns

Owners: TypeAlias = dict[tuple[str, int], int]


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """A program and what its columns are.

    `columns` has the columns by key; of a program in parts without the shares of links. `time` is the place of each
    column's time, and `owner` a number for each workload, or whatever else an index begins with, at each time; NO_TIME
    where a column has none.
    """

    case: PlanningCase
    program: Program
    columns: Mapping[Key, int]
    time: Ints
    owner: Ints


def known(problem: Problem, matrix: Matrix) -> Known:
    """A program that was written whole."""
    columns = {key_of(variable): column for column, variable in enumerate(matrix.variables)}
    return _known(problem.case, matrix, columns, time_of_columns(problem, matrix))


def known_parts(parts: Parts) -> Known:
    """A program that was written in parts."""
    columns = dict(parts.names)
    for ways in parts.plain.ways:
        names = [option.name for option in parts.case.options[ways.workload]]
        for time, option in np.argwhere(ways.column >= 0).tolist():
            key = ("REPLICAS", ways.workload, names[option], *parts.case.times[time])
            columns[key] = int(ways.column[time, option])
    return _known(parts.case, parts.program, columns, parts.time)


def _known(case: PlanningCase, program: Program, columns: Mapping[Key, int], time: Ints) -> Known:
    owner, owners = np.full(program.cost.size, NO_TIME, np.int32), Owners()
    for key, column in columns.items():
        if time[column] != NO_TIME:
            owner[column] = owners.setdefault((key[1], int(time[column])), len(owners))
    return Known(case, program, columns, time, owner)
