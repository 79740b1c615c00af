"""Work with a deadline and service classes in reports: a table, what is not done, and who goes short first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import fleetopt
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.report.class_views import order_sentences
from fleetopt.report.files import write_plan
from fleetopt.report.markdown import report
from fleetopt.report.plan_views import shortfall_sentences
from fleetopt.report.risks import outlook_costs
from fleetopt.report.token_prices import token_costs
from fleetopt.report.work_views import work_view
from fleetopt.scenario.domain import Scenario, Shortfall
from fleetopt.scenario.work import AMOUNT, Batch, Work, most_rps
from tests.oracle import build
from tests.report.pages import Page

WORK = 0.75 * 90 * 24 * 3600.0


@pytest.fixture(scope="module")
def question() -> Scenario:
    """Chat at 1 request/s by day and 3/4 of a node's work in two quarters, half of which is cheaper not done."""
    over = build.calendar(2, (12.0, 12.0))
    chat = build.workload("chat", {t: 1.0 if t[1] == "h2" else 0.0 for t in build.times(over)}, over=over, priority=1)
    batch = Batch(("h1",), (Work(AMOUNT, 0, 1, {"o1": WORK}),))
    bulk = build.workload("bulk", most_rps(batch, over), over=over, batch=batch, ttft=None, tpot=None, priority=3)
    bulk = replace(bulk, shortfall=Shortfall(0.5, 0.0, 0.5 / 3600.0))
    return build.scenario([chat, bulk], [build.rate("c", 1.0)], [build.line("rent", "Ax1", 1.0)], over=over)


@pytest.fixture(scope="module")
def answer(question: Scenario) -> Plan:
    return fleetopt.optimize(question, SolveOptions(gap=0.0))


def test_the_table_says_how_much_is_done_and_in_which_slots(answer: Plan) -> None:
    """Proves the figures: at least half of the work is done, all of it by night."""
    (row,) = work_view(answer).rows
    assert list(row[:4]) == ["bulk", "t1", "t2", "o1"]
    (work,) = answer.work
    assert work.done_requests >= 0.5 * WORK
    assert (row[-2] != "0", row[-1]) == (True, "0")


def test_what_is_not_done_is_one_sentence_for_the_whole_work(answer: Plan) -> None:
    """Proves that work falls short by its deadline, and not at every time by itself."""
    (sentence,) = shortfall_sentences(answer)
    assert sentence.startswith("bulk by the end of t2, o1: does ")
    assert "short by" in sentence


def test_who_goes_short_first_is_said_where_there_are_classes(answer: Plan) -> None:
    """Proves the order of classes, the lowest first, and silence without any."""
    said = "Where not all can be served, who goes short first: bulk (class 3), then chat (class 1)"
    assert order_sentences(answer) == [said]
    equal = tuple(w.model_copy(update={"priority": None}) for w in answer.workloads)
    assert order_sentences(answer.model_copy(update={"workloads": equal})) == []
    assert said in report(answer)


def test_tokens_and_shares_count_what_is_done(question: Scenario, answer: Plan) -> None:
    """Proves the price of tokens and the unserved share: of the work what is done, over the two quarters."""
    (work,) = answer.work
    tokens = sum(cost.million_tokens for key, cost in token_costs(answer, question).items() if key[0] == "bulk")
    assert tokens == pytest.approx(work.done_requests * 1100 / 1e6)
    (outlook,) = outlook_costs(answer, question)
    chat = 2 * 90 * 12 * 3600.0
    assert outlook.shortfall == pytest.approx((WORK - work.done_requests) / (WORK + chat))


def test_the_files_have_the_work(question: Scenario, answer: Plan, tmp_path: Path) -> None:
    """Proves work.csv and the table of the page."""
    write_plan(answer, tmp_path / "out", scenario=question)
    lines = (tmp_path / "out/work.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("workload,model,first,due,outlook,requests")
    assert lines[1].startswith("bulk,m,t1,t2,o1,")
    page = Page((tmp_path / "out/report.html").read_text(encoding="utf-8"))
    assert page.tables["work-table"][1][0] == "bulk"
