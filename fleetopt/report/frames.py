"""A plan as pandas DataFrames, one row per record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetopt.plan.domain import (
    Binding,
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

if TYPE_CHECKING:
    import pandas as pd

RECORDS: dict[str, type[Record]] = {
    "fleet": FleetLine,
    "orders": Order,
    "sales": Sale,
    "placements": Placement,
    "workloads": WorkloadOutcome,
    "work": WorkOutcome,
    "changes": SlotChange,
    "costs": CostLine,
    "workload_costs": WorkloadCost,
    "binding": Binding,
}
"""The tables of a plan, by the name of its field."""

NESTED = {"roles", "further"}
"""Fields that hold records of their own, and make no columns."""


def tables(plan: Plan) -> dict[str, pd.DataFrame]:
    """The plan's tables by name; columns are the fields of the records, in order, also where there are no rows."""
    import pandas as pd

    return {name: pd.DataFrame(rows(plan, name), columns=columns(name)) for name in RECORDS}


def columns(name: str) -> list[str]:
    """The columns of a table: its record's fields, without nested ones."""
    return [field for field in RECORDS[name].model_fields if field not in NESTED]


def rows(plan: Plan, name: str) -> list[dict[str, object]]:
    """The rows of a table as dicts of plain values."""
    return [record.model_dump(exclude=NESTED) for record in getattr(plan, name)]
