"""Work with a deadline: how much of it the replicas do in the time it has, counted again from the placements.

done = sum over its slots and periods of  3600 x hours x achieved rate
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fleetopt.plan.domain import WorkOutcome
from fleetopt.scenario.domain import Workload
from fleetopt.verify.facts import Facts, Time
from fleetopt.verify.tally import Tally, allowance
from fleetopt.verify.traffic import Traffic

Flows = Mapping[tuple[str, Time], Traffic]


@dataclass(frozen=True)
class Due:
    """A work of a workload in one outlook, with the seconds of each time in which it may be done."""

    workload: Workload
    first: str
    due: str
    outlook: str
    requests: float
    seconds: dict[Time, float]

    @property
    def planned(self) -> float:
        return self.requests * (1.0 + self.workload.headroom)

    def done(self, flows: Flows) -> float:
        return sum(seconds * flows[self.workload.name, time].achieved for time, seconds in self.seconds.items())

    def missing(self, flows: Flows) -> float:
        """What is left undone of the work with its headroom."""
        return max(0.0, self.planned - self.done(flows))


def all_due(facts: Facts) -> list[Due]:
    """Every work that the scenario asks for, in every outlook."""
    return [due for workload in facts.workloads.values() for due in _due_of(facts, workload)]


def _due_of(facts: Facts, workload: Workload) -> Iterator[Due]:
    names = list(facts.period_index)
    for work in workload.batch.works if workload.batch else ():
        within = names[work.first : work.last + 1]
        for outlook, requests in work.requests.items():
            seconds = {
                (t, h, outlook): 3600.0 * facts.hours[t, h]
                for t, h, o in facts.times
                if o == outlook and t in within and workload.batch and h in workload.batch.slots
            }
            yield Due(workload, within[0], within[-1], outlook, requests, seconds)


def with_asked(facts: Facts, flows: dict[tuple[str, Time], Traffic]) -> dict[tuple[str, Time], Traffic]:
    """The traffic with what batch work asks of a time: as much of it as the replicas do then of all they do."""
    found = dict(flows)
    for name, workload in facts.workloads.items():
        if workload.batch is not None:
            found |= {(name, time): _asking(flows[name, time], workload, 0.0) for time in facts.times}
    for due in all_due(facts):
        done, whole = due.done(flows), sum(due.seconds.values())
        for time in due.seconds:
            key = due.workload.name, time
            part = flows[key].achieved / done if done > 0 else 1.0 / whole
            found[key] = _asking(flows[key], due.workload, due.requests * part)
    return found


def _asking(flow: Traffic, workload: Workload, asked: float) -> Traffic:
    return replace(flow, asked=asked, planned=asked * (1.0 + workload.headroom))


def work_is_done(facts: Facts, flows: Flows, tally: Tally) -> None:
    """Holds every work to its deadline: done >= requests x (1 + headroom) x (1 - allowed shortfall)."""
    for due in all_due(facts):
        required, done = due.planned * (1.0 - due.workload.shortfall.allowed), due.done(flows)
        hours = sum(due.seconds.values()) / 3600.0
        place = f"{due.workload.name} by {due.due}/{due.outlook}: {done:.6g} of {required:.6g} requests"
        # As a mean rate, so that one unit fits the check.
        tally.hold((done - required) / (3600.0 * hours), allowance(required / (3600.0 * hours)), place)


def works_are_true(facts: Facts, flows: Flows, tally: Tally) -> None:
    """One outcome for every work and outlook, with every figure as computed."""
    stated = {(row.workload, row.first, row.due, row.outlook): row for row in facts.plan.work}
    if len(stated) < len(facts.plan.work):
        tally.fail("a work stands twice")
    for due in all_due(facts):
        where = f"{due.workload.name} by {due.due}/{due.outlook}"
        row = stated.pop((due.workload.name, due.first, due.due, due.outlook), None)
        if row is None:
            tally.fail(f"{where}: no outcome of the work")
            continue
        if row.model != due.workload.model:
            tally.fail(f"{where}: the model is {due.workload.model}, not {row.model}")
        for name, said, computed in _figures(row, due, flows):
            tally.same(said, computed, allowance(said, computed), f"{where}: {name}")
    for workload, _, last, outlook in stated:
        tally.fail(f"{workload} by {last}/{outlook}: the scenario has no such work")


def _figures(row: WorkOutcome, due: Due, flows: Flows) -> Iterator[tuple[str, float, float]]:
    done = due.done(flows)
    yield "requests", row.requests, due.requests
    yield "planned_requests", row.planned_requests, due.planned
    yield "achieved_requests", row.achieved_requests, done
    yield "done_requests", row.done_requests, min(due.requests, done)
    yield "shortfall_requests", row.shortfall_requests, due.missing(flows)
