"""A plan of 50 workloads over 8 quarters, 12 slots and 3 outlooks, put together from the records of a small one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from fleetopt.plan.domain import Plan, WorkloadCost
from fleetopt.scenario.calendar import _period
from fleetopt.scenario.domain import Calendar, Outlook, Scenario, Slot

WORKLOADS = [f"workload {n}" for n in range(50)]
CALENDAR = Calendar(
    tuple(_period(2027 * 12 + 3 * n, 3) for n in range(8)),
    tuple(Slot(f"slot {n}", 2.0) for n in range(12)),
    (Outlook("low", 0.25), Outlook("base", 0.5), Outlook("high", 0.25)),
)


def large(plan: Plan, scenario: Scenario) -> tuple[Plan, Scenario]:
    """The plan and the scenario it answers; the money is that of `plan` for each record."""
    one = scenario.workloads[0]
    question = replace(scenario, calendar=CALENDAR, workloads=tuple(replace(one, name=name) for name in WORKLOADS))
    fleet, placed, outcome = plan.fleet[0], plan.placements[0], plan.workloads[0]
    cost = next(c for c in plan.costs if c.outlook != "all" and c.site)
    found = plan.model_copy(
        update={
            "fleet": tuple(fleet.model_copy(update=time) for time in _times()),
            "placements": tuple(
                placed.model_copy(update=when | {"workload": w}) for w in WORKLOADS for when in _times()
            ),
            "workloads": tuple(
                outcome.model_copy(update=when | {"workload": w}) for w in WORKLOADS for when in _times()
            ),
            "costs": tuple(
                cost.model_copy(update=time | {"item": fleet.supply, "probability": _weight(time["outlook"])})
                for time in _times()
            ),
            "workload_costs": tuple(_share(name, period.name) for name in WORKLOADS for period in CALENDAR.periods),
            "orders": (),
        }
    )
    return found, question


def _times() -> Iterator[dict[str, str]]:
    for period, slot, outlook in product(CALENDAR.periods, CALENDAR.slots, CALENDAR.outlooks):
        yield {"period": period.name, "slot": slot.name, "outlook": outlook.name}


def _weight(outlook: str) -> float:
    return next(one.probability for one in CALENDAR.outlooks if one.name == outlook)


def _share(name: str, period: str) -> WorkloadCost:
    return WorkloadCost(
        workload=name,
        model="llama-3.1-70b",
        period=period,
        usd=10.0,
        gpu_hours=1.0,
        million_tokens=1.0,
        usd_per_million_tokens=10.0,
    )
