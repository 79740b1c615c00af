"""Batch work and service classes as they are written: amounts by period and outlook, one error for what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fleetopt import units
from fleetopt.errors import Issue
from fleetopt.scenario.load import load
from fleetopt.scenario.work import AMOUNT, Batch, Work, at_any_time, even_rps

Folder = Callable[..., Path]
Issues = Callable[[Path], tuple[Issue, ...]]

DEMAND = "    demand: 10 requests/s\n"
SLO = "    slo: {ttft: 2 s, tpot: 20 ms}\n"
DAY_S = 24 * 3600.0


def written(text: str, more: str = "") -> tuple[str, str]:
    return DEMAND, f"    batch: {{{text}}}\n{more}"


def test_work_of_every_day_is_due_in_its_period(folder: Folder) -> None:
    """Proves days x work x factors, and that all of it in one slot is the most that the slot can be asked."""
    path = folder(*written("work: 1 M requests/day, periods: {2027-Q2: 2}, outlooks: {high: 150 %}"))
    (chat,) = load(path).workloads
    q1, q2 = 90e6, 2 * 91e6
    assert chat.batch == Batch(
        ("night", "day"),
        (
            Work("2027-Q1", 0, 0, {"low": pytest.approx(q1), "high": pytest.approx(1.5 * q1)}),  # type: ignore[dict-item]
            Work("2027-Q2", 1, 1, {"low": pytest.approx(q2), "high": pytest.approx(1.5 * q2)}),  # type: ignore[dict-item]
        ),
    )
    assert chat.demand_rps["2027-Q1", "night", "low"] == pytest.approx(1e6 / (8 * 3600))
    assert chat.demand_rps["2027-Q2", "day", "high"] == pytest.approx(3e6 / (16 * 3600))


def test_an_amount_has_a_window_and_slots(folder: Folder) -> None:
    """Proves from, by and slots: nothing can be asked outside of them; left out, they are the whole horizon."""
    (chat,) = load(folder(*written("work: 6656 M tokens, by: 2027-Q1, slots: [night]"))).workloads
    assert chat.batch == Batch(("night",), (Work(AMOUNT, 0, 0, {"low": 1e6, "high": 1e6}),))
    asked = {time for time, rps in chat.demand_rps.items() if rps > 0}
    assert asked == {("2027-Q1", "night", "low"), ("2027-Q1", "night", "high")}
    (chat,) = load(folder(*written("work: 1 M requests, from: 2027-Q2"))).workloads
    assert chat.batch is not None
    assert [(work.first, work.last) for work in chat.batch.works] == [(1, 1)]
    (chat,) = load(folder(*written("work: 1 M requests"))).workloads
    assert chat.batch is not None
    assert [(work.first, work.last) for work in chat.batch.works] == [(0, 1)]


def test_batch_work_needs_no_promise_and_demand_does(folder: Folder, issues: Issues) -> None:
    """Proves that a latency may be left out of batch work only."""
    path = folder(*written("work: 1 M requests/day"))
    text = (path / "scenario.yaml").read_text(encoding="utf-8")
    (path / "scenario.yaml").write_text(text.replace(SLO, ""), encoding="utf-8")
    (chat,) = load(path).workloads
    assert (chat.ttft, chat.tpot) == (None, None)
    (issue,) = issues(folder(SLO, ""))
    assert "promises nothing" in issue.what


def test_length_buckets_share_the_work(folder: Folder) -> None:
    """Proves that buckets of batch work have their parts of it, which add up."""
    lengths = "    lengths: [{input_tokens: 1000, output_tokens: 100, share: 0.25}, "
    lengths += "{input_tokens: 6000, output_tokens: 600, share: 0.75}]\n    buckets: {input_edges: [2000]}\n"
    path = folder(*written("work: 1 M requests", lengths))
    file = path / "scenario.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("    input_tokens: 6144\n    output_tokens: 512\n", ""), encoding="utf-8")
    parts = [w.batch.works[0].requests["low"] for w in load(path).workloads if w.batch is not None]
    assert parts == pytest.approx([0.25e6, 0.75e6])


def test_a_class_and_a_price_by_request_are_read(folder: Folder) -> None:
    """Proves priority and usd_per_request, which is a million tokens' price by the request's tokens."""
    more = "    priority: 2\n    shortfall: {allowed: 10 %, usd_per_request: 0.01}\n"
    (chat,) = load(folder(DEMAND, DEMAND + more)).workloads
    assert (chat.priority, chat.shortfall.allowed, chat.usd_per_unserved_request) == (2, 0.1, 0.01)
    more = "    shortfall: {allowed: 10 %, usd_per_million_tokens: 2}\n"
    (chat,) = load(folder(DEMAND, DEMAND + more)).workloads
    assert chat.usd_per_unserved_request == pytest.approx(2 * 6656 / 1e6)


WRONG = [
    ("    batch: {work: 1 M requests/s}\n", "batch.work", "1 M requests/s", "900 M requests"),
    ("    batch: {work: 1 M}\n", "batch.work", "1 M", "900 M requests"),
    ("    batch: {work: 5}\n", "batch.work", "no unit", "requests"),
    ("    batch: {work: -5 requests}\n", "batch.work", "negative", ""),
    ("    batch: {work: .nan requests}\n", "batch.work", "nan", ""),
    ("    batch: {work: 9e12 G requests}\n", "batch.work", "more than 1,000,000", "unit"),
    ("    batch: {work: 9e300 G requests}\n", "batch.work", "too large", ""),
    ("    batch: {work: 1 requests}\n", "batch.work", "less than", "unit"),
    ("    batch: {}\n", "batch", "has no 'work'", ""),
    ("    batch: 5 requests\n", "batch", "not a mapping", "work, from, by"),
    ("    batch: {work: 1 M requests, form: 2027-Q1}\n", "batch.form", "unknown key", "'from'"),
    ("    batch: {work: 1 M requests, by: 2028-Q1}\n", "batch.by", "'2028-Q1'", "2027-Q1"),
    ("    batch: {work: 1 M requests, from: 2027-Q2, by: 2027-Q1}\n", "batch.by", "before '2027-Q2'", "Swap"),
    ("    batch: {work: 1 M requests, slots: [noon]}\n", "batch.slots.0", "'noon'", "night"),
    ("    batch: {work: 1 M requests, outlooks: {mid: 2}}\n", "batch.outlooks.mid", "'mid'", "low"),
    ("    batch: {work: 1 M requests/day, periods: {2028-Q1: 2}}\n", "batch.periods.2028-Q1", "'2028-Q1'", "2027-Q1"),
    ("    batch: {work: 1 M requests/day, by: 2027-Q2}\n", "batch.work", "every day", "900 M requests"),
    ("    batch: {work: 1 M requests, periods: {2027-Q2: 2}}\n", "batch.periods", "every day", "requests/day"),
    ("    batch: {work: 1 M requests}\n    spares: {decode: 1}\n", "spares", "batch work", "headroom"),
    (DEMAND + "    batch: {work: 1 M requests}\n", "", "demand beside batch", "Give one"),
    ("", "", "neither demand nor batch", "Give one"),
    (DEMAND + "    priority: 0\n", "priority", "'0'", ""),
    (DEMAND + "    priority: first\n", "priority", "'first'", "whole number"),
    (
        DEMAND + "    shortfall: {allowed: 0.1, usd_per_request: 1, usd_per_million_tokens: 1}\n",
        "shortfall.usd_per_request",
        "beside",
        "Keep one",
    ),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_one_error_that_names_it(
    folder: Folder, issues: Issues, wrong: tuple[str, str, str, str]
) -> None:
    """Proves one InputError with file, line, field, value and fix for each way to write it wrongly."""
    text, field, what, fix = wrong
    (issue,) = issues(folder(DEMAND, text))
    assert issue.where.partition(" ")[2] == f"workloads.chat.{field}".rstrip(".")
    assert what in issue.what
    assert fix in issue.fix


@pytest.mark.parametrize(
    ("text", "amount"),
    [("900 M requests", 9e8), ("2 T tokens", 2e12), ("3 k requests / day", 3e3), ("1 request", 1.0)],
)
def test_work_is_read_with_its_unit(text: str, amount: float) -> None:
    """Proves magnitudes of requests and tokens, once or per day."""
    work = units.work(text)
    assert (work.amount, work.per_day) == (amount, "day" in text)
    assert work.what == ("tokens" if "token" in text else "requests")


def test_works_put_together_and_spread_evenly(folder: Folder) -> None:
    """Proves the two ways in which studies look at work: as one amount, and at its even rate."""
    scenario = load(folder(*written("work: 86400 requests/day, slots: [day]")))
    (chat,) = scenario.workloads
    assert chat.batch is not None
    assert even_rps(chat.batch, scenario.calendar) == pytest.approx(24 / 16)
    whole = at_any_time(chat.batch, 1)
    assert (whole.first, whole.last) == (0, 1)
    assert whole.requests["low"] == pytest.approx(181 * DAY_S)
