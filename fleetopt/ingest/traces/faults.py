"""Says which line and cell of a CSV file is at fault, after Arrow refused it."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path

from fleetopt.documents import shown
from fleetopt.errors import InputError, Issue
from fleetopt.ingest.traces.clock import Clock
from fleetopt.ingest.traces.streams import Shape, plain


def csv_fault(path: Path, header: list[str], shape: Shape, clock: Clock, message: str) -> InputError:
    """The first fault of a CSV file, or Arrow's own message where a slow reading finds none."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            for issue in _faults(csv.reader(stream, strict=True), path, header, shape, clock):
                return InputError([issue])
    except UnicodeDecodeError:
        return InputError([Issue("not-utf8", shown(path), "is not UTF-8", "Save the file as UTF-8")])
    except csv.Error as error:
        return InputError(
            [Issue("bad-csv", shown(path), f"is not valid CSV ({plain(str(error))})", "Check the quotes")]
        )
    return InputError([Issue("bad-csv", shown(path), f"cannot be read ({plain(message)})", "Check its rows")])


def _faults(reader: Iterator[list[str]], path: Path, header: list[str], shape: Shape, clock: Clock) -> Iterator[Issue]:
    next(reader, None)
    places = {name: header.index(name) for name in shape.names}
    lines = iter(reader)
    for row, cells in enumerate(filter(None, lines), start=1):
        where = f"{shown(path)} row {row}"
        if len(cells) != len(header):
            what = f"has {len(cells)} cells under a header of {len(header)}"
            yield Issue("bad-row", where, what, "Quote cells that hold a comma, or fill in the missing ones")
            return
        for name in shape.names:
            fault = _cell_fault(cells[places[name]].strip(), name, shape, clock)
            if fault is not None:
                yield Issue("bad-value", f"{where} {plain(name)}", *fault)
                return


def _cell_fault(text: str, name: str, shape: Shape, clock: Clock) -> tuple[str, str] | None:
    if not text:
        return "is empty", "Fill it in, or take the row out"
    if name == shape.timestamp:
        same = "as in the first row" if clock.kind != "number" else "as a number, as in the first row"
        return None if clock.is_time(text) else (f"'{plain(text)[:40]}' is no time {same}", "Write all times alike")
    if name == shape.model:
        return None
    try:
        sound = math.isfinite(float(text))
    except ValueError:
        sound = False
    return None if sound else (f"'{plain(text)[:40]}' is not a number", "Write a whole number of tokens")
