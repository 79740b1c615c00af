"""Raises: limits that may be more than they are, at a price, to find out what a case without a plan is short of.

    minimize    cost  +  sum_g price[g] RAISE[g]
    subject to  body  <=  bound - lowered[g] + RAISE[g]          for each rule of a limit g that may be raised

Symbols  price[g] USD for each unit of the limit (case.raises); lowered[g] by how much less it is taken for at first,
         usually nothing (case.lowered). A plan of the case is one that raises no limit by more than it is lowered.
         Where none is, the least of the program is no more than what the case costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.ledgers import Term
from fleetopt.optimizer.rules import Rule

NAME = "RAISE"


def price_of_raises(model: Any, case: PlanningCase) -> Term:
    """What raising limits costs, once the model has a variable for each that may be raised."""
    from pyomo.core import NonNegativeReals, Var, quicksum

    if not case.raises:
        return 0.0
    model.add_component(NAME, Var(list(case.raises), within=NonNegativeReals))
    raised = model.component(NAME)
    return quicksum([usd * raised[limit] for limit, usd in case.raises.items()])


def body_with_raise(model: Any, case: PlanningCase, rule: Rule) -> Term:
    """The body of a rule, less what its limit is raised by."""
    if rule.limit is None or rule.sense == ">=" or rule.limit.group not in case.raises:
        return rule.body
    group = rule.limit.group
    return rule.body - model.component(NAME)[group] + case.lowered.get(group, 0.0)


def raises_among(columns: Mapping[tuple[str, ...], int]) -> dict[str, int]:
    """The columns of limits that may be raised, by limit, among columns by the name and index of their variable."""
    return {key[1]: column for key, column in columns.items() if key[0] == NAME}
