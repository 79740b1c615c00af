"""The same dollars in plan.json, CSV, Parquet, Markdown, HTML and the workbook, to the cent."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from pyarrow import parquet

import fleetopt
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.report.files import write_plan
from fleetopt.scenario.domain import Risk
from tests.report.pages import Page, money

SCENARIOS = ("quarters", "discounted", "seed-paper", "melange", "stock-limited", "batch-by-night")


@pytest.fixture(scope="module", params=SCENARIOS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All files of a scenario's plan."""
    if request.param == "quarters":
        scenario, plan = request.getfixturevalue("scenario"), request.getfixturevalue("quarters")
    elif request.param == "discounted":
        scenario = replace(request.getfixturevalue("scenario"), discount_rate=0.2, risk=Risk(level=0.7, weight=0.3))
        plan = fleetopt.optimize(scenario, SolveOptions(gap=0.1))
    else:
        scenario = fleetopt.load(request.param)
        plan = fleetopt.optimize(scenario, SolveOptions(gap=0.05))
    out = tmp_path_factory.mktemp(request.param) / "out"
    write_plan(plan, out, scenario=scenario, parquet=True)
    return out


@pytest.fixture
def plan(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "plan.json").read_text())
    return found


@pytest.fixture
def page(folder: Path) -> Page:
    return Page((folder / "report.html").read_text())


@pytest.fixture
def book(folder: Path) -> Any:
    return openpyxl.load_workbook(folder / "plan.xlsx", data_only=True)


def _cents(value: float) -> int:
    return round(100 * value)


def _by_period(plan: dict[str, Any]) -> dict[str, float]:
    found = dict.fromkeys((w["period"] for w in plan["workloads"]), 0.0)
    for cost in plan["costs"]:
        found[cost["period"]] += cost["usd"] * cost["probability"]
    return found


def _last_numbers(sheet: Any, label: str) -> list[float]:
    """The last number of every row that begins with a label."""
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    return [[v for v in row if isinstance(v, int | float)][-1] for row in rows if row[0] == label]


def test_what_the_plan_costs_is_the_same_everywhere(folder: Path, plan: dict[str, Any], page: Page, book: Any) -> None:
    """The expected cost to the cent: each file's own sum of its own rows, not a copy of a total."""
    wanted = _cents(plan["expected_usd"])
    lines = list(csv.DictReader(io.StringIO((folder / "costs.csv").read_text())))
    stored = parquet.read_table(folder / "costs.parquet").to_pylist()
    found = {
        "plan.json": math.fsum(c["usd"] * c["probability"] * c["discount"] for c in plan["costs"]),
        "costs.csv": math.fsum(float(r["usd"]) * float(r["probability"]) * float(r["discount"]) for r in lines),
        "costs.parquet": math.fsum(row["usd"] * row["probability"] * row["discount"] for row in stored),
        "report.md": money(_markdown(folder, "Cost by line, USD")[-1][-1]),
        "report.html by line": money(page.tables["spend-table"][-1][-1]),
        "report.html by item": money(page.tables["cost-table"][-1][-1]),
        "report.html by model": money(page.tables["model-table"][-1][1]),
        "report.html by workload": money(page.tables["workload-table"][-1][1]),
        "plan.xlsx summary": book["Summary"]["B9"].value,
        "plan.xlsx cost lines": book["Cost lines"]["L3"].value,
        "plan.xlsx workloads": book["Workloads"]["D3"].value,
    }
    assert {name: _cents(value) for name, value in found.items()} == dict.fromkeys(found, wanted)
    assert ("present value" in {row[0] for row in page.tables["spend-table"]}) == ("discounted" in str(folder))


def test_every_period_is_the_same_everywhere(folder: Path, plan: dict[str, Any], page: Page, book: Any) -> None:
    """Totals of periods in Markdown, HTML and the cash flow are those of the cost lines, in dollars of their day."""
    wanted = [_cents(usd) for usd in _by_period(plan).values()]
    count = len(wanted)
    for rows in (page.tables["spend-table"], page.tables["cost-table"], _markdown(folder, "Cost by line, USD")):
        (total,) = (row for row in rows if row[0] == "total")
        assert [_cents(money(cell)) for cell in total[2 : 2 + count]] == wanted
    cells = [[cell.value for cell in row] for row in book["Cash flow"].iter_rows()]
    by_period = [row for row in cells if row[0] == "total"][-1]
    assert [_cents(value) for value in by_period[2 : 2 + count]] == wanted
    everything = _cents(math.fsum(_by_period(plan).values()))
    assert [_cents(value) for value in _last_numbers(book["Cash flow"], "total")] == [everything, everything]


def test_kinds_of_money_are_the_same_everywhere(folder: Path, page: Page, book: Any) -> None:
    """Page, Markdown, summary and cash flow agree on them; capex and opex are the cash, but for a rounded cent."""
    rows = {row[0]: _cents(money(row[-1])) for row in page.tables["kind-table"][1:]}
    written = {row[0]: _cents(money(row[-1])) for row in _markdown(folder, "Capex and opex, USD")[2:]}
    summary = {row[0].value: row[1].value for row in book["Summary"].iter_rows(min_row=4, max_row=7)}
    assert rows == written
    assert abs(rows["cash"] - rows["capex"] - rows["opex"]) <= 1
    for kind in ("capex", "opex", "counted, not paid"):
        assert _cents(summary[kind]) == rows[kind]
        assert _cents(_last_numbers(book["Cash flow"], kind)[-1]) == rows[kind]


def test_orders_are_the_same_everywhere(folder: Path, plan: dict[str, Any], page: Page, book: Any) -> None:
    """Money with the orders, nodes, and all their dollars agree between tables, page and workbook."""
    orders = plan["orders"]
    lines = list(csv.DictReader(io.StringIO((folder / "orders.csv").read_text())))
    assert math.fsum(float(row["upfront_usd"]) for row in lines) == math.fsum(o["upfront_usd"] for o in orders)
    sheet = book["Orders"]
    assert sheet["K3"].value == sum(o["nodes"] for o in orders)
    assert _cents(sheet["O3"].value) == _cents(math.fsum(o["upfront_usd"] for o in orders))
    if orders:
        total = page.tables["order-table"][-1]
        assert [_cents(money(cell)) for cell in total[7:9]] == [_cents(sheet[c].value) for c in ("O3", "Q3")]


def test_workloads_are_the_same_everywhere(folder: Path, plan: dict[str, Any], page: Page) -> None:
    """Dollars by workload of page and CSV are those of plan.json."""
    wanted: dict[str, float] = {}
    for cost in plan["workload_costs"]:
        wanted[cost["workload"]] = wanted.get(cost["workload"], 0.0) + cost["usd"]
    shown = {row[0]: _cents(money(row[1])) for row in page.tables["workload-table"][1:-1]}
    assert shown == {name: _cents(usd) for name, usd in wanted.items()}
    lines = list(csv.DictReader(io.StringIO((folder / "workload_costs.csv").read_text())))
    assert [float(row["usd"]) for row in lines] == [cost["usd"] for cost in plan["workload_costs"]]


def _markdown(folder: Path, title: str) -> list[list[str]]:
    """The rows of a table of report.md."""
    section = (folder / "report.md").read_text().split(f"## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
