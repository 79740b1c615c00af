"""Plainer ways to size a fleet, each a plan of the whole scenario: what baselines and serving styles are made of.

    each workload alone     every workload its own fleet, each the cheapest, with whole nodes per workload
    one GPU type            the cheapest plan that uses a single GPU type for everything
    static peak             each workload by the paper's formula, rounded up, at its peak, held all the time

Workloads that each want the same scarce supply get it in the order of the scenario, and sell nothing that another one
may need.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario, Workload
from fleetopt.study.leftover import left_over
from fleetopt.study.merge import merged, of_whole
from fleetopt.study.resolve import Answer, Resolver
from fleetopt.study.restrict import gpu_types, with_gpu_types, with_workloads, without_sales
from fleetopt.study.static import static_plan

UNFINISHED = "not all of it could be solved in the time there was"


@dataclass(frozen=True, slots=True)
class Fleet:
    """A plan of the scenario with its verdict, or none; `open` where time ran out before all of it was known, `applies`
    is false where what it is about is not there.

    No fleet of the kind costs less than `bound_usd`; None where nothing of the sort is known.
    """

    plan: Plan | None
    note: str
    open: bool = False
    bound_usd: float | None = None
    applies: bool = True

    @property
    def broken(self) -> str:
        """The first promise of the scenario that the plan breaks; empty where it keeps them all."""
        checks = () if self.plan is None else self.plan.verdict.checks
        return next((check.detail for check in checks if not check.passed), "")


def alone(scenario: Scenario, desk: Resolver) -> Fleet:
    """Each workload its own cheapest fleet; length buckets of one workload stay together."""

    def one(supply: Scenario, group: list[Workload]) -> Plan | None:
        return desk.solve(with_workloads(supply, group), f"{group[0].name} alone").plan

    return _apart("no node is shared between workloads", scenario, desk, families(scenario), one)


def static(scenario: Scenario, desk: Resolver) -> Fleet:
    """Each workload by the ratio formula with ceilings, held all the time."""

    def one(supply: Scenario, group: list[Workload]) -> Plan | None:
        return static_plan(supply, group[0], desk)

    said = "each workload on one GPU type by the ratio formula of arXiv 2603.04716, rounded up, held all the time"
    wholes = {workload.whole: workload for workload in reversed(scenario.workloads)}
    return _apart(said, scenario, desk, [[workload] for workload in reversed(wholes.values())], one)


def _apart(
    note: str,
    scenario: Scenario,
    desk: Resolver,
    groups: list[list[Workload]],
    one: Callable[[Scenario, list[Workload]], Plan | None],
) -> Fleet:
    """Workloads with fleets of their own; where they want the same scarce supply, one after another."""
    left, before = without_sales(scenario), desk.unanswered
    sold = any(stock.sale is not None for stock in scenario.supply.stock)
    said = note + ("; owned nodes are not sold" if sold else "")
    wished = [one(left, group) for group in groups]
    found = [part for part in wished if part is not None]
    if len(found) < len(groups):
        if desk.unanswered > before:
            return Fleet(None, UNFINISHED, open=True)
        missing = ", ".join(group[0].name for group, part in zip(groups, wished, strict=True) if part is None)
        return Fleet(None, f"no such fleet within the limits for {missing}")
    together = merged(scenario, found)
    if together.verdict.passed:
        return Fleet(together, said)
    queued: list[Plan] = []
    for group in groups:
        part = one(left, group)
        if part is None:
            unfinished = desk.unanswered > before
            why = UNFINISHED if unfinished else f"one after another, nothing is left for {group[0].name}"
            return Fleet(together, f"{said}; {why}", open=unfinished)
        queued.append(part)
        left = left_over(left, part)
    return Fleet(merged(scenario, queued), f"{said}; scarce supply goes to the first who asks")


def families(scenario: Scenario) -> list[list[Workload]]:
    """Workloads that are one in the scenario file: length buckets and parts of a day together."""
    groups: dict[str, list[Workload]] = {}
    for workload in scenario.workloads:
        groups.setdefault(workload.written_as, []).append(workload)
    return list(groups.values())


def single_type(scenario: Scenario, desk: Resolver) -> Fleet:
    """The cheapest plan on one GPU type, over all GPU types of the supply."""
    answers = {one: desk.solve(with_gpu_types(scenario, [one]), f"{one} alone") for one in gpu_types(scenario)}
    found = {one: answer.plan for one, answer in answers.items() if answer.plan is not None}
    unfinished = any(not (answer.plan or answer.impossible) for answer in answers.values())
    if not found:
        none = f"no single GPU type can serve every workload within the limits{_whys(answers)}"
        return Fleet(None, UNFINISHED if unfinished else none, open=unfinished)
    best = min(found, key=lambda one: found[one].objective_usd)
    others = ", ".join(f"{one} {plan.objective_usd:,.2f} USD" for one, plan in found.items() if one != best)
    note = f"{best} is the cheapest single type" + (f"; {others}" if others else "")
    note += f"; {UNFINISHED}" if unfinished else ""
    return Fleet(of_whole(scenario, found[best]), note, unfinished, _least_bound(answers))


def _whys(answers: dict[str, Answer]) -> str:
    """Reasons, each once with its GPU types."""
    types: dict[str, list[str]] = {}
    for one, answer in answers.items():
        types.setdefault(answer.why, []).append(one)
    return "".join(f"; {', '.join(ones)}: {why}" for why, ones in types.items() if why)


def _least_bound(answers: dict[str, Answer]) -> float | None:
    """What no plan on any of the types costs less than, where each has a bound or is proven impossible."""
    bounds = [
        None if answer.plan is None else answer.plan.bound_usd for answer in answers.values() if not answer.impossible
    ]
    known = [bound for bound in bounds if bound is not None]
    return min(known) if known and len(known) == len(bounds) else None
