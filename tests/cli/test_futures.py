"""fleetopt futures: what it prints, writes and refuses."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
Seed = Callable[..., Path]

OFFER = "h200: {offer: nebius-8xh200-on-demand-eu-north1}"
RESERVE = "kept: {node_type: 8xH200, kind: reserved, price: 18 USD/node/h, term_months: 3}"
CALENDAR = "start: 2027-Q1"
FUTURES = f"{CALENDAR}\n  outlooks: {{low: 70 %, high: 30 %}}"


@pytest.fixture
def uncertain(seed: Seed) -> Path:
    """The seed paper's case with a reservation, and three times the demand in 30 % of the futures."""
    folder = seed(OFFER, f"{OFFER}\n    {RESERVE}")
    file = folder / "scenario.yaml"
    text = file.read_text().replace(CALENDAR, FUTURES)
    file.write_text(text.replace("5 M tokens/min", "{base: 5 M tokens/min, outlooks: {high: 300 %}}"))
    return folder


def test_the_same_figures_on_screen_in_json_and_on_disk(fleetopt: Run, uncertain: Path) -> None:
    """Proves: values and regrets are one set of figures, each choice of orders on disk is a plan that verifies, and the
    last line says which orders lie where.
    Sensitivity: a table of its own would drift from the file; folders are numbers, and no row of the table has one."""
    told = fleetopt("futures", uncertain, "-o", "fut")
    assert told.returncode == 0
    found = json.loads(fleetopt("futures", uncertain, "--json").stdout)
    assert found == json.loads(Path("fut/futures.json").read_text())
    assert found["complete"]
    for key in ("plan", "wait_and_see", "perfect_information", "mean_orders", "stochastic_solution", "least_regret"):
        assert f"{found[key]['usd']:,.2f}" in told.stdout
    rows = list(csv.DictReader(io.StringIO(Path("fut/regret.csv").read_text())))
    cells = [cell for one in found["choices"] for cell in one["outlooks"]]
    assert [float(row["regret_usd"]) for row in rows] == [cell["regret_usd"] for cell in cells]
    assert "written: fut/futures.json, fut/regret.csv, fut/1 (the plan" in told.stdout
    for row in rows:
        assert f"fut/{row['plan']} ({row['orders']})" in told.stdout
        assert fleetopt("verify", f"fut/{row['plan']}", uncertain).returncode == 0


def test_a_folder_that_is_there_is_not_written_into(fleetopt: Run, uncertain: Path) -> None:
    """Proves: a folder with something in it is refused before any work. Sensitivity: figures of two runs would mix."""
    Path("fut").mkdir()
    Path("fut/mine").write_text("x")
    answer = fleetopt("futures", uncertain, "-o", "fut")
    assert (answer.returncode, answer.stdout) == (2, "")


def test_time_that_runs_out_is_said(fleetopt: Run, uncertain: Path) -> None:
    """Proves: with the plan given and no time for anything else, what is missing is a dash and is called missing.
    Sensitivity: zeros would say that knowing is worth nothing."""
    assert fleetopt("plan", uncertain, "-o", "out").returncode == 0
    told = fleetopt("futures", uncertain, "--plan", "out", "--total-time", "1 us")
    assert told.returncode == 0
    assert "what is missing ran into the limit of time" in told.stdout
