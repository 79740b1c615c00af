"""Completing: everything else for replicas that are chosen: nodes, orders, shares of links, and what else rules ask."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fleetopt.optimizer.matrix import Flags, Floats, Program
from fleetopt.optimizer.patterns.plain import Plain, carried
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.pieces import allowed, program_of
from fleetopt.optimizer.solve import Reason, Solution, SolveOptions, solve_here

SHARE_OF_GAP = 0.25


def completed(watch: Watch, program: Program, plain: Plain, values: Floats, held: Flags) -> Solution:
    """The cheapest plan with some columns held, replicas among them; shares of links are as large as they can be.

    Args:
        watch: the clock.
        program: the program.
        plain: its arrays.
        values: of the columns that are held, and of those that are tied.
        held: which they are; those that are tied besides.
    """
    values = values.copy()
    values[plain.split] = carried(program, plain.split, values)[plain.split]
    free = ~(held | plain.split | plain.tied)
    row = np.repeat(np.arange(program.rows.count, dtype=np.int32), np.diff(program.rows.start))
    open_rows = np.zeros(program.rows.count, dtype=bool)
    open_rows[row[free[program.rows.column]]] = True
    rows, closed = (np.flatnonzero(chosen).astype(np.int32) for chosen in (open_rows, ~open_rows))
    columns, none = np.flatnonzero(free).astype(np.int32), np.zeros(0)
    if not allowed(program_of(program, values, closed, none.astype(np.int32)), none):
        return Solution(Reason.INFEASIBLE, None, None, None, 0.0)
    rest = program_of(program, values, rows, columns)
    effort = SolveOptions(gap=SHARE_OF_GAP * watch.options.gap, time_limit_s=watch.left_s)
    found = watch.each(lambda one: solve_here(one, effort, stop=lambda: watch.over), [rest])[0]
    if found.values is None:
        return found
    values[columns] = found.values
    return replace(found, objective=float(program.cost @ values) + program.offset, values=values)
