"""What the user says about a trace that the file itself does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from fleetopt.errors import InputError, Issue

FIELDS = ("timestamp", "model", "input_tokens", "output_tokens")
"""The columns of a request, by the names that --columns gives them."""

NOMINAL_START = datetime(2001, 1, 1, tzinfo=UTC)
"""Time 0 of a trace that counts from its own start: midnight of a Monday."""

TimeUnit = Literal["s", "ms", "us"]


@dataclass(frozen=True, slots=True)
class TraceOptions:
    """How to read a trace.

    `columns` maps a field to the file's own column. `timezone` is the zone of times that carry none, and the one whose
    hours of the day are counted. `start` is time 0 of a trace without dates. `failed` says what to do with requests
    that have no tokens: leave them out, or count them in the rates. `peak` says whether the peak slot is the busiest
    hour of the mean day or the busiest single hour, `in_order` whether slots are runs of hours. `only` is the one model
    of the trace that matters. `tell` hears of rows read, for a progress line.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    timezone: tzinfo = UTC
    time_unit: TimeUnit | None = None
    start: datetime | None = None
    slots: int = 6
    in_order: bool = False
    peak: Literal["mean", "busiest"] = "mean"
    max_bins: int = 64
    failed: Literal["drop", "count"] = "drop"
    cache_tokens: int | None = None
    only: str | None = None
    tell: Callable[[int], None] | None = None


def zone(name: str) -> tzinfo:
    """A time zone by its name in the IANA database.

    Raises:
        InputError: there is none of that name.
    """
    if name.upper() in ("UTC", "Z"):
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        fix = "Write a name of the IANA database, like UTC, Europe/Berlin or America/New_York"
        raise InputError([Issue("unknown-timezone", "--timezone", f"'{name[:60]}' is no time zone", fix)]) from None


def columns(pairs: str) -> dict[str, str]:
    """A mapping of columns as it is written on the command line.

    >>> columns("timestamp=ts, input_tokens=n_in")
    {'timestamp': 'ts', 'input_tokens': 'n_in'}

    Raises:
        InputError: it is no list of field=column, names an unknown field, or names one twice.
    """
    found: dict[str, str] = {}
    for pair in pairs.split(","):
        name, equals, column = (part.strip() for part in pair.partition("="))
        if not equals or not column or name not in FIELDS or name in found:
            fix = f"Write field=column pairs with commas between them; the fields are {', '.join(FIELDS)}"
            raise InputError([Issue("bad-columns", "--columns", f"'{pair.strip()[:60]}' cannot be used", fix)])
        found[name] = column
    return found


def start(text: str, at: tzinfo) -> datetime:
    """A moment as ISO 8601, in the zone `at` unless it has its own.

    Raises:
        InputError: it is no such moment.
    """
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=at)
        moment.astimezone(UTC)
    except (ValueError, OverflowError):
        fix = "Write it like 2027-01-04T00:00"
        raise InputError([Issue("bad-time", "--start", f"'{text[:60]}' is no moment", fix)]) from None
    if not 1990 <= moment.year <= 2200:
        raise InputError([Issue("bad-time", "--start", f"the year {moment.year} is out of range", "Check the year")])
    return moment
