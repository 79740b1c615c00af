"""Budgets: no more is paid than was granted, in any outlook.

    sum of cost[line,t,h,o,item] over lines that b covers, in its period, for o and for ALL  <=  max[b]
                                                                                          (budget_is_kept)

Symbols  max[b] USD (scenario.supply.budgets). Capex is `upfront` of purchases; opex every other line but the residual
         value and the price of a shortfall, which nobody pays, and the sale of nodes, which makes no budget larger.
         Nominal dollars of the period they are paid in.
Ledgers  reads cost.     Shape  one row per budget and outlook.
Dual     what one more dollar of budget saves.
"""

from __future__ import annotations

from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import CostKey, Ledgers
from fleetopt.optimizer.rules import Limit, Rules
from fleetopt.plan.domain import ALL
from fleetopt.scenario.supply_domain import Budget

NOT_PAID = ("residual_value", "shortfall", "sale")


class Budgets(Feature):
    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        from pyomo.core import quicksum

        bought = {c.line.name for c in case.commitments if c.line.offer.kind == "purchase"}
        for budget in case.budgets:
            for outlook in case.probability:
                paid = [
                    expression
                    for key, expression in ledgers.cost.entries()
                    if key.outlook in (ALL, outlook) and _covers(budget, key, bought)
                ]
                if paid:
                    limit = Limit(f"budget {budget.name}", "supply", outlook, "USD", budget.max_usd)
                    rules.at_most("budget_is_kept", (budget.name, outlook), quicksum(paid), budget.max_usd, limit)


def _covers(budget: Budget, key: CostKey, bought: set[str]) -> bool:
    if key.line in NOT_PAID or budget.period not in (None, key.period):
        return False
    capex = key.line == "upfront" and key.item in bought
    return budget.spending == "all" or (budget.spending == "capex") is capex
