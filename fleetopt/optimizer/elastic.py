"""Why a case has no plan, and the smallest changes after which it has one.

Every row that belongs to a promise or a limit of the scenario gets a slack that the objective makes dear
(Chinneck, Feasibility and Infeasibility in Optimization, 2008, ch. 6). Giving slack to one kind of limit at a
time yields repairs that each suffice alone: raise limits of supply, or accept a shortfall. A deletion filter over
the groups of limits leaves a set that cannot hold together although every smaller one can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Literal

import numpy as np

from fleetopt.errors import Repair
from fleetopt.optimizer.excess import Excess, accepting, raising
from fleetopt.optimizer.matrix import Matrix, Program, Rows
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.solve import EXPLAINING, Progress, Reason, Solution, SolveOptions, solve_here

GAP = 1e-3
SECONDS = 20.0
"""How hard to try for each repair, and for all of what whole numbers make superfluous in a conflict; an answer that is
only nearly smallest still repairs, and limits that are one too many still cannot hold together."""

NEXT_TO_NOTHING = 1e-4
"""What giving way at one more time counts, where raising a limit by one counts one."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Groups of limits that cannot hold together, and changes that each make the case feasible."""

    conflict: tuple[str, ...]
    repairs: tuple[Repair, ...]


def diagnose(
    matrix: Matrix, on_progress: Callable[[Progress], None] | None = None, known: Sequence[Repair] = ()
) -> Diagnosis:
    """What is wrong with an infeasible program, in the words of its limits; after Ctrl-C what is known by then.

    Args:
        matrix: the program.
        on_progress: told before each question.
        known: repairs that were found in another way; if there are any, no others are looked for.
    """
    watch = Watch(SolveOptions(gap=GAP, on_progress=on_progress))
    if not known:
        found = (
            raising(_smallest_excess(watch, matrix, "supply")),
            accepting(_smallest_excess(watch, matrix, "demand")),
        )
        known = [repair for repair in found if repair]
    return Diagnosis(_conflict(watch, matrix), tuple(known))


def _answer(watch: Watch, program: Program, seconds: float = SECONDS) -> Solution:
    """A solution found in so many seconds; after Ctrl-C none is looked for."""
    if watch.interrupted:
        return Solution(Reason.NO_SOLUTION_FOUND, None, None, None, 0.0)
    watch.know(EXPLAINING)
    effort = SolveOptions(gap=GAP, time_limit_s=seconds)
    return watch.each(lambda one: solve_here(one, effort, stop=lambda: watch.interrupted), [program])[0]


def _smallest_excess(watch: Watch, matrix: Matrix, kind: Literal["demand", "supply"]) -> list[Excess]:
    """By how much the limits of one kind must give for the rest to hold; empty where that does not help."""
    rows = [i for i, rule in enumerate(matrix.rules) if rule.limit is not None and rule.limit.kind == kind]
    if not rows:
        return []
    relaxed = _with_slack(matrix, rows)
    solution = _answer(watch, _least_raises(relaxed, matrix, rows) if kind == "supply" else relaxed)
    if solution.values is None:
        return []
    slack = solution.values[matrix.cost.size : matrix.cost.size + len(rows)]
    found = []
    for index, amount in zip(rows, slack, strict=True):
        limit = matrix.rules[index].limit
        assert limit is not None
        if amount > 1e-6:
            found.append(Excess(limit, float(amount)))
    return found


def _with_slack(matrix: Matrix, rows: list[int]) -> Matrix:
    """The program that minimises the slack of some rows instead of the cost."""
    width = matrix.cost.size
    signs = [-1.0 if matrix.rules[i].sense == "<=" else 1.0 for i in rows]
    zeros, ones = np.zeros(width), np.ones(len(rows))
    return replace(
        matrix,
        rows=_widened(matrix.rows, rows, signs, width),
        cost=np.concatenate([zeros, ones]),
        offset=0.0,
        column_lower=np.concatenate([matrix.column_lower, 0.0 * ones]),
        column_upper=np.concatenate([matrix.column_upper, np.inf * ones]),
        integer=np.concatenate([matrix.integer, np.zeros(len(rows), dtype=bool)]),
        variables=(*matrix.variables, *rows),
    )


