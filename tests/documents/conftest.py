from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fleetopt.errors import InputError, Issue


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | bytes], Path]:
    """A file with this content, in the working folder."""
    monkeypatch.chdir(tmp_path)

    def write(content: str | bytes) -> Path:
        path = tmp_path / "file"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def issue() -> Callable[..., Issue]:
    """The one issue that a call raises."""

    def find(call: Callable[..., object], *arguments: object) -> Issue:
        with pytest.raises(InputError) as refused:
            call(*arguments)
        (found,) = refused.value.issues
        return found

    return find
