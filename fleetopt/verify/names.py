"""Which names the scenario knows, and what is wrong with a plan's row that uses others."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import TypeAlias

from fleetopt.plan.domain import (
    ALL,
    CostLine,
    FleetLine,
    Order,
    Placement,
    Sale,
    SlotChange,
    WorkloadCost,
    WorkloadOutcome,
    WorkOutcome,
)
from fleetopt.scenario.supply_domain import Stock
from fleetopt.verify.facts import Facts, node_type_of

UNUSED = "(unused)"
"""The workload that nodes nobody uses are charged to."""

_Faults: TypeAlias = Iterator[str | None]


class Names:
    """For each kind of row, the faults of its names; None where a name is known."""

    def __init__(self, facts: Facts) -> None:
        calendar = facts.scenario.calendar
        self._facts = facts
        self._slots = {slot.name for slot in calendar.slots}
        self._outlooks = {outlook.name for outlook in calendar.outlooks}
        self._sites = set(facts.scenario.supply.sites)
        self._groups = {row.shared for row in facts.plan.placements if row.bundle is not None}

    def of_fleet(self, row: FleetLine) -> _Faults:
        yield self._period(row.period)
        yield _known("slot", row.slot, self._slots | {ALL})
        yield _known("outlook", row.outlook, self._outlooks | {ALL})
        yield self._source(row)

    def of_order(self, row: Order) -> _Faults:
        for period in (row.order_by, row.in_service, row.last_period):
            yield self._period(period)
        yield self._source(row)

    def of_sale(self, row: Sale) -> _Faults:
        yield self._period(row.period)
        yield self._source(row)
        if not isinstance(self._facts.sources.get((row.supply, row.site)), Stock):
            yield f"'{row.supply}' is not owned"

    def of_placement(self, row: Placement) -> _Faults:
        yield from self._of_workload(row)
        yield _known("site", row.site, self._sites)
        yield _known("node type", row.node_type, self._facts.scenario.node_types)

    def of_outcome(self, row: WorkloadOutcome) -> _Faults:
        yield from self._of_workload(row)

    def of_change(self, row: SlotChange) -> _Faults:
        yield from self._of_workload(row.model_copy(update={"workload": self._one_of(row)}))
        yield _known("site", row.site, self._sites)
        yield _known("node type", row.node_type, self._facts.scenario.node_types)

    def _one_of(self, row: SlotChange) -> str:
        """A workload whose replicas change: a part or bucket of the one named, or one that may be in the bundle."""
        for workload in self._facts.workloads.values():
            if row.workload in {workload.part_of, workload.family and workload.family.name}:
                return workload.name
            if row.workload in self._groups and workload.model == row.model:
                return workload.name
        return row.workload

    def of_work(self, row: WorkOutcome) -> _Faults:
        yield self._model(row.workload, row.model)
        for period in (row.first, row.due):
            yield self._period(period)
        yield _known("outlook", row.outlook, self._outlooks)

    def of_cost(self, row: CostLine) -> _Faults:
        yield self._period(row.period)
        yield _known("slot", row.slot, self._slots | {ALL})
        yield _known("outlook", row.outlook, self._outlooks | {ALL})
        yield _known("site", row.site, self._sites | {""})

    def of_workload_cost(self, row: WorkloadCost) -> _Faults:
        yield self._period(row.period)
        if row.workload != UNUSED:
            yield self._model(row.workload, row.model)

    def _of_workload(self, row: Placement | WorkloadOutcome | SlotChange) -> _Faults:
        yield self._model(row.workload, row.model)
        yield self._period(row.period)
        yield _known("slot", row.slot, self._slots)
        yield _known("outlook", row.outlook, self._outlooks)

    def _period(self, name: str) -> str | None:
        return _known("period", name, self._facts.period_index)

    def _model(self, name: str, model: str) -> str | None:
        workload = self._facts.workloads.get(name)
        if workload is None:
            return f"unknown workload '{name}'"
        return None if workload.model == model else f"workload '{name}' runs {workload.model}, not {model}"

    def _source(self, row: FleetLine | Order | Sale) -> str | None:
        source = self._facts.sources.get((row.supply, row.site))
        if source is None:
            return f"the scenario has no supply '{row.supply}' at site '{row.site}'"
        supplied = node_type_of(source)
        return None if supplied == row.node_type else f"'{row.supply}' supplies {supplied}, not {row.node_type}"


def _known(kind: str, name: str, names: Container[str]) -> str | None:
    return None if name in names else f"unknown {kind} '{name}'"
