"""Other plans that cost little more and differ as much as they can.

Two ways lead to one: another goal is minimised under a cap on the cost, and the cheapest plan that reaches as much is
taken; or something is left out of the supply (a GPU type, a provider) and the rest is solved again. Of all that stay
under the cap those are kept that lie farthest from the best plan and from one another (`measures.distance`).
"""

from __future__ import annotations

from collections.abc import Iterator

from fleetopt.optimizer.goals import SLACK, Capped, Kept
from fleetopt.plan.domain import Plan
from fleetopt.plan.record import Record
from fleetopt.scenario.domain import Aim, Scenario
from fleetopt.study.aims import goal_of
from fleetopt.study.measures import Measures, distance, measures
from fleetopt.study.merge import of_whole
from fleetopt.study.resolve import Effort, Resolver
from fleetopt.study.restrict import gpu_types, with_gpu_types, without_provider

GOALS: dict[str, Aim] = {
    "fewest GPU types": "gpu_types",
    "fewest nodes": "nodes",
    "least power": "power",
    "least upfront": "upfront",
}
"""What else there is to have little of."""


class Alternative(Record):
    """A verified plan with what it is for, what it costs beyond the best, and how it differs."""

    name: str
    more: float
    distance: float
    measures: Measures
    summary: str
    plan: Plan


class Alternatives(Record):
    """The best plan in figures, the alternatives to it, and what there is no alternative for, each with its reason."""

    scenario: str
    within: float
    best: Measures
    found: tuple[Alternative, ...]
    missing: tuple[str, ...]


def alternatives(scenario: Scenario, best: Plan, within: float, most: int, resolver: Resolver) -> Alternatives:
    """Up to `most` plans that cost at most `within` more than the best, as different as can be.

    Args:
        scenario: the question.
        best: its plan.
        within: as a fraction of the best plan's cost.
        most: how many to keep.
        resolver: how hard to try each.
    """
    resolver.no_finer_than(best)
    cap = best.objective_usd + within * abs(best.objective_usd)
    tried = [*_by_goal(scenario, best, cap, resolver), *_without(scenario, best, resolver)]
    found: list[Alternative] = []
    missing: list[str] = []
    for name, plan, why in tried:
        if plan is None:
            missing.append(f"{name}: {why}")
        elif broken := [check.detail for check in plan.verdict.checks if not check.passed]:
            missing.append(f"{name}: breaks the scenario: {broken[0]}")
        elif plan.objective_usd > cap + SLACK * abs(cap):
            more = f"{100 * _more(best, plan):.3g} % more ({plan.objective_usd:,.2f} USD)"
            missing.append(f"{name}: the cheapest such plan costs {more}")
        elif (far := distance(scenario, best, plan)) < SLACK and measures(scenario, plan) == measures(scenario, best):
            missing.append(f"{name}: the best plan is that already")
        else:
            found.append(_alternative(scenario, best, name, plan, far))
    return Alternatives(
        scenario=scenario.name,
        within=within,
        best=measures(scenario, best),
        found=tuple(_spread(scenario, best, found, most)),
        missing=tuple(missing),
    )


Tried = tuple[str, Plan | None, str]

NO_TIME = "not found within the time"


def _by_goal(scenario: Scenario, best: Plan, cap: float, resolver: Resolver) -> Iterator[Tried]:
    figures = measures(scenario, best)
    for name, aim in GOALS.items():
        goal = goal_of(scenario, aim)
        if (goal.cost_lines and not figures.upfront_usd) or (goal.per_gpu_type and figures.gpu_types == 1):
            continue
        reached = resolver.least(scenario, goal, cap, name)
        if reached is None:
            yield name, None, NO_TIME
            continue
        keep = Capped([Kept(goal, reached.amount)], usd=cap)
        answer = resolver.solve(scenario, f"the cheapest plan with the {name}", Effort(extra=[keep]))
        yield name, _unclaimed(scenario, answer.plan), NO_TIME


def _without(scenario: Scenario, best: Plan, resolver: Resolver) -> Iterator[Tried]:
    narrower: dict[str, Scenario] = {}
    for gpu_type in dict.fromkeys(line.gpu_type for line in best.fleet):
        rest = [other for other in gpu_types(scenario) if other != gpu_type]
        narrower[f"without {gpu_type}"] = with_gpu_types(scenario, rest)
    for provider in dict.fromkeys(line.provider for line in best.fleet if line.provider):
        narrower[f"without provider {provider}"] = without_provider(scenario, provider)
    for name, rest_of in narrower.items():
        answer = resolver.solve(rest_of, name)
        why = "there is no such plan" if answer.impossible else NO_TIME
        yield name, _unclaimed(scenario, answer.plan), why


def _unclaimed(scenario: Scenario, plan: Plan | None) -> Plan | None:
    """The plan without a bound: that of a narrower question says nothing about this one."""
    return None if plan is None else of_whole(scenario, plan)


def _alternative(scenario: Scenario, best: Plan, name: str, plan: Plan, far: float) -> Alternative:
    return Alternative(
        name=name,
        more=_more(best, plan),
        distance=far,
        measures=measures(scenario, plan),
        summary=_difference(best, plan),
        plan=plan,
    )


def _more(best: Plan, plan: Plan) -> float:
    """By which part a plan is dearer than the best; all of it where the best costs nothing."""
    more = plan.objective_usd - best.objective_usd
    return more / abs(best.objective_usd or more or 1.0)


def _difference(best: Plan, plan: Plan) -> str:
    """Which GPU types the plan has more and fewer of at its largest, against the best."""
    was, now = _largest(best), _largest(plan)
    parts = []
    for gpu_type in sorted({*was, *now}):
        change = now.get(gpu_type, 0) - was.get(gpu_type, 0)
        if change:
            parts.append(f"{change:+,} {gpu_type} (of {was.get(gpu_type, 0):,})")
    return ", ".join(parts) or "the same GPUs at the peak"


def _largest(plan: Plan) -> dict[str, int]:
    """The most GPUs of each type in service at once."""
    at: dict[tuple[str, str, str, str], int] = {}
    for line in plan.fleet:
        key = (line.gpu_type, line.period, line.slot, line.outlook)
        at[key] = at.get(key, 0) + line.gpus
    largest: dict[str, int] = {}
    for key, gpus in at.items():
        largest[key[0]] = max(largest.get(key[0], 0), gpus)
    return largest


def _spread(scenario: Scenario, best: Plan, found: list[Alternative], most: int) -> list[Alternative]:
    """The farthest first, each next one as far as can be from the best and from all that were taken."""
    kept: list[Alternative] = []
    rest = _distinct(scenario, found)
    while rest and len(kept) < most:
        taken = [best, *(one.plan for one in kept)]
        farthest = max(rest, key=lambda one: min(distance(scenario, other, one.plan) for other in taken))
        rest.remove(farthest)
        kept.append(farthest)
    return kept


def _distinct(scenario: Scenario, found: list[Alternative]) -> list[Alternative]:
    """Plans that come to the same, under all their names."""
    kept: list[Alternative] = []
    for one in found:
        for index, other in enumerate(kept):
            if other.measures == one.measures and distance(scenario, other.plan, one.plan) < SLACK:
                kept[index] = other.model_copy(update={"name": f"{other.name}, {one.name}"})
                break
        else:
            kept.append(one)
    return kept
