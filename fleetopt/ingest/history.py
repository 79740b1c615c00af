"""Past demand by day or by month, from a CSV table, from hours.csv of `fleetopt ingest trace`, or from a trace itself.

Hours are put together into days. Days and months must follow one another without a gap: a missing one is not made up.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Literal

from fleetopt.documents import Row, read_table, shown
from fleetopt.errors import InputError, Issue, did_you_mean
from fleetopt.ingest.formats import head_of
from fleetopt.ingest.reading import Flag
from fleetopt.ingest.traces.domain import HOURS, Hour, HourOfDay, Slot, TraceReading
from fleetopt.ingest.traces.format import header_of
from fleetopt.ingest.traces.hours import day_profile
from fleetopt.ingest.traces.options import TraceOptions
from fleetopt.ingest.traces.read import read_trace
from fleetopt.ingest.traces.slots import choose_slots, slot_rates

SEASON = {"day": 7, "month": 12}
"""Steps after which demand repeats itself: a week of days, a year of months."""

WHOLE_DAY_S = 86_400 * 0.98
"""Days covered for less than this are partial, and left out at either end."""

MOST_RPS = 1e9
_HOURS = ("model", "start", "covered_s", "requests_per_s", "input_tokens", "output_tokens")
_MONTH = re.compile(r"\d{4}-\d\d", re.ASCII)

Step = Literal["day", "month"]


@dataclass(frozen=True, slots=True)
class History:
    """Mean requests/s of one model by day or month, in a row from `start`; its day by hours, where they are known."""

    model: str
    step: Step
    start: date
    rps: tuple[float, ...]
    profile: tuple[HourOfDay, ...] = ()

    @property
    def end(self) -> date:
        """The first day after it."""
        return after(self.start, self.step, len(self.rps))


@dataclass(frozen=True, slots=True)
class Past:
    """The histories in a file, and the trace where it is one."""

    path: Path
    histories: tuple[History, ...]
    flags: tuple[Flag, ...]
    trace: TraceReading | None = None


def after(start: date, step: Step, steps: int) -> date:
    """The day so many days, or months, after the first of one.

    >>> after(date(2027, 11, 1), "month", 3)
    datetime.date(2028, 2, 1)
    """
    if step == "day":
        return start + timedelta(days=steps)
    months = start.year * 12 + start.month - 1 + steps
    return date(months // 12, months % 12 + 1, 1)


def read_past(path: Path, options: TraceOptions) -> Past:
    """The past demand in a file: `date, requests_per_s` with or without `model`, hours.csv, or a trace.

    Raises:
        InputError: the file is malformed, or has a gap or a date twice.
    """
    header = header_of(head_of(path))
    if set(header) in ({"date", "requests_per_s"}, {"date", "requests_per_s", "model"}):
        found = _by_date(path)
        return Past(path, found, ())
    if tuple(header) == _HOURS:
        return _of_hours(path, _hours_of(path), None)
    reading = read_trace(path, options)
    return _of_hours(path, {one.model: one.hours for one in reading.traffic}, reading)


def chosen_of(past: Past, only: str | None) -> Past:
    """The past of one model, or of all where none is named.

    Raises:
        InputError: there is no such model.
    """
    if only is None:
        return past
    histories = tuple(one for one in past.histories if one.model == only)
    if not histories:
        fix = did_you_mean(only, [one.model for one in past.histories])
        raise InputError([Issue("unknown-model", "--only", f"'{only[:60]}' is no model of the history", fix)])
    others = tuple(f" {one.model}" for one in past.histories if one.model != only)
    flags = tuple(flag for flag in past.flags if not flag.where.endswith(others))
    traffic = tuple(one for one in past.trace.traffic if one.model == only) if past.trace else ()
    trace = replace(past.trace, traffic=traffic) if past.trace else None
    return replace(past, histories=histories, flags=flags, trace=trace)


def past_slots(
    past: Past, most: int, *, in_order: bool = False
) -> tuple[tuple[Slot, ...], dict[str, tuple[float, ...]]]:
    """The slots of the day, and each model's factors in them; one slot where the hours of the day are not known."""
    profiles = [one.profile for one in past.histories if one.profile]
    if len(profiles) < len(past.histories):
        return (Slot("day", tuple(range(HOURS)), HOURS, tuple(range(HOURS))),), {
            one.model: (1.0,) for one in past.histories
        }
    slots = choose_slots(profiles, most, in_order=in_order)
    factors = {}
    for one in past.histories:
        mean = sum(hour.rps for hour in one.profile) / len(one.profile)
        factors[one.model] = tuple(rate / mean if mean else 1.0 for rate in slot_rates(one.profile, slots)[0])
    return slots, factors


