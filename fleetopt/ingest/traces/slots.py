"""A few slots that stand for the 24 hours of the day.

Hours are described by each model's rate and input and output tokens per second, each over its mean of the day. The peak
hour of every model is a slot of its own, at its own rate. The other hours are put in order of their total load and cut
into runs so that the sum of squared distances from the means of the runs is least; a dynamic programme finds the best
cuts (Fisher, On Grouping for Maximum Homogeneity, 1958). A slot's rate is the mean of its hours and its weight their
sum, so the mean rate of the day is kept. Where no hour differs from another, the day is one slot.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from fleetopt.ingest.traces.domain import Floats, HourOfDay, Slot

ENOUGH = 1e-9
"""More slots are not made once this share of the squared distances is left."""

LEAST_LEVELS = 3


def choose_slots(profiles: Sequence[Sequence[HourOfDay]], most: int) -> tuple[Slot, ...]:
    """Slots for all models at once, whose profiles have the same weights: peaks, then the others from the busiest down.

    There are at most `most`, or more where models peak in so many hours that fewer than three would be left for others.
    """
    day = profiles[0]
    weights = np.array([hour.weight for hour in day])
    load = np.column_stack([column for profile in profiles for column in _features(profile, weights)])
    if np.ptp(load, axis=0).max() <= ENOUGH:
        return (_slot("day", day, range(len(day))),)
    peaks = list(dict.fromkeys(_peak(profile) for profile in profiles))
    rest = sorted(set(range(len(day))) - set(peaks), key=lambda row: (-float(load[row].sum()), row))
    names = ["peak"] if len(peaks) == 1 else [f"peak-{day[row].hour:02d}h" for row in peaks]
    slots = [_slot(name, day, (row,)) for name, row in zip(names, peaks, strict=True)]
    if rest:
        runs = _cut(load[rest], weights[rest], max(most - len(peaks), min(most - 1, LEAST_LEVELS), 1))
        slots += [_slot(f"level-{n}", day, sorted(rest[a:b])) for n, (a, b) in enumerate(runs, start=1)]
    return tuple(slots)


def slot_rates(profile: Sequence[HourOfDay], slots: Sequence[Slot]) -> tuple[tuple[float, ...], float]:
    """The rate of one model in each slot, and the mean distance from the hours' own, over the mean rate."""
    rates = [sum(profile[row].weight * profile[row].rps for row in s.rows) / s.hours_per_day for s in slots]
    apart = sum(
        profile[row].weight * abs(profile[row].rps - rate)
        for slot, rate in zip(slots, rates, strict=True)
        for row in slot.rows
    )
    total = sum(hour.weight * hour.rps for hour in profile)
    return tuple(rates), apart / total if total else 0.0


def _slot(name: str, day: Sequence[HourOfDay], rows: Iterable[int]) -> Slot:
    taken = tuple(rows)
    hours = tuple(sorted({day[row].hour for row in taken}))
    return Slot(name, hours, sum(day[row].weight for row in taken), taken)


def _peak(profile: Sequence[HourOfDay]) -> int:
    return max(range(len(profile)), key=lambda row: (profile[row].rps, -row))


def _features(profile: Sequence[HourOfDay], weights: Floats) -> list[Floats]:
    rates = np.array([hour.rps for hour in profile])
    tokens = [
        np.array([hour.rps * (getattr(hour, kind) or 0.0) for hour in profile])
        for kind in ("input_tokens", "output_tokens")
    ]
    return [column / mean for column in (rates, *tokens) if (mean := np.average(column, weights=weights)) > 0]


def _cut(rows: Floats, weights: Floats, most: int) -> list[tuple[int, int]]:
    """The best runs of rows in their order, as few as reach the least distance that `most` runs can."""
    count = len(rows)
    most = min(most, count)
    apart = np.array([[_spread(rows[a:b], weights[a:b]) for b in range(count + 1)] for a in range(count + 1)])
    best = [apart[0]]
    came = [np.zeros(count + 1, dtype=int)]
    for _ in range(most - 1):
        steps = np.where(np.tri(count + 1, k=-1, dtype=bool), np.inf, best[-1][:, None] + apart)
        came.append(steps.argmin(axis=0))
        best.append(steps.min(axis=0))
    goal = best[-1][count] + ENOUGH * max(apart[0][count], ENOUGH)
    runs = next(k for k in range(most) if best[k][count] <= goal)
    ends = [count]
    for k in range(runs, 0, -1):
        ends.append(int(came[k][ends[-1]]))
    return [(a, b) for a, b in pairwise([0, *reversed(ends)]) if b > a]


def _spread(rows: Floats, weights: Floats) -> float:
    """The weighted sum of squared distances from the weighted mean; 0 for no rows."""
    if not len(rows):
        return 0.0
    return float((weights[:, None] * (rows - np.average(rows, axis=0, weights=weights)) ** 2).sum())
