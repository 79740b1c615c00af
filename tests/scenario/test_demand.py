from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from fleetopt.errors import Issue
from fleetopt.scenario.load import load

Folder = Callable[..., Path]
Find = Callable[[Path], tuple[Issue, ...]]

HEADER = "workload,period,slot,outlook,requests_per_s\n"
TIMES = list(product(("2027-Q1", "2027-Q2"), ("night", "day"), ("low", "high")))
ROWS = [f"chat,{period},{slot},{outlook},{n}\n" for n, (period, slot, outlook) in enumerate(TIMES)]
TABLE = ("demand: 10 requests/s", "demand: {table: d.csv}")


def test_factors_multiply_the_base(folder: Folder) -> None:
    factors = "{base: 10 requests/s, slots: {night: 50 %}, periods: {2027-Q2: 2}, outlooks: {high: 300 %}}"
    demand = load(folder("10 requests/s", factors)).workloads[0].demand_rps
    assert demand["2027-Q1", "day", "low"] == 10
    assert demand["2027-Q1", "night", "low"] == 5
    assert demand["2027-Q2", "night", "high"] == 30
    assert len(demand) == 8


def test_tokens_are_input_and_output_together(folder: Folder) -> None:
    demand = load(folder("10 requests/s", "6656 tokens/s")).workloads[0].demand_rps
    assert set(demand.values()) == {1.0}


def test_a_table_gives_every_rate(folder: Folder) -> None:
    scenario = load(folder(*TABLE, files={"d.csv": HEADER + "".join(ROWS)}))
    assert scenario.workloads[0].demand_rps == dict(zip(TIMES, range(8), strict=True))
    assert "d.csv" in {file.name for file in scenario.files}


def test_a_table_may_count_tokens(folder: Folder) -> None:
    rows = [row.rsplit(",", 1)[0] + ",6656\n" for row in ROWS]
    scenario = load(folder(*TABLE, files={"d.csv": HEADER.replace("requests", "tokens") + "".join(rows)}))
    assert set(scenario.workloads[0].demand_rps.values()) == {1.0}


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        (HEADER, "d.csv", "no rows"),
        (HEADER + "".join(ROWS[1:]), "d.csv", "no row for chat in 2027-Q1, night, low"),
        (HEADER + "".join(ROWS[3:]), "d.csv", "and 2 more"),
        (HEADER + "".join([*ROWS, ROWS[0]]), "d.csv:10 workload", "repeats chat in 2027-Q1, night, low"),
        (HEADER + ROWS[0].replace("Q1", "Q3"), "d.csv:2 period", "'2027-Q3' is not in the calendar"),
        (HEADER + ROWS[0].replace("night", "nite"), "d.csv:2 slot", "'nite' is not in the calendar"),
        (HEADER + ROWS[0].replace("low", "lo"), "d.csv:2 outlook", "'lo' is not in the calendar"),
        (HEADER + ROWS[0].replace(",0\n", ",-1\n"), "d.csv:2 requests_per_s", "-1 is out of range"),
        (HEADER + ROWS[0].replace(",0\n", ",nan\n"), "d.csv:2 requests_per_s", "'nan' is not a finite number"),
        (HEADER + ROWS[0].replace(",0\n", ",\n"), "d.csv:2 requests_per_s", "is empty"),
        ("workload,period,slot,outlook\nchat,a,b,c\n", "d.csv:2", "no single rate column"),
        (HEADER.replace("\n", ",tokens_per_s\n") + "chat,a,b,c,1,2\n", "d.csv:2", "no single rate column"),
    ],
)
def test_a_wrong_table_is_named_with_its_line(folder: Folder, issues: Find, text: str, where: str, what: str) -> None:
    (found,) = issues(folder(*TABLE, files={"d.csv": text}))
    assert found.where == where
    assert what in found.what
    assert found.fix


@pytest.mark.parametrize(
    ("demand", "where", "what"),
    [
        ("{}", "workloads.chat.demand", "neither a base rate nor a table"),
        ("{base: 1 requests/s, table: d.csv}", "workloads.chat.demand", "a base rate and a table"),
        ("{table: d.csv, slots: {day: 2}}", "workloads.chat.demand", "factors beside a table"),
        ("{table: /etc/passwd}", "workloads.chat.demand.table", "not a relative path"),
        ("{base: 1 requests/s, slots: {dya: 2}}", "workloads.chat.demand.slots.dya", "not in the calendar"),
        ("{base: 1 requests/s, periods: {2027-Q3: 2}}", "workloads.chat.demand.periods.2027-Q3", "not in the"),
        ("{base: 1 requests/s, outlooks: {high: -1}}", "workloads.chat.demand.outlooks.high", "negative"),
        ("{base: 1 requests/s, outlooks: {high: .nan}}", "workloads.chat.demand.outlooks.high", "finite"),
    ],
)
def test_a_wrong_demand_is_named(folder: Folder, issues: Find, demand: str, where: str, what: str) -> None:
    (found,) = issues(folder("10 requests/s", demand, {"d.csv": HEADER + "".join(ROWS)}))
    assert found.where == f"scenario.yaml:10 {where}"
    assert what in found.what
    assert found.fix


def test_a_missing_table_is_named(folder: Folder, issues: Find) -> None:
    (found,) = issues(folder(*TABLE))
    assert "d.csv" in found.where
    assert found.what == "does not exist"
