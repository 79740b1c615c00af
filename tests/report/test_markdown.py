from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from fleetopt.plan.domain import Plan
from fleetopt.report.markdown import escape, report, table
from fleetopt.report.money import spend
from fleetopt.report.plan_views import cost_view
from fleetopt.report.view import view


def test_a_report_has_the_answer_and_its_proof(plan: Plan) -> None:
    text = report(plan)
    assert text.startswith("# Fleet plan: seed-paper\n\nseed-paper: 423,360.00 USD for 2027-Q1")
    for title in ("Falls short", "Replicas", "Cost by line, USD", "Verified", "Evidence behind", "Assumptions"):
        assert f"\n## {title}" in text
    assert all(item.sha256 in text for item in plan.provenance.inputs)


def test_every_table_has_as_many_cells_as_titles(plan: Plan) -> None:
    for block in re.findall(r"(?:^\|.*\n)+", report(plan), re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1


def test_what_is_paid_stands_under_a_total_that_counts_more(plan: Plan, quarters: Plan) -> None:
    """Proves: where a residual value is in the total, the note says the cash, all lines but that; elsewhere none does.
    Sensitivity: the total alone is what a node costs less what it is worth, and nobody could pay the orders with it.
    """
    cash = sum(entry.usd for entry in spend(quarters) if entry.line != "residual_value")
    assert cost_view(quarters).note == f"Cash, capex and opex: {cash:,.2f}. Counted, not paid: residual_value."
    assert cost_view(plan).note == ""


@given(cells=st.lists(st.text(alphabet="ab|<>&`\n\r\\ *_[]()", max_size=12), min_size=2, max_size=2))
def test_no_cell_breaks_a_table_or_becomes_html(cells: list[str]) -> None:
    text = table(view("t", ["a", "b"], [cells]))
    assert len(text.split("\n")) == 5
    assert "<" not in text


def test_html_is_escaped() -> None:
    assert escape("<script>&") == "&lt;script&gt;&amp;"
