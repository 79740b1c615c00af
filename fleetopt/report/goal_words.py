"""What the plan had to have little of before cost, in sentences."""

from __future__ import annotations

from fleetopt.plan.domain import Plan
from fleetopt.plan.pursued import GoalReached
from fleetopt.report.view import number, percent, usd

CENT = 0.01

LEAST = {
    "power": "the least power",
    "gpus": "the fewest GPUs in service",
    "nodes": "the fewest nodes in service",
    "gpu_types": "the fewest GPU types",
    "upfront": "the least paid upfront",
    "carbon": "the least carbon dioxide",
    "regret": "the least regret in the worst outlook",
}


def goal_sentences(plan: Plan) -> list[str]:
    """Each goal with what was reached, and what that costs; none where the plan is for cost alone."""
    said = plan.objective
    if said is None:
        return []
    within = "" if said.at_most is None else f" at no more than {percent(said.at_most)} above the cheapest"
    found = [f"{LEAST[goal.goal]}{within}: {_amount(goal)}, {_proof(goal)}" for goal in said.goals]
    more, cheapest = plan.objective_usd - said.cheapest_usd, f"the cheapest plan found ({usd(said.cheapest_usd)} USD)"
    if more < CENT:
        return [*found, f"no dearer than {cheapest}"]
    part = f", {percent(more / abs(said.cheapest_usd))} of it" if said.cheapest_usd else ""
    return [*found, f"{usd(more)} USD more than {cheapest}{part}"]


def _amount(goal: GoalReached) -> str:
    return f"{usd(goal.value) if goal.unit == 'USD' else number(goal.value)} {goal.unit}"


def _proof(goal: GoalReached) -> str:
    if goal.bound is None:
        return "with no proof that it is the least"
    if goal.value - goal.bound <= 1e-5 * max(1.0, abs(goal.value)):
        return "proven to be the least"
    least = goal.model_copy(update={"value": goal.bound})
    return f"and no such plan has less than {_amount(least)}"
