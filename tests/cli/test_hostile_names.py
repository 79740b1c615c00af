"""Names that mean something to a terminal, a spreadsheet, a browser or a file system do no harm here."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
Seed = Callable[..., Path]

HOSTILE = [
    *("<script>", "=cmd()", "+1", "-1+1", "@sum", "[red]x", "[bold]x[", "a|b", "`x`", "{0}", "%s", "$HOME", "'q"),
    *("'; drop table", "\N{GRINNING FACE}", "\N{LATIN SMALL LETTER E WITH ACUTE}", "x" * 80, "all", "base", "total"),
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_a_name(fleetopt: Run, seed: Seed, name: str) -> None:
    path = seed() / "scenario.yaml"
    quoted = json.dumps(name, ensure_ascii=False)
    text = path.read_text(encoding="utf-8").replace("  chat:", f"  {quoted}:").replace("h200: {", f"{quoted}: {{")
    path.write_text(text.replace("name: seed", f"name: {quoted}"), encoding="utf-8")
    answer = fleetopt("plan", "q3", "-o", "out")
    assert answer.returncode == 0, answer.stderr
    assert name in answer.stdout.replace("\n", "") or len(name) > 20
    assert fleetopt("verify", "out", "q3").returncode == 0
    assert json.loads(Path("out/plan.json").read_text(encoding="utf-8"))["workloads"][0]["workload"] == name
    for table in Path("out").glob("*.csv"):
        with table.open(encoding="utf-8", newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "-1+"))]
    report = Path("out/report.md").read_text(encoding="utf-8")
    assert "<script" not in report
    widths = {line.replace("\\|", "").count("|") for line in report.splitlines() if line.startswith("| ")}
    assert min(widths) > 1
    assert sorted(entry.name for entry in Path().iterdir()) == ["out", "q3"]


@pytest.mark.parametrize(
    "name", ["../../x", "a/b", "a\\b", "a\nb", "a\rb", "\x1b[31mred", "\x00", "\x07", "", " x", "y" * 500]
)
@pytest.mark.parametrize("place", ["  chat:", "    h200:"])
def test_a_name_that_cannot_be_shown_or_stored_is_refused(fleetopt: Run, seed: Seed, name: str, place: str) -> None:
    answer = fleetopt("plan", seed(place, f"{place[: -len(place.lstrip())]}{json.dumps(name)}:"))
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "is no name" in answer.stderr


@pytest.mark.parametrize("value", ["\x1b[31mred", "a\nb"])
def test_terminal_codes_in_a_path_are_not_sent_to_the_terminal(fleetopt: Run, seed: Seed, value: str) -> None:
    seed()
    assert fleetopt("plan", value).returncode == 2
