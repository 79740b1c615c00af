"""A program written in parts: what is of no single time once, then a few times after another, as arrays.

Where only orders join the times of a case, the program of some of its times is the program of the case with the other
times left out. Each part is written by the one formulation and forgotten once its arrays are taken, so that memory
holds numbers and not expressions. That nothing but orders joins times is not taken on trust: a sample of the case is
written whole and looked at, and no row may come up in two parts unless it is a row of the orders, and the same. Where
one does, or more joins them in the sample, all times are one part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.forked import forked
from fleetopt.optimizer.formulation import formulate
from fleetopt.optimizer.matrix import EMPTY, Flags, Ints, Matrix, Program, compile_matrix
from fleetopt.optimizer.patterns.plain import Plain, plain_of
from fleetopt.optimizer.patterns.stack import Portion, Stack, portion_of
from fleetopt.optimizer.patterns.structure import NO_TIME, SEVERAL, Key, time_of_columns, time_of_rows
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.scenario.demand import TimeKey

REPLICAS_A_PART = 10_000
"""Kinds of replicas, times included, of one part: enough to share what every part repeats, few enough to forget."""

LARGE = 20_000
"""Kinds of replicas, times included, from which two processes are sooner done."""

SAMPLE = 2
"""Periods, slots and outlooks of the sample."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """A program put together from its parts: the times of each, and the arrays of all.

    `time` is the place of each column's time, NO_TIME for orders and the like; `names` has the columns that are neither
    replicas nor shares of links, by their keys.
    """

    case: PlanningCase
    times: tuple[tuple[TimeKey, ...], ...]
    program: Program
    plain: Plain
    time: Ints
    names: dict[Key, int]

    @property
    def shared(self) -> Flags:
        """Which columns are of no single time."""
        return np.asarray(self.time == NO_TIME)


def written(watch: Watch, case: PlanningCase, features: Sequence[Feature]) -> Parts | None:
    """The program of a case, or None where there are no replicas in it, or time is up."""
    parts = None
    if case.risk is None and _is_apart(case, features):
        orders = compile_matrix(formulate(at_times(case, ()), features))
        parts = _stacked(watch, case, features, tuple(_times_of_parts(case)), orders)
    if parts is None and not watch.over:
        parts = _stacked(watch, case, features, (case.times,), EMPTY)
    return parts if parts is not None and (parts.plain.replicas | parts.plain.tied).any() else None


def _stacked(
    watch: Watch,
    case: PlanningCase,
    features: Sequence[Feature],
    times: tuple[tuple[TimeKey, ...], ...],
    orders: Matrix,
) -> Parts | None:
    """The program of some parts; None where one shares a row with another or ties other workloads, or time is up."""
    stack = Stack(orders, len(case.times))
    kinds = len(case.times) * sum(map(len, case.options.values()))
    portions = forked(lambda index: _portion(at_times(case, times[index]), features), len(times), kinds >= LARGE)
    with closing(portions):
        for part, portion in zip(times, portions, strict=True):
            if watch.over or not stack.add(portion, len(part)):
                return None
    program, plain, time = stack.whole()
    return Parts(case, times, program, plain, time, stack.names())


def at_times(case: PlanningCase, times: Sequence[TimeKey]) -> PlanningCase:
    """The case at some of its times."""
    kept = set(times)
    planned = {key: rps for key, rps in case.planned_rps.items() if key[1:] in kept}
    return replace(case, times=tuple(times), planned_rps=planned)


def _times_of_parts(case: PlanningCase) -> Iterator[tuple[TimeKey, ...]]:
    """The times of a case, as many together as make a part."""
    size = max(1, REPLICAS_A_PART // max(1, sum(map(len, case.options.values()))))
    times = iter(case.times)
    while part := tuple(islice(times, size)):
        yield part


def _portion(case: PlanningCase, features: Sequence[Feature]) -> Portion:
    problem = formulate(case, features)
    matrix = compile_matrix(problem)
    time = time_of_columns(problem, matrix)
    return portion_of(matrix, plain_of(problem, matrix, time), time)


def _is_apart(case: PlanningCase, features: Sequence[Feature]) -> bool:
    """Whether no row of a sample joins two times."""
    names: list[list[str]] = [list(dict.fromkeys(time[i] for time in case.times))[:SAMPLE] for i in range(3)]
    few = [time for time in case.times if all(name in some for name, some in zip(time, names, strict=True))]
    problem = formulate(at_times(case, few), features)
    matrix = compile_matrix(problem)
    return not joins_times(matrix, time_of_columns(problem, matrix))


def joins_times(matrix: Matrix, time: Ints) -> bool:
    """Whether a row has columns of more than one time."""
    return bool((time_of_rows(matrix.rows, time) == SEVERAL).any())
