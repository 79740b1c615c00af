"""Proves that `fleetopt ingest profiles` says what it understood, writes once, and refuses in one clear error."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetopt.ingest import formats
from tests.ingest.handmade import FakeFormat, write_fake

Run = Callable[..., subprocess.CompletedProcess[str]]
FACTS = ("--model", "llama-3.1-8b", "--gpu-type", "H100", "--gpus", 2, "--precision", "fp8", "--engine", "vllm 0.24.0")
POINTS = [[768, 1, 0.008], [768, 8, 0.0095]]


@pytest.fixture(autouse=True)
def _fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(formats, "FORMATS", (FakeFormat(),))
    monkeypatch.chdir(tmp_path)


def test_a_file_is_imported_once(fleetopt: Run, tmp_path: Path) -> None:
    """Proves the first run writes into ./models and says what and why, and the second says that nothing is new."""
    file = write_fake(tmp_path / "run.json", POINTS, flags=["TPOT falls"])
    first = fleetopt("ingest", "profiles", file, *FACTS)
    assert first.returncode == 0
    for words in (
        "run.json: fake",
        "rows are what they are",
        "not stated, so taken",
        "TPOT falls",
        "h100-tp2-fp8-vllm",
    ):
        assert words in first.stdout
    assert "written: models/llama-3.1-8b/configs.csv" in first.stdout
    second = fleetopt("ingest", "profiles", file, *FACTS)
    assert "nothing new for llama-3.1-8b" in second.stdout
    assert "written" not in second.stdout
    assert fleetopt("catalog", "--folder", "models").returncode == 0


def test_a_dry_run_writes_nothing(fleetopt: Run, tmp_path: Path) -> None:
    """Proves that --dry-run shows the same and leaves no folder behind."""
    file = write_fake(tmp_path / "run.json", POINTS)
    done = fleetopt("ingest", "profiles", file, *FACTS, "--dry-run")
    assert "would be written: models/llama-3.1-8b/decode.csv" in done.stdout
    assert not Path("models").exists()


def test_json_tells_what_was_done(fleetopt: Run, tmp_path: Path) -> None:
    """Proves that programs get the files with hashes, profiles, counts and paths."""
    file = write_fake(tmp_path / "run.json", POINTS)
    done = json.loads(fleetopt("ingest", "profiles", file, *FACTS, "--json").stdout)
    assert done["status"] == "WRITTEN"
    assert done["profiles"][0] | {"added": 2, "config": "h100-tp2-fp8-vllm"} == done["profiles"][0]
    assert len(done["files"][0]["sha256"]) == 64
    assert json.loads(fleetopt("ingest", "profiles", file, *FACTS, "--json").stdout)["status"] == "UNCHANGED"


def test_what_is_missing_or_contradicts_is_told_at_once(fleetopt: Run, tmp_path: Path) -> None:
    """Proves that one run is enough to learn every option that is needed."""
    file = write_fake(tmp_path / "run.json", POINTS, setup={"gpu_type": "H100"})
    done = fleetopt("ingest", "profiles", file)
    assert done.returncode == 2
    assert [f in done.stderr for f in ("--model", "--gpus", "--precision", "--engine", "--gpu-type")] == [True] * 4 + [
        False
    ]
    other = fleetopt("ingest", "profiles", file, "--gpu-type", "H200")
    assert "says gpu_type H100, and H200 was given" in other.stderr


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(max_size=20),
    word=st.sampled_from(["--model", "--config", "--engine", "--precision", "--gpu-type", "--folder", "--from-card"]),
)
def test_no_option_value_breaks_it(fleetopt: Run, tmp_path: Path, name: str, word: str) -> None:
    """Proves that any text as an option's value ends in success or in one clear error, and writes outside nowhere."""
    file = write_fake(tmp_path / "run.json", POINTS)
    done = fleetopt("ingest", "profiles", file, *FACTS, f"{word}={name}", "--dry-run")
    assert done.returncode in {0, 2}
    assert {path.name for path in tmp_path.iterdir()} == {"run.json"}
