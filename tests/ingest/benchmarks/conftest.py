"""The real files of `data/`, read as they are or with some of their values changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleetopt.catalog.domain import Role
from fleetopt.errors import InputError, Issue
from fleetopt.ingest.formats import read_profiles
from fleetopt.ingest.reading import Reading, Setup, Told

DATA = Path(__file__).parent / "data"
NOTHING = Setup()

Read = Callable[..., Reading]
Refused = Callable[..., Issue]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Reads a file of `data/`, or one object of it with changes, by whatever format recognises it."""
    monkeypatch.chdir(tmp_path)

    def ask(
        name: str, changes: dict[str, Any] | None = None, role: Role | None = None, told: Setup = NOTHING
    ) -> Reading:
        path = DATA / name
        if changes is not None:
            content = json.JSONDecoder().raw_decode(path.read_text(encoding="utf-8"))[0]
            for place, value in changes.items():
                _put(content, place.split("/"), value)
            path = tmp_path / name
            path.write_text(json.dumps(content), encoding="utf-8")
        return read_profiles(path, Told(told, role))

    return ask


@pytest.fixture
def refused(read: Read) -> Refused:
    """The one issue for which a file is refused."""

    def ask(*arguments: Any, **named: Any) -> Issue:
        with pytest.raises(InputError) as error:
            read(*arguments, **named)
        (issue,) = error.value.issues
        return issue

    return ask


def _put(content: Any, place: list[str], value: Any) -> None:
    """Sets a value, or takes the key out where the value is the word 'absent'."""
    for key in place[:-1]:
        content = content[int(key) if key.isdigit() else key]
    if value == "absent":
        del content[place[-1]]
    else:
        content[place[-1]] = value
