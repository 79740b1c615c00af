"""Turns the objective of a scenario file into what to have little of, in its order; cost always comes last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fleetopt.documents import Document
from fleetopt.errors import Issue
from fleetopt.scenario.domain import Objective
from fleetopt.scenario.schema import ObjectiveFile
from fleetopt.scenario.supply_domain import Facility


def build_objective(
    file: ObjectiveFile | None, facilities: Iterable[Facility], document: Document, issues: list[Issue]
) -> Objective | None:
    """The objective, None where it is cost and nothing else; what is wrong with it is added to `issues`."""
    if file is None:
        return None
    for field, what, fix in _faults(file, facilities):
        issues.append(document.issue("bad-value", ("objective", field), what, fix))
    aims = tuple(aim for aim in (file.least, file.then) if aim is not None and aim != "cost")
    # The cheapest plans may differ in what comes next; to pay nothing for it is what "cost, then" says.
    at_most = 0.0 if file.least == "cost" and file.at_most is None else file.at_most
    return Objective(aims, at_most) if aims else None


def _faults(file: ObjectiveFile, facilities: Iterable[Facility]) -> Iterator[tuple[str, str, str]]:
    if file.least == "cost" and file.then is None and file.at_most is not None:
        fix = "Say what is worth that much with 'then', or take it out"
        yield "at_most", "lets the plan cost more, and nothing is gained by it", fix
    if file.then == file.least:
        yield "then", f"is '{file.then}', which comes first already", "Name something else, or take it out"
    emitting = any(facility.carbon_g_per_kwh > 0 for facility in facilities)
    for field, aim in (("least", file.least), ("then", file.then)):
        if aim == "carbon" and not emitting:
            fix = "State 'carbon' (g/kWh) under supply.facilities"
            yield field, "is carbon, and no site says how much its energy has", fix
