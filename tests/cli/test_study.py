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
    assert "does not apply: no A100-80G is on offer" in told.stdout
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
