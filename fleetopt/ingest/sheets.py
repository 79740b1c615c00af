"""A CSV table as text that can be added to: comments, order and every byte of untouched lines stay."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fleetopt.documents import Row, read_table, read_text, stands
from fleetopt.documents.tables import TABLE_LIMIT_BYTES


@dataclass(frozen=True, slots=True)
class Sheet:
    """The lines of a table without their ends, its columns, and its rows with the numbers of their lines."""

    path: Path
    lines: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    end: str = "\n"

    @classmethod
    def read(cls, path: Path, columns: Sequence[str], optional: Sequence[str], comment: str) -> Sheet:
        """The table in a file, or an empty one under a comment where there is none.

        Raises:
            InputError: the file is malformed.
        """
        if not stands(path, "anything"):
            return cls(path, (f"# {comment}", ",".join(columns)), tuple(columns), ())
        rows, _ = read_table(path, columns, optional)
        text, _ = read_text(path, TABLE_LIMIT_BYTES)
        lines = text.removesuffix("\n").split("\n")
        end = "\r\n" if all(line.endswith("\r") for line in lines[:-1]) and len(lines) > 1 else "\n"
        bare = tuple(line.removesuffix("\r") if end == "\r\n" else line for line in lines)
        return cls(path, bare, tuple(rows[0].cells), tuple(rows), end)

    @property
    def text(self) -> str:
        return "".join(line + self.end for line in self.lines)

    def widened(self, columns: Sequence[str]) -> Sheet:
        """With these columns as well, empty in the rows that there are."""
        new = [column for column in columns if column not in self.columns]
        if not new:
            return self
        lines = list(self.lines)
        header = next(i for i, line in enumerate(lines) if line.strip() and line[0] != "#")
        lines[header] = lines[header] + "," + ",".join(new)
        for row in self.rows:
            lines[row.line - 1] += "," * len(new)
        return replace(self, lines=tuple(lines), columns=(*self.columns, *new))

    def replaced(self, row: Row, cells: Mapping[str, str]) -> Sheet:
        """With other cells on the line of a row."""
        lines = list(self.lines)
        lines[row.line - 1] = self._line({**row.cells, **cells})
        return replace(self, lines=tuple(lines))

    def with_rows(self, many: Sequence[Mapping[str, str]]) -> Sheet:
        """With rows after the last line."""
        return replace(self, lines=(*self.lines, *(self._line(cells) for cells in many)))

    def _line(self, cells: Mapping[str, str]) -> str:
        out = io.StringIO()
        csv.writer(out, lineterminator="").writerow([cells.get(column, "") for column in self.columns])
        return out.getvalue()


def figure(value: float) -> str:
    """A number as tables hold it: whole, or to 6 significant digits.

    >>> figure(512.0), figure(28.123456789), figure(1 / 3e6)
    ('512', '28.1235', '3.33333e-07')
    """
    if not math.isfinite(value):
        return str(value)
    return str(int(value)) if value == int(value) else repr(float(f"{value:.6g}")).removesuffix(".0")
