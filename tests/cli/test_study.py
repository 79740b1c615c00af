"""fleetopt study: what it prints, keeps and refuses."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
Seed = Callable[..., Path]
PAGES = ("md", "html")


def test_the_same_table_on_screen_in_json_and_on_disk(fleetopt: Run, seed: Seed) -> None:
    """Proves: one set of figures everywhere, and plans that verify and explain as any other.
    Sensitivity: a table of its own, or a plan without its verdict, would differ."""
    found = json.loads(fleetopt("study", seed(), "-o", "out", "--json").stdout)
    told = fleetopt("study", seed(), "-o", "out")
    assert told.returncode == 0
    assert json.loads(Path("out/study.json").read_text())["styles"] == found["styles"]
    rows = list(csv.DictReader(io.StringIO(Path("out/study.csv").read_text())))
    assert [row["name"] for row in rows] == [*(row["name"] for row in found["styles"]), "all"]
    every = [*found["styles"], found["allowed"]]
    for row, one in zip(rows, every, strict=True):
        assert row["usd"] == ("" if one["usd"] is None else str(one["usd"]))
        if one["usd"] is not None:
            shown = f"{one['usd']:,.2f}"
            assert all(shown in text for text in (told.stdout, Path("out/study.md").read_text()))
            assert shown in Path("out/study.html").read_text()
            assert fleetopt("verify", f"out/plans/{one['name']}", "q3").returncode == 0
    assert "Do not apply here" in told.stdout
    assert "no A100-80G is on offer" in told.stdout
    assert fleetopt("report", "out/plans/static", "q3", "-o", "paper").returncode == 0
    assert fleetopt("explain", "q3", "--plan", "out/plans/static", "--solves", "1").returncode == 0


def test_only_the_styles_that_are_asked_for(fleetopt: Run, seed: Seed) -> None:
    """Proves: --style leaves the others out. Sensitivity: all of them would be solved for one."""
    found = json.loads(fleetopt("study", seed(), "--style", "disaggregated", "--json").stdout)
    assert [row["name"] for row in found["styles"]] == ["disaggregated"]
    assert found["solves"] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--style", "splitwise-hx"), "Did you mean 'splitwise-h"),
        (("--style", "=cmd()"), "no serving style"),
        (("--gap", "200 %"), "--gap"),
        (("--time-limit", "0 s"), "--time-limit"),
        (("--plan", "nowhere"), "nowhere"),
    ],
)
def test_a_wrong_option_is_one_clear_error(fleetopt: Run, seed: Seed, words: tuple[str, ...], said: str) -> None:
    """Proves: what is wrong is named, with exit code 2 and nothing on stdout.
    Sensitivity: a default in its place would answer another question."""
    answer = fleetopt("study", seed(), *words)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert said in answer.stderr


def test_no_plan_at_all_ends_as_it_does_for_plan(fleetopt: Run, seed: Seed) -> None:
    """Proves: exit code 3 with the reason where nothing can work. Sensitivity: a table of dashes would hide it."""
    answer = fleetopt("study", seed("ttft: 2 s", "ttft: 1 ms"))
    assert answer.returncode == 3
    assert "TTFT" in answer.stderr


def test_how_tight_promises_may_be(fleetopt: Run, seed: Seed) -> None:
    """Proves: --slo-scale gives the same table on screen, in JSON and on disk, and goes on in its folder.
    Sensitivity: a table of its own would drift from the file."""
    words = ("study", seed(), "--slo-scale", "1,2", "--gap", "1 %")
    found = json.loads(fleetopt(*words, "-o", "tight", "--json").stdout)
    assert found == json.loads(Path("tight/tightness.json").read_text())
    told = fleetopt(*words, "-o", "tight").stdout
    assert json.loads(Path("tight/tightness.json").read_text()) == found | {"solves": 0}
    rows = list(csv.DictReader(io.StringIO(Path("tight/tightness.csv").read_text())))
    assert [(float(row["factor"]), row["asked"]) for row in rows] == [(1.0, "true"), (2.0, "true")]
    for row, one in zip(rows, found["rows"], strict=True):
        assert float(row["disaggregated_usd"]) == one["disaggregated"]["usd"]
        assert (row["aggregated_came"], row["aggregated_usd"]) == ("DOES_NOT_APPLY", "")
        shown = f"{one['disaggregated']['usd']:,.2f}"
        assert all(shown in text for text in (told, *(Path(f"tight/tightness.{end}").read_text() for end in PAGES)))
    assert "no aggregated profile of" in told
    assert fleetopt("study", "q3", "--slo-scale", "1", "-o", "tight").returncode == 2


@pytest.mark.parametrize("factors", ["", "a", "1,,2", "0", "-1", "nan", "inf", "1e9", "=cmd()"])
def test_a_wrong_factor_is_one_clear_error(fleetopt: Run, seed: Seed, factors: str) -> None:
    """Proves: what is wrong is named, with exit code 2. Sensitivity: nan passes a comparison that is turned around."""
    answer = fleetopt("study", seed(), "--slo-scale", factors)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "--slo-scale" in answer.stderr


@pytest.mark.parametrize("words", [("--style", "static"), ("--plan", "q3")])
def test_factors_stand_beside_no_style_and_no_plan(fleetopt: Run, seed: Seed, words: tuple[str, ...]) -> None:
    """Proves: an option that would do nothing is refused. Sensitivity: left unsaid, a table of one style would be
    expected and another given."""
    answer = fleetopt("study", seed(), "--slo-scale", "1,2", *words)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert f"{words[0]}: is not for --slo-scale" in answer.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [("static", "choice among several"), ("splitwise-aa", "does not apply"), ("x", "no serving style")],
)
def test_a_style_that_cannot_be_stretched_is_refused(fleetopt: Run, seed: Seed, name: str, said: str) -> None:
    """Proves: stretch --style takes only what is one restriction of the scenario. Sensitivity: all would be."""
    answer = fleetopt("stretch", seed(), "--style", name, "--budget", "1 M USD")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert said in answer.stderr


def test_hostile_names_do_no_harm_in_tables_and_pages(fleetopt: Run, seed: Seed) -> None:
    """Proves: a name that a spreadsheet or a browser would run stands as text in every file of a study and a sweep.
    Sensitivity: the first column of a table is the name itself."""
    name = json.dumps("=cmd()<script>\N{LATIN SMALL LETTER E WITH ACUTE}", ensure_ascii=False)
    path = seed() / "scenario.yaml"
    text = path.read_text(encoding="utf-8").replace("  chat:", f"  {name}:").replace("name: seed", f"name: {name}")
    path.write_text(text, encoding="utf-8")
    assert fleetopt("study", "q3", "--slo-scale", "1,2", "-o", "tight").returncode == 0
    assert fleetopt("study", "q3", "--style", "disaggregated", "-o", "styles").returncode == 0
    vary = "workloads.*.demand=1x,1.1x"
    assert fleetopt("sweep", "q3", "--vary", vary, "--engine", "inline", "-o", "swept").returncode == 0
    for table in (*Path("tight").glob("*.csv"), *Path("styles").glob("*.csv"), *Path("swept").glob("*.csv")):
        with table.open(encoding="utf-8", newline="") as file:
            assert not [cell for row in csv.reader(file) for cell in row if cell.startswith(("=", "+", "@"))]
    for page in ("tight/tightness", "styles/study", "swept/sweep"):
        assert all("<script" not in Path(f"{page}.{end}").read_text(encoding="utf-8") for end in PAGES)
