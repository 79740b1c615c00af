"""Work with a deadline, as a table and in sentences: how much of it is done, and in which part of the day."""

from __future__ import annotations

from collections.abc import Iterator

from fleetopt.plan.domain import Plan, WorkOutcome
from fleetopt.report.view import View, number, percent, view

_NOTHING = 1e-9
"""The share of a work that is no more than rounding."""


def work_view(plan: Plan) -> View:
    """Each work with what is done of it by its deadline, and the share of it that each slot of the day does."""
    slots = list(dict.fromkeys(w.slot for w in plan.workloads))
    rows = [
        [
            *(row.workload, row.first, row.due, row.outlook, number(row.requests), number(row.done_requests)),
            percent(max(0.0, row.achieved_requests / row.requests - 1.0)) if row.requests else "-",
            *(number(rps) for rps in _rates(plan, row, slots)),
        ]
        for row in plan.work
    ]
    titles = ["workload", "from", "by the end of", "outlook", "requests", "done", "to spare"]
    titles += [f"req/s in {slot}" for slot in slots]
    note = "Under each slot of the day: the requests/s that are served then, on the mean of the periods."
    return view("Work by its deadline", titles, rows, text=4, note=note)


def _rates(plan: Plan, row: WorkOutcome, slots: list[str]) -> list[float]:
    """The requests/s of a work that are served in each slot, the mean over the periods that it has."""
    periods = list(dict.fromkeys(w.period for w in plan.workloads))
    within = periods[periods.index(row.first) : periods.index(row.due) + 1]
    served = dict.fromkeys(slots, 0.0)
    for w in plan.workloads:
        if w.workload == row.workload and w.outlook == row.outlook and w.period in within:
            served[w.slot] += w.served_rps / len(within)
    return list(served.values())


def undone_sentences(plan: Plan) -> Iterator[tuple[float, str]]:
    """What is not done of a work by its deadline: the share of it, and the sentence."""
    for row in plan.work:
        if row.shortfall_requests > _NOTHING * max(1.0, row.planned_requests):
            share = row.shortfall_requests / row.planned_requests
            done = f"does {number(row.achieved_requests)} of {number(row.planned_requests)} requests"
            when = f"{row.workload} by the end of {row.due}, {row.outlook}"
            yield share, f"{when}: {done}, short by {percent(share)}"
