"""Runs the command line inside this process, or in one of its own where signals and pipes matter."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fleetopt.cli.main import main

ENTRY = "from fleetopt.cli import entry; entry()"

SEED = """\
name: seed
calendar:
  start: 2027-Q1
workloads:
  chat:
    model: deepseek-v3.1-terminus
    demand: 5 M tokens/min
    input_tokens: 6144
    output_tokens: 512
    slo: {ttft: 2 s, tpot: 20 ms}
    ttft_overhead: {fixed: 100 ms}
    decode_fit: quadratic
supply:
  offers:
    h200: {offer: nebius-8xh200-on-demand-eu-north1}
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def fleetopt(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line, in this process: `fleetopt("plan", folder)`."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        words = ["fleetopt", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", words)
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        printed = capsys.readouterr()
        code = stop.value.code or 0
        assert isinstance(code, int)
        assert "Traceback" not in printed.out + printed.err
        return subprocess.CompletedProcess(words, code, printed.out, printed.err)

    return run


@pytest.fixture
def process(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """The command line in a process and a process group of its own, running in `tmp_path`."""

    def start(*arguments: object, code: str = ENTRY, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, **environment},
            start_new_session=True,
        )

    return start


@pytest.fixture
def seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A scenario folder in the working folder: the seed paper's case with one text replaced by another."""
    monkeypatch.chdir(tmp_path)

    def write(old: str = "", new: str = "", folder: str = "q3") -> Path:
        assert old in SEED
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "scenario.yaml").write_text(SEED.replace(old, new, 1) if old else SEED, encoding="utf-8")
        return Path(folder)

    return write
