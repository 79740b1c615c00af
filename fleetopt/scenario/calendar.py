"""Turns the calendar of a scenario file into periods, slots and outlooks."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import date

from fleetopt.documents import Document
from fleetopt.errors import Issue
from fleetopt.scenario.domain import Calendar, Outlook, Period, Slot
from fleetopt.scenario.schema import CalendarFile

_START = re.compile(r"(?P<year>\d{4})(?:-(?:Q(?P<quarter>[1-4])|(?P<month>0[1-9]|1[0-2])))?")

HOURS_PER_DAY = 24.0

EVERY = "all"
"""What a plan writes where something holds in every slot or outlook."""


def build_calendar(file: CalendarFile, document: Document, issues: list[Issue]) -> Calendar:
    """A calendar; what is wrong with it is added to `issues`."""
    slots = tuple(Slot(name, hours) for name, hours in file.slots.items())
    outlooks = tuple(Outlook(n, o.probability, o.prices, o.capacity) for n, o in file.outlooks.items())
    total = sum(slot.hours_per_day for slot in slots)
    if not math.isclose(total, HOURS_PER_DAY, abs_tol=1e-6):
        what = f"the slots add up to {total:g} h, not 24 h"
        issues.append(document.issue("bad-sum", ("calendar", "slots"), what, "Make their hours add up to 24 h"))
    probability = sum(outlook.probability for outlook in outlooks)
    if not math.isclose(probability, 1.0, abs_tol=1e-6):
        what = f"the outlooks add up to {100 * probability:g} %, not 100 %"
        fix = "Make their probabilities add up to 100 %"
        issues.append(document.issue("bad-sum", ("calendar", "outlooks"), what, fix))
    issues += [
        document.issue("bad-value", ("calendar", "outlooks", o.name, "capacity"), "is more than was measured", fix)
        for fix in ("Write zero or less: a profile's error can only be planned for downwards",)
        for o in outlooks
        if o.capacity_factor > 1.0
    ]
    for kind, zeros in (("slots", _zero_slots(slots)), ("outlooks", _zero_outlooks(outlooks))):
        issues += [
            document.issue("bad-value", ("calendar", kind, name), "is zero", "Give it a share, or take it out")
            for name in zeros
        ]
        if EVERY in (part.name for part in (slots if kind == "slots" else outlooks)):
            fix = "Give it another name"
            key = ("calendar", kind, EVERY)
            issues.append(document.issue("bad-value", key, f"'{EVERY}' means every one of them in a plan", fix))
    return Calendar(_periods(file, document, issues), slots, outlooks)


def _zero_slots(slots: Iterable[Slot]) -> list[str]:
    return [slot.name for slot in slots if slot.hours_per_day <= 0]


def _zero_outlooks(outlooks: Iterable[Outlook]) -> list[str]:
    return [outlook.name for outlook in outlooks if outlook.probability <= 0]


def _periods(file: CalendarFile, document: Document, issues: list[Issue]) -> tuple[Period, ...]:
    match = _START.fullmatch(file.start)
    if match is None or not 1970 <= int(match["year"]) <= 2200:
        what = f"'{file.start[:40]}' is not a quarter, a month or a year"
        issues.append(
            document.issue("bad-value", ("calendar", "start"), what, "Write it like 2027-Q1, 2027-01 or 2027")
        )
        return (Period("?", date(2000, 1, 1), 1, 31),)
    if match["quarter"]:
        months, first = 3, 3 * int(match["quarter"]) - 2
    elif match["month"]:
        months, first = 1, int(match["month"])
    else:
        months, first = 12, 1
    start = int(match["year"]) * 12 + first - 1
    return tuple(_period(start + i * months, months) for i in range(file.periods))


def _period(month_index: int, months: int) -> Period:
    start, end = (date(m // 12, m % 12 + 1, 1) for m in (month_index, month_index + months))
    names = {3: f"{start.year}-Q{(start.month + 2) // 3}", 1: f"{start.year}-{start.month:02d}", 12: f"{start.year}"}
    return Period(names[months], start, months, (end - start).days)
