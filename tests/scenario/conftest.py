from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fleetopt.errors import InputError, Issue
from fleetopt.scenario.load import load

SEED = """\
name: seed
calendar:
  start: 2027-Q1
  periods: 2
  slots: {night: 8 h, day: 16 h}
  outlooks: {low: 25 %, high: 75 %}
workloads:
  chat:
    model: deepseek-v3.1-terminus
    demand: 10 requests/s
    input_tokens: 6144
    output_tokens: 512
    slo: {ttft: 2 s, tpot: 20 ms}
supply:
  offers:
    h200: {offer: nebius-8xh200-on-demand-eu-north1}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """The working folder with a scenario.yaml in it, one text replaced, and further files by name."""
    monkeypatch.chdir(tmp_path)

    def write(old: str = "", new: str = "", files: dict[str, str] | None = None) -> Path:
        assert old in SEED
        everything = {"scenario.yaml": SEED.replace(old, new, 1) if old else SEED + new, **(files or {})}
        for name, text in everything.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def issues() -> Callable[[Path], tuple[Issue, ...]]:
    """Everything that is wrong with a scenario."""

    def find(path: Path) -> tuple[Issue, ...]:
        with pytest.raises(InputError) as refused:
            load(path)
        return refused.value.issues

    return find
