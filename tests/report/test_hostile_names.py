"""Every place a scenario has for free text, filled with what a browser, spreadsheet or terminal would act on."""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path

import openpyxl
import pytest

from fleetopt.cli.main import main
from tests.report.pages import Page

SCENARIO = """\
name: {name}
description: {name}
calendar:
  start: 2027-Q1
  slots: {{{name}: 24 h}}
  outlooks: {{{name}: 100 %}}
workloads:
  {name}:
    model: llama-3.1-8b
    demand: 10 requests/s
    input_tokens: 1024
    output_tokens: 256
    slo: {{ttft: 1 s, tpot: 30 ms}}
supply:
  sites: [{name}]
  offers:
    {name}: {{node_type: 8xH100, kind: on_demand, price: 3 USD/GPU/h, provider: {name}, source: {name}}}
  quotas:
    {name}: {{gpu_type: H100, max_gpus: 8}}
"""

HOSTILE = {
    "script": "<script>alert(1)<|script>",
    "image": "<img src=x onerror=alert(1)>",
    "formula": "=cmd()",
    "plus": "+1+1",
    "minus": "-1+1",
    "at": "@x",
    "markup": "[red]x[;red]",
    "bold": "[bold]",
    "link": "[x](javascript)",
    "pipe": "a|b|c",
    "code": "`x`",
    "quotes": '"\'"',
    "emoji": "\N{FIRE}\N{FIRE}",
    "eighty": "x" * 80,
    "template": "{0} %s $HOME",
    "rule": "---",
}

OUR_FORMULA = re.compile(r"=(SUM|SUMIF|ROUND)\([^()]*\)|=[A-Z]+\d+([-+*/][A-Z]+\d+)*|='[A-Z][a-z ]+'![$A-Z\d]+|=0")

REFUSED = {
    "slash": "a/b",
    "backslash": "a\\b",
    "dot": "a.b",
    "parent": "..",
    "colon": "a:b",
    "comma": "a,b",
    "star": "a*b",
    "line break": "a\nb",
    "carriage return": "a\rb",
    "tab": "a\tb",
    "escape": "\x1b[31mred",
    "bell": "\x07",
    "nul": "a\x00b",
    "empty": "",
    "blank": " ",
    "eighty-one": "x" * 81,
}


def _run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["fleetopt", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


@pytest.fixture(params=HOSTILE)
def name(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A hostile name; a scenario in which everything is called by it stands in the folder s."""
    text = HOSTILE[request.param]
    monkeypatch.chdir(tmp_path)
    _write_scenario(text)
    return text


def _write_scenario(text: str) -> None:
    Path("s").mkdir()
    Path("s/scenario.yaml").write_text(SCENARIO.format(name=json.dumps(text, ensure_ascii=False)), encoding="utf-8")


def test_a_plan_carries_hostile_text_as_text(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every kind of output of one run shows the name as it is, and none of them obeys it."""
    code = _run(monkeypatch, "plan", "s", "-o", "out")
    shown = capsys.readouterr()
    assert (code, shown.err) == (0, "")
    # Literal, whatever a terminal's markup would make of it, and no codes for a terminal that is not there.
    assert name in shown.out or len(name) > 20
    assert "\x1b" not in shown.out
    plan = json.loads(Path("out/plan.json").read_text(encoding="utf-8"))
    line, outcome = plan["fleet"][0], plan["workloads"][0]
    assert [line["supply"], line["site"], line["provider"], outcome["workload"], plan["scenario"]] == [name] * 5
    assert _run(monkeypatch, "verify", "out", "s") == 0
    assert sorted(path.name for path in Path().iterdir()) == ["out", "s"]
    _check_tables(name)
    _check_markdown()
    _check_page(name)
    _check_workbook(name)


def _check_tables(name: str) -> None:
    for table in Path("out").glob("*.csv"):
        with table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        assert len({len(row) for row in rows}) == 1
        cells = [cell for row in rows[1:] for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))]
        assert not [cell for cell in cells if cell.startswith("-") and not _is_number(cell)]
    with Path("out/fleet.csv").open(encoding="utf-8", newline="") as file:
        supply = next(csv.DictReader(file))["supply"]
    assert supply == (f"'{name}" if name[0] in "=+-@" else name)


def _check_markdown() -> None:
    text = Path("out/report.md").read_text(encoding="utf-8")
    assert "<" not in text
    tables = [block for block in text.split("\n\n") if block.startswith("| ")]
    assert len(tables) > 4
    for block in tables:
        assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1


def _check_page(name: str) -> None:
    page = Page(Path("out/report.html").read_text(encoding="utf-8"))
    assert page.dangers() == []
    assert page.open == []
    assert page.tables["workload-table"][1][0] == name
    assert page.words.count(name) > 5


def _check_workbook(name: str) -> None:
    book = openpyxl.load_workbook("out/plan.xlsx")
    assert book["Summary"]["A1"].value == name
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells if isinstance(cell.value, str) and name in cell.value} == {"s"}
    formulas = [cell.value for cell in cells if cell.data_type == "f"]
    assert not [text for text in formulas if not OUR_FORMULA.fullmatch(text)]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("verb", ["check", "capacity"])
def test_other_verbs_show_it_literally_too(
    name: str, verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, verb, "s") == 0
    shown = capsys.readouterr().out
    assert name in shown or len(name) > 20
    assert "\x1b" not in shown


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_names_that_could_leave_a_cell_a_key_or_a_folder_are_refused(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s").mkdir()
    Path("s/scenario.yaml").write_text(SCENARIO.format(name=json.dumps(text, ensure_ascii=False)), encoding="utf-8")
    assert _run(monkeypatch, "plan", "s", "-o", "out") == 2
    told = capsys.readouterr()
    assert told.out == ""
    places = ("calendar.slots", "calendar.outlooks", "workloads", "supply.sites", "supply.offers", "supply.quotas")
    assert all(f" {place}." in told.err for place in places)
    assert told.err.count("is no name") == len(places)
    assert not Path("out").exists()
