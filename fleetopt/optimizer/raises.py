"""Raises: limits that may be more than they are, at a price, to find out what a case without a plan is short of.

    minimize    cost  +  sum_g price[g] RAISE[g]
    subject to  body  <=  bound + RAISE[g]          for each rule of a limit g that may be raised

Symbols  price[g] USD for each unit of the limit (case.raises). A plan of the case is one that raises nothing, so the
         least of the program is no more than what the case costs.
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
    return rule.body - model.component(NAME)[rule.limit.group]


def raises_among(columns: Mapping[tuple[str, ...], int]) -> dict[str, int]:
    """The columns of limits that may be raised, by limit, among columns by the name and index of their variable."""
    return {key[1]: column for key, column in columns.items() if key[0] == NAME}
