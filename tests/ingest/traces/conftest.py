from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fleetopt.errors import InputError, Issue

DATA = Path(__file__).parent / "data"

MONDAY_US = int(datetime(2027, 1, 4, tzinfo=UTC).timestamp()) * 1_000_000

Request = tuple[float, int, int]
"""Seconds after Monday's midnight, input tokens, output tokens."""


@pytest.fixture
def data() -> Path:
    """The heads of published traces."""
    return DATA


def table(requests: Iterable[Request], models: Sequence[str] | None = None) -> str:
    """A generic CSV table of requests, in microseconds since 1970."""
    rows = [f"{MONDAY_US + round(t * 1_000_000)},{i},{o}" for t, i, o in requests]
    if models is None:
        return "\n".join(["timestamp,input_tokens,output_tokens", *rows, ""])
    named = [f"{row},{model}" for row, model in zip(rows, models, strict=True)]
    return "\n".join(["timestamp,input_tokens,output_tokens,model", *named, ""])


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A file with this content, in the working folder."""
    monkeypatch.chdir(tmp_path)

    def write(content: str | bytes, name: str = "trace.csv") -> Path:
        path = tmp_path / name
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
