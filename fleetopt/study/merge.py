"""Plans of parts of a scenario put together into one plan of the whole, verified as such.

Fleets stand side by side: nodes of the same supply line are added up, and so are orders and dollars. What is owned is
there for all of them, or for none, and its upkeep is paid once. What the parts break together (a quota that each kept
alone) the verification finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from fleetopt.plan.attribution import workload_costs
from fleetopt.plan.domain import ALL, CostLine, Plan, Sale
from fleetopt.plan.money import discount
from fleetopt.plan.record import Record
from fleetopt.plan.risk import worth
from fleetopt.scenario.domain import Scenario
from fleetopt.verify.facts import Facts
from fleetopt.verify.upkeep import upkeep
from fleetopt.verify.verifier import verify

R = TypeVar("R", bound=Record)

UPKEEP = frozenset({"support", "colocation", "residual_value"})
"""Cost lines of owned nodes that are held, whoever uses them."""


def merged(scenario: Scenario, parts: Sequence[Plan]) -> Plan:
    """One plan of the scenario, with its verdict. Nothing is claimed about how good it is."""
    fleet = _added(record for part in parts for record in part.fleet)
    orders = _added(record for part in parts for record in part.orders)
    sold = _added(record for part in parts for record in part.sales)
    costs = _costs(scenario, parts, sold)
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
            "orders": orders,
            "sales": sold,
            "placements": placements,
            "workloads": outcomes,
            "work": tuple(record for part in parts for record in part.work),
            "changes": tuple(record for part in parts for record in part.changes),
            "costs": costs,
            "workload_costs": workload_costs(scenario, fleet, placements, outcomes, costs),
            "binding": (),
            "provenance": parts[0].provenance.model_copy(
                update={"evidence": tuple(sorted(evidence.values(), key=lambda e: (e.model, e.config, e.role)))}
            ),
        }
    )
    return plan.model_copy(update={"verdict": verify(plan, scenario)})


def _costs(scenario: Scenario, parts: Sequence[Plan], sold: tuple[Sale, ...]) -> tuple[CostLine, ...]:
    """Dollars of all parts, but the upkeep of what is owned as the whole scenario has it."""
    owned = {stock.name for stock in scenario.supply.stock}
    summed = _added(line for part in parts for line in part.costs)
    once = _upkeep_of_owned(scenario, parts[0].model_copy(update={"sales": sold}))
    return (*(line for line in summed if line.item not in owned or line.line not in UPKEEP), *once)


def _upkeep_of_owned(scenario: Scenario, plan: Plan) -> Iterator[CostLine]:
    facts = Facts(scenario, plan)
    for stock in scenario.supply.stock:
        for line, period, outlook, usd in upkeep(facts, (stock.name, stock.site)):
            if usd:
                when: dict[str, str] = {"line": line, "period": period, "slot": ALL, "outlook": outlook}
                factor = discount(line, period, scenario.calendar.periods, scenario.discount_rate)
                yield CostLine(**when, site=stock.site, item=stock.name, probability=1.0, usd=usd, discount=factor)


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
