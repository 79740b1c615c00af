"""A few slots that stand for the 24 hours of the day.

Hours are described by each model's rate and input and output tokens per second, each over its mean of the day. The peak
hour of every model is a slot of its own, at its own rate. The other hours are put in order of their total load and cut
into runs so that the sum of squared distances from the means of the runs is least; a dynamic programme finds the best
cuts (Fisher, On Grouping for Maximum Homogeneity, 1958). A slot's rate is the mean of its hours and its weight their
number, so the mean rate of the day is kept. Where no hour differs from another, the day is one slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from fleetopt.ingest.traces.domain import HOURS, Floats, HourOfDay, Slot

ENOUGH = 1e-9
"""More slots are not made once this share of the squared distances is left."""

LEAST_LEVELS = 3


def choose_slots(profiles: Sequence[Sequence[HourOfDay]], most: int) -> tuple[Slot, ...]:
    """Slots for all models at once: peaks, then the other hours from the busiest down.

    There are at most `most`, or more where models peak in so many hours that fewer than three would be left for others.
    """
    load = np.column_stack([column for profile in profiles for column in _features(profile)])
    if np.ptp(load, axis=0).max() <= ENOUGH:
        return (Slot("day", tuple(range(HOURS))),)
    peaks = list(dict.fromkeys(_peak(profile) for profile in profiles))
    rest = sorted(set(range(HOURS)) - set(peaks), key=lambda hour: (-float(load[hour].sum()), hour))
    names = ["peak"] if len(peaks) == 1 else [f"peak-{hour:02d}h" for hour in peaks]
    slots = [Slot(name, (hour,)) for name, hour in zip(names, peaks, strict=True)]
    if rest:
        runs = _cut(load[rest], max(most - len(peaks), min(most - 1, LEAST_LEVELS), 1))
        slots += [Slot(f"level-{n}", tuple(sorted(rest[a:b]))) for n, (a, b) in enumerate(runs, start=1)]
    return tuple(slots)


def slot_rates(profile: Sequence[HourOfDay], slots: Sequence[Slot]) -> tuple[tuple[float, ...], float]:
    """The rate of one model in each slot, and the mean distance from the hours' own, over the mean rate."""
    rates = [float(np.mean([profile[hour].rps for hour in slot.hours])) for slot in slots]
    apart = sum(abs(profile[h].rps - rate) for slot, rate in zip(slots, rates, strict=True) for h in slot.hours)
    total = sum(hour.rps for hour in profile)
    return tuple(rates), apart / total if total else 0.0


def _peak(profile: Sequence[HourOfDay]) -> int:
    return max(profile, key=lambda hour: (hour.rps, -hour.hour)).hour


def _features(profile: Sequence[HourOfDay]) -> list[Floats]:
    rates = np.array([hour.rps for hour in profile])
    tokens = [
        np.array([hour.rps * (getattr(hour, kind) or 0.0) for hour in profile])
        for kind in ("input_tokens", "output_tokens")
    ]
    return [column / column.mean() for column in (rates, *tokens) if column.mean() > 0]


def _cut(rows: Floats, most: int) -> list[tuple[int, int]]:
    """The best runs of rows in their order, as few as reach the least distance that `most` runs can."""
    count = len(rows)
    most = min(most, count)
    apart = np.array([[_spread(rows[a:b]) if b > a else 0.0 for b in range(count + 1)] for a in range(count + 1)])
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


def _spread(rows: Floats) -> float:
    """The sum of squared distances from the mean."""
    return float(((rows - rows.mean(axis=0)) ** 2).sum())
