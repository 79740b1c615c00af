"""The driver of AIConfigurator, against what the real tool returned, recorded in data/aiconfigurator/estimates.json.

The tool itself is not installed for the tests: a stand-in with its `cli_estimate` replays the recording and knows
nothing else, so a call that differs from what was recorded fails.
"""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from fleetopt.catalog.domain import DecodePoint, PrefillPoint
from fleetopt.errors import InputError
from fleetopt.ingest.profilers.aiconfigurator_run import Plan, Split, run_aiconfigurator
from fleetopt.ingest.reading import Told

QWEN = Plan("Qwen/Qwen3-32B", ("H200", "H100"), (Split(2),), input_lengths=(1024, 4096), batches=(1, 8, 64, 1024))
DEEPSEEK = Plan("deepseek-ai/DeepSeek-V3", ("H200",), (Split(1, 1, 8, 8),), input_lengths=(1024,), batches=(1, 16))


def _installed(monkeypatch: pytest.MonkeyPatch, estimate: object, version: str = "0.12.0") -> None:
    api = ModuleType("aiconfigurator.cli.api")
    api.cli_estimate = estimate  # type: ignore[attr-defined]
    for name in ("aiconfigurator", "aiconfigurator.cli"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "aiconfigurator.cli.api", api)
    monkeypatch.setattr(metadata, "version", lambda _: version)


@pytest.fixture
def recorded(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in with the recording."""
    entries = json.loads((data / "aiconfigurator/estimates.json").read_text(encoding="utf-8"))

    def estimate(model_path: str, system_name: str, **rest: Any) -> SimpleNamespace:
        arguments = {"model_path": model_path, "system_name": system_name, **rest}
        return SimpleNamespace(**next(entry for entry in entries if entry["arguments"] == arguments))

    _installed(monkeypatch, estimate)


@pytest.mark.usefixtures("recorded")
def test_every_gpu_type_gets_its_prefill_and_decode_points() -> None:
    """By hand on two H200: 1024 prompts/18313.6 tokens/s; 64 requests at 1024 + 256 tokens step in 15.357 ms."""
    reading = run_aiconfigurator(QWEN, Told())
    prefill, decode = reading.series[:2]
    assert [(one.setup.gpu_type, one.role) for one in reading.series] == [
        (gpu, role) for gpu in ("H200", "H100") for role in ("prefill", "decode")
    ]
    assert prefill.points[0] == PrefillPoint(1024, pytest.approx(18313.567))  # type: ignore[arg-type]
    assert DecodePoint(1280.0, 64, pytest.approx(0.015357, abs=1e-6)) in decode.points  # type: ignore[arg-type]
    assert {one.evidence for one in reading.series} == {"modelled"}
    assert decode.setup.engine == "trtllm 1.3.0rc20"


@pytest.mark.usefixtures("recorded")
def test_a_batch_that_does_not_fit_is_left_out_and_said() -> None:
    """1024 requests of either length are out of memory on every GPU type: four flags, no points."""
    reading = run_aiconfigurator(QWEN, Told())
    dropped = [flag.what for flag in reading.flags if flag.done == "dropped"]
    assert len(dropped) == 4
    assert all("does not fit" in what for what in dropped)
    batches = {p.batch for one in reading.series for p in one.points if isinstance(p, DecodePoint)}
    assert batches == {1, 8, 64}


@pytest.mark.usefixtures("recorded")
def test_batches_and_prompts_are_summed_over_data_parallel_groups() -> None:
    """Eight groups: eight prompts of 1024 at once, and 16 requests a group are the tool's own 128 in the replica."""
    prefill, decode = run_aiconfigurator(DEEPSEEK, Told()).series
    assert prefill.points[0] == PrefillPoint(1024, pytest.approx(36357.047))  # type: ignore[arg-type]
    assert [p.batch for p in decode.points if isinstance(p, DecodePoint)] == [8, 128]
    assert (decode.setup.gpus_per_replica, decode.setup.expert_parallel) == (8, 8)


def test_a_tool_that_is_not_there_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never a dependency: the error says what to install, or what to do instead."""

    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    with pytest.raises(InputError, match="not installed") as refused:
        run_aiconfigurator(QWEN, Told())
    assert "aiconfigurator==0.12.0" in refused.value.issues[0].fix


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its successors change names and figures."""
    _installed(monkeypatch, None, "0.13.0")
    with pytest.raises(InputError, match=r"is version 0\.13\.0"):
        run_aiconfigurator(QWEN, Told())


def test_a_tool_that_fails_everywhere_is_one_error_with_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it raises, the user sees one sentence and no traceback."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no such\nmodel")

    _installed(monkeypatch, fail)
    with pytest.raises(InputError, match="no such model"):
        run_aiconfigurator(QWEN, Told())


@pytest.mark.parametrize("ms", [float("nan"), float("inf"), 0.0, -1.0])
def test_a_time_that_is_none_is_refused(ms: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken estimate never becomes a point."""
    result = SimpleNamespace(ttft=ms, tpot=ms, kv_cache_warning=None, backend_version="1", raw={})
    _installed(monkeypatch, lambda *_, **__: result)
    with pytest.raises(InputError, match="estimates a time"):
        run_aiconfigurator(QWEN, Told())


@pytest.mark.usefixtures("recorded")
def test_a_gpu_type_that_the_tool_does_not_model_is_refused() -> None:
    """Before anything is estimated, with what there is."""
    with pytest.raises(InputError, match="models no GPU type 'H300'"):
        run_aiconfigurator(Plan("any", ("H300",), (Split(1),)), Told())
