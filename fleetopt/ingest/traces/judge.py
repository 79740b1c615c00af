"""What is odd about a trace as a whole: gaps, partial days, hours of the day that were never seen."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from fleetopt.ingest.reading import Flag
from fleetopt.ingest.traces.domain import HOUR_US, HOURS, Hour, HourOfDay

SURE = 20.0
"""Requests that an hour would have on average, from which on a whole hour without any is no chance."""

MOST_NAMED = 5


def span_flags(where: str, start_us: int, end_us: int) -> list[Flag]:
    """Says if the trace does not cover whole days."""
    days = (end_us - start_us) / (HOURS * HOUR_US)
    if days >= 7:
        return []
    span = f"{days:.1f} days" if days >= 1 else f"{days * HOURS:.2g} h" if days * HOURS >= 1 else "less than an hour"
    what = f"covers {span}: too little to know how " + ("weekdays differ" if days >= 1 else "the hours of a day differ")
    return [Flag(where, what, "kept")]


def profile_flags(where: str, profile: Sequence[HourOfDay]) -> list[Flag]:
    """Says which hours of the day have no rate of their own."""
    unseen = [hour.hour for hour in profile if not hour.days]
    if not unseen:
        return []
    what = f"covers {len(unseen)} of the 24 hours of the day for less than half an hour; these take the mean rate"
    return [Flag(where, what, "corrected")]


def gap_flags(where: str, hours: Sequence[Hour]) -> list[Flag]:
    """Runs of hours in which a busy trace has no request at all."""
    mean_rps = sum(hour.requests for hour in hours) / sum(hour.covered_s for hour in hours)
    if mean_rps * 3600 < SURE:
        return []
    runs = [list(run) for empty, run in groupby(hours, key=lambda hour: not hour.requests) if empty]
    flags = [
        Flag(where, f"no request for {len(run)} h from {run[0].start:%Y-%m-%d %H:%M}; counted as a rate of 0", "kept")
        for run in runs[:MOST_NAMED]
    ]
    if len(runs) > MOST_NAMED:
        flags.append(Flag(where, f"no request in {len(runs) - MOST_NAMED} more stretches of hours", "kept"))
    return flags
