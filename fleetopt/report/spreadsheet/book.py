"""A workbook in which text is always text and every formula carries the value it comes to.

XlsxWriter is loaded only here. User text is written as strings, never as formulas, links or numbers, and marked with
the quote prefix where it looks like a formula, so that editing the cell does not run it either. Formulas are sums and
quotients of cells of the same book; their values are computed here from the same cells, for viewers that do not
calculate. The same content makes the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, TypeAlias

from fleetopt.report.view import View, plain

Style: TypeAlias = Literal["text", "wrap", "note", "head", "title", "usd", "price", "number", "count", "share", "day"]
Cell: TypeAlias = str | float | int | date | None

_TOP = {"valign": "top"}
_FORMATS: dict[Style, dict[str, Any]] = {
    "text": _TOP,
    "wrap": {"text_wrap": True, **_TOP},
    "note": {"font_color": "#4A4A4A"},
    "head": {"bold": True, "text_wrap": True, "valign": "vcenter", "align": "left", "bg_color": "#DCE6F1", "bottom": 1},
    "title": {"bold": True, "font_size": 14},
    "usd": {**_TOP, "num_format": "#,##0.00;[Red]-#,##0.00"},
    "price": {**_TOP, "num_format": "#,##0.0000"},
    "number": {**_TOP, "num_format": "#,##0.0"},
    "count": {**_TOP, "num_format": "#,##0"},
    "share": {**_TOP, "num_format": "0.0 %"},
    "day": {**_TOP, "num_format": "yyyy-mm-dd", "align": "left"},
}
_MADE = datetime(2000, 1, 1)  # noqa: DTZ001 - a fixed date, so that the same plan makes the same file
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
LONGEST = 32_000
"""Characters of a cell; a spreadsheet takes 32 767."""

NARROWEST, WIDEST, HEAD_WIDTH, WRAPPED = 7, 46, 12, 30
PADDING = 2
"""Beside what a cell holds; a column without it is narrow."""
LINE_HEIGHT, MOST_LINES = 15.0, 12
A4, LANDSCAPE_MARGINS = 9, {"left": 0.4, "right": 0.4, "top": 0.5, "bottom": 0.6}


class Book:
    """A workbook in memory."""

    def __init__(self, title: str) -> None:
        import xlsxwriter

        self._out = io.BytesIO()
        options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book = xlsxwriter.Workbook(self._out, options | {"strings_to_numbers": False})
        self._book.set_properties({"title": plain(title)[:200], "created": _MADE})
        self._formats: dict[tuple[Style, bool, bool], Any] = {}
        self._sheets: list[Sheet] = []

    def sheet(self, name: str) -> Sheet:
        """A new sheet, after those that are there."""
        page = self._book.add_worksheet(name)
        page.set_landscape()
        page.set_paper(A4)
        page.set_margins(**LANDSCAPE_MARGINS)
        page.fit_to_pages(1, 0)
        page.set_footer("&L&A&RPage &P of &N")
        self._sheets.append(Sheet(name, page, self))
        return self._sheets[-1]

    def style(self, style: Style, *, total: bool = False, quoted: bool = False) -> Any:
        """A format, made once."""
        key = (style, total, quoted)
        if key not in self._formats:
            more = {"bold": True, "top": 1} if total else {}
            self._formats[key] = self._book.add_format(_FORMATS[style] | more | {"quote_prefix": quoted})
        return self._formats[key]

    def close(self) -> bytes:
        """The file."""
        for sheet in self._sheets:
            sheet.set_widths()
        self._book.close()
        return self._out.getvalue()


@dataclass(frozen=True, slots=True)
class Ref:
    """A block of cells of a sheet."""

    sheet: str
    top: int
    left: int
    bottom: int
    right: int

    def __str__(self) -> str:
        from xlsxwriter.utility import xl_range_abs

        return f"'{self.sheet}'!{xl_range_abs(self.top, self.left, self.bottom, self.right)}"


@dataclass(slots=True)
class Sheet:
    """A sheet that remembers its numbers."""

    name: str
    page: Any
    book: Book
    values: dict[tuple[int, int], float] = field(default_factory=dict)
    widths: dict[int, int] = field(default_factory=dict)

    def put(self, row: int, column: int, value: Cell, style: Style = "text", *, total: bool = False) -> None:
        """Writes a value as what it is."""
        if value is None:
            self.page.write_blank(row, column, None, self.book.style(style, total=total))
        elif isinstance(value, str):
            text = plain(value)[:LONGEST]
            quoted = text.startswith(_FORMULA_STARTS)
            self.page.write_string(row, column, text, self.book.style(style, total=total, quoted=quoted))
            self._widen(column, len(text), style)
        elif isinstance(value, date):
            self.page.write_datetime(row, column, value, self.book.style(style, total=total))
            self._widen(column, 10, style)
        else:
            self.page.write_number(row, column, value, self.book.style(style, total=total))
            self._remember(row, column, float(value), style)

    def formula(self, row: int, column: int, text: str, value: float, style: Style, *, total: bool = False) -> None:
        """Writes a formula of our own with the value it comes to."""
        self.page.write_formula(row, column, f"={text}", self.book.style(style, total=total), value)
        self._remember(row, column, value, style)

    def sum(self, row: int, column: int, block: Ref, style: Style, *, total: bool = True) -> None:
        """Writes the sum of a block of this sheet."""
        rows, columns = range(block.top, block.bottom + 1), range(block.left, block.right + 1)
        value = sum(self.values.get((r, c), 0.0) for r in rows for c in columns)
        local = str(block).rpartition("!")[2]
        self.formula(row, column, f"SUM({local})", value, style, total=total)

    def block(self, top: int, left: int, bottom: int, right: int) -> Ref:
        """Some cells of this sheet."""
        return Ref(self.name, top, left, bottom, right)

    def head(self, row: int, titles: Sequence[str], *, freeze: int | None = 0) -> None:
        """A row of column titles that stays in view and is repeated on every page."""
        for column, title in enumerate(titles):
            self.put(row, column, title, "head")
        self.page.set_row(row, 2 * LINE_HEIGHT)
        if freeze is not None:
            self.page.freeze_panes(row + 1, freeze)
            self.page.repeat_rows(row)

    def paragraph(self, row: int, text: str, columns: int, width: int) -> None:
        """A text over several columns of `width` characters in all, as high as it needs to be."""
        self.page.merge_range(row, 0, row, columns - 1, "", self.book.style("wrap"))
        self.put(row, 0, text, "wrap")
        self.page.set_row(row, _height(text, width))

    def fit(self, row: int, cells: Sequence[Cell], widths: Mapping[int, int]) -> None:
        """Makes a row high enough for the wrapped words in columns of given widths."""
        self.page.set_row(row, max(_height(str(cells[column]), width) for column, width in widths.items()))

    def narrow(self, widths: Mapping[int, int]) -> None:
        """Sets columns to given widths, and the others no wider than what they hold."""
        self.widths = {c: widths.get(c, width) - PADDING for c, width in self.widths.items()}

    def view(self, row: int, view: View, widths: Sequence[int]) -> int:
        """Writes a view as text into columns of given widths; returns the row after it."""
        self.put(row, 0, view.title, "title")
        for column, title in enumerate(view.columns):
            self.put(row + 1, column, title, "head")
        self.page.set_row(row + 1, max(map(_height, view.columns, widths)))
        for at, cells in enumerate(view.rows, row + 2):
            for column, cell in enumerate(cells):
                self.put(at, column, cell, "wrap")
            self.page.set_row(at, max(map(_height, cells, widths)))
        self.widths |= dict(enumerate(widths))
        return row + len(view.rows) + 3

    def set_widths(self) -> None:
        """Columns as wide as what is in them, within reason."""
        for column, width in self.widths.items():
            self.page.set_column(column, column, min(WIDEST, max(NARROWEST, width + PADDING)))

    def records(
        self, row: int, name: str, columns: Sequence[tuple[str, Style]], rows: Iterable[Sequence[Cell]]
    ) -> tuple[int, int]:
        """A table that filters and pivots; returns the first and last row of its cells."""
        last = row
        for last, cells in enumerate(rows, row + 1):
            for column, ((_, style), value) in enumerate(zip(columns, cells, strict=True)):
                self.put(last, column, value, style)
        last = max(last, row + 1)
        head = self.book.style("head")
        options = {
            "name": name,
            "style": "Table Style Light 9",
            "columns": [{"header": title, "header_format": head} for title, _ in columns],
        }
        self.page.add_table(row, 0, last, len(columns) - 1, options)
        self.head(row, [title for title, _ in columns], freeze=1)
        return row + 1, last

    def _remember(self, row: int, column: int, value: float, style: Style) -> None:
        self.values[row, column] = value
        decimals = {"usd": 3, "price": 5}.get(style, 2)
        self._widen(column, len(f"{value:,.0f}") + decimals, style)

    def _widen(self, column: int, width: int, style: Style) -> None:
        if style == "head":
            width = min(width, HEAD_WIDTH)
        if style == "wrap":
            width = min(width, WRAPPED)
        if style not in ("title", "note"):
            self.widths[column] = max(self.widths.get(column, 0), width)


def _height(text: str, width: int) -> float:
    """Points that a text takes in a column, wrapped."""
    return LINE_HEIGHT * min(MOST_LINES, 1 + len(text) // max(1, width - 1))
