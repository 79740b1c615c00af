"""plan.xlsx: the plan for those who pay for it, with totals that calculate."""

from __future__ import annotations

from fleetopt.plan.domain import Plan
from fleetopt.report.cost_views import capacity_view
from fleetopt.report.html.sections import input_view, price_view
from fleetopt.report.money import KIND_WORDS, KINDS
from fleetopt.report.plan_views import check_view
from fleetopt.report.purchase_orders import purchase_orders
from fleetopt.report.spreadsheet.book import Book, Ref, Sheet
from fleetopt.report.spreadsheet.cash_sheet import cash_sheet
from fleetopt.report.spreadsheet.sheets import cost_sheet, fleet_sheet, order_sheet, workload_sheet
from fleetopt.report.words import by_kind, summary
from fleetopt.scenario.domain import Scenario

SHEETS = ("Summary", "Orders", "Cash flow", "Cost lines", "Fleet", "Workloads", "Assumptions")
WIDTHS = (30, 32, 40, 14, 12, 46, 14, 12)
"""Columns of the sheet of assumptions."""


def workbook(plan: Plan, scenario: Scenario) -> bytes:
    """The file."""
    book = Book(plan.scenario)
    sheets = {name: book.sheet(name) for name in SHEETS}
    orders = purchase_orders(plan, scenario)
    order_sheet(sheets["Orders"], orders)
    cash_sheet(sheets["Cash flow"], plan, scenario)
    kinds, expected = cost_sheet(sheets["Cost lines"], plan)
    fleet_sheet(sheets["Fleet"], plan, scenario)
    _, tokens = workload_sheet(sheets["Workloads"], plan, scenario)
    _assumptions(sheets["Assumptions"], plan, scenario)
    page = sheets["Summary"]
    page.put(0, 0, plan.scenario, "title")
    row = _money(page, plan, kinds, expected)
    row = _tokens(page, row, plan, tokens, sheets["Workloads"])
    for n, sentence in enumerate(summary(plan, orders)):
        page.paragraph(row + 1 + n, sentence, 6, 105)
    return book.close()


def _money(page: Sheet, plan: Plan, kinds: Ref, expected: Ref) -> int:
    """Capex, opex and what is not paid, summed from the cost lines; returns the row after them."""
    page.head(2, ["money", "USD"])
    amounts = by_kind(plan)
    for row, kind in enumerate(KINDS, 3):
        page.put(row, 0, KIND_WORDS[kind])
        text = f'SUMIF({kinds},"{KIND_WORDS[kind]}",{expected})'
        page.formula(row, 1, text, amounts[kind], "usd")
    page.put(6, 0, "cash: capex and opex")
    page.formula(6, 1, "B4+B5", amounts["capex"] + amounts["opex"], "usd")
    page.put(7, 0, "objective: sum of the cost lines", total=True)
    page.formula(7, 1, f"SUM({expected})", sum(amounts.values()), "usd", total=True)
    page.put(8, 0, "objective of plan.json")
    page.put(8, 1, plan.objective_usd, "usd")
    page.put(9, 0, "difference, to the cent")
    page.formula(9, 1, "ROUND(B8-B9,2)", round(sum(amounts.values()) - plan.objective_usd, 2), "usd")
    return 10


def _tokens(page: Sheet, row: int, plan: Plan, tokens: Ref, workloads: Sheet) -> int:
    million = workloads.values[tokens.top, tokens.left]
    page.put(row, 0, "million tokens served")
    page.formula(row, 1, str(tokens), million, "number")
    if million > 0:
        page.put(row + 1, 0, "USD per million tokens, mean")
        page.formula(row + 1, 1, f"B8/B{row + 1}", plan.objective_usd / million, "price")
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
