"""Requests out of JSON lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from fleetopt.documents import Record, json_lines, shown
from fleetopt.errors import InputError, Issue
from fleetopt.ingest.traces.clock import Clock
from fleetopt.ingest.traces.domain import Chunk, Ints
from fleetopt.ingest.traces.streams import MOST_TOKENS, is_name

LINES = 65_536
MOST_BLOCKS = 1_000_000


@dataclass(frozen=True, slots=True)
class Keys:
    """Which keys of a line hold a request."""

    timestamp: str
    input_tokens: str
    output_tokens: str
    model: str | None = None
    blocks: str | None = None


def names_keys(head: bytes, *keys: str) -> bool:
    """Whether the first line of a file is an object that names all of these keys."""
    first = head.lstrip(b"\xef\xbb\xbf \t\r\n").split(b"\n", 1)[0]
    return first.startswith(b"{") and all(f'"{key}"'.encode() in first for key in keys)


def first_record(path: Path) -> Record:
    """The first line.

    Raises:
        InputError: there is none.
    """
    record = next(json_lines(path), None)
    if record is None:
        raise InputError([Issue("empty-file", shown(path), "has no lines", "Check that it is the file you meant")])
    return record


def time_text(record: Record, key: str) -> str:
    """The time of a line, as text.

    Raises:
        InputError: there is no time in it.
    """
    value = record.cells.get(key)
    if isinstance(value, str):
        return record.text(key)
    return repr(record.number(key, least=-1e300, most=1e19)) if isinstance(value, float) else _whole_text(record, key)


def line_chunks(path: Path, keys: Keys, clock: Clock) -> Iterator[Chunk]:
    """The requests of a JSON-lines file.

    Raises:
        InputError: a line is malformed, or a value is missing or out of range.
    """
    records = json_lines(path)
    row = 1
    while batch := list(islice(records, LINES)):
        yield _chunk(batch, keys, clock, row)
        row += len(batch)


def _chunk(batch: list[Record], keys: Keys, clock: Clock, row: int) -> Chunk:
    names = ["" if keys.model is None else _name(record, keys.model) for record in batch]
    models = tuple(dict.fromkeys(names))
    codes = {name: code for code, name in enumerate(models)}
    return Chunk(
        row,
        _times(batch, keys.timestamp, clock),
        np.array([codes[name] for name in names], dtype=np.int64),
        models,
        _tokens(batch, keys.input_tokens),
        _tokens(batch, keys.output_tokens),
        None if keys.blocks is None else tuple(_blocks(record, keys.blocks) for record in batch),
    )


def _times(batch: list[Record], key: str, clock: Clock) -> Ints:
    texts = [time_text(record, key) for record in batch]
    for record, text in zip(batch, texts, strict=True):
        if not clock.is_time(text):
            raise record.fail(key, f"'{text[:40]}' is no time as in the first line", "Write all times alike")
    if clock.kind == "number":
        times, wrong = clock.from_numbers(np.array([float(text) for text in texts]))
    else:
        times, wrong = clock.from_iso(_parsed(batch, key, texts))
    if len(wrong):
        fix = "Check the unit; all times of a file must be in the same one"
        raise batch[int(wrong[0])].fail(key, "is out of the range of times", fix)
    return times


def _parsed(batch: list[Record], key: str, texts: list[str]) -> Ints:
    from datetime import UTC, datetime

    from fleetopt.ingest.traces.clock import to_us

    found = []
    for record, text in zip(batch, texts, strict=True):
        try:
            moment = datetime.fromisoformat(text)
            found.append(to_us(moment if moment.tzinfo else moment.replace(tzinfo=UTC)))
        except (ValueError, OverflowError):
            raise record.fail(key, f"'{text[:40]}' is no time", "Write it as ISO 8601") from None
    return np.array(found, dtype=np.int64)


def _whole_text(record: Record, key: str) -> str:
    return str(int(record.number(key, least=-1e300, most=1e19)))


def _tokens(batch: list[Record], key: str) -> Ints:
    values = []
    for record in batch:
        value = record.cells.get(key)
        if type(value) is not int or abs(value) > MOST_TOKENS:
            value = int(_whole(record, key))
        values.append(value)
    return np.array(values, dtype=np.int64)


def _whole(record: Record, key: str) -> float:
    value = record.number(key, least=-MOST_TOKENS, most=MOST_TOKENS)
    if value != int(value):
        raise record.fail(key, f"{value:g} is not a whole number", "Write a whole number of tokens")
    return value


def _name(record: Record, key: str) -> str:
    name = record.text(key)
    if not is_name(name):
        raise record.fail(key, "is no name of a model", "Shorten it")
    return name


def _blocks(record: Record, key: str) -> tuple[int, ...]:
    value = record.cells.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(type(item) is int for item in value) or len(value) > MOST_BLOCKS:
        raise record.fail(key, "is not a list of whole numbers", "Give one id for each block of the prompt")
    return tuple(value)
