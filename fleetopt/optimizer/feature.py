"""What a feature of the problem is: five hooks, each called over all features before the next.

declare    adds variables and posts quantities to ledgers
price      posts dollars to the cost ledger
constrain  reads the ledgers, sealed by now, and states rules
conclude   reads what is minimised, and states rules about it
settle     once solved, replaces what the solver left loose by what the whole replicas make of it

A feature never imports or names another one: whatever two of them share goes through a ledger.
"""

from __future__ import annotations

from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.ledgers import Ledgers, ServedKey, Term
from fleetopt.optimizer.rules import Rules


class Feature:
    """A slice of the problem; each hook does nothing unless a feature says otherwise."""

    def declare(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        """Adds variables and posts quantities."""

    def price(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        """Posts dollars."""

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        """States rules."""

    def conclude(self, model: Any, case: PlanningCase, objective: Term, rules: Rules) -> None:
        """States rules about what is minimised, in USD."""

    def settle(self, model: Any, case: PlanningCase, achieved_rps: dict[ServedKey, float]) -> None:
        """Sets continuous variables to the values that the integer ones imply."""
