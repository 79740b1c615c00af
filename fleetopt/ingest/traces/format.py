"""What every trace format offers, and the first look at a file that recognises it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from fleetopt.documents import shown
from fleetopt.errors import InputError, Issue, did_you_mean
from fleetopt.ingest.traces.domain import Chunk
from fleetopt.ingest.traces.options import TraceOptions


@dataclass(frozen=True, slots=True)
class Stream:
    """The requests of a trace as they come. `block_tokens` is the size of a prefix block, where there are any."""

    understood: tuple[str, ...]
    chunks: Iterator[Chunk]
    block_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time with a mean rate, for traces that publish rates only."""

    model: str
    start_us: int
    length_s: float
    rps: float


@dataclass(frozen=True, slots=True)
class Rates:
    """The windows of a trace without single requests."""

    understood: tuple[str, ...]
    windows: tuple[Window, ...]


Content: TypeAlias = Stream | Rates


class TraceFormat(Protocol):
    """One trace format. `recognises` looks at a file's first bytes only."""

    name: str
    title: str

    def recognises(self, head: bytes) -> bool: ...

    def open(self, path: Path, head: bytes, options: TraceOptions) -> Content: ...


def header_of(head: bytes) -> list[str]:
    """The cells of the first line, stripped of blanks around them; none where it is no CSV."""
    text = head.split(b"\n", 1)[0].decode("utf-8-sig", "replace").rstrip("\r")
    try:
        cells = next(csv.reader([text], strict=True), [])
    except csv.Error:
        return []
    return [cell.strip() for cell in cells]


def first_cells(head: bytes, header: list[str], path: Path) -> dict[str, str]:
    """The first row below the header, by column.

    Raises:
        InputError: there is none, or it has another length than the header.
    """
    if len(set(header)) != len(header):
        raise InputError([Issue("repeated-column", f"{shown(path)}:1", "names a column twice", "Keep one of them")])
    lines = head.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[1:]
    text = next((line for line in lines if line.strip()), None)
    if text is None:
        raise InputError([Issue("empty-table", shown(path), "has a header and no rows", "Add rows")])
    try:
        cells = next(csv.reader([text.decode("utf-8", "replace")], strict=True), [])
    except csv.Error:
        cells = []
    if len(cells) != len(header):
        what = f"has {len(cells)} cells under a header of {len(header)}"
        raise InputError([Issue("bad-row", f"{shown(path)} row 1", what, "Check the commas and quotes")])
    return dict(zip(header, (cell.strip() for cell in cells), strict=True))


def need_columns(path: Path, header: list[str], names: list[str]) -> None:
    """Makes sure that a file has columns.

    Raises:
        InputError: one is missing.
    """
    where = f"{shown(path)}:1"
    known = [name[:60] for name in header if name.isprintable()]
    issues = [
        Issue("missing-column", where, f"has no column '{name[:60]}'", did_you_mean(name, known))
        for name in names
        if name not in header
    ]
    if issues:
        raise InputError(issues)
