"""Finds scenario.yaml, merges what it includes, and turns schema errors into issues with a place and a fix."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from fleetopt.catalog.domain import InputFile
from fleetopt.catalog.roots import shipped
from fleetopt.documents import Document, Key, read_yaml, shown, stands
from fleetopt.errors import InputError, Issue, did_you_mean
from fleetopt.scenario.schema import ScenarioFile
from fleetopt.scenario.shape import keys_at

FILE_NAME = "scenario.yaml"
INCLUDE_LIMIT = 32


def find_scenario(path: Path) -> Path:
    """The scenario.yaml meant by a folder, a file, or the bare name of a shipped scenario.

    Raises:
        InputError: there is nothing of the kind.
    """
    by_name = shipped("scenarios") / path / FILE_NAME
    if stands(path, "folder"):
        path = path / FILE_NAME
    elif not stands(path, "anything") and len(path.parts) == 1 and stands(by_name, "file"):
        path = by_name
    if not stands(path, "anything") and path.name != FILE_NAME and path.suffix not in (".yaml", ".yml"):
        names = sorted(p.parent.name for p in shipped("scenarios").glob(f"*/{FILE_NAME}"))
        fix = f"Name a folder that holds a {FILE_NAME}, or a shipped scenario ({', '.join(names)})"
        raise InputError([Issue("missing-scenario", shown(path), "does not exist", fix)])
    return path


def read_document(path: Path) -> tuple[Document, list[InputFile]]:
    """A scenario file with everything it includes laid below it, and the files it came from.

    Raises:
        InputError: a file cannot be read, or is no mapping of keys.
    """
    files: list[InputFile] = []
    document = _Reader(path.parent, files).merged(path, ())
    if not isinstance(document.value, dict):
        what = "is not a mapping of keys to values"
        raise InputError([document.issue("not-a-mapping", (), what, "Begin with 'name: ...'")])
    if {"placements", "verdict"} <= document.value.keys():
        raise InputError([Issue("not-a-scenario", shown(path), "is a plan", f"Name the {FILE_NAME} that it is of")])
    return document, files


def checked(document: Document) -> ScenarioFile:
    """The validated contents of a scenario.

    Raises:
        InputError: with every problem of every field, not only the first.
    """
    try:
        return ScenarioFile.model_validate(document.value)
    except ValidationError as error:
        issues = [_issue(document, details) for details in error.errors(include_url=False)]
        raise InputError(sorted(issues, key=_by_line)) from None


class _Reader:
    """Reads a scenario and what it includes, counting every read."""

    def __init__(self, base: Path, files: list[InputFile]) -> None:
        self._base = base
        self._files = files
        self._reads = 0

    def merged(self, path: Path, trail: tuple[Path, ...]) -> Document:
        """A document laid over the ones it includes: the including file wins, later includes over earlier ones."""
        document, digest = read_yaml(path)
        self._reads += 1
        if self._reads > INCLUDE_LIMIT:
            what = f"makes it more than {INCLUDE_LIMIT} files"
            raise InputError([document.issue("too-many-includes", (), what, "Include fewer, and each only once")])
        name = input_name(path, self._base)
        if all(f.name != name for f in self._files):
            self._files.append(InputFile(name, digest))
        if trail and not isinstance(document.value, dict):
            fix = "Write keys under which it is merged, like 'supply:'"
            raise InputError([document.issue("not-a-mapping", (), "is included and holds no keys", fix)])
        below = Document(path, {}, {(): (path, 1)})
        for index, entry in enumerate(_includes(document)):
            target = _include_target(document, index, entry, (*trail, path))
            _lay_over(below, self.merged(target, (*trail, path)))
        if not below.value:
            return document
        _lay_over(below, document)
        return below


def _includes(document: Document) -> list[Any]:
    entries = document.value.get("include", []) if isinstance(document.value, dict) else []
    return entries if isinstance(entries, list) else []


def _include_target(document: Document, index: int, entry: Any, trail: tuple[Path, ...]) -> Path:
    key: Key = ("include", index)
    if not isinstance(entry, str) or Path(entry).is_absolute():
        fix = "Write a path relative to this file, like '../common/offers.yaml'"
        raise InputError([document.issue("bad-include", key, "is not a relative path", fix)])
    target = document.path.parent / entry
    if not stands(target, "file"):
        what = f"'{entry[:80]}' " + ("is no file" if stands(target, "anything") else "does not exist")
        raise InputError([document.issue("missing-file", key, what, f"It is looked for at {shown(target)[:200]}")])
    if target.resolve() in {p.resolve() for p in trail}:
        chain = " -> ".join(p.name for p in (*trail, target))
        fix = "Take one of the includes out"
        raise InputError([document.issue("circular-include", key, f"includes itself ({chain})", fix)])
    return target


def input_name(path: Path, base: Path) -> str:
    """What a plan calls a file that a scenario read: its path from the scenario's folder."""
    try:
        return path.resolve().relative_to(base.resolve()).as_posix()
    except ValueError:
        return f"../{path.resolve().parent.name}/{path.name}"


