"""Sales as people see them: a "sell" row beside the orders, with amounts below zero, in every report."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import pytest

from fleetopt.plan.domain import Plan
from fleetopt.report.cash import cash_rows, months_of
from fleetopt.report.cost_views import purchase_order_view
from fleetopt.report.files import write_plan
from fleetopt.report.money import spend
from fleetopt.report.plan_views import order_view
from fleetopt.report.purchase_orders import node_sales, purchase_orders
from fleetopt.report.token_prices import TokenCost, token_costs
from fleetopt.report.words import by_kind, summary
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.supply_domain import Sale, Stock
from fleetopt.study.sweep.bench import _figures
from tests.oracle import build
from tests.oracle.test_procurement import PERIOD_H, RENT, asked, solved


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    """Two owned nodes that nothing runs on, to be sold in t2, and one that is bought."""
    stock = Stock("mine", "main", "Bx1", 2, 0.0, sale=Sale(30_000.0, first="t2", last="t2"))
    buy = build.line("buy", "Ax1", 0.0, kind="purchase", upfront=PERIOD_H, term=12)
    return asked(1.0, RENT, buy, periods=3, stock=[stock])


@pytest.fixture(scope="module")
def plan(scenario: Scenario) -> Plan:
    return solved(scenario)


def test_a_sale_is_a_row_beside_the_orders(plan: Plan, scenario: Scenario) -> None:
    """Proves date, quantity, price and total, and that the total row nets orders and sales."""
    shown = purchase_order_view(purchase_orders(plan, scenario), node_sales(plan, scenario))
    rows = [list(row) for row in shown.rows]
    assert ": purchase, " in rows[0][2]
    assert rows[1] == [
        *("2028-01-01", "", "sell mine (Bx1), main", "-2", "-2", "30,000.00", ""),
        *("-60,000.00", "-60,000.00", ""),
    ]
    assert rows[2][3:5] == ["-1", "-1"]
    assert rows[2][7:9] == [f"{PERIOD_H - 60_000.0:,.2f}"] * 2
    assert [list(row)[1] for row in order_view(plan).rows] == ["purchase", "sell"]


def test_a_sale_is_capex_below_zero_in_the_month_it_happens(plan: Plan, scenario: Scenario) -> None:
    """Proves cash: what is fetched comes in on the first day of its period, not spread over it."""
    assert by_kind(plan)["capex"] == pytest.approx(PERIOD_H - 60_000.0)
    months = months_of(scenario.calendar.periods)
    [row] = [row for row in cash_rows(spend(plan), months) if row.line == "sale"]
    assert (row.title, row.kind) == ("Sold nodes", "capex")
    assert row.usd == tuple(-60_000.0 if month.period == "t2" and month.first else 0.0 for month in months)


def test_a_sale_makes_nobody_s_tokens_cheaper(plan: Plan, scenario: Scenario, tmp_path: Path) -> None:
    """Proves that the mean price of tokens is what serving costs, on the page, in the workbook and in a sweep: the
    bought node, less what is left of it.

    Sensitivity: with the 60 000 USD that nodes are sold for it would be below zero.
    """
    from openpyxl import load_workbook

    million = math.fsum(one.million_tokens for one in plan.workload_costs)
    served = plan.objective_usd + 60_000.0
    assert plan.objective_usd < 0 < served
    everything = sum(token_costs(plan, scenario).values(), TokenCost())
    assert everything.mean_price == pytest.approx(served / million)
    write_plan(plan, tmp_path / "out", scenario=scenario)
    page = (tmp_path / "out/report.html").read_text()
    assert f"{served / million:,.4f}" in page
    assert "leaves out -60,000.00 USD that owned nodes are sold for" in page
    sheet = load_workbook(tmp_path / "out/plan.xlsx", data_only=True)["Summary"]
    cells = {row[0].value: row[1].value for row in sheet.iter_rows(max_row=20)}
    assert cells["USD per million tokens, mean"] == pytest.approx(served / million)
    assert cells["what owned nodes are sold for or worth in the end"] == pytest.approx(-60_000.0)
    formulas = load_workbook(tmp_path / "out/plan.xlsx")["Summary"]
    assert formulas["B14"].value == "=(B9-B13)/B12"
    assert _figures(scenario, plan, 0.0).usd_per_million_tokens == pytest.approx(served / million)


def test_the_summary_says_what_to_sell(plan: Plan, scenario: Scenario) -> None:
    """Proves the sentence."""
    assert "Sell 2 nodes (2 B) for 60,000.00 USD, the first in t2." in summary(plan, purchase_orders(plan, scenario))


def test_files_hold_the_same_sale(plan: Plan, scenario: Scenario, tmp_path: Path) -> None:
    """Proves sales.csv, the workbook's row with a formula, and the page, all from one plan."""
    from openpyxl import load_workbook

    write_plan(plan, tmp_path / "out", scenario=scenario)
    [line] = csv.DictReader(io.StringIO((tmp_path / "out" / "sales.csv").read_text()))
    assert (line["period"], line["nodes"], line["usd"]) == ("t2", "2", "60000.0")
    sheet = load_workbook(tmp_path / "out" / "plan.xlsx", data_only=True)["Orders"]
    rows = {row[5].value: [cell.value for cell in row] for row in sheet.iter_rows(min_row=6)}
    assert rows["sell"][10:17] == [-2, -2, 30_000.0, 0.0, -60_000.0, 0.0, -60_000.0]
    assert sheet["Q3"].value == pytest.approx(math.fsum([PERIOD_H, -60_000.0]))
    page = (tmp_path / "out" / "report.html").read_text()
    assert "What to order and sell when" in page


def test_a_sale_stands_beside_an_order_that_may_be_late(plan: Plan, scenario: Scenario, tmp_path: Path) -> None:
    """Proves that the workbook's row of a sale fits the sheet that has a column more, and stays empty there."""
    from openpyxl import load_workbook

    late = plan.model_copy(update={"orders": tuple(o.model_copy(update={"periods_late": 1}) for o in plan.orders)})
    write_plan(late, tmp_path / "out", scenario=scenario)
    sheet = load_workbook(tmp_path / "out" / "plan.xlsx", data_only=True)["Orders"]
    latest = {row[5].value: row[18].value for row in sheet.iter_rows(min_row=6)}
    assert latest["purchase"] is not None
    assert latest["sell"] is None
