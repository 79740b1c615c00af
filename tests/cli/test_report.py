"""fleetopt report: the reports of a stored plan, once it holds."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
Seed = Callable[..., Path]

REPORTS = {"report.html", "plan.xlsx", "report.md", "costs.csv", "orders.csv", "fleet.csv", "placements.csv"}


@pytest.fixture
def planned(fleetopt: Run, seed: Seed) -> Path:
    """The folder of a plan of the scenario in q3."""
    assert fleetopt("plan", seed(), "-o", "out").returncode == 0
    return Path("out")


def _names(folder: str | Path) -> set[str]:
    return {path.name for path in Path(folder).iterdir()}


def test_a_stored_plan_has_the_reports_that_planning_wrote(fleetopt: Run, planned: Path) -> None:
    """Every file but plan.json is made again, byte for byte."""
    answer = fleetopt("report", planned, "q3", "-o", "again")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert _names("again") == _names(planned) - {"plan.json"} >= REPORTS
    assert {name: Path("again", name).read_bytes() for name in _names("again")} == {
        name: (planned / name).read_bytes() for name in _names("again")
    }


def test_parquet_is_written_where_it_is_asked_for(fleetopt: Run, planned: Path) -> None:
    """--parquet of both verbs writes a Parquet file beside each CSV file, and nothing else new."""
    assert fleetopt("report", planned, "q3", "-o", "again", "--parquet").returncode == 0
    assert fleetopt("plan", "q3", "-o", "more", "--parquet").returncode == 0
    new = {f"{Path(name).stem}.parquet" for name in _names(planned) if name.endswith(".csv")}
    assert _names("more") - _names(planned) == new == _names("again") - _names(planned)


def test_a_plan_that_does_not_hold_is_not_reported(fleetopt: Run, planned: Path) -> None:
    """A doctored plan ends with exit code 5, and no file says otherwise."""
    record = json.loads((planned / "plan.json").read_text())
    record["fleet"][0]["nodes"] += 1
    (planned / "plan.json").write_text(json.dumps(record))
    answer = fleetopt("report", planned, "q3", "-o", "again")
    assert answer.returncode == 5
    assert "the plan does not hold" in answer.stderr
    assert not Path("again").exists()


def test_a_plan_of_a_changed_scenario_is_told(fleetopt: Run, planned: Path, seed: Seed) -> None:
    """A scenario that was edited after planning, here by a comment, is noted; the plan still holds."""
    seed("name: seed", "# edited\nname: seed")
    answer = fleetopt("report", planned, "q3", "-o", "again")
    assert answer.returncode == 0
    assert "changed since the plan was made: scenario.yaml" in answer.stderr


@pytest.mark.parametrize(("plan", "scenario"), [("nowhere", "q3"), ("out", "nowhere"), ("q3", "q3")])
def test_what_is_not_there_is_bad_input(fleetopt: Run, planned: Path, plan: str, scenario: str) -> None:
    """No plan or no scenario is one clear error."""
    answer = fleetopt("report", plan, scenario, "-o", "again")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith("error: ")


def test_reports_are_not_written_over_others(fleetopt: Run, planned: Path) -> None:
    """A folder with files is left alone without --force, and keeps its plan with it."""
    assert fleetopt("report", planned, "q3", "-o", planned).returncode == 2
    assert fleetopt("report", planned, "q3", "-o", planned, "--force").returncode == 0
    assert "plan.json" in _names(planned)


def test_baselines_go_into_the_reports_where_they_are_asked_for(fleetopt: Run, planned: Path) -> None:
    """Both verbs write the same reports with baselines in page, Markdown and workbook; without, none has them."""
    assert fleetopt("report", planned, "q3", "-o", "again", "--baselines").returncode == 0
    assert fleetopt("plan", "q3", "-o", "more", "--baselines").returncode == 0
    assert Path("again/report.html").read_bytes() == Path("more/report.html").read_bytes()
    for folder, there in (("again", True), ("more", True), (planned, False)):
        assert ("static fleet for the peak" in Path(folder, "report.html").read_text()) == there
        assert ("static fleet for the peak" in Path(folder, "report.md").read_text()) == there
        cells = [c.value for c in openpyxl.load_workbook(Path(folder, "plan.xlsx"))["Summary"]["A"]]
        assert ("static fleet for the peak" in cells) == there
