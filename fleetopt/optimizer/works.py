"""What whole replicas make of work with a deadline, over all the time that it has."""

from __future__ import annotations

from collections.abc import Mapping

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.ledgers import ServedKey
from fleetopt.plan.domain import WorkOutcome
from fleetopt.scenario.work import Work


def works_of(case: PlanningCase, achieved_rps: Mapping[ServedKey, float]) -> tuple[WorkOutcome, ...]:
    """The outcome of every work in every outlook."""
    return tuple(
        _outcome(case, name, work, outlook, case.done_requests(name, work, outlook, achieved_rps))
        for name, workload in case.workloads.items()
        for work in (workload.batch.works if workload.batch is not None else ())
        for outlook in work.requests
    )


def _outcome(case: PlanningCase, workload: str, work: Work, outlook: str, achieved: float) -> WorkOutcome:
    requests, planned = work.requests[outlook], case.planned_requests(workload, work, outlook)
    return WorkOutcome(
        workload=workload,
        model=case.workloads[workload].model,
        first=case.periods[work.first].name,
        due=case.periods[work.last].name,
        outlook=outlook,
        requests=requests,
        planned_requests=planned,
        achieved_requests=achieved,
        done_requests=min(requests, achieved),
        shortfall_requests=max(0.0, planned - achieved),
    )
