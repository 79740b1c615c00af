"""Files from users, read with suspicion and with line numbers.

YAML is read from parser events rather than through a constructor: no object is ever built from a tag, every
value keeps its line, aliases are paid for by the node they expand to (so a "billion laughs" file stops at a
limit instead of filling memory), nesting is bounded before anything recurses, and scalars follow YAML 1.2
(`no` is a word and `1:30` is not a number). Tables are CSV with a header.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from fleetopt.errors import InputError, Issue, did_you_mean

Key: TypeAlias = tuple[str | int, ...]

YAML_LIMIT_BYTES = 4 * 1024 * 1024
TABLE_LIMIT_BYTES = 64 * 1024 * 1024
NODE_LIMIT = 200_000
DEPTH_LIMIT = 32

LEAST, MOST = 1e-9, 1e12
"""The smallest and largest numbers above zero that a table may hold: outside, a unit has been mistaken."""

_INT = re.compile(r"[-+]?[0-9]{1,40}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]{1,40}(\.[0-9]*)?)([eE][-+]?[0-9]{1,4})?")
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(slots=True)
class Document:
    """A parsed YAML file: plain values, and the file and line of every key path in them."""

    path: Path
    value: Any
    lines: dict[Key, tuple[Path, int]] = field(default_factory=dict)

    def where(self, key: Key = ()) -> str:
        """'scenario.yaml:41 workloads.chat.slo', for the longest prefix of `key` that stands in a file."""
        known = key
        while known and known not in self.lines:
            known = known[:-1]
        path, line = self.lines.get(known, (self.path, 1))
        name = ".".join(str(part)[:60] for part in key)
        return f"{shown(path)}:{line} {name}".rstrip()

    def issue(self, code: str, key: Key, what: str, fix: str) -> Issue:
        """An issue that points at `key`."""
        return Issue(code, self.where(key), what, fix)


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


def shown(path: Path) -> str:
    """A path as a person would write it: relative to the working folder where it is below it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError, RuntimeError):
        return str(path)


def stands(path: Path, kind: Literal["file", "folder", "anything"]) -> bool:
    """Whether something of a kind is at a path; no for names that no file system takes."""
    checks = {"file": path.is_file, "folder": path.is_dir, "anything": path.exists}
    try:
        return checks[kind]()
    except (OSError, ValueError):
        return False


