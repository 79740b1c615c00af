"""Turns a workload's demand, as factors or as a table, into requests per second by period, slot and outlook."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import product
from pathlib import Path

from fleetopt.catalog.domain import InputFile
from fleetopt.documents import Document, Key, Row, read_table
from fleetopt.errors import InputError, Issue, did_you_mean
from fleetopt.scenario.domain import Calendar
from fleetopt.scenario.files import input_name
from fleetopt.scenario.workload_schema import DemandFile, WorkloadFile

_KEYS = ("workload", "period", "slot", "outlook")
_RATES = ("requests_per_s", "tokens_per_s")

TimeKey = tuple[str, str, str]

MOST_RPS, LEAST_RPS = 1e6, 1e-6
"""Requests per second of one workload outside which a unit has surely been mistaken."""


def time_keys(calendar: Calendar) -> list[TimeKey]:
    """Every (period, slot, outlook), in order."""
    parts = product(calendar.periods, calendar.slots, calendar.outlooks)
    return [(period.name, slot.name, outlook.name) for period, slot, outlook in parts]


class DemandReader:
    """Reads demand, keeping each table it has opened."""

    def __init__(
        self,
        document: Document,
        workloads: Collection[str],
        calendar: Calendar,
        issues: list[Issue],
        files: list[InputFile],
    ) -> None:
        self._document = document
        self._workloads = workloads
        self._calendar = calendar
        self._issues = issues
        self._files = files
        self._tables: dict[Path, list[Row]] = {}

    def read(self, name: str, workload: WorkloadFile, tokens: float) -> dict[TimeKey, float]:
        """The demand in requests/s of a workload whose mean request has `tokens` tokens; issues are added."""
        assert workload.demand is not None
        factor = workload.demand.factor
        rates = {time: factor * rps for time, rps in self._read(name, workload, tokens).items()}
        peak = max(rates.values(), default=0.0)
        if peak > MOST_RPS:
            what = f"comes to {peak:.3g} requests/s, more than {MOST_RPS:,.0f}"
            self._add(("workloads", name, "demand"), what, "Check the unit and the magnitude")
        if any(0 < rps < LEAST_RPS for rps in rates.values()):
            what = f"comes to less than {LEAST_RPS:g} requests/s and more than none"
            self._add(("workloads", name, "demand"), what, "Check the unit, or write 0")
        return rates

    def _read(self, name: str, workload: WorkloadFile, tokens: float) -> dict[TimeKey, float]:
        demand, key = workload.demand, ("workloads", name, "demand")
        assert demand is not None
        if (demand.base is None) == (demand.table is None):
            what = "has neither a base rate nor a table" if demand.base is None else "has a base rate and a table"
            self._add(key, what, "Give one: a base rate like '40 requests/s', or a CSV table")
            return {}
        if demand.table is not None:
            if demand.slots or demand.periods or demand.outlooks:
                self._add(key, "has factors beside a table", "Put the factors into the table's rates")
            return self._from_table(name, tokens, demand.table)
        return self._from_factors(tokens, demand, key)

    def _from_factors(self, tokens: float, demand: DemandFile, key: Key) -> dict[TimeKey, float]:
        calendar = self._calendar
        for kind, factors, known in (
            ("slots", demand.slots, calendar.slots),
            ("periods", demand.periods, calendar.periods),
            ("outlooks", demand.outlooks, calendar.outlooks),
        ):
            self._check_names((*key, kind), factors, [part.name for part in known])
        assert demand.base is not None
        base = demand.base.per_s / (tokens if demand.base.what == "tokens" else 1.0)
        return {
            (t, h, o): base * demand.periods.get(t, 1.0) * demand.slots.get(h, 1.0) * demand.outlooks.get(o, 1.0)
            for t, h, o in time_keys(calendar)
        }

    def _from_table(self, name: str, tokens: float, table: str) -> dict[TimeKey, float]:
        key = ("workloads", name, "demand", "table")
        if Path(table).is_absolute():
            self._add(key, "is not a relative path", "Write a path relative to this file, like 'demand.csv'")
            return {}
        try:
            rows = self._rows(self._document.beside(key, table))
            return self._pick(name, tokens, rows)
        except InputError as error:
            self._issues += error.issues
            return {}

    def _rows(self, path: Path) -> list[Row]:
        if path not in self._tables:
            rows, digest = read_table(path, _KEYS, _RATES)
            if sum(rate in rows[0].cells for rate in _RATES) != 1:
                fix = f"Give it one of the columns {' or '.join(_RATES)}"
                raise InputError([Issue("missing-column", rows[0].where(), "has no single rate column", fix)])
            for row in rows:
                if row.text("workload") not in self._workloads:
                    what = f"'{row.text('workload')[:60]}' is no workload of the scenario"
                    raise row.fail("workload", what, did_you_mean(row.text("workload"), self._workloads))
            self._tables[path] = rows
            self._files.append(InputFile(input_name(path, self._document.path.parent), digest))
        return self._tables[path]

    def _pick(self, name: str, tokens: float, rows: list[Row]) -> dict[TimeKey, float]:
        wanted = time_keys(self._calendar)
        known = [{key[i] for key in wanted} for i in range(3)]
        demand: dict[TimeKey, float] = {}
        for row in rows:
            if row.text("workload") != name:
                continue
            period, slot, outlook = (row.text(column) for column in _KEYS[1:])
            for column, value, names in zip(_KEYS[1:], (period, slot, outlook), known, strict=True):
                if value not in names:
                    raise row.fail(column, f"'{value[:60]}' is not in the calendar", did_you_mean(value, names))
            if (period, slot, outlook) in demand:
                raise row.fail("workload", f"repeats {name} in {period}, {slot}, {outlook}", "Keep one of the rows")
            demand[period, slot, outlook] = _rate(row, tokens)
        missing = [key for key in wanted if key not in demand]
        if missing:
            what = f"has no row for {name} in {', '.join(missing[0])}"
            what += f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            where = rows[0].where().rsplit(":", 1)[0]
            raise InputError([Issue("missing-row", where, what, "Add it; write 0 where there is no demand")])
        return demand

    def _check_names(self, key: Key, given: Iterable[str], known: list[str]) -> None:
        for name in given:
            if name not in known:
                issue = self._document.issue("unknown-name", (*key, name), "is not in the calendar", "")
                self._issues.append(Issue(issue.code, issue.where, issue.what, did_you_mean(name, known)))

    def _add(self, key: Key, what: str, fix: str) -> None:
        self._issues.append(self._document.issue("bad-value", key, what, fix))


def _rate(row: Row, tokens: float) -> float:
    if "tokens_per_s" in row.cells:
        return row.number("tokens_per_s") / tokens
    return row.number("requests_per_s")
