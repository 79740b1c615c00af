"""Programs that fall apart: where no row links two sets of columns, each is a program of its own.

    min  sum_k c_k x_k   with   A_k x_k in B_k  for each part k      =      sum_k  min { c_k x_k : A_k x_k in B_k }

Times hang together by what is ordered for several of them; with nothing but rent they do not, and a tree over all of
them proves the product of what small trees prove one by one. Every part is solved to the relative gap g, so with costs
that are not negative the sum is within it too; where some are negative and it is not, the whole is solved from there.
Parts that are the same but for a factor on their costs, as those of quarters with one demand are, are solved once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import mul
from threading import Lock

import numpy as np

from fleetopt.optimizer.matrix import Ints, Matrix, Program
from fleetopt.optimizer.patterns.watch import THREADS, Watch
from fleetopt.optimizer.pieces import pieces, program_of
from fleetopt.optimizer.solve import Reason, Solution, SolveOptions, solve, solve_here

LARGEST = 20_000
"""Columns beyond which it is not looked whether a program falls apart."""

SMALL = 200
"""Columns of a part up to which its tree is small: on quickstart's parts, of 62, that saves a quarter of the time."""

DIGITS = 12
"""Significant digits of costs in which parts are told apart."""

NO_USD = 1e-6
"""What the solver takes for nothing in each part, whatever the gap."""

BRIEF_S = 0.5
"""Seconds for a part once Ctrl-C has come: most have some plan by then."""


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A part of a program: its columns there, and what its costs are multiplied by in the part that is solved for it.

    `same` is the place of that part, its own where it is the first of its kind.
    """

    columns: Ints
    program: Program
    scale: float
    same: int


def solve_apart(matrix: Matrix, options: SolveOptions) -> Solution:
    """Minimises the matrix's cost, as `solve` does, part by part where it falls apart."""
    parts = _parts(matrix)
    if len(parts) < 2:
        return solve(matrix, options)
    crew = _Crew(Watch(options), [part for place, part in enumerate(parts) if part.same == place], matrix.offset)
    solved = {id(part.program): solution for part, solution in zip(crew.parts, crew.work(), strict=True)}
    found = _together(crew.watch, matrix, [(part, parts[part.same]) for part in parts], solved)
    crew.watch.log()
    if found.reason is Reason.FEASIBLE and all(one.reason is Reason.OPTIMAL for one in solved.values()):
        return solve(matrix, replace(options, time_limit_s=crew.watch.left_s), found.values)
    return found


def _parts(matrix: Matrix) -> list[_Part]:
    """The parts of a program; none where some row or column is in no part, or the program is too large to look."""
    if not 0 < matrix.cost.size <= LARGEST:
        return []
    nothing = np.zeros(matrix.cost.size)
    found = pieces(matrix.rows, nothing > 0)
    if sum(len(rows) for rows, _ in found) < matrix.rows.count or sum(len(c) for _, c in found) < nothing.size:
        return []
    parts: list[_Part] = []
    first: dict[bytes, int] = {}
    for rows, columns in found:
        program = program_of(matrix, nothing, rows, columns)
        scale = float(np.abs(program.cost).max()) or 1.0
        parts.append(_Part(columns, program, scale, first.setdefault(_kind(program, scale), len(parts))))
    return parts


def _kind(program: Program, scale: float) -> bytes:
    """What parts that are the same but for a factor on their costs have in common."""
    rows = program.rows
    arrays = (
        np.round(program.cost / scale, DIGITS) + 0.0,
        *(rows.start, rows.column, rows.coefficient, program.integer),
        *(program.column_lower, program.column_upper, program.row_lower, program.row_upper),
    )
    return b"|".join(array.tobytes() for array in arrays)


class _Crew:
    """Solves parts on two threads, each with its share of the time, and tells what is proven of their sum."""

    def __init__(self, watch: Watch, parts: Sequence[_Part], offset: float) -> None:
        self.watch, self.parts, self._offset = watch, parts, offset
        self._bounds = [_lowest(part.program) for part in parts]
        self._done: list[Solution] = []
        self._lock = Lock()

    def work(self) -> list[Solution]:
        """The solution of every part; once one has none, those of the others no longer matter."""
        places = range(len(self.parts))
        # Two threads would write their lines between one another's.
        waves = [places] if self.watch.options.log_file is None else [range(place, place + 1) for place in places]
        return [solution for wave in waves for solution in self.watch.each(self._solve, wave)]

    def _solve(self, place: int) -> Solution:
        if self._hopeless():
            return Solution(Reason.NO_SOLUTION_FOUND, None, None, None, 0.0)
        told = self.watch.options.on_progress
        program = self.parts[place].program
        tell = None if told is None else lambda progress: self._tell(place, progress.bound)
        left = len(self.parts) - len(self._done)
        share = self.watch.left_s * min(THREADS, left) / left
        options = replace(self.watch.options, time_limit_s=share, on_progress=tell)
        if self.watch.interrupted:
            solution = solve_here(program, replace(options, time_limit_s=BRIEF_S, gap=math.inf))
        else:
            stop = lambda: self.watch.interrupted or self._hopeless()  # noqa: E731
            solution = solve_here(program, options, stop=stop, small=program.cost.size <= SMALL)
        self._done.append(solution)
        self._tell(place, solution.bound)
        return solution

    def _hopeless(self) -> bool:
        return any(solution.reason is Reason.INFEASIBLE for solution in self._done)

    def _tell(self, place: int, bound: float | None) -> None:
        with self._lock:
            self._bounds[place] = max(self._bounds[place], -math.inf if bound is None else bound)
            known = self._offset + sum(self._bounds)
            self.watch.know(f"part {place + 1} of {len(self.parts)}", known if math.isfinite(known) else None)


def _lowest(program: Program) -> float:
    """What no solution can cost less than, by the bounds of the columns alone."""
    paid = program.cost != 0
    ends = [bound[paid] * program.cost[paid] for bound in (program.column_lower, program.column_upper)]
    return float(np.minimum(*ends).sum())


def _together(
    watch: Watch, matrix: Matrix, parts: Sequence[tuple[_Part, _Part]], solved: Mapping[int, Solution]
) -> Solution:
    """The solution of the whole, from each part and the one that was solved for it."""
    of_each = [solved[id(first.program)] for _, first in parts]
    reasons = {solution.reason for solution in of_each}
    if Reason.INFEASIBLE in reasons:
        return Solution(Reason.INFEASIBLE, None, None, None, watch.seconds)
    scales = [part.scale / first.scale for part, first in parts]
    known = [solution.bound for solution in of_each if solution.bound is not None]
    whole = len(known) == len(parts)
    bound = matrix.offset + sum(map(mul, scales, known)) if whole else None
    if Reason.NO_SOLUTION_FOUND in reasons:
        return Solution(Reason.NO_SOLUTION_FOUND, None, bound, None, watch.seconds)
    values = np.zeros(matrix.cost.size)
    for (part, _), solution in zip(parts, of_each, strict=True):
        values[part.columns] = solution.values
    objective = matrix.offset + float(matrix.cost @ values)
    watch.keep("together", objective, values, bound)
    missing = math.inf if bound is None else objective - bound
    close = missing <= max(watch.options.gap * abs(objective), NO_USD * len(parts))
    return Solution(Reason.OPTIMAL if close else Reason.FEASIBLE, objective, bound, values, watch.seconds)
