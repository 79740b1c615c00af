"""Loads a planning folder: one call from path to Scenario, with every problem found raised at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from fleetopt.catalog.domain import Hardware, InputFile, Llm
from fleetopt.catalog.roots import model_folder, model_names, shipped
from fleetopt.catalog.shelf import Shelf
from fleetopt.documents import Document, stands
from fleetopt.errors import InputError, Issue, did_you_mean
from fleetopt.scenario.batch import BatchReader
from fleetopt.scenario.bundles import build_bundles
from fleetopt.scenario.by_slot import named_twice
from fleetopt.scenario.calendar import build_calendar
from fleetopt.scenario.changes import build_changes
from fleetopt.scenario.currency import Exchange
from fleetopt.scenario.demand import DemandReader
from fleetopt.scenario.domain import Margins, Risk, Scenario
from fleetopt.scenario.files import checked, find_scenario, read_document
from fleetopt.scenario.lengths import LengthReader
from fleetopt.scenario.objective import build_objective
from fleetopt.scenario.schema import ScenarioFile
from fleetopt.scenario.slips import Slips
from fleetopt.scenario.supply import SupplyBuilder
from fleetopt.scenario.workloads import WorkloadBuilder


def load(path: str | Path) -> Scenario:
    """The scenario in a folder or file, or a shipped one by its bare name, complete and checked.

    Raises:
        InputError: with every issue found in the scenario and the catalog files it uses.
    """
    return Source(path).scenario()


class Source:
    """The files behind a scenario, read once for it and for as many variants of it as are asked for."""

    def __init__(self, path: str | Path) -> None:
        self.path = find_scenario(Path(path))
        self.document, self.files = read_document(self.path)
        self._shelf = Shelf()

    @cached_property
    def hardware(self) -> Hardware:
        """GPU types, node types and offers that the scenario can name."""
        return self._shelf.hardware(_roots(checked(self.document), self.document, []))[0]

    def scenario(self, document: Document | None = None, changes: Sequence[InputFile] = ()) -> Scenario:
        """The scenario, or the one that another document beside the same files asks for.

        Args:
            document: instead of the one that was read.
            changes: what stands for the difference between the two among the scenario's files.

        Raises:
            InputError: with every issue found in the scenario and the catalog files it uses.
        """
        document = document or self.document
        file, files = checked(document), [*self.files, *changes]
        issues: list[Issue] = []
        roots = _roots(file, document, issues)
        hardware, hardware_files = self._shelf.hardware(roots)
        models, model_files = _models(file, roots, self._shelf, document, issues)
        before = len(issues)
        calendar = build_calendar(file.calendar, document, issues)
        if len(issues) > before:
            # Every period and slot that is named below would be called unknown.
            raise InputError(issues)
        exchange = Exchange(file.money.rates, document, issues)
        slips = {name: outlook.delivery_slip for name, outlook in file.calendar.outlooks.items()}
        late = Slips(slips, calendar.periods[0].months, document, issues)
        supply = SupplyBuilder(hardware, calendar, document, issues, exchange=exchange, slips=late).build(file.supply)
        demand = DemandReader(document, file.workloads.keys(), calendar, issues, files)
        lengths = LengthReader(document, issues, files)
        builder = WorkloadBuilder(
            models,
            hardware,
            document,
            issues,
            sites=file.supply.sites,
            demand=demand,
            lengths=lengths,
            batch=BatchReader(document, calendar, issues),
            slots=[slot.name for slot in calendar.slots],
            wired=bool(file.supply.fabrics),
            racked={facility.site for facility in supply.facilities if facility.nodes_per_rack},
        )
        workloads = [one for name, workload in file.workloads.items() for one in builder.build(name, workload)]
        for name, of in named_twice(workloads):
            what = f"asks for two workloads named '{name}' (by_slot)"
            issues.append(document.issue("bad-value", ("workloads", of), what, "Give it, or the slot, another name"))
        objective = build_objective(file.objective, supply.facilities, document, issues)
        bundles = build_bundles(file.bundles, hardware.node_types, document, issues)
        between_slots = build_changes(file.changes, workloads, document, issues)
        if issues:
            raise InputError(issues)
        return Scenario(
            name=file.name,
            description=file.description,
            path=self.path,
            calendar=calendar,
            workloads=tuple(workloads),
            supply=supply,
            margins=Margins(**file.margins.model_dump()),
            discount_rate=file.money.discount_rate,
            risk=None if file.risk is None else Risk(file.risk.level, file.risk.weight),
            objective=objective,
            bundles=bundles,
            changes=between_slots,
            models=models,
            gpu_types=hardware.gpu_types,
            node_types=hardware.node_types,
            files=tuple(sorted((*files, *hardware_files, *model_files), key=lambda f: f.name)),
        )


def default_roots(beside: Path | None = None) -> tuple[Path, ...]:
    """Catalog folders where a scenario names none: its own `models/`, then the shipped ones."""
    own = [beside / "models"] if beside and (beside / "models").is_dir() else []
    return (*own, shipped("models"))


def _roots(file: ScenarioFile, document: Document, issues: list[Issue]) -> tuple[Path, ...]:
    own, *rest = (*default_roots(document.path.parent),)
    named = []
    for index, entry in enumerate(file.catalog):
        folder = document.path.parent / entry
        if stands(folder, "folder"):
            named.append(folder)
        else:
            fix = "Write the folder relative to the scenario"
            issues.append(document.issue("missing-folder", ("catalog", index), "is no folder", fix))
    return (own, *named, *rest) if rest else (*named, own)


def _models(
    file: ScenarioFile, roots: tuple[Path, ...], shelf: Shelf, document: Document, issues: list[Issue]
) -> tuple[dict[str, Llm], list[InputFile]]:
    models: dict[str, Llm] = {}
    files: list[InputFile] = []
    for workload_name, workload in file.workloads.items():
        name = workload.model
        if name in models:
            continue
        if Path(name).name != name or model_folder(name, roots) is None:
            fix = did_you_mean(name, model_names(roots))
            key = ("workloads", workload_name, "model")
            issues.append(document.issue("unknown-model", key, f"'{name[:60]}' is no model here", fix))
            continue
        try:
            models[name], more = shelf.model(name, roots)
            files += more
        except InputError as error:
            issues += error.issues
    return models, files
