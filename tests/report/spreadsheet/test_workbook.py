"""plan.xlsx read back by another library, and its formulas computed by an evaluator of the tests' own.

LibreOffice does the same by hand (docs/reports.md says how); here every formula is known to be one that the evaluator
reads to its end, so that nothing else can have slipped in.
"""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import openpyxl
import pytest

import fleetopt
from fleetopt.plan.domain import Plan
from fleetopt.report.spreadsheet.workbook import SHEETS, workbook
from fleetopt.scenario.domain import Scenario
from tests.report.spreadsheet.evaluate import Evaluator


@pytest.fixture(scope="module")
def content(quarters: Plan, scenario: Scenario) -> bytes:
    return workbook(quarters, scenario)


@pytest.fixture(scope="module")
def formulas(content: bytes) -> Any:
    """The book with its formulas as text."""
    return openpyxl.load_workbook(io.BytesIO(content))


@pytest.fixture(scope="module")
def shown(content: bytes) -> Any:
    """The book as a viewer that does not calculate shows it."""
    return openpyxl.load_workbook(io.BytesIO(content), data_only=True)


def _cells(book: Any) -> list[Any]:
    return [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]


def test_every_formula_comes_to_the_value_it_is_shown_with(formulas: Any, shown: Any) -> None:
    """All formulas computed again from plain cells, to a millionth of a dollar."""
    found = [cell for cell in _cells(formulas) if cell.data_type == "f"]
    evaluator = Evaluator(formulas)
    assert len(found) > 80
    for cell in found:
        value = shown[cell.parent.title][cell.coordinate].value
        assert evaluator.value(cell.parent.title, cell.coordinate) == pytest.approx(value, abs=1e-6)


def test_the_summary_adds_up_to_the_plan(shown: Any, quarters: Plan) -> None:
    """The sum of the cost lines is the objective of plan.json, and the difference shown is nothing."""
    rows = {row[0].value: row[1].value for row in shown["Summary"].iter_rows(max_row=13)}
    assert rows["sum of the cost lines, at present value"] == pytest.approx(quarters.objective_usd, abs=1e-6)
    assert rows["difference, to the cent"] == 0
    assert rows["capex"] == pytest.approx(310000.37)


def test_cash_by_month_and_by_period_come_to_the_same(shown: Any, quarters: Plan) -> None:
    """The last cell of both cash tables is what all cost lines come to, and months precede periods."""
    sheet = shown["Cash flow"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    ends = [row for row in rows if row[0] == "total"]
    totals = [[value for value in row if isinstance(value, int | float)][-1] for row in ends]
    assert totals == pytest.approx([quarters.objective_usd] * 2)
    heads = [row for row in rows if row[0] == "kind"]
    assert heads[0][2:9] == ["2027-10", "2027-11", "2027-12", "2028-01", "2028-02", "2028-03", "in all"]
    assert heads[1][2:5] == ["2027-Q4", "2028-Q1", "in all"]


def test_sheets_are_set_up_to_be_read_filtered_and_printed(formulas: Any) -> None:
    """Frozen titles, tables that pivot, landscape pages one sheet wide, and dates that are dates."""
    assert tuple(formulas.sheetnames) == SHEETS
    for name in ("Orders", "Cost lines", "Fleet", "Workloads"):
        sheet = formulas[name]
        assert len(sheet.tables) == 1
        assert sheet.freeze_panes is not None
    assert {sheet.page_setup.orientation for sheet in formulas} == {"landscape"}
    assert {sheet.page_setup.fitToWidth for sheet in formulas} <= {1, None}
    assert formulas["Orders"]["A6"].is_date


def test_a_plan_without_orders_has_a_workbook_too(plan: Plan) -> None:
    """Nothing to order is an empty table, not an error."""
    book = openpyxl.load_workbook(io.BytesIO(workbook(plan, fleetopt.load("seed-paper"))))
    assert book["Orders"]["A6"].value is None


HOSTILE = [
    "=cmd()",
    "@SUM(A1)",
    "+1",
    "-1+1",
    '=HYPERLINK("http://x.y","z")',
    "http://x.y",
    "1e5",
    "<a>",
    "\x07b",
    "x" * 40_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12])
def test_text_of_a_user_is_a_string_wherever_it_stands(text: str, quarters: Plan, scenario: Scenario) -> None:
    """With every free text of plan and scenario replaced, the book has the same formulas and no links."""
    own = quarters.model_copy(
        update={
            "scenario": text,
            "fleet": tuple(f.model_copy(update={"provider": text}) for f in quarters.fleet),
            "orders": tuple(o.model_copy(update={"offer": text, "provider": text}) for o in quarters.orders),
            "provenance": quarters.provenance.model_copy(update={"assumptions": (text,)}),
        }
    )
    book = openpyxl.load_workbook(io.BytesIO(workbook(own, scenario)))
    plain = openpyxl.load_workbook(io.BytesIO(workbook(quarters, scenario)))
    assert [c.value for c in _cells(book) if c.data_type == "f"] == [
        c.value for c in _cells(plain) if c.data_type == "f"
    ]
    assert not [cell for cell in _cells(book) if cell.hyperlink]
    cell = book["Summary"]["A1"]
    assert cell.data_type == "s"
    assert cell.value == text.replace("\x07", " ")[:32_000]
    assert bool(cell.quotePrefix) == text.startswith(("=", "+", "-", "@"))


def test_the_same_plan_makes_the_same_file(content: bytes, quarters: Plan, scenario: Scenario) -> None:
    """No clock is in the file."""
    assert workbook(quarters, scenario) == content


def test_orders_that_bind_after_the_horizon_say_until_when(quarters: Plan, scenario: Scenario, shown: Any) -> None:
    """The reserved node is bound for 183 days more; where nothing is owed there is no such column."""
    cells = [[cell.value for cell in row] for row in shown["Orders"].iter_rows()]
    head = next(row for row in cells if "bound until" in row)
    until, owed = head.index("bound until"), head.index("USD after the horizon")
    [row] = [row for row in cells if row[owed] not in (None, "USD after the horizon")]
    assert (row[until].date(), row[owed]) == (date(2028, 9, 30), pytest.approx(183 * 24 * 15))
    reserved = tuple(order for order in quarters.orders if order.kind == "purchase")
    book = openpyxl.load_workbook(io.BytesIO(workbook(quarters.model_copy(update={"orders": reserved}), scenario)))
    assert not any(cell.value == "bound until" for row in book["Orders"].iter_rows() for cell in row)


def test_late_orders_get_a_day_of_their_own(quarters: Plan, scenario: Scenario, shown: Any) -> None:
    """Where an order may be late the sheet ends with the latest day; where none may, it stays as it was."""
    late = tuple(order.model_copy(update={"periods_late": 1}) for order in quarters.orders)
    book = openpyxl.load_workbook(io.BytesIO(workbook(quarters.model_copy(update={"orders": late}), scenario)))
    titles = [cell.value for row in book["Orders"].iter_rows() for cell in row]
    assert titles.count("latest in service") == 1
    assert not any(cell.value == "latest in service" for row in shown["Orders"].iter_rows() for cell in row)
