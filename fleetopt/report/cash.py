"""Cash by month: what is paid with an order in the month of the order, everything else by the days of each month.

A period's dollars of use are spread evenly over its days. What is counted but not paid stays on its own rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from fleetopt.plan.money import RECEIVED_AT_END
from fleetopt.report.money import KINDS, Kind, Spend
from fleetopt.scenario.domain import Period


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month of the horizon, with the period that it is part of and its share of that period's days."""

    name: str
    period: str
    share: float
    first: bool
    last: bool


@dataclass(frozen=True, slots=True)
class CashRow:
    """A cost line by month, in dollars."""

    line: str
    title: str
    kind: Kind
    usd: tuple[float, ...]


def months_of(periods: Sequence[Period]) -> tuple[Month, ...]:
    """The months of all periods in order."""
    return tuple(
        Month(start.strftime("%Y-%m"), period.name, share, index == 0, index == period.months - 1)
        for period in periods
        for index, (start, share) in enumerate(_months(period))
    )


def cash_rows(entries: Sequence[Spend], months: Sequence[Month]) -> tuple[CashRow, ...]:
    """Dollars by cost line and month: capex first, then opex, then what is not paid."""
    found: dict[tuple[Kind, str], list[float]] = {}
    by_period: dict[str, list[tuple[int, Month]]] = {}
    for place, month in enumerate(months):
        by_period.setdefault(month.period, []).append((place, month))
    titles = {entry.line: entry.title for entry in entries}
    for entry in entries:
        row = found.setdefault((entry.kind, entry.line), [0.0] * len(months))
        for place, month in by_period[entry.period]:
            row[place] += entry.usd * _share(entry, month)
    ordered = sorted(found, key=lambda key: KINDS.index(key[0]))
    return tuple(CashRow(line, titles[line], kind, tuple(found[kind, line])) for kind, line in ordered)


def end_of(period: Period) -> date:
    """The last day of a period."""
    return date.fromordinal(months_after(period.start, period.months).toordinal() - 1)


def _share(entry: Spend, month: Month) -> float:
    """Which part of a period's dollars falls on a month; a residual value is due at the very end."""
    if entry.once:
        return float(month.first)
    if entry.line in RECEIVED_AT_END:
        return float(month.last)
    return month.share


def _months(period: Period) -> list[tuple[date, float]]:
    """First day of each month, and the share of the period's days that it has."""
    starts = [months_after(period.start, n) for n in range(period.months + 1)]
    days = [(later - start).days for start, later in pairwise(starts)]
    return [(start, n / sum(days)) for start, n in zip(starts[:-1], days, strict=True)]


def months_after(start: date, months: int) -> date:
    """The first day of the month that is so many months after that of another day."""
    index = start.year * 12 + start.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)
