"""Proves that what is imported plans as it is: true files in, a verified plan out, no edit between."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
DATA = Path(__file__).parent.parent / "ingest"
SUPPLY = "supply: {offers: {h100: {offer: nebius-8xh100-on-demand-eu-north1}}}\n"
TRACED = """\
name: traced
include: [trace/workload.yaml]
calendar: {start: 2027-Q1}
workloads: {chat: {slo: {ttft: 1 s at p90, tpot: 40 ms}%s}}
"""
BENCHED = """\
name: benched
calendar: {start: 2027-Q1}
workloads:
  chat:
    model: llama-3.1-8b
    demand: 200 requests/s
    input_tokens: 256
    output_tokens: 32
    slo: {ttft: 40 ms at p99, tpot: 8 ms at p99}
"""


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "more", ["", ", pooled: true", ", buckets: {input_edges: [1000]}"], ids=["mix", "pool", "buckets"]
)
def test_a_trace_becomes_a_verified_plan(fleetopt: Run, more: str) -> None:
    """Proves trace -> workload.yaml -> plan -> verify for a mix in one queue each, in a pool, and in buckets."""
    trace = DATA / "traces/data/azure_2023_conv_head.csv"
    assert (
        fleetopt("ingest", "trace", trace, "--model", "llama-3.1-70b", "--name", "chat", "-o", "trace").returncode == 0
    )
    Path("scenario.yaml").write_text(TRACED % more + SUPPLY, encoding="utf-8")
    assert fleetopt("plan", ".", "-o", "out").returncode == 0
    verified = fleetopt("verify", "out", ".")
    assert (verified.returncode, verified.stderr) == (0, "")


FORECAST = """\
name: forecast-driven
include: [forecast/forecast.yaml]
workloads:
  chat: {input_tokens: 1000, output_tokens: 200, demand: {factor: 0.2}, slo: {ttft: 1 s, tpot: 25 ms}}
changes: {role_flip: 30 s, model_load: 1 min, loading: 5 GB/s, per_change: 8, source: assumed}
"""


@pytest.mark.slow
def test_a_forecast_becomes_a_schedule(fleetopt: Run) -> None:
    """Proves docs/ingest-traces.md: two weeks of ServeGen -> a forecast in runs of hours, with outlooks -> changes in
    force -> a verified plan whose schedule leads from slot to slot around the clock, in every period and outlook.

    Sensitivity: levels would let a change lead from the busiest hours to the next busiest, whenever those are.
    """
    past = DATA / "traces/data/servegen_hourly_head.csv"
    words = ("--trace-start", "2026-12-07", "--calendar-start", "2027-01", "--periods", 2, "--slots", 4, "--in-order")
    named = ("--name", "chat", "--model", "qwen3-32b", "-o", "forecast")
    assert fleetopt("ingest", "forecast", past, *words, *named).returncode == 0
    Path("scenario.yaml").write_text(FORECAST + SUPPLY, encoding="utf-8")
    assert fleetopt("plan", ".", "-o", "out", "--gap", "2 %").returncode == 0
    assert fleetopt("verify", "out", ".").returncode == 0
    plan = json.loads(Path("out/plan.json").read_text())
    slots = list(dict.fromkeys(row["slot"] for row in plan["workloads"]))
    assert slots[0] == "peak"
    before = dict(zip(slots, [slots[-1], *slots[:-1]], strict=True))
    assert {(row["after"], row["slot"]) for row in plan["changes"]} <= {(b, s) for s, b in before.items()}
    assert {(row["period"], row["outlook"]) for row in plan["changes"]} >= {(p, "base") for p in ("2027-01", "2027-02")}
    assert Path("out/changes.csv").read_text().count("\n") == 1 + len(plan["changes"])
    asked = {(r["period"], r["slot"], r["outlook"]) for r in json.loads(Path("out/ratios.json").read_text())["lines"]}
    assert asked == {(row["period"], row["slot"], row["outlook"]) for row in plan["workloads"]}


def test_a_benchmark_becomes_a_verified_plan_at_its_percentiles(fleetopt: Run) -> None:
    """Proves vLLM's file -> models/ -> percentiles read back -> a plan that rests on them, not on a model of tails."""
    file = DATA / "benchmarks/data/vllm-0.33.0-append.json"
    facts = ("--model", "llama-3.1-8b", "--gpu-type", "H100", "--gpus", 1, "--precision", "fp8", "--engine", "vllm")
    assert fleetopt("ingest", "profiles", file, *facts).returncode == 0
    Path("scenario.yaml").write_text(BENCHED + SUPPLY, encoding="utf-8")
    plan = json.loads(fleetopt("plan", ".", "--json").stdout)
    assert [one["config"] for one in plan["placements"]] == ["h100-tp1-fp8-vllm"]
    assert "read from the percentiles measured at fixed concurrency" in json.dumps(plan)
    assert fleetopt("check", ".").returncode == 0
    shown = ("profile", "show", "llama-3.1-8b", "--scenario", ".", "--gpu", "H100")
    assert fleetopt(*shown).stdout.count("planned at p99") == 2
    marks = [p for p in json.loads(fleetopt(*shown, "--json").stdout)["points"] if p["what"] == "operating point"]
    assert marks[0]["y"] == pytest.approx(0.040)
    assert 7.4 < marks[1]["y"] <= 8.0
