"""Work at no set time: requests that are to be done by a deadline, in any slot of any period until then.

A workload whose requests arrive has a rate at every time; batch or offline work has amounts, and when they are done is
the planner's to decide. Its `demand_rps` is then the most that can be wanted at a time: all of the work in that slot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fleetopt.scenario.domain import Calendar

AMOUNT = "amount"
"""The name of work that is one amount; work of every day is named by its period."""


@dataclass(frozen=True, slots=True)
class Work:
    """So many `requests` in each outlook, to be done from the period of number `first` to that of number `last`."""

    name: str
    first: int
    last: int
    requests: dict[str, float]


@dataclass(frozen=True, slots=True)
class Batch:
    """Works that no period has two of, done in some slots of the day."""

    slots: tuple[str, ...]
    works: tuple[Work, ...]

    def scaled(self, share: float) -> Batch:
        """So large a share of the work."""
        return self.over({o: {o: share} for o in self.works[0].requests})

    def over(self, outlooks: Mapping[str, Mapping[str, float]]) -> Batch:
        """The work in other outlooks, each a sum over those that are there by their weights."""
        works = (
            replace(
                work, requests={o: sum(w * work.requests[old] for old, w in of.items()) for o, of in outlooks.items()}
            )
            for work in self.works
        )
        return Batch(self.slots, tuple(works))


def at_any_time(batch: Batch, last: int) -> Work:
    """All works as one amount that is due in the period of number `last`, and there as early as the first of them."""
    requests = {o: sum(work.requests[o] for work in batch.works) for o in batch.works[0].requests}
    return Work(AMOUNT, min(work.first for work in batch.works), last, requests)


def open_hours(batch: Batch, work: Work, calendar: Calendar) -> Iterator[tuple[tuple[str, str], float]]:
    """The (period, slot) in which a work may be done, each with its hours."""
    for period in calendar.periods[work.first : work.last + 1]:
        for slot in calendar.slots:
            if slot.name in batch.slots:
                yield (period.name, slot.name), period.days * slot.hours_per_day


def most_rps(batch: Batch, calendar: Calendar) -> dict[tuple[str, str, str], float]:
    """The most requests/s that can be wanted at each time: the whole work in one slot of one period."""
    most = {(t.name, h.name, o.name): 0.0 for t in calendar.periods for h in calendar.slots for o in calendar.outlooks}
    for work in batch.works:
        for (period, slot), hours in open_hours(batch, work, calendar):
            for outlook, requests in work.requests.items():
                most[period, slot, outlook] = requests / (3600.0 * hours)
    return most


def even_rps(batch: Batch, calendar: Calendar) -> float:
    """The largest rate at which a work is done if it is spread evenly over the hours it has."""
    return max(
        max(work.requests.values()) / (3600.0 * sum(hours for _, hours in open_hours(batch, work, calendar)))
        for work in batch.works
    )
