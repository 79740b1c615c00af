"""What a trace holds and what comes out of it: rates by hour, slots of the day, token lengths, burstiness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fleetopt.ingest.reading import Flag

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

HOUR_US = 3_600_000_000
HOURS = 24
HALF_HOUR_S = 1800.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a trace, in file order. `time_us` counts from 1970 in UTC; `model` indexes `models`.

    `blocks` are the ids of each prompt's prefix blocks, None where the format has none.
    """

    first_row: int
    time_us: Ints
    model: Ints
    models: tuple[str, ...]
    input_tokens: Ints
    output_tokens: Ints
    blocks: tuple[tuple[int, ...], ...] | None = None


@dataclass(frozen=True, slots=True)
class Hour:
    """A calendar hour of one model: the part of it that the trace covers, and what arrived in that part.

    `served` are the requests that have tokens, over which the tokens are means.
    """

    start: datetime
    covered_s: float
    requests: float
    served: float
    input_tokens: float | None
    output_tokens: float | None

    @property
    def rps(self) -> float:
        """Requests per second over the part that is covered."""
        return self.requests / self.covered_s


@dataclass(frozen=True, slots=True)
class HourOfDay:
    """An hour of the day over all days: requests per covered second, mean tokens, and the days it was seen on.

    An hour that was never seen has `days` 0 and the mean rate of the others. `weight` is in hours per day: 1, but for
    the busiest single hour where it is set apart, and for what is left of its hour of the day.
    """

    hour: int
    rps: float
    days: int
    input_tokens: float | None
    output_tokens: float | None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Slot:
    """Hours of the day that are alike enough to be planned as one. `rows` are their places in the profiles."""

    name: str
    hours: tuple[int, ...]
    hours_per_day: float
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LengthBin:
    """Requests of about the same lengths: their share of all, and their exact mean tokens."""

    input_tokens: float
    output_tokens: float
    share: float


@dataclass(frozen=True, slots=True)
class Dispersion:
    """Variance over mean of the arrivals in windows of one length, inside the hour; 1 for a Poisson process.

    None where the clock of the trace is coarser than the window, or no hour holds two windows.
    """

    window_s: int
    index: float | None


@dataclass(frozen=True, slots=True)
class Burstiness:
    """How uneven arrivals are inside the hour, so that the swing of the day does not count.

    `gap_cv2` is the squared coefficient of variation of the times between arrivals, each over the mean of its hour.
    `tick_s` is the step of the trace's clock.
    """

    dispersion: tuple[Dispersion, ...]
    gap_cv2: float | None
    tick_s: float


@dataclass(frozen=True, slots=True)
class PrefixCache:
    """Input tokens found in a cache of prefix blocks, over all input tokens. `cache_tokens` None: it never forgets."""

    hit_ratio: float
    block_tokens: int
    cache_tokens: int | None
    distinct_blocks: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """One model of a trace. `slot_rps` are the rates in the slots of the reading, in their order.

    `mean_rps` is the mean over the hours of the day by their weights; the slots have the same mean.
    `slot_error` is the mean distance between the slot's rate and the hour's, over the mean rate.
    """

    model: str
    requests: float
    mean_rps: float
    hours: tuple[Hour, ...]
    profile: tuple[HourOfDay, ...]
    slot_rps: tuple[float, ...]
    slot_error: float
    input_tokens: float | None
    output_tokens: float | None
    lengths: tuple[LengthBin, ...]
    burstiness: Burstiness | None
    prefix_cache: PrefixCache | None

    @property
    def peak(self) -> HourOfDay:
        """The busiest hour of the day, by its mean over the days; the earliest of several."""
        return max(self.profile, key=lambda hour: (hour.rps, -hour.hour))

    @property
    def busiest(self) -> Hour:
        """The calendar hour with the highest rate."""
        return busiest_hour(self.hours)


def busiest_hour(hours: Sequence[Hour]) -> Hour:
    """The hour with the highest rate, among those covered at least half if there are any; the earliest of several."""
    half = [hour for hour in hours if hour.covered_s >= HALF_HOUR_S]
    return max(half or hours, key=lambda hour: hour.rps)


@dataclass(frozen=True, slots=True)
class TraceReading:
    """All that a trace holds, from the start of its first hour to the end of its last one.

    `understood` are sentences: format, rows, units, time zone, what was assumed.
    """

    format: str
    path: Path
    sha256: str
    start: datetime
    end: datetime
    slots: tuple[Slot, ...]
    traffic: tuple[Traffic, ...]
    understood: tuple[str, ...]
    flags: tuple[Flag, ...]
