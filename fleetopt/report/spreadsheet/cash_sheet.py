"""The cash-flow sheet: every cost line by month, and the same by period as sums of months."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleetopt.plan.domain import Plan
from fleetopt.report.cash import CashRow, Month, cash_rows, months_of
from fleetopt.report.money import KIND_WORDS, KINDS, spend
from fleetopt.report.spreadsheet.book import Sheet
from fleetopt.scenario.domain import Scenario

HEAD, LEFT = 3, 2
"""Row of the titles; first column with money."""

_SUMS = {"cash": ("capex", "opex"), "objective": ("cash", "unpaid")}
"""Rows that are sums of two others."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the sheet: a cost line, or a sum of the rows named in `of`."""

    kind: str
    title: str
    line: CashRow | None
    of: tuple[int, ...] = ()


def cash_sheet(sheet: Sheet, plan: Plan, scenario: Scenario) -> None:
    """Writes both tables."""
    months = months_of(scenario.calendar.periods)
    rows = _rows(cash_rows(spend(plan), months))
    sheet.put(0, 0, "Cash flow, USD", "title")
    note = "What is paid with an order falls in the month of the order; the rest is spread over the days of its period."
    sheet.put(1, 0, note, "note")
    sheet.head(HEAD, ["kind", "line", *(month.name for month in months), "in all"], freeze=LEFT)
    for n, row in enumerate(rows):
        _month_row(sheet, HEAD + 1 + n, row, len(months))
    _by_period(sheet, rows, months)


def _rows(lines: Sequence[CashRow]) -> list[_Row]:
    """Lines by kind, a subtotal for each kind, and the sums over kinds; `of` counts rows from the first."""
    found: list[_Row] = []
    place: dict[str, int] = {}
    for kind in KINDS:
        own = [row for row in lines if row.kind == kind]
        members = tuple(range(len(found), len(found) + len(own)))
        found += [_Row(KIND_WORDS[kind], row.title, row) for row in own]
        place[kind] = len(found)
        found.append(_Row(KIND_WORDS[kind], "in all", None, members))
        if kind == "opex":
            place["cash"] = len(found)
            found.append(_Row("cash", "capex and opex", None, tuple(place[part] for part in _SUMS["cash"])))
    found.append(_Row("objective", "everything", None, tuple(place[part] for part in _SUMS["objective"])))
    return found


def _month_row(sheet: Sheet, at: int, row: _Row, count: int) -> None:
    _words(sheet, at, row)
    for n in range(count):
        if row.line is not None:
            sheet.put(at, LEFT + n, row.line.usd[n], "usd")
        else:
            _sum_of_rows(sheet, at, LEFT + n, row.of)
    sheet.sum(at, LEFT + count, sheet.block(at, LEFT, at, LEFT + count - 1), "usd", total=row.line is None)


def _sum_of_rows(sheet: Sheet, at: int, column: int, of: tuple[int, ...]) -> None:
    """A subtotal over neighbouring rows, or a sum of rows apart."""
    from xlsxwriter.utility import xl_rowcol_to_cell

    cells = [(HEAD + 1 + n, column) for n in of]
    value = sum(sheet.values[cell] for cell in cells)
    text = "+".join(xl_rowcol_to_cell(*cell) for cell in cells) or "0"
    sheet.formula(at, column, text, value, "usd", total=True)


def _by_period(sheet: Sheet, rows: Sequence[_Row], months: Sequence[Month]) -> None:
    periods = list(dict.fromkeys(month.period for month in months))
    top = HEAD + len(rows) + 3
    sheet.head(top, ["kind", "line", *periods, "in all"], freeze=None)
    for n, row in enumerate(rows):
        at, source = top + 1 + n, HEAD + 1 + n
        _words(sheet, at, row)
        for column, period in enumerate(periods, LEFT):
            own = [LEFT + m for m, month in enumerate(months) if month.period == period]
            block = sheet.block(source, own[0], source, own[-1])
            sheet.sum(at, column, block, "usd", total=row.line is None)
        block = sheet.block(at, LEFT, at, LEFT + len(periods) - 1)
        sheet.sum(at, LEFT + len(periods), block, "usd", total=row.line is None)


def _words(sheet: Sheet, at: int, row: _Row) -> None:
    sheet.put(at, 0, row.kind, total=row.line is None)
    sheet.put(at, 1, row.title, total=row.line is None)
