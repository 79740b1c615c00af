"""`fleetopt ingest forecast`: tables, JSON, files, and what it refuses."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Three weeks of days at the end of 2026."""
    rows = [f"{date(2026, 12, 11) + timedelta(days=i)},{100 + i % 7 + i % 3}" for i in range(21)]
    path = tmp_path / "history.csv"
    path.write_text("\n".join(["date,requests_per_s", *rows, ""]))
    return path


def test_tables_show_demand_and_back_test(fleetopt: Run, history: Path) -> None:
    """A person sees demand by outlook, the error of every candidate, and that the horizon is long."""
    done = fleetopt("ingest", "forecast", history, "--calendar-start", "2027-01")
    assert done.returncode == 0
    for part in ("base (p50)", "SeasonalNaive", "inside 80 %", "30.0 %, 40.0 %, 30.0 %", "further ahead"):
        assert part in done.stdout


def test_json_and_files_agree(fleetopt: Run, history: Path, tmp_path: Path) -> None:
    """The demand table holds the forecasts that are printed, under the outlooks of the other rule."""
    out = tmp_path / "out"
    words = ("ingest", "forecast", history, "--calendar-start", "2027-Q1", "--periods", 2, "--name", "chat")
    done = fleetopt(*words, "--rule", "pearson-tukey", "-o", out, "--json")
    record = json.loads(done.stdout)
    with (out / "demand.csv").open() as stream:
        rows = [float(row["requests_per_s"]) for row in csv.DictReader(stream)]
    assert rows == [rps for _, demand in record["forecasts"][0]["periods"] for rps in demand]
    calendar = yaml.safe_load((out / "forecast.yaml").read_text())["calendar"]
    assert calendar["outlooks"] == {"low": 0.185, "base": 0.63, "high": 0.185}
    assert calendar["periods"] == 2
    assert fleetopt(*words, "-o", out).returncode == 2


def test_a_trace_becomes_a_whole_workload(fleetopt: Run, tmp_path: Path) -> None:
    """From a trace of days, the forecast has the lengths and slots of the trace as well as its demand."""
    trace, out = tmp_path / "trace.csv", tmp_path / "out"
    times = (1_800_000_000 + t for t in range(0, 17 * 86_400, 1800) if t % 86_400 < 50_000 or t % 5400)
    trace.write_text("timestamp,input_tokens,output_tokens\n" + "".join(f"{t},100,10\n" for t in times))
    words = ("--calendar-start", "2027-03", "--periods", 1, "--name", "chat", "--model", "qwen3-32b")
    assert fleetopt("ingest", "forecast", trace, *words, "-o", out).returncode == 0
    assert {path.name for path in out.iterdir()} == {"forecast.yaml", "demand.csv", "hours.csv", "lengths.csv"}
    written = yaml.safe_load((out / "forecast.yaml").read_text())
    assert written["workloads"]["chat"]["demand"] == {"table": "demand.csv"}
    assert (written["workloads"]["chat"]["model"], written["workloads"]["chat"]["lengths"]) == (
        "qwen3-32b",
        "lengths.csv",
    )
    assert "peak" in written["calendar"]["slots"]


@pytest.mark.parametrize(
    "options",
    [
        ("--calendar-start", "soon"),
        ("--calendar-start", "2027-01", "--only", "nobody"),
        ("--calendar-start", "2027-01", "--model", "nobody=x"),
        ("--calendar-start", "2020-01"),
        (),
    ],
)
def test_what_cannot_be_forecast_is_refused(fleetopt: Run, history: Path, options: tuple[str, ...]) -> None:
    """A wrong option ends in exit code 2 and a sentence on stderr."""
    done = fleetopt("ingest", "forecast", history, *options)
    assert done.returncode == 2
    assert done.stderr
