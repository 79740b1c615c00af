"""Features that a study adds to a problem for one solve: a fleet held as it is, another goal at a capped cost.

    sum_l fielded[l,t,h,o]  >=  nodes[p]      l on pool p                                      (fleet_is_held)
    sum of the cost ledger, by probability and present value  <=  cap                 (cost_stays_under_its_cap)
    goal  <=  what was reached                                                         (goal_keeps_what_it_reached)
    fielded[l,t,h,o]  <=  most[l] PRESENT[g]  l with GPUs of type g                        (gpu_type_is_present)

A goal is a sum over the ledgers: of nodes in service, each with a weight and averaged over time and outlooks; of cost
lines; and of GPU types that are present. It is minimised at the cap first; the cheapest plan that reaches as much is
then an ordinary plan under one more rule. most[l] is as many nodes as the demand can use on the pool.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.formulation import FEATURES, Problem, formulate, present_value, probability
from fleetopt.optimizer.ledgers import Ledgers, SupplyKey
from fleetopt.optimizer.matrix import compile_matrix
from fleetopt.optimizer.options import Pool
from fleetopt.optimizer.rules import Rules
from fleetopt.optimizer.solve import SolveOptions, solve


@dataclass(frozen=True, slots=True)
class Goal:
    """What to have as little of as can be: weights of nodes by supply line, cost lines by name, GPU types."""

    per_node: Mapping[str, float] = field(default_factory=dict)
    cost_lines: frozenset[str] = frozenset()
    per_gpu_type: float = 0.0


class Held(Feature):
    """Keeps so many nodes of each pool in service at all times."""

    def __init__(self, nodes: Mapping[Pool, int]) -> None:
        self._nodes = nodes

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        for pool, nodes in self._nodes.items():
            supplies = [supply for supply, other in case.pool_of.items() if other == pool]
            for time in case.times:
                held = sum(ledgers.fielded.total(SupplyKey(supply, *time)) for supply in supplies)
                rules.at_least("fleet_is_held", (*pool, *time), held, nodes)


class Capped(Feature):
    """Keeps the cost under a cap, or a goal at what it reached."""

    def __init__(self, goal: Goal, *, usd: float = math.inf, reached: float = math.inf) -> None:
        self._goal, self._usd, self._reached = goal, usd, reached

    def declare(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        from pyomo.core import Binary, Var

        types = sorted({case.gpu_type(pool) for pool in case.pool_of.values()}) if self._goal.per_gpu_type else []
        model.PRESENT = Var(types, within=Binary)

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        if self._goal.per_gpu_type:
            most = _most_nodes(case)
            for key, nodes in ledgers.fielded.entries():
                pool = case.pool_of[key.supply]
                present = model.PRESENT[case.gpu_type(pool)]
                rules.at_most("gpu_type_is_present", key, nodes - most[pool] * present, 0.0)
        if math.isfinite(self._usd):
            usd = sum(probability(case, key) * present_value(case, key) * usd for key, usd in ledgers.cost.entries())
            rules.at_most("cost_stays_under_its_cap", "usd", usd, self._usd)
        if math.isfinite(self._reached):
            rules.at_most(
                "goal_keeps_what_it_reached", "goal", _amount(self._goal, model, case, ledgers), self._reached
            )


def least(case: PlanningCase, goal: Goal, cap_usd: float, options: SolveOptions) -> float | None:
    """The least of a goal at no more than `cap_usd`; None where the time runs out before there is any plan."""
    problem = formulate(case, (*FEATURES, Capped(goal, usd=cap_usd)))
    matrix = compile_matrix(problem)
    cost = np.zeros_like(matrix.cost)
    column = {id(variable): index for index, variable in enumerate(matrix.variables)}
    constant = 0.0
    for variable, coefficient in _linear(problem, goal):
        if variable is None:
            constant += coefficient
        elif id(variable) in column:
            cost[column[id(variable)]] += coefficient
    solution = solve(replace(matrix, cost=cost, offset=constant), options)
    return solution.objective


def _linear(problem: Problem, goal: Goal) -> list[tuple[Any, float]]:
    from pyomo.repn import generate_standard_repn

    repn = generate_standard_repn(_amount(goal, problem.model, problem.case, problem.ledgers))
    terms = zip(repn.linear_vars, repn.linear_coefs, strict=True)
    return [(None, float(repn.constant)), *((variable, float(coefficient)) for variable, coefficient in terms)]


def _amount(goal: Goal, model: Any, case: PlanningCase, ledgers: Ledgers) -> Any:
    whole = sum(case.hours.values())
    nodes = sum(
        goal.per_node[key.supply] * case.probability[key.outlook] * case.hours[key.period, key.slot] / whole * fielded
        for key, fielded in ledgers.fielded.entries()
        if goal.per_node.get(key.supply)
    )
    lines = sum(probability(case, key) * usd for key, usd in ledgers.cost.entries() if key.line in goal.cost_lines)
    present = sum(model.PRESENT.values()) if goal.per_gpu_type else 0.0
    return nodes + lines + goal.per_gpu_type * present


def _most_nodes(case: PlanningCase) -> dict[Pool, int]:
    """Nodes of each pool beyond which there is nothing to run on one more, whatever is served there."""
    gpus: dict[Pool, float] = dict.fromkeys(case.pool_of.values(), 0.0)
    for options in case.options.values():
        for option in options:
            gpus[option.pool] += option.node_gpus * math.ceil(option.most)
    return {pool: math.ceil(found / case.gpus_per_node(pool)) for pool, found in gpus.items()}