def _least_raises(relaxed: Matrix, matrix: Matrix, rows: list[int]) -> Matrix:
    """The relaxed program with the raise of each limit, the most it gives at any time, to be small instead.

    Work that may be done at one time or another makes a limit give much once or little often: it is raised but once.
    """
    groups = list(dict.fromkeys(_group(matrix, i) for i in rows))
    width = relaxed.cost.size
    place = np.array([width + groups.index(_group(matrix, i)) for i in rows], dtype=np.int32)
    slack = np.arange(matrix.cost.size, width, dtype=np.int32)
    own, count, ones = relaxed.rows, len(rows), np.ones(len(groups))
    ends = own.start[-1] + 2 * np.arange(1, count + 1, dtype=np.int32)
    return replace(
        relaxed,
        rows=Rows(
            start=np.concatenate([own.start, ends]).astype(np.int32),
            column=np.concatenate([own.column, np.column_stack([slack, place]).ravel()]).astype(np.int32),
            coefficient=np.concatenate([own.coefficient, np.tile([1.0, -1.0], count)]),
        ),
        cost=np.concatenate([NEXT_TO_NOTHING * relaxed.cost, ones]),
        column_lower=np.concatenate([relaxed.column_lower, 0.0 * ones]),
        column_upper=np.concatenate([relaxed.column_upper, np.inf * ones]),
        integer=np.concatenate([relaxed.integer, np.zeros(len(groups), dtype=bool)]),
        row_lower=np.concatenate([relaxed.row_lower, np.full(count, -np.inf)]),
        row_upper=np.concatenate([relaxed.row_upper, np.zeros(count)]),
        variables=(*relaxed.variables, *groups),
        rules=(*relaxed.rules, *(relaxed.rules[i] for i in rows)),
    )


def _group(matrix: Matrix, row: int) -> str:
    limit = matrix.rules[row].limit
    assert limit is not None
    return limit.group


def _widened(rows: Rows, chosen: list[int], signs: list[float], width: int) -> Rows:
    """The rows with one more column for each of the chosen ones, at the end of the row."""
    ends = rows.start[np.array(chosen) + 1]
    extra = np.zeros(rows.count + 1, dtype=np.int32)
    extra[np.array(chosen) + 1] = 1
    return Rows(
        start=rows.start + np.cumsum(extra, dtype=np.int32),
        column=np.insert(rows.column, ends, np.arange(width, width + len(chosen), dtype=np.int32)),
        coefficient=np.insert(rows.coefficient, ends, signs),
    )


def _conflict(watch: Watch, matrix: Matrix) -> tuple[str, ...]:
    """Groups of limits that are infeasible together; leaving any one of them out makes the rest feasible.

    Unless time is up before that is known of whole numbers. None after Ctrl-C, unless they are known to be infeasible.
    """
    whole = replace(matrix, cost=np.zeros_like(matrix.cost))
    relaxed = replace(whole, integer=np.zeros_like(matrix.integer))
    needed = list(dict.fromkeys(rule.limit.group for rule in matrix.rules if rule.limit is not None))
    # What the relaxation cannot do the integer program cannot either, and it answers sooner; the integer program
    # then drops what only whole replicas and nodes make superfluous.
    known = False
    for program, seconds in (relaxed, np.inf), (whole, SECONDS):
        if known or _cannot(watch, program, needed):
            needed, known = _filtered(watch, program, needed, seconds), True
    return tuple(needed) if known or not watch.interrupted else ()


def _filtered(watch: Watch, program: Matrix, groups: list[str], seconds: float) -> list[str]:
    """A deletion filter: each group in turn is left out for good if the rest is infeasible without it.

    Of the seconds for all each has its part of what is left.
    """
    needed, end = list(groups), perf_counter() + seconds
    for place, group in enumerate(groups):
        rest = [other for other in needed if other != group]
        if _cannot(watch, program, rest, min(SECONDS, (end - perf_counter()) / (len(groups) - place))):
            needed = rest
    return needed


def _cannot(watch: Watch, program: Matrix, groups: list[str], seconds: float = SECONDS) -> bool:
    return _answer(watch, _only(program, groups), seconds).reason is Reason.INFEASIBLE


def _only(matrix: Matrix, groups: Iterable[str]) -> Matrix:
    """The program without the limits of any other group."""
    keep = set(groups)
    free = np.array([rule.limit is not None and rule.limit.group not in keep for rule in matrix.rules], dtype=bool)
    return replace(
        matrix,
        row_lower=np.where(free, -np.inf, matrix.row_lower),
        row_upper=np.where(free, np.inf, matrix.row_upper),
    )
