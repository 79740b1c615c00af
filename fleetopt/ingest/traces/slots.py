"""A few slots that stand for the 24 hours of the day.

Hours are described by each model's rate and input and output tokens per second, each over its mean of the day. The peak
hour of every model is a slot of its own, at its own rate. The other hours are put in order of their total load and cut
into runs so that the sum of squared distances from the means of the runs is least; a dynamic programme finds the best
cuts (Fisher, On Grouping for Maximum Homogeneity, 1958). A slot's rate is the mean of its hours and its weight their
sum, so the mean rate of the day is kept. Where no hour differs from another, the day is one slot.

Levels stand for hours from all over the day, so that nothing leads from one to the next. Slots in order are runs of
hours that follow one another, from the peak around the clock, cut by the same programme: what changes between slots
needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from fleetopt.ingest.traces.domain import HOURS, Floats, HourOfDay, Slot

ENOUGH = 1e-9
"""More slots are not made once this share of the squared distances is left."""

LEAST_LEVELS = 3


def choose_slots(profiles: Sequence[Sequence[HourOfDay]], most: int, *, in_order: bool = False) -> tuple[Slot, ...]:
    """Slots for all models at once, whose profiles have the same weights: peaks, then the others from the busiest down.

    There are at most `most`, or more where models peak in so many hours that fewer than three would be left for others.
    With `in_order` they are runs of hours in the order of the day, at most `most` or two for each peak.
    """
    day = profiles[0]
    weights = np.array([hour.weight for hour in day])
    load = np.column_stack([column for profile in profiles for column in _features(profile, weights)])
    if np.ptp(load, axis=0).max() <= ENOUGH:
        return (_slot("day", day, range(len(day))),)
    peaks = list(dict.fromkeys(_peak(profile) for profile in profiles))
    if in_order:
        return _in_order(day, load, weights, peaks, most)
    rest = sorted(set(range(len(day))) - set(peaks), key=lambda row: (-float(load[row].sum()), row))
    names = _peak_names(day, peaks)
    slots = [_slot(name, day, (row,)) for name, row in zip(names, peaks, strict=True)]
    if rest:
        runs = _cut(load[rest], weights[rest], max(most - len(peaks), min(most - 1, LEAST_LEVELS), 1))
        slots += [_slot(f"level-{n}", day, sorted(rest[a:b])) for n, (a, b) in enumerate(runs, start=1)]
    return tuple(slots)


def _in_order(
    day: Sequence[HourOfDay], load: Floats, weights: Floats, peaks: Sequence[int], most: int
) -> tuple[Slot, ...]:
    """Runs of hours that follow one another, from the first peak on; every peak is a run by itself."""
    rows = sorted(range(len(day)), key=lambda row: (day[row].hour, row))
    first = rows.index(peaks[0])
    rows = rows[first:] + rows[:first]
    alone = [rows.index(peak) for peak in peaks]
    names = dict(zip(peaks, _peak_names(day, peaks), strict=True))
    runs = [rows[a:b] for a, b in _cut(load[rows], weights[rows], max(most, 2 * len(peaks)), alone)]
    return tuple(_slot(names.get(run[0], _run_name(day, run)), day, run) for run in runs)


def _peak_names(day: Sequence[HourOfDay], peaks: Sequence[int]) -> list[str]:
    return ["peak"] if len(peaks) == 1 else [f"peak-{day[row].hour:02d}h" for row in peaks]


def _run_name(day: Sequence[HourOfDay], run: Sequence[int]) -> str:
    return f"{day[run[0]].hour:02d}h-{(day[run[-1]].hour + 1) % HOURS:02d}h"


def slot_tokens(profile: Sequence[HourOfDay], slot: Slot) -> tuple[float, float] | None:
    """Mean input and output tokens of the requests of one model in a slot; None where no hour of it knows them."""
    known = [profile[row] for row in slot.rows if profile[row].input_tokens and profile[row].output_tokens]
    requests = sum(hour.weight * hour.rps for hour in known)
    if not requests:
        return None
    means = [
        sum(hour.weight * hour.rps * (getattr(hour, kind) or 0.0) for hour in known) / requests
        for kind in ("input_tokens", "output_tokens")
    ]
    return means[0], means[1]


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


def _cut(rows: Floats, weights: Floats, most: int, alone: Sequence[int] = ()) -> list[tuple[int, int]]:
    """The best runs of rows in their order, as few as reach the least distance that `most` runs can.

    Those in `alone` are in no run with others.
    """
    count = len(rows)
    most = min(most, count)
    apart = np.array([[_spread(rows[a:b], weights[a:b]) for b in range(count + 1)] for a in range(count + 1)])
    whole = apart[0][count]
    for row in alone:
        apart[: row + 1, row + 1 :] = np.where(np.eye(count + 1, k=1, dtype=bool), apart, np.inf)[: row + 1, row + 1 :]
    best = [apart[0]]
    came = [np.zeros(count + 1, dtype=int)]
    for _ in range(most - 1):
        steps = np.where(np.tri(count + 1, k=-1, dtype=bool), np.inf, best[-1][:, None] + apart)
        came.append(steps.argmin(axis=0))
        best.append(steps.min(axis=0))
    goal = best[-1][count] + ENOUGH * max(whole, ENOUGH)
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
