"""YAML, read from parser events rather than through a constructor.

No object is ever built from a tag, every value keeps its line, aliases are paid for by the node they expand to (so
a "billion laughs" file stops at a limit instead of filling memory), nesting is bounded before anything recurses,
and scalars follow YAML 1.2 (`no` is a word and `1:30` is not a number).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from fleetopt.documents.files import read_text, shown
from fleetopt.errors import InputError, Issue

Key: TypeAlias = tuple[str | int, ...]

YAML_LIMIT_BYTES = 4 * 1024 * 1024
NODE_LIMIT = 200_000
DEPTH_LIMIT = 32

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

    def beside(self, key: Key, name: str) -> Path:
        """A file that is named at `key`, relative to the file in which the key stands."""
        return self.lines.get(key, (self.path, 1))[0].parent / name

    def issue(self, code: str, key: Key, what: str, fix: str) -> Issue:
        """An issue that points at `key`."""
        return Issue(code, self.where(key), what, fix)


def read_yaml(path: Path) -> tuple[Document, str]:
    """A YAML file as a Document, and the SHA-256 of its bytes.

    Raises:
        InputError: the file cannot be read, is no YAML, repeats a key, or is too large once expanded.
    """
    text, digest = read_text(path, YAML_LIMIT_BYTES)
    return parse_yaml(text, path), digest


def parse_yaml(text: str, path: Path) -> Document:
    """A YAML text as a Document; `path` is what its errors call it.

    Raises:
        InputError: as `read_yaml`, for what the text holds.
    """
    import yaml

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
    return document


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
            if name == "<<" and not event.style:
                raise self._fail(
                    event, "uses a merge key '<<', which is not read", "Write the keys out, or 'include' a file"
                )
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
