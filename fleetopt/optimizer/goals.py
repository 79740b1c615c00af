"""Features that a study adds to a problem for one solve: fleet or orders held, another goal at a capped cost.

    sum_l fielded[l,t,h,o]  >=  nodes[p]      l on pool p                                      (fleet_is_held)
    ordered[l,t]  =  nodes[l,t]                                     (orders_are_held_up, orders_are_held_down)
    held[k,t]  =  nodes[k] - nodes sold by t   k a stock on sale      (sales_are_held_up, sales_are_held_down)
    what is minimised (expected present value, or its weighing with CVaR)  <=  cap    (cost_stays_under_its_cap)
    goal  <=  what was reached                                                         (goal_keeps_what_it_reached)
    fielded[l,t,h,o]  <=  most[l] PRESENT[g]  l with GPUs of type g                        (gpu_type_is_present)
    sum_l watts[l] fielded[l,t,h,o]  <=  cap                                         (all_power_stays_under_its_cap)
    cost[o] - best[o]  <=  REGRET                                                        (regret_is_the_largest)

A goal is a sum over the ledgers: of nodes in service, each with a weight and averaged over time and outlooks; of cost
lines; of GPU types that are present; or the largest regret over the outlooks, cost[o] being the present value of an
outlook's cost and best[o] what it costs who knows that it comes (Savage, J. Am. Stat. Assoc. 46, 1951). It is minimised
at the cap first; the cheapest plan that reaches as much is then an ordinary plan under one more rule. most[l] is as
many nodes as can be in service under a supply line.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.formulation import FEATURES, Problem, by_outlook, formulate, probability
from fleetopt.optimizer.ledgers import HeldKey, Ledgers, OrderKey, SupplyKey, Term
from fleetopt.optimizer.matrix import compile_matrix
from fleetopt.optimizer.options import Pool
from fleetopt.optimizer.rules import Rules
from fleetopt.optimizer.run import method_for, solve_by
from fleetopt.optimizer.solve import SolveOptions

SLACK = 1e-6
"""Relative room for the solver's tolerance where a goal must be reached again."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What to have as little of as can be: weights of nodes by supply line, cost lines by name, GPU types, or regret
    against the best that each outlook could cost.
    """

    per_node: Mapping[str, float] = field(default_factory=dict)
    cost_lines: frozenset[str] = frozenset()
    per_gpu_type: float = 0.0
    best_usd: Mapping[str, float] = field(default_factory=dict)

    @property
    def scale(self) -> float:
        """The amount against which a difference is small: regret is a difference of costs."""
        return max((abs(usd) for usd in self.best_usd.values()), default=0.0)


class Reached(NamedTuple):
    """The least of a goal that was found, and what it cannot be less than, where that is known."""

    amount: float
    bound: float | None


class Kept(NamedTuple):
    """A goal that is to be kept at what was reached, with room for the solver's tolerance."""

    goal: Goal
    reached: float = math.inf

    @property
    def most(self) -> float:
        return self.reached + SLACK * max(1.0, abs(self.reached), self.goal.scale)


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


class HeldOrders(Feature):
    """Orders exactly so many nodes of each line in each period, and sells so many; none where it names none."""

    def __init__(self, nodes: Mapping[tuple[str, str], int], sold: Mapping[tuple[str, str], int] | None = None) -> None:
        self._nodes, self._sold = nodes, sold or {}

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        keys = {*(key for key, _ in ledgers.ordered.entries()), *(OrderKey(*key) for key in self._nodes)}
        for key in sorted(keys):
            nodes, ordered = self._nodes.get(tuple(key), 0), ledgers.ordered.total(key)
            rules.at_least("orders_are_held_up", key, ordered, nodes)
            rules.at_most("orders_are_held_down", key, ordered, nodes)
        for stock in (stock for stock in case.stock if stock.sale is not None):
            gone = 0
            for period in case.periods:
                gone += self._sold.get((stock.name, period.name), 0)
                held = HeldKey(stock.name, period.name)
                if case.is_there(stock, period.name):
                    left = ledgers.held.total(held)
                    rules.at_least("sales_are_held_down", held, left, stock.nodes - gone)
                    rules.at_most("sales_are_held_up", held, left, stock.nodes - gone)


class Capped(Feature):
    """Keeps what is minimised under a cap in USD, and goals at what they reached."""

    def __init__(self, kept: Sequence[Kept] = (), *, usd: float = math.inf) -> None:
        self._kept, self._usd = kept, usd

    def declare(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        from pyomo.core import Binary, Reals, Var

        counts = any(kept.goal.per_gpu_type for kept in self._kept)
        types = sorted({case.gpu_type(pool) for pool in case.pool_of.values()}) if counts else []
        model.PRESENT = Var(types, within=Binary)
        model.REGRET = Var(within=Reals)

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        if model.PRESENT:
            most = {supply: case.most_fielded(supply) for supply in case.pool_of}
            for key, nodes in ledgers.fielded.entries():
                present = model.PRESENT[case.gpu_type(case.pool_of[key.supply])]
                rules.at_most("gpu_type_is_present", key, nodes - most[key.supply] * present, 0.0)
        best = next((kept.goal.best_usd for kept in self._kept if kept.goal.best_usd), {})
        for outlook, usd in by_outlook(case, ledgers).items() if best else ():
            rules.at_most("regret_is_the_largest", (outlook,), usd - model.REGRET, best[outlook])
        for index, kept in enumerate(self._kept):
            if math.isfinite(kept.most):
                amount = _amount(kept.goal, model, case, ledgers)
                rules.at_most("goal_keeps_what_it_reached", (index,), amount, kept.most)

    def conclude(self, model: Any, case: PlanningCase, objective: Term, rules: Rules) -> None:
        if math.isfinite(self._usd):
            rules.at_most("cost_stays_under_its_cap", "usd", objective, self._usd)


class PowerCap(Feature):
    """Keeps the nameplate of all nodes in service, over all sites, under a cap in W."""

    def __init__(self, watts: float) -> None:
        self._watts = watts

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        for time in case.times:
            drawn = sum(
                case.node_power_w(pool[0]) * ledgers.fielded.total(SupplyKey(supply, *time))
                for supply, pool in case.pool_of.items()
            )
            rules.at_most("all_power_stays_under_its_cap", time, drawn, self._watts)


def least(
    case: PlanningCase, goal: Goal, cap_usd: float, options: SolveOptions, kept: Sequence[Kept] = ()
) -> Reached | None:
    """The least of a goal at no more than `cap_usd` and with other goals kept; None where no plan is found in time."""
    problem = formulate(case, (*FEATURES, Capped((*kept, Kept(goal)), usd=cap_usd)))
    matrix = compile_matrix(problem)
    cost = np.zeros_like(matrix.cost)
    column = {id(variable): index for index, variable in enumerate(matrix.variables)}
    # Around its scale a gap is one of the costs, and not of a difference of them that may be nothing.
    offset = goal.scale
    for variable, coefficient in _linear(problem, goal):
        if variable is None:
            offset += coefficient
        elif id(variable) in column:
            cost[column[id(variable)]] += coefficient
    matrix = replace(matrix, cost=cost, offset=offset)
    solution = solve_by(method_for(matrix, options), problem, matrix, options)
    if solution.objective is None:
        return None
    bound = None if solution.bound is None else min(solution.bound, solution.objective) - goal.scale
    return Reached(solution.objective - goal.scale, bound)


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
    return nodes + lines + goal.per_gpu_type * present + (model.REGRET if goal.best_usd else 0.0)
