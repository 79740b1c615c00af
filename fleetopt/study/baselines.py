"""What others would pay for the same: the plan's saving against plainer ways to size a fleet, on the same inputs.

    each workload alone, one GPU type, static peak     as in `plainer`
    nothing committed                                  the cheapest plan without reserved, leased or purchased nodes

Each is a plan of the whole scenario, verified as such. A baseline that breaks a limit is not feasible, and no saving is
claimed against it.
"""

from __future__ import annotations

from fleetopt.plan.domain import Plan
from fleetopt.plan.record import Record
from fleetopt.scenario.domain import Scenario
from fleetopt.study.merge import of_whole
from fleetopt.study.plainer import UNFINISHED, Fleet, alone, single_type, static
from fleetopt.study.resolve import Resolver
from fleetopt.study.restrict import with_supply


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
        _of("each workload sized alone", plan, alone(scenario, desk)),
        _of("one GPU type for all", plan, single_type(scenario, desk)),
        _of("static fleet for the peak", plan, static(scenario, desk)),
        _uncommitted(scenario, plan, desk),
    )


def _uncommitted(scenario: Scenario, plan: Plan, desk: Resolver) -> Baseline:
    name = "all on demand"
    if all(line.offer.hourly for line in scenario.supply.lines):
        return _of(name, plan, Fleet(plan, "nothing else is on offer: the same plan"))
    answer = desk.solve(with_supply(scenario, lambda line: line.offer.hourly), "nothing committed")
    if answer.plan is None:
        return _of(name, plan, Fleet(None, "no plan without commitments" if answer.impossible else UNFINISHED))
    return _of(name, plan, Fleet(of_whole(scenario, answer.plan), "nothing reserved, leased or purchased"))


def _of(name: str, plan: Plan, fleet: Fleet) -> Baseline:
    other, broken = fleet.plan, fleet.broken
    if other is None:
        return Baseline(name=name, usd=None, feasible=False, verified=False, saving=None, note=fleet.note)
    holds = not broken
    saving = 1.0 - plan.objective_usd / other.objective_usd if holds and other.objective_usd > 0 else None
    said = fleet.note if holds else f"{fleet.note}; breaks the scenario: {broken}"
    return Baseline(name=name, usd=other.objective_usd, feasible=holds, verified=holds, saving=saving, note=said)
