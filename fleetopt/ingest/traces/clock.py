"""Times of a trace: ISO 8601, or numbers since 1970 or since the trace began, all turned into microseconds in UTC.

The unit of a number is told by its magnitude: between 1990 and 2200 an epoch has 9 or 10 digits before the point in
seconds, 12 or 13 in milliseconds, 15 or 16 in microseconds, so that no number fits two of them. Smaller numbers count
from the start of the trace, and their unit has to be stated by the format or by the user.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Literal

import numpy as np

from fleetopt.documents import shown
from fleetopt.errors import InputError, Issue
from fleetopt.ingest.traces.domain import Floats, Ints
from fleetopt.ingest.traces.options import NOMINAL_START, TimeUnit, TraceOptions

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
QUARTER_US = 900_000_000
"""Clocks go by quarters of an hour from one another, everywhere since 1990."""

LEAST_US = int((datetime(1990, 1, 1, tzinfo=UTC) - EPOCH).total_seconds()) * 1_000_000
MOST_US = int((datetime(2200, 1, 1, tzinfo=UTC) - EPOCH).total_seconds()) * 1_000_000
LONGEST_US = 20 * 366 * 24 * 3_600_000_000
"""No trace is longer than about twenty years."""

_UNIT_US: dict[TimeUnit, int] = {"s": 1_000_000, "ms": 1_000, "us": 1}
_UNIT_NAMES: dict[TimeUnit, str] = {"s": "seconds", "ms": "milliseconds", "us": "microseconds"}
_NUMBER = re.compile(r"[+-]?\d{1,20}(\.\d{0,20})?([eE][+-]?\d{1,2})?", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?(?P<zone>Z|[+-]\d\d(:?\d\d)?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Clock:
    """How the times of one file are written. `origin_us` is time 0 of numbers."""

    kind: Literal["number", "naive", "zoned"]
    zone: tzinfo
    unit_us: int
    origin_us: int
    said: str

    def from_numbers(self, values: Floats) -> tuple[Ints, Ints]:
        """Microseconds in UTC, and the indices of values that are no time in this clock."""
        scaled = values * self.unit_us
        low, high = (LEAST_US, MOST_US) if self.origin_us == 0 else (0, LONGEST_US)
        wrong = ~((scaled >= low) & (scaled <= high))
        time_us = np.rint(np.where(wrong, low, scaled)).astype(np.int64) + self.origin_us
        return time_us, np.flatnonzero(wrong)

    def from_iso(self, time_us: Ints) -> tuple[Ints, Ints]:
        """The same for microseconds of ISO 8601 texts, which for naive ones are of the wall clock."""
        wrong = (time_us < LEAST_US) | (time_us > MOST_US)
        kept = np.where(wrong, LEAST_US, time_us)
        utc = kept if self.kind == "zoned" else kept - wall_offsets_us(kept, self.zone)
        return utc, np.flatnonzero(wrong)

    def is_time(self, text: str) -> bool:
        """Whether a text is written in the manner of this clock."""
        return _kind(text) == self.kind


def clock_of(first: str, path: Path, row: int, options: TraceOptions, unit: TimeUnit | None = None) -> Clock:
    """The clock that the first time of a file is written in; `unit` is that of the format for times from its start.

    Raises:
        InputError: it is no time, or a number whose unit nobody states.
    """
    kind = _kind(first)
    where = f"{shown(path)}:{row} timestamp"
    if kind is None:
        fix = "Write times as ISO 8601, or as a number since 1970 in s, ms or us"
        raise InputError([Issue("bad-time", where, f"'{first[:40]}' is no time", fix)])
    if kind != "number":
        name = "their own zones" if kind == "zoned" else f"{options.timezone}"
        return Clock(kind, options.timezone, 1, 0, f"times are ISO 8601 in {name}")
    return _number_clock(float(first), where, options, unit)


def _number_clock(value: float, where: str, options: TraceOptions, unit: TimeUnit | None) -> Clock:
    for name, factor in _UNIT_US.items():
        if LEAST_US <= value * factor <= MOST_US and options.time_unit in (None, name):
            return Clock("number", options.timezone, factor, 0, f"times are {_UNIT_NAMES[name]} since 1970, in UTC")
    unit = options.time_unit or unit
    if unit is None:
        fix = "Say with --time-unit whether times count s, ms or us from the start of the trace"
        raise InputError([Issue("bad-time", where, f"{value:g} is too small to be a time since 1970", fix)])
    began = options.start or NOMINAL_START.replace(tzinfo=options.timezone)
    said = f"times are {_UNIT_NAMES[unit]} from the start of the trace"
    said += f", which is {began:%Y-%m-%d %H:%M}" if options.start else ", taken for midnight; --start says otherwise"
    return Clock("number", options.timezone, _UNIT_US[unit], to_us(began), said)


def _kind(text: str) -> Literal["number", "naive", "zoned"] | None:
    if _NUMBER.fullmatch(text):
        return "number"
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    return "zoned" if match["zone"] else "naive"


def to_us(moment: datetime) -> int:
    """A moment in microseconds since 1970."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def to_moment(time_us: int, zone: tzinfo) -> datetime:
    """Microseconds since 1970 as a moment in a zone."""
    return (EPOCH + timedelta(microseconds=int(time_us))).astimezone(zone)


def utc_offset_us(time_us: int, zone: tzinfo) -> int:
    """How far clocks in a zone are ahead of UTC at a moment."""
    ahead = to_moment(time_us, zone).utcoffset()
    assert ahead is not None
    return ahead // timedelta(microseconds=1)


def wall_offsets_us(wall_us: Ints, zone: tzinfo) -> Ints:
    """How far each time of the wall clock is ahead of UTC; of the two in an hour that comes twice, the first."""
    if zone is UTC:
        return np.zeros_like(wall_us)
    quarters, inverse = np.unique(wall_us // QUARTER_US, return_inverse=True)
    offsets = [_wall_offset_us(int(quarter) * QUARTER_US, zone) for quarter in quarters]
    return np.array(offsets, dtype=np.int64)[inverse]


def _wall_offset_us(wall_us: int, zone: tzinfo) -> int:
    ahead = (EPOCH + timedelta(microseconds=wall_us)).replace(tzinfo=zone).utcoffset()
    assert ahead is not None
    return ahead // timedelta(microseconds=1)