def _lay_over(below: Document, above: Document) -> None:
    """Merges `above` into `below`: mappings key by key, anything else as a whole."""
    below.value = _merged(below.value, above.value)
    below.lines |= above.lines


def _merged(below: Any, above: Any) -> Any:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    # Keys keep the order they were written in, the included file's first, so that a plan is the same every time.
    kept = {key: _merged(value, above[key]) if key in above else value for key, value in below.items()}
    return kept | {key: value for key, value in above.items() if key not in below}


def _issue(document: Document, details: ErrorDetails) -> Issue:
    key = tuple(part for part in details["loc"] if part != "[key]")
    if key[-1:] == ("base",) and key not in document.lines:
        key = key[:-1]  # the rate was written straight under 'demand'
    kind, value = details["type"], details["input"]
    if kind == "extra_forbidden":
        return document.issue("unknown-key", key, "unknown key", did_you_mean(str(key[-1]), keys_at(key)))
    if kind == "missing":
        return document.issue("missing-key", key[:-1], f"has no '{key[-1]}'", f"Add '{key[-1]}'")
    if kind in ("model_type", "dict_type"):
        return document.issue("not-a-mapping", key, f"{_quoted(value)} is not a mapping", _keys_fix(key))
    if kind == "literal_error":
        options = [option.strip("'") for option in re.findall(r"'[^']*'|\d+", details["ctx"]["expected"])]
        return document.issue(
            "bad-value", key, f"{_quoted(value)} is not a choice here", did_you_mean(str(value), options)
        )
    if kind in _PLAIN:
        what, fix = _PLAIN[kind]
        limits = [f"{limit:,g}" for limit in details.get("ctx", {}).values() if isinstance(limit, int | float)]
        what = f"{what} {limits[0]}" if limits and kind != "too_short" else what
        return document.issue("bad-value", key, f"{_quoted(value)} {what}", fix)
    what, _, fix = details["msg"].removeprefix("Value error, ").partition("; ")
    return document.issue("bad-value", key, f"{_quoted(value)} {what}", fix[:1].upper() + fix[1:])


_NUMBER = "Write a plain number, without quotes or unit"
_WHOLE = "Write a plain whole number, without quotes or unit"
_PLAIN = {
    "float_type": ("is not a number", _NUMBER),
    "int_type": ("is not a whole number", _WHOLE),
    "finite_number": ("is not a finite number", _NUMBER),
    "greater_than": ("is not more than", "Write a larger number"),
    "greater_than_equal": ("is less than", "Write a larger number"),
    "less_than": ("is not less than", "Write a smaller number, and check the unit"),
    "less_than_equal": ("is more than", "Write a smaller number, and check the unit"),
    "string_type": ("is not text", "Write text, in quotes if it looks like a number"),
    "string_too_long": ("is longer in characters than", "Shorten it"),
    "string_too_short": ("is shorter in characters than", "Write something"),
    "too_long": ("is longer than", "Shorten it"),
    "list_type": ("is not a list", "Write '[a, b]' or lines that begin with '- '"),
    "too_short": ("is empty", "Write at least one entry, or take the key out"),
}
"""What pydantic's own errors mean to the person who wrote the file: what is wrong, and the fix."""


def _quoted(value: Any) -> str:
    text = "nothing" if value is None else f"'{value}'"
    return text if len(text) <= 60 else text[:57] + "...'"


def _keys_fix(key: Key) -> str:
    known = keys_at((*key, ""))
    return f"Write keys under it: {', '.join(known)}" if known else "Write 'key: value' lines under it"


def _by_line(issue: Issue) -> tuple[str, int]:
    file, _, line = issue.where.split(" ")[0].rpartition(":")
    return file, int(line) if line.isdigit() else 0
