"""From a Pyomo model to plain arrays: min c x + c0, row_lower <= A x <= row_upper, integers marked.

The arrays go to HiGHS without a translation layer in between, which keeps the solver's bound, log, callbacks
and warm starts in our hands, and lets the elastic problem add slack columns without building a second model.
See docs/decisions/0003.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array

from fleetopt.optimizer.formulation import Problem
from fleetopt.optimizer.rules import Rule

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """A mixed-integer program as arrays of n columns and m rows; `variables` are Pyomo's, `rules` ours."""

    a: csc_array
    cost: Floats
    offset: float
    column_lower: Floats
    column_upper: Floats
    integer: npt.NDArray[np.bool_]
    row_lower: Floats
    row_upper: Floats
    variables: tuple[Any, ...]
    rules: tuple[Rule, ...]


def compile_matrix(problem: Problem) -> Matrix:
    """The arrays of a problem. Variables that stand in no row and no cost are left out."""
    from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

    model = problem.model
    form = LinearStandardFormCompiler().write(model, mixed_form=True)
    rule_of = {id(model.component(rule.sentence)[rule.key]): rule for rule in problem.rules}
    rows = [(rule_of[id(entry.constraint)], entry.bound_type) for entry in form.rows]
    rhs = np.asarray(form.rhs, dtype=float)
    sense = np.array([bound_type for _, bound_type in rows], dtype=int)
    return Matrix(
        a=csc_array(form.A),
        cost=np.asarray(form.c.todense(), dtype=float).reshape(-1),
        offset=float(np.asarray(form.c_offset).reshape(-1)[0]),
        column_lower=_bounds(form.columns, "lb", -np.inf),
        column_upper=_bounds(form.columns, "ub", np.inf),
        integer=np.array([variable.is_integer() or variable.is_binary() for variable in form.columns], dtype=bool),
        row_lower=np.where(sense <= 0, rhs, -np.inf),
        row_upper=np.where(sense >= 0, rhs, np.inf),
        variables=tuple(form.columns),
        rules=tuple(rule for rule, _ in rows),
    )


def _bounds(columns: list[Any], side: str, otherwise: float) -> Floats:
    found = (getattr(variable, side) for variable in columns)
    return np.array([otherwise if bound is None else bound for bound in found], dtype=float)
