"""Proves that `fleetopt ingest aiconfigurator` drives the estimator into profiles, or says what it lacks."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
RECORDING = Path(__file__).parent.parent / "ingest/profilers/data/aiconfigurator/estimates.json"
QWEN = ("ingest", "aiconfigurator", "Qwen/Qwen3-32B", "--gpu-type", "H200", "--split", "tp2")
FEW = ("--input-tokens", 1024, "--input-tokens", 4096, "--batch", 1, "--batch", 8, "--batch", 64)


@pytest.fixture(autouse=True)
def _recorded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A stand-in for the tool that replays what the real one returned."""
    entries = json.loads(RECORDING.read_text(encoding="utf-8"))

    def estimate(model_path: str, system_name: str, **rest: Any) -> SimpleNamespace:
        arguments = {"model_path": model_path, "system_name": system_name, **rest}
        return SimpleNamespace(**next(entry for entry in entries if entry["arguments"] == arguments))

    api = ModuleType("aiconfigurator.cli.api")
    api.cli_estimate = estimate  # type: ignore[attr-defined]
    for name in ("aiconfigurator", "aiconfigurator.cli"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "aiconfigurator.cli.api", api)
    monkeypatch.setattr(metadata, "version", lambda _: "0.12.0")
    monkeypatch.chdir(tmp_path)


def test_one_command_makes_modelled_profiles(fleetopt: Run) -> None:
    """Proves that estimates become profiles of the catalog's own model, marked as modelled, once."""
    done = fleetopt(*QWEN, *FEW)
    assert done.returncode == 0, done.stderr
    assert "models: 'Qwen/Qwen3-32B' is our qwen3-32b" in done.stdout
    with Path("models/qwen3-32b/configs.csv").open(encoding="utf-8") as stream:
        (config,) = csv.DictReader(line for line in stream if not line.startswith("#"))
    assert (config["evidence"], config["gpus_per_replica"], config["gpu_type"]) == ("modelled", "2", "H200")
    assert "nothing new for qwen3-32b" in fleetopt(*QWEN, *FEW).stdout


def test_without_the_tool_one_error_says_what_to_install(fleetopt: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that AIConfigurator is no dependency: exit code 2, one line, the version to install."""

    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    done = fleetopt(*QWEN)
    assert done.returncode == 2
    assert done.stderr.count("error:") == 1
    assert "Install aiconfigurator==0.12.0" in done.stderr


@pytest.mark.parametrize("split", ["2", "tp0", "tp2-ep3", "ep2-tp2", "tp2 "])
def test_a_split_that_cannot_be_is_refused(fleetopt: Run, split: str) -> None:
    """Proves that a word that is no split, or experts that do not divide its GPUs, stop before any estimate."""
    done = fleetopt(*QWEN[:-1], split)
    assert done.returncode == 2
    assert "--split" in done.stderr


def test_an_unknown_gpu_type_is_named_with_its_neighbours(fleetopt: Run) -> None:
    """Proves that a GPU type that the tool does not model is one error that suggests those it does."""
    done = fleetopt("ingest", "aiconfigurator", "Qwen/Qwen3-32B", "--gpu-type", "H20", "--split", "tp2")
    assert done.returncode == 2
    assert "'H20'" in done.stderr
    assert "H200" in done.stderr
