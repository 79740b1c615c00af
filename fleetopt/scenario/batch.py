"""Turns the batch work of a workload into values: amounts by outlook, each with the periods in which it may be done."""

from __future__ import annotations

from collections.abc import Iterable

from fleetopt.documents import Document, Key
from fleetopt.errors import Issue, did_you_mean
from fleetopt.scenario.demand import LEAST_RPS, MOST_RPS, TimeKey
from fleetopt.scenario.domain import Calendar
from fleetopt.scenario.work import AMOUNT, Batch, Work, even_rps, most_rps
from fleetopt.scenario.workload_schema import BatchFile


class BatchReader:
    """Reads batch work; what is wrong with it is added to `issues`."""

    def __init__(self, document: Document, calendar: Calendar, issues: list[Issue]) -> None:
        self._document = document
        self._calendar = calendar
        self._issues = issues

    def read(self, key: Key, file: BatchFile, tokens: float) -> Batch | None:
        """The work of a workload whose mean request has `tokens` tokens, None where it is wrong."""
        before = len(self._issues)
        self._check_names(key, file)
        if file.work.per_day and (file.first or file.by):
            what = "is an amount of every day, which is due on its day"
            self._add((*key, "work"), what, "Take from and by out, or write one amount like '900 M requests'")
        if not file.work.per_day and file.periods:
            what = "are factors on work of every day"
            self._add((*key, "periods"), what, "Take them out, or write the work like '40 M requests/day'")
        if len(self._issues) > before:
            return None
        batch = self._built(key, file, file.work.amount / (tokens if file.work.what == "tokens" else 1.0))
        if batch is not None:
            self._check_size(key, batch)
        return batch

    def most_rps(self, batch: Batch) -> dict[TimeKey, float]:
        """The most of it that each time of the calendar can be given."""
        return most_rps(batch, self._calendar)

    def _built(self, key: Key, file: BatchFile, requests: float) -> Batch | None:
        calendar = self._calendar
        slots = tuple(slot.name for slot in calendar.slots if not file.slots or slot.name in file.slots)
        outlooks = {o.name: file.outlooks.get(o.name, 1.0) for o in calendar.outlooks}
        if file.work.per_day:
            each = [(t.name, t.days * file.periods.get(t.name, 1.0) * requests) for t in calendar.periods]
            works = (Work(t, i, i, {o: n * f for o, f in outlooks.items()}) for i, (t, n) in enumerate(each))
            return Batch(slots, tuple(works))
        names = [period.name for period in calendar.periods]
        first = names.index(file.first) if file.first else 0
        last = names.index(file.by) if file.by else len(names) - 1
        if first > last:
            self._add((*key, "by"), f"'{file.by}' is before '{file.first}'", "Swap them, or take one out")
            return None
        return Batch(slots, (Work(AMOUNT, first, last, {o: requests * f for o, f in outlooks.items()}),))

    def _check_size(self, key: Key, batch: Batch) -> None:
        rps = even_rps(batch, self._calendar)
        if rps > MOST_RPS:
            what = f"comes to {rps:.3g} requests/s all the time, more than {MOST_RPS:,.0f}"
            self._add((*key, "work"), what, "Check the unit and the magnitude")
        if 0 < rps < LEAST_RPS:
            what = f"comes to less than {LEAST_RPS:g} requests/s and more than none"
            self._add((*key, "work"), what, "Check the unit, or write 0 requests")

    def _check_names(self, key: Key, file: BatchFile) -> None:
        calendar = self._calendar
        periods = [period.name for period in calendar.periods]
        self._must_know(key, {"from": file.first, "by": file.by}, periods)
        self._must_know((*key, "slots"), dict(enumerate(file.slots)), [slot.name for slot in calendar.slots])
        self._must_know((*key, "periods"), _own(file.periods), periods)
        self._must_know((*key, "outlooks"), _own(file.outlooks), [outlook.name for outlook in calendar.outlooks])

    def _must_know(self, key: Key, given: dict[str, str | None] | dict[int, str], known: list[str]) -> None:
        for place, name in given.items():
            if name is not None and name not in known:
                what = f"'{name[:60]}' is not in the calendar"
                self._issues.append(
                    self._document.issue("unknown-name", (*key, place), what, did_you_mean(name, known))
                )

    def _add(self, key: Key, what: str, fix: str) -> None:
        self._issues.append(self._document.issue("bad-value", key, what, fix))


def _own(names: Iterable[str]) -> dict[str, str | None]:
    return {name: name for name in names}
