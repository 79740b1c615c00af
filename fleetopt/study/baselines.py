"""What others would pay for the same: the plan's saving against plainer ways to size a fleet, on the same inputs.

    each workload alone     every workload its own fleet, each the cheapest, with whole nodes per workload
    one GPU type            the cheapest plan that uses a single GPU type for everything
    static peak             each workload by the paper's formula, rounded up, at its peak, held all the time
    nothing committed       the cheapest plan without reserved, leased or purchased nodes

Each is a plan of the whole scenario, verified as such. Workloads that each want the same scarce supply get it in the
order of the scenario, and sell nothing that another one may need. A baseline that breaks a limit is not feasible, and
no saving is claimed against it.
"""

from __future__ import annotations

from collections.abc import Callable

from fleetopt.plan.domain import Plan, Record
from fleetopt.scenario.domain import Scenario, Workload
from fleetopt.study.leftover import left_over
from fleetopt.study.merge import merged, of_whole
from fleetopt.study.resolve import Resolver
from fleetopt.study.restrict import gpu_types, with_gpu_types, with_supply, with_workloads, without_sales
from fleetopt.study.static import static_plan

UNFINISHED = "not all of it could be solved in the time there was"


class Baseline(Record):
    """Another way to size the fleet. `usd` is None where there is no plan; `saving` is the part of it that the plan
    saves, None where the baseline keeps not every promise.
    """

    name: str
    usd: float | None
    feasible: bool
    verified: bool
    saving: float | None
    note: str


def baselines(scenario: Scenario, plan: Plan, resolver: Resolver | None = None) -> tuple[Baseline, ...]:
    """The plan against each baseline.

    Args:
        scenario: what the plan is for.
        plan: from `optimize`.
        resolver: how hard to try, and what it is told; one solve per workload twice, and one per GPU type.
    """
    desk = resolver or Resolver()
    desk.no_finer_than(plan)
    return (
        _alone(scenario, plan, desk),
        _one_type(scenario, plan, desk),
        _static(scenario, plan, desk),
        _uncommitted(scenario, plan, desk),
    )


def _alone(scenario: Scenario, plan: Plan, desk: Resolver) -> Baseline:
    def one(supply: Scenario, group: list[Workload]) -> Plan | None:
        return desk.solve(with_workloads(supply, group), f"{group[0].name} alone").plan

    groups = _families(scenario)
    return _apart("each workload sized alone", scenario, plan, desk, groups=groups, one=one)


def _static(scenario: Scenario, plan: Plan, desk: Resolver) -> Baseline:
    def one(supply: Scenario, group: list[Workload]) -> Plan | None:
        return static_plan(supply, group[0], desk)

    groups = [[workload] for workload in scenario.workloads]
    return _apart("static fleet for the peak", scenario, plan, desk, groups=groups, one=one)


_NOTES = {
    "each workload sized alone": "no node is shared between workloads",
    "static fleet for the peak": (
        "each workload on one GPU type by the ratio formula of arXiv 2603.04716, rounded up, held all the time"
    ),
}


def _apart(
    name: str,
    scenario: Scenario,
    plan: Plan,
    desk: Resolver,
    *,
    groups: list[list[Workload]],
    one: Callable[[Scenario, list[Workload]], Plan | None],
) -> Baseline:
    """Workloads with fleets of their own; where they want the same scarce supply, one after another."""
    left = without_sales(scenario)
    sold = any(stock.sale is not None for stock in scenario.supply.stock)
    said = _NOTES[name] + ("; owned nodes are not sold" if sold else "")
    wished = [one(left, group) for group in groups]
    found = [part for part in wished if part is not None]
    if len(found) < len(groups):
        missing = ", ".join(group[0].name for group, part in zip(groups, wished, strict=True) if part is None)
        return _none(name, UNFINISHED if desk.unanswered else f"no such fleet within the limits for {missing}")
    together = merged(scenario, found)
    if together.verdict.passed:
        return _judged(name, plan, together, said)
    queued: list[Plan] = []
    for group in groups:
        part = one(left, group)
        if part is None:
            why = UNFINISHED if desk.unanswered else f"one after another, nothing is left for {group[0].name}"
            return _judged(name, plan, together, f"{said}; {why}")
        queued.append(part)
        left = left_over(left, part)
    return _judged(name, plan, merged(scenario, queued), f"{said}; scarce supply goes to the first who asks")


def _families(scenario: Scenario) -> list[list[Workload]]:
    """Workloads that are one in the scenario file, length buckets together."""
    groups: dict[str, list[Workload]] = {}
    for workload in scenario.workloads:
        groups.setdefault(workload.family.name if workload.family else workload.name, []).append(workload)
    return list(groups.values())


def _one_type(scenario: Scenario, plan: Plan, desk: Resolver) -> Baseline:
    name = "one GPU type for all"
    found: dict[str, Plan] = {}
    open_ends = False
    for gpu_type in gpu_types(scenario):
        answer = desk.solve(with_gpu_types(scenario, [gpu_type]), f"{gpu_type} alone")
        if answer.plan is not None:
            found[gpu_type] = answer.plan
        open_ends = open_ends or not (answer.plan or answer.impossible)
    if not found:
        return _none(name, UNFINISHED if open_ends else "no single GPU type can serve every workload within the limits")
    best = min(found, key=lambda gpu_type: found[gpu_type].objective_usd)
    others = ", ".join(f"{g} {p.objective_usd:,.2f} USD" for g, p in found.items() if g != best)
    note = f"{best} is the cheapest single type" + (f"; {others}" if others else "")
    return _judged(name, plan, of_whole(scenario, found[best]), note + (f"; {UNFINISHED}" if open_ends else ""))


def _uncommitted(scenario: Scenario, plan: Plan, desk: Resolver) -> Baseline:
    name = "all on demand"
    if all(line.offer.hourly for line in scenario.supply.lines):
        return _judged(name, plan, plan, "nothing else is on offer: the same plan")
    answer = desk.solve(with_supply(scenario, lambda line: line.offer.hourly), "nothing committed")
    if answer.plan is None:
        return _none(name, "no plan without commitments" if answer.impossible else UNFINISHED)
    return _judged(name, plan, of_whole(scenario, answer.plan), "nothing reserved, leased or purchased")


def _judged(name: str, plan: Plan, other: Plan, note: str) -> Baseline:
    broken = [check.detail for check in other.verdict.checks if not check.passed]
    holds = not broken
    saving = 1.0 - plan.objective_usd / other.objective_usd if holds and other.objective_usd > 0 else None
    said = note if holds else f"{note}; breaks the scenario: {broken[0]}"
    return Baseline(name=name, usd=other.objective_usd, feasible=holds, verified=holds, saving=saving, note=said)


def _none(name: str, note: str) -> Baseline:
    return Baseline(name=name, usd=None, feasible=False, verified=False, saving=None, note=note)
