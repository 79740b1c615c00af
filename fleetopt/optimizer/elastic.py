"""Why a case has no plan, and the smallest changes after which it has one.

Every row that belongs to a promise or a limit of the scenario gets a slack that the objective makes dear
(Chinneck, Feasibility and Infeasibility in Optimization, 2008, ch. 6). Giving slack to one kind of limit at a
time yields repairs that each suffice alone: raise limits of supply, or accept a shortfall. A deletion filter over
the groups of limits leaves a set that cannot hold together although every smaller one can.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from fleetopt.errors import Change, Repair
from fleetopt.optimizer.matrix import Matrix, Rows
from fleetopt.optimizer.rules import Limit
from fleetopt.optimizer.solve import Reason, SolveOptions, solve

EFFORT = SolveOptions(gap=1e-3, time_limit_s=20.0)
"""How hard to try for each question; an answer that is only nearly smallest still repairs."""


NEXT_TO_NOTHING = 1e-4
"""What giving way at one more time counts, where raising a limit by one counts one."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Groups of limits that cannot hold together, and changes that each make the case feasible."""

    conflict: tuple[str, ...]
    repairs: tuple[Repair, ...]


@dataclass(frozen=True, slots=True)
class _Excess:
    limit: Limit
    amount: float


def diagnose(matrix: Matrix) -> Diagnosis:
    """What is wrong with an infeasible program, in the words of its limits."""
    found = (_raise_limits(matrix), _accept_shortfall(matrix))
    return Diagnosis(_conflict(matrix), tuple(repair for repair in found if repair))


def _raise_limits(matrix: Matrix) -> Repair | None:
    worst = _worst(_smallest_excess(matrix, "supply"))
    if not worst:
        return None
    raised = {group: math.ceil(item.limit.amount + item.amount - 1e-6) for group, item in worst.items()}
    details = tuple(
        f"{group} from {item.limit.amount:g} to {raised[group]:g} {item.limit.unit}" for group, item in worst.items()
    )
    changes = tuple(
        Change(group, raised[group] - item.limit.amount, item.limit.unit, item.limit.where)
        for group, item in worst.items()
    )
    return Repair("Raise " + ("these limits" if len(details) > 1 else "this limit"), details, changes)


def _accept_shortfall(matrix: Matrix) -> Repair | None:
    excess = _smallest_excess(matrix, "demand")
    if not excess:
        return None
    details = tuple(
        f"{item.limit.group} in {item.limit.where}: {_percent_up(item.amount)} more unserved" for item in excess
    )
    changes = tuple(
        Change(group, _rounded_up(item.amount), item.limit.unit, item.limit.where)
        for group, item in _worst(excess).items()
    )
    return Repair("Accept a shortfall", details, changes)


def _worst(excess: list[_Excess]) -> dict[str, _Excess]:
    """The largest excess of each group of limits."""
    worst: dict[str, _Excess] = {}
    for item in excess:
        known = worst.get(item.limit.group)
        if known is None or item.amount > known.amount:
            worst[item.limit.group] = item
    return worst


def _rounded_up(fraction: float) -> float:
    """A fraction rounded up to a tenth of a percent, so that allowing it is enough."""
    return math.ceil(fraction * 1000 - 1e-6) / 1000


def _percent_up(fraction: float) -> str:
    return f"{100 * _rounded_up(fraction):g} %"


def _smallest_excess(matrix: Matrix, kind: Literal["demand", "supply"]) -> list[_Excess]:
    """By how much the limits of one kind must give for the rest to hold; empty where that does not help."""
    rows = [i for i, rule in enumerate(matrix.rules) if rule.limit is not None and rule.limit.kind == kind]
    if not rows:
        return []
    relaxed = _with_slack(matrix, rows)
    solution = solve(_least_raises(relaxed, matrix, rows) if kind == "supply" else relaxed, EFFORT)
    if solution.values is None:
        return []
    slack = solution.values[matrix.cost.size : matrix.cost.size + len(rows)]
    found = []
    for index, amount in zip(rows, slack, strict=True):
        limit = matrix.rules[index].limit
        assert limit is not None
        if amount > 1e-6:
            found.append(_Excess(limit, float(amount)))
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


def _conflict(matrix: Matrix) -> tuple[str, ...]:
    """Groups of limits that are infeasible together; leaving any one of them out makes the rest feasible."""
    whole = replace(matrix, cost=np.zeros_like(matrix.cost))
    relaxed = replace(whole, integer=np.zeros_like(matrix.integer))
    needed = list(dict.fromkeys(rule.limit.group for rule in matrix.rules if rule.limit is not None))
    # What the relaxation cannot do the integer program cannot either, and it answers sooner; the integer program
    # then drops what only whole replicas and nodes make superfluous.
    for program in (relaxed, whole):
        if _cannot(program, needed):
            needed = _filtered(program, needed)
    return tuple(needed)


def _filtered(program: Matrix, groups: list[str]) -> list[str]:
    """A deletion filter: each group in turn is left out for good if the rest is infeasible without it."""
    needed = list(groups)
    for group in groups:
        rest = [other for other in needed if other != group]
        if _cannot(program, rest):
            needed = rest
    return needed


def _cannot(program: Matrix, groups: list[str]) -> bool:
    return solve(_only(program, groups), EFFORT).reason is Reason.INFEASIBLE


def _only(matrix: Matrix, groups: Iterable[str]) -> Matrix:
    """The program without the limits of any other group."""
    keep = set(groups)
    free = np.array([rule.limit is not None and rule.limit.group not in keep for rule in matrix.rules], dtype=bool)
    return replace(
        matrix,
        row_lower=np.where(free, -np.inf, matrix.row_lower),
        row_upper=np.where(free, np.inf, matrix.row_upper),
    )
