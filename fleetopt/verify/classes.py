"""Do higher classes go short only where lower ones have nothing left to give?"""

from __future__ import annotations

from collections.abc import Iterator

from fleetopt.plan.domain import Check, Placement
from fleetopt.scenario.domain import Workload
from fleetopt.verify.facts import Facts, Time, named
from fleetopt.verify.patterns import joined
from fleetopt.verify.tally import RELATIVE, Tally
from fleetopt.verify.traffic import Traffic, kv_formats, traffic
from fleetopt.verify.work import Due, Flows, all_due

NEEDED = 1e-7
"""The part of a demand by which a replica must be needed: a replica that just makes up the floor is not spare."""


def classes_go_short_in_order(facts: Facts, flows: dict[tuple[str, Time], Traffic]) -> Check:
    """Where a workload lacks something, no replica of a lower class could go from GPUs it may use.

    A replica could go if its workload would still be served all but its allowed shortfall without it.
    """
    tally = Tally("classes_go_short_in_order", "of the demand", nothing="nobody of a higher class lacks anything")
    dues = {(due.workload.name, time): due for due in all_due(facts) for time in due.seconds}
    lacking = [key for key in flows if _lacks(facts.workloads[key[0]], flows, key, dues.get(key))]
    for name, time in lacking:
        high = facts.workloads[name]
        for low in facts.workloads.values():
            if _is_lower(low, high):
                for row, slack in _judged(facts, flows, low, time, dues.get((low.name, time))):
                    if _reaches(high, row):
                        what = f"{name} lacks in {named(time)}; less one {row.role} replica on {row.config}, {low.name}"
                        said = (
                            f"is {-slack:.6g} of its demand above its floor" if slack < NEEDED else "is below its floor"
                        )
                        tally.hold(slack - NEEDED, 0.0, f"{what} {said}")
    return tally.check()


def _reaches(workload: Workload, row: Placement) -> bool:
    """Whether a workload may stand on the GPUs of a placement."""
    refused = row.gpu_type in workload.forbidden_gpu_types
    listed = row.gpu_type in (workload.gpu_types or (row.gpu_type,))
    return listed and not refused and row.site in (workload.sites or (row.site,))


def _is_lower(low: Workload, high: Workload) -> bool:
    ranked = low.priority is not None and high.priority is not None and low.shortfall.allowed > 0
    return ranked and (low.priority or 0) > (high.priority or 0)


def _lacks(workload: Workload, flows: Flows, key: tuple[str, Time], due: Due | None) -> bool:
    """Work lacks something at every time it has, if it is not all done in the end."""
    if workload.priority is None:
        return False
    if workload.batch is None:
        return flows[key].shortfall > RELATIVE * flows[key].planned
    return due is not None and due.missing(flows) > RELATIVE * due.planned


def _judged(
    facts: Facts, flows: Flows, low: Workload, time: Time, due: Due | None
) -> Iterator[tuple[Placement, float]]:
    """Each placement of whole replicas, and by how much the floor is missed without one of them."""
    rows = joined(facts.placements.get((low.name, time), []))
    formats = kv_formats(facts, low.model)
    for index, row in enumerate(rows):
        pooled = low.pooled and row.role == "prefill"
        if row.replicas < 1 or row.shared is not None or pooled or row.role in dict(low.least_replicas):
            continue
        fewer = [*rows[:index], row.model_copy(update={"replicas": row.replicas - 1}), *rows[index + 1 :]]
        achieved = traffic(low, time, fewer, formats).achieved
        if low.batch is None:
            part = achieved / flows[low.name, time].planned if flows[low.name, time].planned > 0 else 1.0
        elif due is None or due.planned <= 0:
            part = 1.0
        else:
            lost = (flows[low.name, time].achieved - achieved) * due.seconds[time]
            part = (due.done(flows) - lost) / due.planned
        yield row, 1.0 - low.shortfall.allowed - part
