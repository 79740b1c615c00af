"""Is the plan one that can be judged at all: known names, sane numbers, no row twice?

Rows that are not are reported here and set aside, so that no other check trips over them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from fleetopt.plan.domain import (
    Check,
    CostLine,
    FleetLine,
    Order,
    Placement,
    Plan,
    Sale,
    SlotChange,
    WorkloadCost,
    WorkloadOutcome,
    WorkOutcome,
)
from fleetopt.plan.record import Record
from fleetopt.scenario.domain import Scenario
from fleetopt.verify.facts import Facts
from fleetopt.verify.names import Names
from fleetopt.verify.tally import Tally

LARGEST = 1e15
"""No count, rate or amount of a fleet is larger, and sums of larger ones would lose their cents."""

_SIGNED = frozenset({"usd", "usd_per_million_tokens", "headroom", "ttft_margin_s", "tpot_margin_s"})
_Row = TypeVar("_Row", bound=Record)


def sound_facts(plan: Plan, scenario: Scenario) -> tuple[Facts, Check]:
    """The plan without its unsound rows, indexed; and the check that says which rows those are."""
    tables = (
        *(plan.fleet, plan.orders, plan.sales, plan.placements, plan.workloads, plan.work),
        *(plan.costs, plan.workload_costs),
    )
    tally = Tally("plan_is_well_formed", "", nothing=f"{sum(map(len, tables))} rows")
    if plan.scenario != scenario.name:
        tally.fail(f"the plan is for scenario '{plan.scenario}', not '{scenario.name}'")
    for name, amount in (("objective", plan.objective_usd), ("bound", plan.bound_usd), ("gap", plan.gap)):
        if amount is not None and (fault := _size_fault(amount)):
            tally.fail(f"{name} {fault}")
    return Facts(
        scenario, plan.model_copy(update=_sound_rows(plan, Names(Facts(scenario, plan)), tally))
    ), tally.check()


def _sound_rows(plan: Plan, names: Names, tally: Tally) -> dict[str, tuple[Record, ...]]:
    return {
        "fleet": _sift(plan.fleet, names.of_fleet, _fleet_key, tally),
        "orders": _sift(plan.orders, names.of_order, _order_key, tally),
        "sales": _sift(plan.sales, names.of_sale, _sale_key, tally),
        "placements": _sift(plan.placements, names.of_placement, _placement_key, tally),
        "workloads": _sift(plan.workloads, names.of_outcome, _outcome_key, tally),
        "work": _sift(plan.work, names.of_work, _work_key, tally),
        "changes": _sift(plan.changes, names.of_change, _change_key, tally),
        "costs": _sift(plan.costs, names.of_cost, cost_key, tally),
        "workload_costs": _sift(plan.workload_costs, names.of_workload_cost, _workload_cost_key, tally),
    }


def _sift(
    rows: tuple[_Row, ...],
    faults: Callable[[_Row], Iterable[str | None]],
    key: Callable[[_Row], Hashable],
    tally: Tally,
) -> tuple[_Row, ...]:
    sound: list[_Row] = []
    seen: set[Hashable] = set()
    for row in rows:
        found = _number_fault(row) or next(filter(None, faults(row)), None)
        if found is None:
            sound.append(row)
        # A row that stands twice counts twice: the nodes or dollars it claims must then be there twice.
        if found is None and key(row) in seen:
            found = "stands twice"
        if found is not None:
            tally.fail(f"{type(row).__name__} {key(row)}: {found}")
        seen.add(key(row))
    return tuple(sound)


def _number_fault(row: Record) -> str | None:
    for field, value in row:
        if isinstance(value, tuple):
            inner = (_number_fault(part) for part in value if isinstance(part, Record))
            fault = next(filter(None, inner), None)
        elif isinstance(value, int | float):
            fault = _size_fault(value)
            if fault is None and value < 0 and field not in _SIGNED:
                fault = f"is negative: {value:.6g}"
        else:
            continue
        if fault is not None:
            return f"{field} {fault}"
    return None


def _size_fault(value: float) -> str | None:
    # Integers of any length reach this; the comparison is exact where turning them into floats would overflow.
    return None if abs(value) <= LARGEST else "is beyond all fleets"


def _fleet_key(row: FleetLine) -> Hashable:
    return row.supply, row.site, row.period, row.slot, row.outlook


def _order_key(row: Order) -> Hashable:
    return row.supply, row.site, row.order_by


def _sale_key(row: Sale) -> Hashable:
    return row.supply, row.site, row.period


def _placement_key(row: Placement) -> Hashable:
    time = row.period, row.slot, row.outlook
    return row.workload, row.config, row.role, row.shared, row.pattern, row.node_type, row.site, *time


def _outcome_key(row: WorkloadOutcome) -> Hashable:
    return row.workload, row.period, row.slot, row.outlook


def _change_key(row: SlotChange) -> Hashable:
    return row.workload, row.config, row.role, row.node_type, row.site, row.period, row.slot, row.outlook


def _work_key(row: WorkOutcome) -> Hashable:
    return row.workload, row.first, row.due, row.outlook


def _workload_cost_key(row: WorkloadCost) -> Hashable:
    return row.workload, row.period


def cost_key(row: CostLine) -> tuple[str, str, str, str, str, str]:
    """What makes a cost line one line: no two of a plan share it."""
    return row.line, row.period, row.slot, row.outlook, row.site, row.item
