"""Which times a table shows: all of them where they are few, and otherwise of each period what is most.

Workloads peak at different hours, and hardware is rented for some: no one time of a period stands for all rows. Every
time stands in the CSV files and in plan.json.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from fleetopt.plan.domain import Plan, WorkloadOutcome

TimeKey: TypeAlias = tuple[str, str, str]

MOST_COLUMNS = 6
"""Times shown side by side before each period has one column."""

ALL_TIMES = "the CSV files have all times"


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of a table and the one that each time belongs to: its own, or its period's."""

    titles: tuple[str, ...]
    of: dict[TimeKey, int]

    @property
    def summed_up(self) -> bool:
        """Whether a column is of several times."""
        return len(self.of) > len(self.titles)


@dataclass(frozen=True, slots=True)
class Peaks:
    """The times at which a workload is shown, by (workload, time), and what they are called."""

    words: dict[tuple[str, TimeKey], str]
    note: str


def columns_of(plan: Plan) -> Columns:
    """A column for each time if they are few, otherwise for each period."""
    times = times_of(plan)
    if len(times) <= MOST_COLUMNS:
        return Columns(tuple(labels(times)), {time: place for place, time in enumerate(times)})
    periods = list(dict.fromkeys(period for period, _, _ in times))
    return Columns(tuple(periods), {time: periods.index(time[0]) for time in times})


def peaks_of(plan: Plan) -> Peaks:
    """Every workload at all times if they are few, otherwise in each period when most is asked of it."""
    columns, times = columns_of(plan), times_of(plan)
    most: dict[tuple[str, int], WorkloadOutcome] = {}
    for outcome in plan.workloads:
        key = outcome.workload, columns.of[time_of(outcome)]
        if key not in most or outcome.asked_rps > most[key].asked_rps:
            most[key] = outcome
    names = dict(zip(times, labels(times), strict=True))
    words = {(one.workload, time_of(one)): names[time_of(one)] for one in most.values()}
    note = f"Each workload in each period when most is asked of it; {ALL_TIMES}." if columns.summed_up else ""
    return Peaks(words, note)


def time_of(outcome: WorkloadOutcome) -> TimeKey:
    return outcome.period, outcome.slot, outcome.outlook


def labels(times: list[TimeKey]) -> list[str]:
    """What times are called: the parts of them that differ; the period where none does."""
    varying = [i for i in range(3) if len({t[i] for t in times}) > 1] or [0]
    return [" ".join(t[i] for i in varying) for t in times]


def times_of(plan: Plan) -> list[TimeKey]:
    """All times of a plan, in its order."""
    return list(dict.fromkeys(time_of(w) for w in plan.workloads))
