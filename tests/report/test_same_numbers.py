"""The same dollars in plan.json, CSV, Parquet, Markdown, HTML and the workbook, to the cent."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from pyarrow import parquet

import fleetopt
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.report.files import write_plan
from tests.report.pages import Page, money

SCENARIOS = ("quarters", "seed-paper", "melange", "stock-limited")


@pytest.fixture(scope="module", params=SCENARIOS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All files of a scenario's plan."""
    if request.param == "quarters":
        scenario, plan = request.getfixturevalue("scenario"), request.getfixturevalue("quarters")
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


def test_the_objective_is_the_same_everywhere(folder: Path, plan: dict[str, Any], page: Page, book: Any) -> None:
    """One number to the cent: each file's own sum of its own rows, not a copy of a total."""
    wanted = _cents(plan["objective_usd"])
    lines = list(csv.DictReader(io.StringIO((folder / "costs.csv").read_text())))
    stored = parquet.read_table(folder / "costs.parquet").to_pylist()
    found = {
        "plan.json": math.fsum(c["usd"] * c["probability"] for c in plan["costs"]),
        "costs.csv": math.fsum(float(row["usd"]) * float(row["probability"]) for row in lines),
        "costs.parquet": math.fsum(row["usd"] * row["probability"] for row in stored),
        "report.md": money(_markdown(folder, "Cost by line, USD")[-1][-1]),
        "report.html by line": money(page.tables["spend-table"][-1][-1]),
        "report.html by item": money(page.tables["cost-table"][-1][-1]),
        "report.html by model": money(page.tables["model-table"][-1][1]),
        "report.html by workload": money(page.tables["workload-table"][-1][1]),
        "plan.xlsx summary": book["Summary"]["B8"].value,
        "plan.xlsx cost lines": book["Cost lines"]["J3"].value,
        "plan.xlsx workloads": book["Workloads"]["D3"].value,
    }
    assert {name: _cents(value) for name, value in found.items()} == dict.fromkeys(found, wanted)
    assert [_cents(v) for v in _last_numbers(book["Cash flow"], "objective")] == [wanted, wanted]


def test_every_period_is_the_same_everywhere(folder: Path, plan: dict[str, Any], page: Page, book: Any) -> None:
    """Totals of periods in Markdown, HTML and the cash flow are those of the cost lines."""
    wanted = [_cents(usd) for usd in _by_period(plan).values()]
    count = len(wanted)
    total = page.tables["spend-table"][-1]
    assert [_cents(money(cell)) for cell in total[2 : 2 + count]] == wanted
    assert [_cents(money(cell)) for cell in _markdown(folder, "Cost by line, USD")[-1][2 : 2 + count]] == wanted
    rows = [[cell.value for cell in row] for row in book["Cash flow"].iter_rows()]
    by_period = [row for row in rows if row[0] == "objective"][-1]
    assert [_cents(value) for value in by_period[2 : 2 + count]] == wanted


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
        assert [_cents(money(cell)) for cell in total[11:13]] == [_cents(sheet[c].value) for c in ("O3", "Q3")]


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
