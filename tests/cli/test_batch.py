"""Every verb on a scenario with batch work: none of them takes it for requests that arrive."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
Seed = Callable[..., Path]

BULK = """  bulk:
    model: deepseek-v3.1-terminus
    batch: {work: 5 M requests, slots: [night]}
    input_tokens: 6144
    output_tokens: 512
    ttft_overhead: {fixed: 100 ms}
    decode_fit: quadratic
    priority: 2
    shortfall: {allowed: 10 %, usd_per_request: 0.01}
"""


@pytest.fixture
def folder(seed: Seed) -> Path:
    """The seed paper's workload beside work that is done by night."""
    path = seed("supply:\n", BULK + "supply:\n")
    file = path / "scenario.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("  start: 2027-Q1\n", "  start: 2027-Q1\n  slots: {night: 8 h, day: 16 h}\n"), "utf-8")
    return path


def test_check_and_capacity_tell_an_even_rate_and_no_promise(fleetopt: Run, folder: Path) -> None:
    """Proves that the rate of work that is shown is the one it takes if done evenly: 5 M in 90 nights of 8 h."""
    checked = fleetopt("check", folder)
    assert "1.93 (batch, even)" in checked.stdout
    told = json.loads(fleetopt("check", folder, "--json").stdout)
    assert [(w["workload"], w["batch"]) for w in told["workloads"]] == [("chat", False), ("bulk", True)]
    assert told["workloads"][1]["peak_rps"] == pytest.approx(5e6 / (90 * 8 * 3600))
    assert fleetopt("capacity", folder).returncode == 0


def test_plan_verify_and_report_agree_on_the_work(fleetopt: Run, folder: Path) -> None:
    """Proves that a stored plan with work is read, verified and reported as it was written."""
    planned = fleetopt("plan", folder, "-o", "out")
    assert planned.returncode == 0, planned.stderr
    assert "Work by its deadline" in planned.stdout
    assert "who goes short first" in planned.stdout
    stored = json.loads(Path("out/plan.json").read_text(encoding="utf-8"))
    (work,) = stored["work"]
    assert work["done_requests"] >= 0.9 * 5e6
    assert {w["slot"] for w in stored["workloads"] if w["workload"] == "bulk" and w["asked_rps"] > 0} == {"night"}
    assert fleetopt("verify", "out/plan.json", folder).returncode == 0
    assert fleetopt("report", "out/plan.json", folder, "-o", "again").returncode == 0
    stored["work"][0]["done_requests"] *= 0.5
    Path("out/plan.json").write_text(json.dumps(stored), encoding="utf-8")
    assert fleetopt("verify", "out/plan.json", folder).returncode == 5


@pytest.mark.parametrize("verb", ["explain", "baselines", "alternatives"])
def test_studies_run_with_work(fleetopt: Run, folder: Path, verb: str) -> None:
    """Proves that what solves again and again keeps the work, and says so without failing."""
    answer = fleetopt(verb, folder, "--gap", "5%")
    assert answer.returncode == 0, answer.stderr


def test_compare_tells_what_more_work_costs(fleetopt: Run, folder: Path) -> None:
    """Proves that two scenarios that differ in their work are compared by it."""
    more = Path("more")
    more.mkdir()
    text = (folder / "scenario.yaml").read_text(encoding="utf-8")
    (more / "scenario.yaml").write_text(text.replace("5 M requests", "50 M requests"), encoding="utf-8")
    answer = fleetopt("compare", folder, more, "--gap", "5%")
    assert answer.returncode == 0, answer.stderr
    assert "workloads.bulk.batch.works.amount.requests" in answer.stdout


def test_too_much_work_is_answered_with_repairs(fleetopt: Run, folder: Path) -> None:
    """Proves exit code 3 and that the work is what is named and made less, or the limit raised."""
    file = folder / "scenario.yaml"
    text = file.read_text(encoding="utf-8").replace("eu-north1}", "eu-north1, max_nodes: 9}")
    file.write_text(text.replace("5 M requests", "200 M requests"), encoding="utf-8")
    answer = fleetopt("plan", folder)
    assert answer.returncode == 3
    assert "demand of bulk" in answer.stderr + answer.stdout
    assert "offer h200" in answer.stderr + answer.stdout
