"""Risk: what the worst futures cost, in the objective and of a finished plan.

    CVaR = min over z of  z + 1 / (1 - level) sum_o probability[o] max(0, cost[o] - z)

(Rockafellar and Uryasev 2000, "Optimization of conditional value-at-risk", Journal of Risk 2, eq. 17.) The minimum is
a linear program, so that in the objective z is a variable and each outlook has an excess above it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.rules import Rules
from fleetopt.plan.domain import ALL, CostLine
from fleetopt.scenario.domain import Risk


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


def weighed(risk: Risk | None, expected: Any, tail: Any) -> Any:
    """The objective: the expected cost, or a weighing of it with the tail."""
    return expected if risk is None else (1.0 - risk.weight) * expected + risk.weight * tail


def measured(case: PlanningCase, costs: Iterable[CostLine]) -> tuple[float, float | None]:
    """Expected present value of a plan's cost lines, and their CVaR where the scenario weighs it."""
    lines = list(costs)
    expected = sum(line.usd * line.probability * line.discount for line in lines)
    if case.risk is None:
        return expected, None
    by_outlook = {
        outlook: sum(line.usd * line.discount for line in lines if line.outlook in (ALL, outlook))
        for outlook in case.probability
    }
    return expected, tail_mean(by_outlook, case.probability, case.risk.level)


def tail_mean(usd: dict[str, float], probability: dict[str, float], level: float) -> float:
    """The mean of the dearest outlooks that together have probability 1 - level, the last of them in part.

    >>> tail_mean({"low": 10.0, "base": 20.0, "high": 50.0}, {"low": 0.3, "base": 0.6, "high": 0.1}, 0.8)
    35.0
    """
    left = share = 1.0 - level
    total = 0.0
    for outlook in sorted(usd, key=lambda name: -usd[name]):
        taken = min(left, probability[outlook])
        total += taken * usd[outlook]
        left -= taken
    return round(total / share, 12) if left <= 1e-12 else total / (share - left)
