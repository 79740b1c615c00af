"""plan.xlsx: the plan for those who pay for it, with totals that calculate."""

from __future__ import annotations

from collections.abc import Sequence

from fleetopt.plan.attribution import owners_usd
from fleetopt.plan.domain import Plan
from fleetopt.report.cost_views import capacity_view
from fleetopt.report.html.sections import input_view, price_view
from fleetopt.report.money import KIND_WORDS, KINDS, expected_cost, spend
from fleetopt.report.plan_views import check_view
from fleetopt.report.purchase_orders import node_sales, purchase_orders
from fleetopt.report.spreadsheet.book import Book, Ref, Sheet
from fleetopt.report.spreadsheet.cash_sheet import cash_sheet
from fleetopt.report.spreadsheet.sheets import CostCells, cost_sheet, fleet_sheet, order_sheet, workload_sheet
from fleetopt.report.study_views import baseline_view
from fleetopt.report.words import by_kind, summary
from fleetopt.scenario.domain import Scenario
from fleetopt.study.baselines import Baseline

SHEETS = ("Summary", "Orders", "Cash flow", "Cost lines", "Fleet", "Workloads", "Assumptions")
WIDTHS = (30, 32, 40, 14, 12, 46, 14, 12)
"""Columns of the sheet of assumptions."""

SUMMARY_WIDTHS = (46, 18, 16, 10, 60)
"""Columns of the summary, where it has a table of baselines."""


def workbook(plan: Plan, scenario: Scenario, baselines: Sequence[Baseline] = ()) -> bytes:
    """The file, with what plainer ways to size the fleet would cost on its first sheet."""
    book = Book(plan.scenario)
    sheets = {name: book.sheet(name) for name in SHEETS}
    orders = purchase_orders(plan, scenario)
    order_sheet(sheets["Orders"], orders, node_sales(plan, scenario))
    cash_sheet(sheets["Cash flow"], plan, scenario)
    cells = cost_sheet(sheets["Cost lines"], plan)
    fleet_sheet(sheets["Fleet"], plan, scenario)
    tokens = workload_sheet(sheets["Workloads"], plan, scenario)
    _assumptions(sheets["Assumptions"], plan, scenario)
    page = sheets["Summary"]
    page.put(0, 0, plan.scenario, "title")
    row = _money(page, plan, cells)
    row = _tokens(page, row, plan, tokens, sheets["Workloads"])
    said = summary(plan, orders)
    for n, sentence in enumerate(said):
        page.paragraph(row + 1 + n, sentence, 6, 105)
    if baselines:
        page.view(row + 3 + len(said), baseline_view(baselines), SUMMARY_WIDTHS)
    return book.close()


def _money(page: Sheet, plan: Plan, cells: CostCells) -> int:
    """Capex, opex and what is not paid, summed from the cost lines; returns the row after them."""
    page.head(2, ["money", "USD"])
    amounts = by_kind(plan)
    for row, kind in enumerate(KINDS, 3):
        page.put(row, 0, KIND_WORDS[kind])
        text = f'SUMIF({cells.kinds},"{KIND_WORDS[kind]}",{cells.expected})'
        page.formula(row, 1, text, amounts[kind], "usd")
    present = sum(entry.present_usd for entry in spend(plan))
    page.put(6, 0, "cash: capex and opex")
    page.formula(6, 1, "B4+B5", amounts["capex"] + amounts["opex"], "usd")
    page.put(7, 0, "sum of the cost lines, in dollars of their day", total=True)
    page.formula(7, 1, f"SUM({cells.expected})", sum(amounts.values()), "usd", total=True)
    page.put(8, 0, "sum of the cost lines, at present value", total=True)
    page.formula(8, 1, f"SUM({cells.present})", present, "usd", total=True)
    page.put(9, 0, "expected cost of plan.json")
    page.put(9, 1, expected_cost(plan), "usd")
    page.put(10, 0, "difference, to the cent")
    page.formula(10, 1, "ROUND(B9-B10,2)", round(present - expected_cost(plan), 2), "usd")
    return 11


def _tokens(page: Sheet, row: int, plan: Plan, tokens: Ref, workloads: Sheet) -> int:
    million = workloads.values[tokens.top, tokens.left]
    page.put(row, 0, "million tokens served")
    page.formula(row, 1, str(tokens), million, "number")
    if million > 0:
        present = sum(entry.present_usd for entry in spend(plan))
        fetched, served, below = sum(owners_usd(plan).values()), "B9", f"B{row + 1}"
        if fetched:
            row += 1
            page.put(row, 0, "what owned nodes are sold for or worth in the end")
            page.put(row, 1, fetched, "usd")
            served = f"(B9-B{row + 1})"
        page.put(row + 1, 0, "USD per million tokens, mean")
        page.formula(row + 1, 1, f"{served}/{below}", (present - fetched) / million, "price")
    return row + 2


def _assumptions(page: Sheet, plan: Plan, scenario: Scenario) -> None:
    """Assumptions, evidence, prices, checks and inputs, as text."""
    page.put(0, 0, "Assumptions and provenance", "title")
    row = 1
    for sentence in plan.provenance.assumptions:
        page.paragraph(row, sentence, len(WIDTHS), sum(WIDTHS))
        row += 1
    for part in (capacity_view(plan), price_view(plan, scenario), check_view(plan.verdict), input_view(plan)):
        row = page.view(row + 1, part, WIDTHS) if part.rows else row
