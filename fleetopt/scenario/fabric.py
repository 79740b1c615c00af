"""Reads the fabrics of sites: what concerns several fields of them, and what workloads say beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from fleetopt.documents import Document, Key
from fleetopt.errors import Issue, did_you_mean
from fleetopt.scenario.supply_domain import Fabric
from fleetopt.scenario.supply_schema import FabricFile

LEAST_FILL = 0.001


class FabricReader:
    """Reads fabrics; what is wrong with them is added to `issues`."""

    def __init__(self, document: Document, issues: list[Issue]) -> None:
        self._document = document
        self._issues = issues

    def read(self, files: Mapping[str, FabricFile], sites: Iterable[str]) -> tuple[Fabric, ...]:
        """The fabrics in the order of the file."""
        key: Key = ("supply", "fabrics")
        known = list(sites)
        for site, file in files.items():
            if site not in known:
                what = f"'{site[:60]}' is no site here"
                self._issues.append(self._document.issue("unknown-name", (*key, site), what, did_you_mean(site, known)))
            for field, what, fix in _faults(file):
                self._issues.append(self._document.issue("bad-value", (*key, site, *field), what, fix))
        missing = [site for site in known if site not in files]
        if files and missing and all(site in known for site in files):
            what = f"says nothing of {', '.join(missing)}, where KV caches would then travel in no time"
            fix = "State the fabric of every site, or of none"
            self._issues.append(self._document.issue("bad-value", key, what, fix))
        return tuple(_fabric(site, file) for site, file in files.items())


def _faults(file: FabricFile) -> Iterator[tuple[Key, str, str]]:
    if file.inside is None and file.between is None:
        yield (), "has no speed", "State inside, between, or both"
    if file.total is not None and file.between is None:
        yield ("total",), "limits traffic between nodes, of which there is none", "State between, or take it out"
    if file.fill < LEAST_FILL:
        yield ("fill",), "leaves nothing for KV caches", f"Write {100 * LEAST_FILL:g} % or more, like '80 %'"


def _fabric(site: str, file: FabricFile) -> Fabric:
    total = None if file.total is None else 8.0 * file.total / 1e9
    return Fabric(site, file.inside, file.between, file.fill, total)