def _by_date(path: Path) -> tuple[History, ...]:
    rows, _ = read_table(path, ("date", "requests_per_s"), ("model",))
    by_model: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_model[row.text("model", "")].append(row)
    return tuple(_history(model, mine) for model, mine in by_model.items())


def _history(model: str, rows: Sequence[Row]) -> History:
    step: Step = "month" if _MONTH.fullmatch(rows[0].text("date")) else "day"
    dated = sorted(((_date(row, step), row) for row in rows), key=lambda pair: pair[0])
    for (earlier, _), (later, row) in pairwise(dated):
        if later == earlier:
            raise row.fail("date", f"repeats {row.text('date')}", "Keep one of the rows")
        if later != after(earlier, step, 1):
            fix = f"Add a row for every {step}; write 0 where nothing arrived"
            raise row.fail("date", f"comes after {earlier.isoformat()}, with a gap between", fix)
    rps = tuple(row.number("requests_per_s", most=MOST_RPS) for _, row in dated)
    return History(model, step, dated[0][0], rps)


def _date(row: Row, step: Step) -> date:
    text = row.text("date")
    try:
        found = date.fromisoformat(f"{text}-01" if step == "month" else text)
    except ValueError:
        shape = "2027-01, as in the first row" if step == "month" else "2027-01-31"
        raise row.fail("date", f"'{text[:40]}' is no {step}", f"Write it like {shape}") from None
    if not 1990 <= found.year <= 2200:
        raise row.fail("date", f"the year {found.year} is out of range", "Check the year")
    return found


def _hours_of(path: Path) -> dict[str, tuple[Hour, ...]]:
    rows, _ = read_table(path, _HOURS)
    by_model: dict[str, list[Hour]] = defaultdict(list)
    for row in rows:
        by_model[row.text("model", "")].append(_hour(row))
    return {model: tuple(sorted(hours, key=lambda hour: hour.start)) for model, hours in by_model.items()}


def _hour(row: Row) -> Hour:
    try:
        start = datetime.fromisoformat(row.text("start"))
    except ValueError:
        raise row.fail("start", f"'{row.text('start')[:40]}' is no time", "Write it as ISO 8601") from None
    if start.tzinfo is None or not 1990 <= start.year <= 2200:
        raise row.fail("start", "has no time zone, or a year out of range", "Write it like 2027-01-31T14:00:00+00:00")
    covered_s = row.number("covered_s", above=True, most=7200)
    requests = row.number("requests_per_s", most=MOST_RPS) * covered_s
    tokens = [row.optional_number(name) for name in ("input_tokens", "output_tokens")]
    return Hour(start, covered_s, requests, requests if tokens[0] is not None else 0.0, tokens[0], tokens[1])


def _of_hours(path: Path, hours: Mapping[str, tuple[Hour, ...]], reading: TraceReading | None) -> Past:
    histories, flags = [], list(reading.flags if reading else ())
    for model, mine in hours.items():
        history, flag = _days(path, model, mine)
        histories.append(history)
        flags += [flag] if flag else []
    return Past(path, tuple(histories), tuple(flags), reading)


def _days(path: Path, model: str, hours: Sequence[Hour]) -> tuple[History, Flag | None]:
    where = f"{shown(path)} {model}".strip()
    covered: dict[date, float] = defaultdict(float)
    requests: dict[date, float] = defaultdict(float)
    for hour in hours:
        covered[hour.start.date()] += hour.covered_s
        requests[hour.start.date()] += hour.requests
    days = sorted(covered)
    whole = [day for day in days if covered[day] >= WHOLE_DAY_S or day not in (days[0], days[-1])]
    for earlier, later in pairwise(whole):
        if later != earlier + timedelta(days=1):
            what = f"has no hours between {earlier} and {later}"
            raise InputError([Issue("gap", where, what, "Add them; a rate of 0 where nothing arrived")])
    if not whole:
        raise InputError([Issue("too-short", where, "covers no whole day", "Give a longer history")])
    rps = tuple(requests[day] / covered[day] for day in whole)
    partial = len(days) - len(whole)
    what = f"{partial} partial days at the ends are left out of the history"
    flag = Flag(where, what, "dropped") if partial else None
    return History(model, "day", whole[0], rps, day_profile(tuple(hours))), flag
