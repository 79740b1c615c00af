"""JSON and JSON lines, as Records whose errors say where in the file a value stands."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from fleetopt.documents.files import read_text, shown
from fleetopt.documents.tables import LEAST, MOST
from fleetopt.errors import InputError, Issue, did_you_mean

JSON_LIMIT_BYTES = 256 * 1024 * 1024
LONGEST_LINE = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Record:
    """One JSON object, and where it stands: a line of a JSON-lines file, a path of keys in a document."""

    path: Path
    cells: dict[str, Any]
    line: int | None = None
    key: str = ""

    def where(self, key: str | None = None) -> str:
        """'run.jsonl:12 mean_ttft_ms', 'run.json benchmarks[0].metrics'."""
        place = shown(self.path) if self.line is None else f"{shown(self.path)}:{self.line}"
        inner = ".".join(part for part in (self.key, key) if part)
        return f"{place} {inner}" if inner else place

    def fail(self, key: str, what: str, fix: str, code: str = "bad-value") -> InputError:
        """An error to raise for a single bad value."""
        return InputError([Issue(code, self.where(key), what, fix)])

    def has(self, key: str) -> bool:
        """Whether a value is there and is not null."""
        return self.cells.get(key) is not None

    def text(self, key: str, default: str | None = None) -> str:
        """A printable text that is not empty, unless there is a default."""
        value = self.cells.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise self._wrong(key, value, "text")
        return value.strip()

    def number(self, key: str, *, least: float = 0.0, above: bool = False, most: float = MOST) -> float:
        """A finite number, at least `least` (or strictly above it) and at most `most`."""
        value = self.optional_number(key, least=least, above=above, most=most)
        if value is None:
            raise self._wrong(key, None, "a number")
        return value

    def optional_number(self, key: str, *, least: float = 0.0, above: bool = False, most: float = MOST) -> float | None:
        """As `number`; None where there is no such key, or null."""
        value = self.cells.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e300:
            raise self._wrong(key, value, "a finite number")
        number = float(value)
        if number < least or (above and number == least):
            bound = f"{'above' if above else 'at least'} {least:g}"
            raise self.fail(key, f"{number:g} is out of range", f"It must be {bound}")
        if 0 < abs(number) < LEAST or number > most:
            raise self.fail(key, f"{number:g} is out of range", f"It must be at most {most:,g}; check the unit")
        return number

    def whole(self, key: str, *, least: int = 1, most: int = 1_000_000_000) -> int:
        """A whole number, at least `least` and at most `most`."""
        value = self.number(key, least=least, most=most)
        if value != math.floor(value):
            raise self.fail(key, f"{value:g} is not a whole number", "Write a whole number")
        return int(value)

    def record(self, key: str) -> Record:
        """The object under a key."""
        value = self.cells.get(key)
        if not isinstance(value, dict):
            raise self._wrong(key, value, "an object")
        return Record(self.path, value, self.line, self._inside(key))

    def records(self, key: str) -> list[Record]:
        """The objects of the list under a key."""
        value = self.cells.get(key)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self._wrong(key, value, "a list of objects")
        return [Record(self.path, item, self.line, self._inside(f"{key}[{i}]")) for i, item in enumerate(value)]

    def numbers(self, key: str, *, least: float = 0.0) -> list[float]:
        """The finite numbers of the list under a key."""
        value = self.cells.get(key)
        if not isinstance(value, list):
            raise self._wrong(key, value, "a list of numbers")
        for i, item in enumerate(value):
            sound = isinstance(item, int | float) and not isinstance(item, bool) and least <= item <= MOST
            if not sound:
                raise self._wrong(f"{key}[{i}]", item, f"a number of at least {least:g}")
        return [float(item) for item in value]

    def _inside(self, key: str) -> str:
        return f"{self.key}.{key}" if self.key else key

    def _wrong(self, key: str, value: Any, wanted: str) -> InputError:
        if value is None:
            keys = [name[:60] for name in self.cells if name.isprintable()]
            return self.fail(key, f"is missing, where {wanted} belongs", did_you_mean(key, keys), "missing-key")
        found = "".join(c if c.isprintable() else " " for c in str(value)[:40])
        return self.fail(key, f"'{found}' is not {wanted}", f"Give {wanted}")


def read_json(path: Path, limit: int = JSON_LIMIT_BYTES) -> tuple[Any, str]:
    """The value of a JSON file and the SHA-256 of its bytes.

    Raises:
        InputError: as `read_text`, and for text that is no JSON, holds NaN or Infinity, or is nested too deep.
    """
    text, digest = read_text(path, limit)
    return parse_json(text, path), digest


def read_record(path: Path, limit: int = JSON_LIMIT_BYTES) -> tuple[Record, str]:
    """The one object that a JSON file holds, and the SHA-256 of its bytes.

    Raises:
        InputError: as `read_json`, and for a file that holds anything but an object.
    """
    value, digest = read_json(path, limit)
    if not isinstance(value, dict):
        kind = "a list" if isinstance(value, list) else "a bare value"
        raise InputError([Issue("bad-json", shown(path), f"holds {kind} where an object belongs", "Check the file")])
    return Record(path, value), digest


def parse_json(text: str, path: Path, line: int | None = None, *, nonfinite: bool = False) -> Any:
    """The value of a JSON text that stands in a file, on one line of it or over the whole.

    With `nonfinite`, NaN and Infinity come in as floats: some tools write them where nothing reads them, and a
    Record still refuses them as numbers.

    Raises:
        InputError: the text is no JSON, holds NaN or Infinity uncalled for, or is nested too deep.
    """

    def refuse(constant: str) -> NoReturn:
        at = f"{shown(path)}:{line}" if line else shown(path)
        fix = "A run that measured nothing has no place in a profile: take it out"
        raise InputError([Issue("bad-json", at, f"holds {constant}, which is no number", fix)])

    try:
        return json.loads(text, parse_constant=None if nonfinite else refuse)
    except json.JSONDecodeError as error:
        at = f"{shown(path)}:{line or error.lineno}"
        raise InputError([Issue("bad-json", at, f"is not valid JSON ({error.msg})", "Check how it ends")]) from None
    except (RecursionError, ValueError) as error:
        what = "is nested too deep" if isinstance(error, RecursionError) else "holds a number with too many digits"
        at = f"{shown(path)}:{line}" if line else shown(path)
        raise InputError([Issue("bad-json", at, what, "Check that it is the file you meant")]) from None


def json_lines(path: Path) -> Iterator[Record]:
    """The objects of a JSON-lines file, one at a time, so that its size does not matter.

    Raises:
        InputError: the file cannot be read, or a line is no JSON object.
    """
    try:
        with path.open("rb") as stream:
            number = 0
            while raw := stream.readline(LONGEST_LINE):
                number += 1
                if raw.strip():
                    yield _line(raw, path, number)
    except FileNotFoundError:
        raise InputError([Issue("missing-file", shown(path), "does not exist", "Check the path")]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        what = f"cannot be read ({reason})"
        raise InputError([Issue("unreadable", shown(path), what, "Check its name and permissions")]) from None


def _line(raw: bytes, path: Path, number: int) -> Record:
    if len(raw) >= LONGEST_LINE:
        raise _bad_line(path, number, "too-large", f"is longer than {LONGEST_LINE / 1e6:.0f} MB", "Split it")
    try:
        text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError:
        raise _bad_line(path, number, "not-utf8", "is not UTF-8", "Save the file as UTF-8") from None
    value = parse_json(text, path, number)
    if not isinstance(value, dict):
        raise _bad_line(path, number, "bad-json", "is not a JSON object", "Give one object a line")
    return Record(path, value, number)


def _bad_line(path: Path, number: int, code: str, what: str, fix: str) -> InputError:
    return InputError([Issue(code, f"{shown(path)}:{number}", what, fix)])
