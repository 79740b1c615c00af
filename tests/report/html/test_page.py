from __future__ import annotations

import re
from dataclasses import replace

import pytest

import fleetopt
from fleetopt.plan.domain import Plan
from fleetopt.report.html.page import html_report
from fleetopt.scenario.domain import Scenario
from fleetopt.study.baselines import Baseline
from tests.report.pages import Page, money

SECTIONS = ["summary", "orders", "fleet", "spend", "tokens", "utilization", "promises", "risks", "proof", "assumptions"]


@pytest.fixture(scope="module")
def text(quarters: Plan, scenario: Scenario) -> str:
    return html_report(quarters, scenario)


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_a_page_has_every_section_and_closes_what_it_opens(page: Page, text: str) -> None:
    """Every section a reader looks for is there, linked, and the page is well formed."""
    assert page.open == []
    assert text.startswith("<!DOCTYPE html>")
    assert [a["id"] for tag, a in page.elements if tag == "section"] == SECTIONS
    assert [a["href"] for tag, a in page.elements if tag == "a"] == [f"#{name}" for name in SECTIONS]


def test_nothing_in_a_page_runs_or_loads(page: Page) -> None:
    """No script, no handler, no address; and a policy that would stop them all the same."""
    assert page.dangers() == []
    policy = [a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_ids_are_there_once(page: Page) -> None:
    """A link or a clip path finds the one thing that it means."""
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))


def test_every_chart_has_words_and_a_table(page: Page) -> None:
    """Pictures are labelled for those who cannot see them, and the numbers stand in tables."""
    pictures = [a for tag, a in page.elements if tag == "svg"]
    assert len(pictures) == 7
    assert all(a["role"] == "img" and a["aria-label"] for a in pictures)
    assert {"gpu-table", "spend-table", "kind-table", "model-table", "busy-table", "fan-table"} <= set(page.tables)


def test_a_page_fits_a_phone(text: str, page: Page) -> None:
    """Nothing has a fixed width: pictures scale, tables scroll inside themselves."""
    assert {tag for tag, a in page.elements if "width" in a} <= {"rect"}
    assert not re.search(r"[;{ ]width: *[\d.]+px", text)
    assert 'name="viewport"' in text
    assert "@media print" in text


def test_orders_stand_with_their_latest_dates(page: Page) -> None:
    """The bought node is to be ordered by the first day of the quarter before it serves."""
    rows = [row for row in page.tables["order-table"] if ": purchase, " in row[2]]
    assert [row[:2] for row in rows] == [["2027-10-01", "2028-01-01 to 2028-03-31"]]
    assert money(rows[0][7]) == 310000.37


def test_an_order_on_a_phone_names_what_its_figures_are(page: Page) -> None:
    """The order table is drawn as cards there: each cell carries its column's title, which a style shows before it."""
    assert any(tag == "table" and a.get("class") == "cards" and a["id"] == "order-table" for tag, a in page.elements)
    titles = page.tables["order-table"][0]
    named = [a["data-of"] for tag, a in page.elements if tag == "td" and a.get("data-of") in titles]
    assert named[: len(titles)] == titles


def test_baselines_stand_beside_the_plan(quarters: Plan, scenario: Scenario) -> None:
    """What a plainer plan would cost and what is saved, and one that cannot work says so."""
    found = Page(html_report(quarters, scenario, (_baseline("nothing committed", 200.0), _baseline("<b>", None))))
    rows = found.tables["baseline-table"]
    assert rows[1] == ["nothing committed", "200.00", "50.0 %", "yes", "<b>"]
    assert rows[2] == ["<b>", "-", "-", "no", "<b>"]


def _baseline(name: str, usd: float | None) -> Baseline:
    works = usd is not None
    return Baseline(name=name, usd=usd, feasible=works, verified=works, saving=0.5 if works else None, note="<b>")


def test_a_plan_of_one_period_and_one_outlook_has_a_page(plan: Plan) -> None:
    """No risks without futures, no orders, and what falls short is said first."""
    found = Page(html_report(plan, fleetopt.load("seed-paper")))
    assert "risks" not in {a.get("id") for _, a in found.elements}
    words = " ".join(found.words)
    assert "It falls short: chat in 2027-Q1" in words
    assert "Nothing: everything is rented by the hour or owned already." in words


HOSTILE = {
    "script": "<script>alert(1)</script>",
    "handler": '" onmouseover="alert(1)',
    "style": "</style><style>@import url(//x.y)",
    "entity": "&lt;b&gt;",
    "template": "{{ 7 * 7 }}{% raw %}",
    "right to left": "\u202e\u05d0\u05d1\u05d2",
    "emoji": "\N{FIRE}" * 20,
    "long": "x" * 500,
    "math": "$\\frac{1$",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_text_of_a_user_is_shown_and_never_obeyed(name: str, quarters: Plan, scenario: Scenario) -> None:
    """With free texts replaced, the page has the same elements and shows the text, less control characters."""
    text = HOSTILE[name]
    own = quarters.model_copy(
        update={
            "scenario": text,
            "fleet": tuple(f.model_copy(update={"gpu_type": text, "supply": text}) for f in quarters.fleet),
            "orders": tuple(o.model_copy(update={"offer": text, "provider": text}) for o in quarters.orders),
            "provenance": quarters.provenance.model_copy(update={"assumptions": (text,)}),
        }
    )
    found = Page(html_report(own, replace(scenario, description=text), (_baseline(text, 1.0),)))
    assert found.open == []
    assert found.dangers() == []
    assert sum(tag == "style" for tag, _ in found.elements) == 1
    assert text.replace("\u202e", " ") in found.words


def test_a_large_plan_makes_a_page_that_can_be_read(scenario: Scenario, quarters: Plan) -> None:
    """50 workloads, 8 quarters, 12 slots, 3 outlooks: under 5 MB, long tables cut with all rows one click away."""
    from tests.report.large import large

    plan, question = large(quarters, scenario)
    text = html_report(plan, question)
    assert len(plan.workloads) == 8 * 12 * 3 * 50
    assert len(text.encode()) < 1_500_000
    found = Page(text)
    assert len(found.tables["workload-table-top"]) == 1 + 15 + 1
    assert len(found.tables["workload-table"]) == 1 + 50 + 1
    assert found.dangers() == []
