"""A guess made a plan: columns between bounds, the times at which that cannot be opened, the rest completed.

    lacking    minimize the sum of what each row is short of, relaxed: a row that is short opens whatever workloads
               stand in it at its time, and if that does not do, all of its time
    ordering   columns of no single time made whole, the rest relaxed
    placing    these held, each time by itself within the bounds; a time without a plan once more without them

The guess may be anything: what is returned keeps every row of the program, or nothing is.
"""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

import numpy as np

from fleetopt.optimizer.known import Known
from fleetopt.optimizer.matrix import Flags, Floats, Ints, Program
from fleetopt.optimizer.patterns.structure import NO_TIME
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.pieces import breakable, pieces, program_of
from fleetopt.optimizer.solve import SolveOptions, solve_here

SHARE_OF_TIME = 0.4
PLACING_SHARE = 0.8
"""Of the time that is left, for one program, and for all times one by one."""

GAP = 1e-3
ROUGH_GAP = 0.02
ROUGH_NODES = 20
"""How near its best orders are brought, and how hard to look for a plan of one time."""

SHORT = 1e-6
TOLERANCE = 1e-5


def between(program: Program, chosen: Flags, least: Floats, most: Floats) -> Program:
    """The program with some columns between other bounds, as far as its own allow."""
    lower, upper = program.column_lower, program.column_upper
    return replace(
        program,
        column_lower=np.where(chosen, np.clip(least, lower, upper), lower),
        column_upper=np.where(chosen, np.clip(most, lower, upper), upper),
    )


def keeps(program: Program, values: Floats) -> bool:
    """Whether values keep every row, to the tolerance of a solver."""
    row = np.repeat(np.arange(program.rows.count), np.diff(program.rows.start))
    activity = np.bincount(row, program.rows.coefficient * values[program.rows.column], program.rows.count)
    slack = np.minimum(activity - program.row_lower, program.row_upper - activity)
    return bool((slack >= -TOLERANCE * np.maximum(1.0, np.abs(activity))).all())


def completed(watch: Watch, program: Program, gap: float, known: Floats | None = None) -> Floats | None:
    """The best values found in a share of the time for what is not held between equal bounds."""
    if watch.over:
        return None
    values, free, rest = _open(program)
    effort = SolveOptions(gap=gap, time_limit_s=SHARE_OF_TIME * watch.left_s)
    begun = None if known is None else known[free]
    found = watch.each(lambda one: solve_here(one, effort, begun, stop=lambda: watch.over), [rest])[0]
    if found.values is None:
        return None
    values[free] = found.values
    return values


def repaired(watch: Watch, known: Known, near: Program) -> Floats | None:
    """Values of the program near a guess.

    Args:
        watch: the clock.
        known: the program and what its columns are.
        near: the same with narrower bounds on some columns, which hold wherever there is a plan with them.
    """
    program, time = known.program, known.time
    for groups in (known.owner, time):
        short = _short(watch, near)
        touched = groups[near.rows.column[np.repeat(short, np.diff(near.rows.start))]]
        near = _opened(near, program, np.isin(groups, np.setdiff1d(touched, [NO_TIME])))
        if not short.any():
            break
    values = completed(watch, replace(near, integer=near.integer & (time == NO_TIME)), GAP)
    return None if values is None else _placed(watch, program, near, time == NO_TIME, values)


def _opened(near: Program, program: Program, columns: Flags) -> Program:
    """With some columns between the bounds of the program again."""
    return replace(
        near,
        column_lower=np.where(columns, program.column_lower, near.column_lower),
        column_upper=np.where(columns, program.column_upper, near.column_upper),
    )


def _open(program: Program) -> tuple[Floats, Ints, Program]:
    """What is held between equal bounds, the columns that are not, and their program."""
    fixed = program.column_lower == program.column_upper
    values, free = np.where(fixed, program.column_lower, 0.0), np.flatnonzero(~fixed).astype(np.int32)
    return values, free, program_of(program, values, np.arange(program.rows.count, dtype=np.int32), free)


def _short(watch: Watch, program: Program) -> Flags:
    """The rows that cannot be kept even by fractions; none where the time does not suffice to tell."""
    _, _, rest = _open(program)
    effort = SolveOptions(time_limit_s=SHARE_OF_TIME * watch.left_s)
    found = watch.each(lambda one: solve_here(one, effort, stop=lambda: watch.over), [_elastic(rest)])[0]
    if found.values is None:
        return np.zeros(program.rows.count, dtype=bool)
    return np.asarray(found.values[rest.cost.size :] > SHORT, dtype=bool)


def _elastic(program: Program) -> Program:
    """The relaxed program whose rows may be short of something, at a price of one, and nothing else costs."""
    every = np.arange(program.rows.count, dtype=np.int32)
    return breakable(replace(program, cost=np.zeros_like(program.cost)), every, np.ones(len(every)), 1.0)


def _placed(watch: Watch, program: Program, near: Program, shared: Flags, values: Floats) -> Floats | None:
    """Whole values, time by time; none as soon as one time has none."""
    end, failed = perf_counter() + PLACING_SHARE * watch.left_s, False

    def place(piece: tuple[Ints, Ints]) -> Floats | None:
        nonlocal failed
        for one in (near, program):
            left_s = end - perf_counter()
            if failed or watch.over or left_s <= 0.0:
                break
            own, free, rest = _open(program_of(one, values, *piece))
            effort = SolveOptions(gap=ROUGH_GAP, time_limit_s=left_s)
            found = solve_here(rest, effort, None, ROUGH_NODES, lambda: watch.over)
            if found.values is not None:
                own[free] = found.values
                return own
        failed = True
        return None

    found, whole = pieces(program.rows, shared), values.copy()
    for (_, columns), own in zip(found, watch.each(place, found), strict=True):
        if own is None:
            return None
        whole[columns] = own
    return whole
