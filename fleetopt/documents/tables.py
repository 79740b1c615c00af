"""CSV tables with a header; lines that start with '#' are comments."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fleetopt.documents.files import read_text, shown
from fleetopt.errors import InputError, Issue, did_you_mean

TABLE_LIMIT_BYTES = 64 * 1024 * 1024

LEAST, MOST = 1e-9, 1e12
"""The smallest and largest numbers above zero that a table may hold: outside, a unit has been mistaken."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: its cells by column, and where it stands."""

    path: Path
    line: int
    cells: dict[str, str]

    def where(self, column: str | None = None) -> str:
        """'prefill.csv:12 max_tokens_per_s'."""
        place = f"{shown(self.path)}:{self.line}"
        return f"{place} {column}" if column else place

    def issue(self, code: str, column: str, what: str, fix: str) -> Issue:
        """An issue that points at a cell of this row."""
        return Issue(code, self.where(column), what, fix)

    def fail(self, column: str, what: str, fix: str) -> InputError:
        """An error to raise for a single bad cell."""
        return InputError([self.issue("bad-value", column, what, fix)])

    def text(self, column: str, default: str | None = None) -> str:
        """A cell that must not be empty, unless there is a default."""
        value = self.cells.get(column, "")
        if value:
            return value
        if default is None:
            raise self.fail(column, "is empty", "Fill it in, or take the row out")
        return default

    def number(self, column: str, *, least: float = 0.0, above: bool = False, most: float = MOST) -> float:
        """A finite number, at least `least` (or strictly above it) and at most `most`."""
        value = self.optional_number(column, least=least, above=above, most=most)
        if value is None:
            raise self.fail(column, "is empty", "Fill in a number, or take the row out")
        return value

    def optional_number(
        self, column: str, *, least: float = 0.0, above: bool = False, most: float = MOST
    ) -> float | None:
        """As `number`; None where the cell is empty."""
        text = self.cells.get(column, "")
        if not text:
            return None
        try:
            value = float(text) if len(text) <= 40 and "_" not in text and text.isascii() else math.nan
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self.fail(column, f"'{text[:40]}' is not a finite number", "Write a plain number, like 28300 or 0.02")
        if value < least or (above and value == least):
            raise self.fail(
                column, f"{text} is out of range", f"It must be {'above' if above else 'at least'} {least:g}"
            )
        if 0 < value < LEAST:
            raise self.fail(column, f"{text} is out of range", "It is next to nothing; check the unit")
        if value > most:
            raise self.fail(column, f"{text} is out of range", f"It must be at most {most:,g}; check the unit")
        return value

    def whole(self, column: str, *, least: int = 1, most: int = 1_000_000) -> int:
        """A whole number, at least `least` and at most `most`."""
        value = self.number(column, least=least, most=most)
        if value != int(value):
            raise self.fail(column, f"{value:g} is not a whole number", "Write a whole number")
        return int(value)

    def choice(self, column: str, options: Sequence[str]) -> str:
        """One of the words in `options`."""
        value = self.text(column)
        if value not in options:
            raise self.fail(column, f"'{value[:40]}' is not one of {', '.join(options)}", did_you_mean(value, options))
        return value


def read_table(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> tuple[list[Row], str]:
    """The rows of a CSV file with a header, and the SHA-256 of its bytes.

    Lines that start with '#' are comments; cells are stripped of blanks around them.

    Raises:
        InputError: the file cannot be read, lacks a column, has an unknown or repeated one, a row of another
            length than the header, or no rows.
    """
    text, digest = read_text(path, TABLE_LIMIT_BYTES)
    return parse_table(text, path, required, optional), digest


def parse_table(text: str, path: Path, required: Sequence[str], optional: Sequence[str] | None = ()) -> list[Row]:
    """The rows of a CSV text that stands in a file.

    Where `optional` is None the table is another tool's: any further column is taken, and cells over several lines.

    Raises:
        InputError: as `read_table`, for what the text holds.
    """
    lines = (line.rstrip("\r") for line in text.split("\n"))
    numbered = [(n, line) for n, line in enumerate(lines, start=1) if line.strip() and line[0] != "#"]
    if not numbered:
        raise InputError([Issue("empty-file", shown(path), "holds only comments", "Add a header and rows")])
    reader = csv.reader((line for _, line in numbered), strict=True)
    rows: list[Row] = []
    header: list[str] = []
    taken = 0
    try:
        for cells in reader:
            line = numbered[taken][0]
            taken += 1
            if reader.line_num != taken and optional is None:
                taken = reader.line_num
            elif reader.line_num != taken:
                where = f"{shown(path)}:{numbered[taken - 1][0]}"
                fix = "Keep every cell on one line; check the quotes"
                raise InputError([Issue("bad-row", where, "has a cell with a line break in it", fix)])
            values = [cell.strip() for cell in cells]
            if not header:
                header = values
                _check_header(path, line, header, required, optional)
            elif not all(value.isprintable() for value in values):
                fix = "Take them out; they may have come in by copying"
                raise InputError(
                    [Issue("bad-row", f"{shown(path)}:{line}", "holds characters that cannot be seen", fix)]
                )
            elif len(values) != len(header):
                what = f"has {len(values)} cells under a header of {len(header)}"
                fix = "Quote cells that hold a comma, or fill in the missing ones"
                raise InputError([Issue("bad-row", f"{shown(path)}:{line}", what, fix)])
            else:
                rows.append(Row(path, line, dict(zip(header, values, strict=True))))
    except csv.Error as error:
        line = numbered[min(reader.line_num, len(numbered)) - 1][0]
        where = f"{shown(path)}:{line}"
        raise InputError([Issue("bad-csv", where, f"is not valid CSV ({error})", "Check the quotes")]) from None
    if not rows:
        raise InputError([Issue("empty-table", shown(path), "has a header and no rows", "Add rows, or take it out")])
    return rows


COMMAS = "Save it as CSV with commas between cells and points in decimals"


def separated_by(header: Sequence[str]) -> str | None:
    """What a header has between its cells where that is no comma, as spreadsheets of many countries write it.

    >>> separated_by(["name;value"]), separated_by(["name", "a;b"]), separated_by(["name"])
    ('semicolons', None, None)
    """
    names = {";": "semicolons", "\t": "tabs"}
    return next((word for mark, word in names.items() if len(header) == 1 and mark in header[0]), None)


def _check_header(
    path: Path, line: int, header: Sequence[str], required: Sequence[str], optional: Sequence[str] | None
) -> None:
    where = f"{shown(path)}:{line}"
    mark = separated_by(header)
    if mark and required:
        raise InputError([Issue("bad-csv", where, f"separates its cells with {mark}, not commas", COMMAS)])
    known = (*required, *(header if optional is None else optional))
    issues = [
        Issue("unknown-column", where, f"has an unknown column '{name[:60]}'", did_you_mean(name, known))
        for name in header
        if name not in known
    ]
    issues += [
        Issue("missing-column", where, f"has no column '{name}'", f"Columns: {', '.join(required)}")
        for name in required
        if name not in header
    ]
    if not issues and len(set(header)) != len(header):
        issues.append(Issue("repeated-column", where, "names a column twice", "Keep one of them"))
    if issues:
        raise InputError(issues)
