"""Calendar hours and hours of the day, from what was counted.

The trace covers the time from its first request to one mean gap after its last one, so that n requests over n gaps make
the rate. An hour of the day has a rate of its own if it is covered for at least half an hour in all; others take the
mean rate, and are said to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo

import numpy as np

from fleetopt.ingest.traces.clock import QUARTER_US, to_moment, utc_offset_us
from fleetopt.ingest.traces.domain import HALF_HOUR_S, HOUR_US, HOURS, Floats, Hour, HourOfDay, busiest_hour
from fleetopt.ingest.traces.tally import ARRIVED, INPUT, OUTPUT, SERVED


def calendar_hours(quarters: Mapping[int, Floats], start_us: int, end_us: int, zone: tzinfo) -> tuple[Hour, ...]:
    """Every hour of the wall clock from start to end, in order, those without requests too."""
    counts: dict[int, Floats] = defaultdict(lambda: np.zeros(4))
    for quarter, count in quarters.items():
        counts[hour_start_us(quarter * QUARTER_US, zone)] += count
    hours = []
    begin = hour_start_us(start_us, zone)
    while begin < end_us:
        # A clock that is put back or forward by half an hour makes an hour that is longer or shorter.
        after = _next_hour_us(begin, zone)
        covered_s = (min(end_us, after) - max(start_us, begin)) / 1_000_000
        hours.append(_hour(begin, covered_s, counts[begin], zone))
        begin = after
    return tuple(hours)


def hour_start_us(time_us: int, zone: tzinfo) -> int:
    """The start, in UTC, of the hour of the wall clock that a time falls in."""
    ahead = utc_offset_us(time_us, zone)
    return (time_us + ahead) // HOUR_US * HOUR_US - ahead


def _next_hour_us(begin: int, zone: tzinfo) -> int:
    for quarter in range(1, 9):
        after = hour_start_us(begin + quarter * QUARTER_US, zone)
        if after > begin:
            return after
    raise AssertionError("no clock stands still for two hours")


def _hour(begin: int, covered_s: float, count: Floats, zone: tzinfo) -> Hour:
    served = count[SERVED]
    tokens = (float(count[kind] / served) if served else None for kind in (INPUT, OUTPUT))
    return Hour(to_moment(begin, zone), covered_s, float(count[ARRIVED]), float(served), *tokens)


def day_profile(hours: Sequence[Hour]) -> tuple[HourOfDay, ...]:
    """The 24 hours of the day, each over all days on which the trace covers it."""
    covered, counts, days = np.zeros(HOURS), np.zeros((HOURS, 4)), np.zeros(HOURS, dtype=int)
    for hour in hours:
        at = hour.start.hour
        covered[at] += hour.covered_s
        days[at] += 1
        tokens = (hour.served * (mean or 0.0) for mean in (hour.input_tokens, hour.output_tokens))
        counts[at] += (hour.requests, hour.served, *tokens)
    mean = counts[:, ARRIVED].sum() / covered.sum()
    return tuple(_of_day(at, float(covered[at]), counts[at], int(days[at]), float(mean)) for at in range(HOURS))


def _of_day(at: int, covered_s: float, count: Floats, days: int, mean_rps: float) -> HourOfDay:
    if covered_s < HALF_HOUR_S:
        return HourOfDay(at, mean_rps, 0, None, None)
    served = count[SERVED]
    inputs, outputs = (float(count[kind] / served) if served and count[kind] else None for kind in (INPUT, OUTPUT))
    return HourOfDay(at, float(count[ARRIVED]) / covered_s, days, inputs, outputs)


def with_busiest(profile: tuple[HourOfDay, ...], hours: Sequence[Hour]) -> tuple[HourOfDay, ...]:
    """A profile with the busiest single hour set apart at its own rate, and taken out of its hour of the day.

    Its weight is its part of the time that this hour of the day is covered, so the mean rate is kept. Where it is the
    only one of its hour of the day, it stands there already.
    """
    busiest = busiest_hour(hours)
    at = busiest.start.hour
    others = [hour for hour in hours if hour.start.hour == at and hour is not busiest]
    covered_s = sum(hour.covered_s for hour in others)
    if covered_s < HALF_HOUR_S:
        return profile
    weight = busiest.covered_s / (busiest.covered_s + covered_s)
    rest = replace(day_profile(others)[at], weight=1.0 - weight)
    alone = HourOfDay(at, busiest.rps, 1, busiest.input_tokens, busiest.output_tokens, weight)
    return (*profile[:at], rest, *profile[at + 1 :], alone)
