"""The schedule of a day: what starts, flips and stops as one slot gives way to the next."""

from __future__ import annotations

from fleetopt.plan.domain import Plan, SlotChange
from fleetopt.report.view import View, view


def schedule_view(plan: Plan) -> View:
    """Every change between slots, with what its GPUs did before."""
    rows = [
        [
            *(row.workload, row.role, f"{row.config} on {row.node_type}@{row.site}"),
            *(row.period, f"{row.after} to {row.slot}", row.outlook, _before(plan, row)),
            *(str(row.stopped), str(row.flipped), str(row.loaded), str((row.flipped + row.loaded) * row.gpus)),
        ]
        for row in plan.changes
    ]
    titles = ["workload", "role", "replicas", "period", "from slot to slot", "outlook", "GPUs come from"]
    note = "The last slot of a day leads into the first. Replicas flip on the weights they have, or load theirs."
    return view("Schedule: changes between slots", [*titles, "stop", "flip", "load", "GPUs"], rows, text=7, note=note)


def _before(plan: Plan, row: SlotChange) -> str:
    """Whose GPUs on the same nodes stop as these start; idle ones or new nodes where nobody's do."""
    if not row.flipped + row.loaded:
        return ""
    freed = [
        f"{other.workload} {other.role}"
        for other in plan.changes
        if other.stopped and _when_and_where(other) == _when_and_where(row) and other != row
    ]
    return ", ".join(dict.fromkeys(freed)) or "idle or new nodes"


def _when_and_where(row: SlotChange) -> tuple[str, ...]:
    return row.node_type, row.site, row.period, row.slot, row.outlook
