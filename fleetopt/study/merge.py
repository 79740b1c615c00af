"""Plans of parts of a scenario put together into one plan of the whole, verified as such.

Fleets stand side by side: nodes of the same supply line are added up, and so are orders and dollars. What the parts
break together (a quota that each kept alone) the verification finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from fleetopt.plan.attribution import workload_costs
from fleetopt.plan.domain import Plan, Record
from fleetopt.plan.risk import worth
from fleetopt.scenario.domain import Scenario
from fleetopt.verify.verifier import verify

R = TypeVar("R", bound=Record)


def merged(scenario: Scenario, parts: Sequence[Plan]) -> Plan:
    """One plan of the scenario, with its verdict. Nothing is claimed about how good it is."""
    fleet = _added(record for part in parts for record in part.fleet)
    costs = _added(record for part in parts for record in part.costs)
    placements = tuple(record for part in parts for record in part.placements)
    outcomes = tuple(record for part in parts for record in part.workloads)
    evidence = {str(line): line for part in parts for line in part.provenance.evidence}
    probability = {outlook.name: outlook.probability for outlook in scenario.calendar.outlooks}
    plan = parts[0].model_copy(
        update={
            "status": "FEASIBLE",
            **worth(costs, probability, scenario.risk)._asdict(),
            "bound_usd": None,
            "objective": None,
            "gap": None,
            "fleet": fleet,
            "orders": _added(record for part in parts for record in part.orders),
            "placements": placements,
            "workloads": outcomes,
            "costs": costs,
            "workload_costs": workload_costs(scenario, fleet, placements, outcomes, costs),
            "binding": (),
            "provenance": parts[0].provenance.model_copy(
                update={"evidence": tuple(sorted(evidence.values(), key=lambda e: (e.model, e.config, e.role)))}
            ),
        }
    )
    return plan.model_copy(update={"verdict": verify(plan, scenario)})


def of_whole(scenario: Scenario, plan: Plan) -> Plan:
    """A plan of the scenario with less to choose from as a plan of the scenario, verified again."""
    return merged(scenario, [plan])


_SUMMED = {"nodes", "gpus", "upfront_usd", "usd"}


def _added(records: Iterable[R]) -> tuple[R, ...]:
    """Records that differ only in quantities, as one."""
    found: dict[tuple[object, ...], R] = {}
    for record in records:
        key = tuple(value for name, value in record if name not in _SUMMED)
        if key in found:
            more = {name: getattr(found[key], name) + value for name, value in record if name in _SUMMED}
            found[key] = found[key].model_copy(update=more)
        else:
            found[key] = record
    return tuple(found.values())
