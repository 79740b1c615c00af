"""DOPD's ratio in reports: the table as it is read, the files and their schema, and nothing where nothing is split."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import fleetopt
from fleetopt.plan.domain import Plan
from fleetopt.report.markdown import report
from fleetopt.report.ratio_views import TITLE, ratio_files, ratio_view
from fleetopt.report.schemas import schema_text
from fleetopt.scenario.domain import Scenario
from fleetopt.study.load_ratios import LoadRatios, RatioLine
from tests.study.test_load_ratios import asked, planned

SEED_PAPER = {
    "workload": "chat",
    "where": "main, sglang fp8",
    "when": "2027-Q1",
    "req/s": "12.5",
    "plan P + D": "3 + 4",
    "plan P:D": "0.75 : 1",
    "DOPD P + D": "3 + 4",
    "DOPD P:D": "0.71 : 1",
    "drain req/s per D": "3.26",
    "fill req/s per P": "4.61",
    "C": "33",
    "TPOT at C": "19.8 ms",
    "remark": "C bound by TPOT",
}
"""The paper's 28 300 tokens/s / 6144 fill 4.61 requests/s; 33 requests at 19.8 ms drain 33 / (512 x 0.0198)."""


def test_the_table_of_the_worked_example(plan: Plan) -> None:
    """Proves the whole row: 3P4D of arXiv 2603.04716 is what DOPD's formula asks for as well."""
    found = ratio_view(plan, fleetopt.load("seed-paper"))
    assert [dict(zip(found.columns, row, strict=True)) for row in found.rows] == [SEED_PAPER]
    assert found.numeric >= {"req/s", "DOPD P + D", "C"}
    assert "arXiv 2511.20982" in found.note


def test_what_does_not_apply_says_why() -> None:
    """Proves: a stated rate has the plan's counts, dashes, and a reason in words."""
    from tests.oracle import build

    scenario = asked(2.0, build.rate("p", 2.0, "prefill"), build.rate("d", 1.0, "decode"))
    (row,) = ratio_view(planned(scenario), scenario).rows
    assert row[4] == "1 + 2"
    assert set(row[6:12]) == {"-"}
    assert row[12].startswith("does not apply: what d carries is stated as a rate")


def test_every_report_shows_it_and_the_files_hold_every_time(
    quarters: Plan, scenario: Scenario, tmp_path: Path
) -> None:
    """Proves: report.md and report.html have the table, ratios.json reads back and ratios.csv has the same lines."""
    fleetopt.write_plan(quarters, tmp_path / "out", scenario=scenario)
    found = LoadRatios.model_validate_json((tmp_path / "out/ratios.json").read_text())
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out/ratios.csv").read_text())))
    assert found.lines
    assert [list(row) for row in rows] == [list(RatioLine.model_fields)] * len(found.lines)
    for row, line in zip(rows, found.lines, strict=True):
        assert (row["slot"], row["plan_decode"]) == (line.slot, str(line.plan_decode))
    assert TITLE in (tmp_path / "out/report.md").read_text()
    assert TITLE in (tmp_path / "out/report.html").read_text()


def test_the_same_plan_makes_the_same_bytes(plan: Plan) -> None:
    """Proves: no date, no order of a set."""
    scenario = fleetopt.load("seed-paper")
    once, twice = (dict(ratio_files(plan, scenario, parquet=False)) for _ in range(2))
    assert once == twice
    assert len(once) == 2


def test_its_schema_is_published() -> None:
    """Proves: `fleetopt schema ratios` names every column."""
    schema = json.loads(schema_text("ratios"))
    assert set(schema["$defs"]["RatioLine"]["properties"]) == set(RatioLine.model_fields)


def test_nothing_is_said_where_nothing_is_split() -> None:
    """Proves: aggregated serving has no table and no files."""
    from tests.oracle import build

    scenario = asked(2.0, build.rate("a", 1.0))
    plan = planned(scenario)
    assert not ratio_view(plan, scenario).rows
    assert not list(ratio_files(plan, scenario, parquet=False))
    assert TITLE not in report(plan, (), scenario)