def read_bytes(path: Path, limit: int, shown_as: str | None = None) -> bytes:
    """A whole file of at most `limit` bytes.

    Raises:
        InputError: the file is missing, is not a plain file, cannot be read, is empty or too large.
    """
    name = shown_as or shown(path)
    try:
        if path.is_dir():
            raise InputError([Issue("not-a-file", name, "is a folder", "Name a file")])
        if path.exists() and not path.is_file():
            raise InputError([Issue("not-a-file", name, "is not a plain file", "Name a plain file")])
        size = path.stat().st_size
        if size > limit:
            what = f"is {size / 1e6:.0f} MB, over the limit of {limit / 1e6:.0f} MB"
            raise InputError([Issue("too-large", name, what, "Split it, or check that it is the file you meant")])
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError([Issue("missing-file", name, "does not exist", _neighbours(path))]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        fix = "Check its name and permissions"
        raise InputError([Issue("unreadable", name, f"cannot be read ({reason})", fix)]) from None
    if not data.strip():
        raise InputError([Issue("empty-file", name, "is empty", "Fill it in, or take the reference to it out")])
    return data


def read_text(path: Path, limit: int) -> tuple[str, str]:
    """The text of a UTF-8 file and the SHA-256 of its bytes.

    Raises:
        InputError: as `read_bytes`, and for bytes that are no UTF-8 text.
    """
    data = read_bytes(path, limit)
    if b"\x00" in data:
        line = data[: data.index(b"\x00")].count(b"\n") + 1
        where = f"{shown(path)}:{line}"
        raise InputError([Issue("not-text", where, "holds binary data", "Give a UTF-8 text file")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        what = f"is not UTF-8 (byte 0x{data[error.start]:02x})"
        raise InputError([Issue("not-utf8", f"{shown(path)}:{line}", what, "Save the file as UTF-8")]) from None
    return text, hashlib.sha256(data).hexdigest()


def read_yaml(path: Path) -> tuple[Document, str]:
    """A YAML file as a Document, and the SHA-256 of its bytes.

    Raises:
        InputError: the file cannot be read, is no YAML, repeats a key, or is too large once expanded.
    """
    import yaml

    text, digest = read_text(path, YAML_LIMIT_BYTES)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document = Document(path, None)
    try:
        document.value = _Builder(document, yaml).build(yaml.parse(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        what = f"is not valid YAML ({error.problem or error.context or 'cannot be parsed'})"
        fix = "Check the indentation, colons and quotes on this line and the one above"
        raise InputError([Issue("bad-yaml", f"{shown(path)}:{line}", what, fix)]) from None
    except yaml.YAMLError as error:
        line = text[: getattr(error, "position", 0)].count("\n") + 1
        what = f"is not valid YAML ({str(error).splitlines()[0]})"
        fix = "Take out the character that cannot stand in a text file"
        raise InputError([Issue("bad-yaml", f"{shown(path)}:{line}", what, fix)]) from None
    return document, digest


class _Builder:
    """Turns YAML events into plain values, counting nodes and depth as it goes."""

    def __init__(self, document: Document, yaml: Any) -> None:
        self.document = document
        self.yaml = yaml
        self.count = 0
        self.anchors: dict[str, Any] = {}

    def build(self, events: Iterable[Any]) -> Any:
        stream = iter(events)
        value: Any = None
        documents = 0
        for event in stream:
            if isinstance(event, self.yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._fail(event, "holds more than one document", "Keep one; take out the '---' lines")
                value = self._value(next(stream), stream, ())
        return value

    def _fail(self, event: Any, what: str, fix: str) -> InputError:
        where = f"{shown(self.document.path)}:{event.start_mark.line + 1}"
        return InputError([Issue("bad-yaml", where, what, fix)])

    def _value(self, event: Any, stream: Iterator[Any], key: Key) -> Any:
        self._count(event, key)
        self.document.lines.setdefault(key, (self.document.path, event.start_mark.line + 1))
        if isinstance(event, self.yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise self._fail(event, f"alias '*{event.anchor}' has no anchor above it", "Define it first with '&'")
            return self._expand(event, self.anchors[event.anchor], len(key))
        if event.tag is not None and not event.tag.startswith("tag:yaml.org,2002:str") and event.tag != "!":
            raise self._fail(event, f"uses the tag '{event.tag[:60]}'", "Take it out: only plain values are read")
        if isinstance(event, self.yaml.ScalarEvent):
            value: Any = event.value if (event.style or event.tag) else _plain(event.value)
        elif isinstance(event, self.yaml.SequenceStartEvent):
            value = self._sequence(stream, key)
        else:
            value = self._mapping(stream, key)
        if event.anchor:
            self.anchors[event.anchor] = value
        return value

    def _sequence(self, stream: Iterator[Any], key: Key) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(stream), self.yaml.SequenceEndEvent):
            items.append(self._value(event, stream, (*key, len(items))))
        return items

    def _mapping(self, stream: Iterator[Any], key: Key) -> dict[str, Any]:
        items: dict[str, Any] = {}
        while not isinstance(event := next(stream), self.yaml.MappingEndEvent):
            if not isinstance(event, self.yaml.ScalarEvent):
                raise self._fail(event, "has a key that is not a word", "Quote the key, or check for stray braces")
            name = event.value
            if name in items:
                first = self.document.lines[(*key, name)][1]
                raise self._fail(event, f"repeats the key '{name[:60]}' of line {first}", "Keep one of the two")
            self._count(event, (*key, name))
            self.document.lines[(*key, name)] = (self.document.path, event.start_mark.line + 1)
            items[name] = None
            items[name] = self._value(next(stream), stream, (*key, name))
        return items

    def _count(self, event: Any, key: Key) -> None:
        self._count_at(event, len(key))

    def _count_at(self, event: Any, depth: int) -> None:
        self.count += 1
        if self.count > NODE_LIMIT:
            raise self._fail(event, f"expands to more than {NODE_LIMIT} values", "Put long lists into CSV tables")
        if depth > DEPTH_LIMIT:
            raise self._fail(event, f"is nested more than {DEPTH_LIMIT} deep", "Flatten it; a scenario needs 6 levels")

    def _expand(self, event: Any, value: Any, depth: int) -> Any:
        """A copy of an anchored value, each of its nodes counted again."""
        self._count_at(event, depth)
        if isinstance(value, dict):
            return {k: self._expand(event, v, depth + 1) for k, v in value.items()}
        if isinstance(value, list):
            return [self._expand(event, v, depth + 1) for v in value]
        return value


def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _SPECIAL_FLOAT.fullmatch(text):
        return float(text.replace(".", "", 1))
    return text


def read_table(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> tuple[list[Row], str]:
    """The rows of a CSV file with a header, and the SHA-256 of its bytes.

    Lines that start with '#' are comments; cells are stripped of blanks around them.

    Raises:
        InputError: the file cannot be read, lacks a column, has an unknown or repeated one, a row of another
            length than the header, or no rows.
    """
    text, digest = read_text(path, TABLE_LIMIT_BYTES)
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
            line = numbered[reader.line_num - 1][0]
            taken += 1
            if reader.line_num != taken:
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
    return rows, digest


def _check_header(
    path: Path, line: int, header: Sequence[str], required: Sequence[str], optional: Sequence[str]
) -> None:
    where = f"{shown(path)}:{line}"
    known = (*required, *optional)
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


def _neighbours(path: Path) -> str:
    """The most similar name beside a missing file, for the fix of its error."""
    try:
        names = [p.name for p in path.parent.iterdir()]
    except OSError:
        return f"There is no folder {shown(path.parent)} either"
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"Did you mean '{close[0]}'?" if close else "Check the path"
