"""Risk: what the worst futures cost, as a part of the objective.

    CVaR = min over z of  z + 1 / (1 - level) sum_o probability[o] max(0, cost[o] - z)

(Rockafellar and Uryasev 2000, "Optimization of conditional value-at-risk", Journal of Risk 2, eq. 17.) The minimum is
a linear program, so that in the objective z is a variable and each outlook has an excess above it.
"""

from __future__ import annotations

from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.rules import Rules


def add_tail(model: Any, case: PlanningCase, rules: Rules, cost_of: dict[str, Any]) -> Any:
    """An expression that is CVaR where it is minimized; `cost_of` has the present value of each outlook's cost."""
    from pyomo.core import NonNegativeReals, Reals, Var, quicksum

    assert case.risk is not None
    model.THRESHOLD = Var(within=Reals)
    model.EXCESS = Var(list(cost_of), within=NonNegativeReals)
    for outlook, usd in cost_of.items():
        above = usd - model.THRESHOLD - model.EXCESS[outlook]
        rules.at_most("excess_is_above_threshold", (outlook,), above, 0.0)
    weights = {outlook: case.probability[outlook] / (1.0 - case.risk.level) for outlook in cost_of}
    return model.THRESHOLD + quicksum([weights[outlook] * model.EXCESS[outlook] for outlook in cost_of])
