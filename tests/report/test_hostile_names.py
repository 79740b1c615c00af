"""Every place a scenario has for free text, filled with what a browser, spreadsheet or terminal would act on."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

from fleetopt.cli.main import main

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
    Path("s").mkdir()
    Path("s/scenario.yaml").write_text(SCENARIO.format(name=json.dumps(text, ensure_ascii=False)), encoding="utf-8")
    return text


def test_a_plan_carries_hostile_text_as_text(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
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


def test_spreadsheets_and_browsers_get_nothing_to_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _run(monkeypatch, "plan", "s", "-o", "out") == 0
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
    text = Path("out/report.md").read_text(encoding="utf-8")
    assert "<" not in text
    tables = [block for block in text.split("\n\n") if block.startswith("| ")]
    assert len(tables) > 4
    for block in tables:
        assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1


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
