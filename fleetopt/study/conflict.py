"""The promises of workloads, and links of nodes, that stand in a conflict beside the limits that the optimizer names.

A residency rule or a TPOT is no row of the program: it decides which ways to serve are in it at all. What cannot hold
together is therefore widened by a deletion filter over the promises of the workloads in the conflict: each is left out
in turn, for good if there is no plan without it. Each of those that stay lets a plan be once it is left out, the
promises that were found to be superfluous being left out too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from fleetopt.errors import Change, Repair
from fleetopt.scenario.domain import Scenario
from fleetopt.study.limits import LEFT_OUT, kind_of
from fleetopt.study.promises import LINKS, Promise, promises, without
from fleetopt.study.resolve import Effort, Resolver

DEMAND = "demand of "


def wider(scenario: Scenario, conflict: Collection[str], resolver: Resolver, part: float = 1.0) -> list[str]:
    """The promises of workloads that belong to a conflict, by their names; one that time leaves open belongs to it.

    Args:
        scenario: the one that has no plan.
        conflict: what the optimizer says cannot hold together.
        resolver: how hard to try each question.
        part: of the seconds that are left that one question may take.
    """
    needed, left = list[str](), scenario
    for name in [promise.name for promise in _of_conflict(scenario, conflict)]:
        rest = without(left, name)
        answer = resolver.solve(rest, f"whether there is a plan without {name}", Effort(any_plan=True, part=part))
        if answer.impossible:
            left = rest
        else:
            needed.append(name)
    return needed


def waivers(needed: Collection[str]) -> Iterator[Repair]:
    """Repairs that leave a promise out; latencies are loosened and deadlines put off instead, which costs less."""
    for name in needed:
        clause = name.partition(": ")[2]
        if not clause.startswith(("TTFT ", "TPOT ", "done by ")):
            yield Repair("Leave out this promise", (name,), (Change(name, 1, LEFT_OUT),))


def _of_conflict(scenario: Scenario, conflict: Collection[str]) -> Iterator[Promise]:
    names = {limit.removeprefix(DEMAND) for limit in conflict if limit.startswith(DEMAND)}
    for promise in promises(scenario):
        of, _, clause = promise.name.partition(": ")
        linked = bool(names) and promise.name.startswith(LINKS)
        if linked or (clause and of in names and kind_of(promise.name) is None):
            yield promise
