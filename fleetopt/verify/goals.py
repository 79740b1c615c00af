"""Has the plan as much, and no more, of what it was to have little of, and within the cost that this was worth?"""

from __future__ import annotations

from collections.abc import Callable

from fleetopt.plan.domain import ALL, Check
from fleetopt.plan.pursued import Pursued
from fleetopt.verify.dollars import CostKey, present_value, usd_tolerance
from fleetopt.verify.facts import Facts, node_type_of
from fleetopt.verify.tally import RELATIVE, Tally, allowance

UNITS = {"power": "kW", "gpus": "GPUs", "nodes": "nodes", "gpu_types": "GPU types", "carbon": "t"}
"""Units of goals that are not in USD."""


def goals_are_true(facts: Facts, lines: dict[CostKey, float]) -> Check:
    """Each goal that is claimed, computed from nodes and dollars; the cost against what the goals were worth."""
    said, asked = facts.plan.objective, facts.scenario.objective
    tally = Tally("goals_are_true", "", nothing="nothing but cost is claimed to be least")
    if said is None:
        return tally.check()
    claimed = tuple(goal.goal for goal in said.goals)
    if asked is None or claimed != asked.aims or said.at_most != asked.at_most:
        tally.fail(f"the plan is for {', '.join(claimed) or 'nothing'}, which is not what the scenario asks for")
        return tally.check()
    for goal in said.goals:
        value = _amount(facts, lines, goal.goal, said)
        if goal.unit != UNITS.get(goal.goal, "USD"):
            tally.fail(f"{goal.goal} is not in {goal.unit}")
        # Regret is a difference of costs, and no more exact than they are.
        allowed = usd_tolerance(facts.plan) if goal.unit == "USD" else allowance(value)
        tally.same(goal.value, value, allowed, goal.goal)
        if goal.bound is not None:
            tally.hold(
                value - goal.bound, allowed, f"{goal.goal} of {value:.9g} is less than its bound {goal.bound:.9g}"
            )
    _hold_cost(facts, said, tally)
    return tally.check()


def _hold_cost(facts: Facts, said: Pursued, tally: Tally) -> None:
    cost, cheapest = facts.plan.objective_usd, said.cheapest_usd
    allowed = usd_tolerance(facts.plan) + RELATIVE * abs(cheapest)
    if said.at_most is not None:
        most = cheapest + said.at_most * abs(cheapest)
        tally.hold(most - cost, allowed, f"{cost:.2f} USD of at most {most:.2f} USD")
    for what, usd, bound in (
        ("cheapest plan", cheapest, said.cheapest_bound_usd),
        ("plan", cost, said.cheapest_bound_usd),
        *((one.outlook, one.usd, one.bound_usd) for one in said.best_usd),
    ):
        if bound is not None:
            tally.hold(usd - bound, allowed, f"the {what} costs {usd:.2f} USD, less than the bound {bound:.2f} USD")


def _amount(facts: Facts, lines: dict[CostKey, float], goal: str, said: Pursued) -> float:
    if goal == "regret":
        return _regret(facts, lines, said)
    if goal == "upfront":
        return sum(usd * facts.probability[key.outlook] for key, usd in lines.items() if key.line == "upfront")
    if goal == "gpu_types":
        types = {node_type_of(facts.sources[key]) for (key, _), nodes in facts.nodes.items() if nodes > 0}
        return len({facts.scenario.node_types[name].gpu_type for name in types})
    if goal == "carbon":
        grams = (
            facts.kwh(key, time) * facts.electricity(key[1])[1] * facts.probability[time[2]]
            for key, time in facts.nodes
        )
        return sum(grams) / 1e6
    if goal == "power":
        return _mean(facts, facts.node_w) / 1e3
    return _mean(facts, facts.gpus_per_node if goal == "gpus" else lambda _: 1.0)


def _mean(facts: Facts, per_node: Callable[[str], float]) -> float:
    """Over hours and outlooks, of something that each node in service has."""
    total = sum(
        nodes * per_node(node_type_of(facts.sources[key])) * facts.hours[time[:2]] * facts.probability[time[2]]
        for (key, time), nodes in facts.nodes.items()
    )
    return total / sum(facts.hours.values())


def _regret(facts: Facts, lines: dict[CostKey, float], said: Pursued) -> float:
    """The most by which an outlook costs more than the least that is known for it."""
    best = {one.outlook: one.usd for one in said.best_usd}
    outlooks = {outlook.name for outlook in facts.scenario.calendar.outlooks}
    if set(best) != outlooks:
        return float("inf")
    usd = dict.fromkeys(outlooks, 0.0)
    for key, amount in lines.items():
        for outlook in outlooks if key.outlook == ALL else {key.outlook}:
            usd[outlook] += amount * present_value(facts, key)
    return max(usd[outlook] - best[outlook] for outlook in outlooks)
