"""fleetopt stretch: what it prints, writes and refuses."""

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

QUICK = ("--within", "2 %", "--gap", "1 %")


def test_the_same_multiples_on_screen_in_json_and_on_disk(fleetopt: Run, seed: Seed) -> None:
    """Proves: one set of figures, a curve as SVG, and plans that cost no more than their part of the budget.
    Sensitivity: a table of its own would drift from the file, and nothing would say where it lies."""
    words = ("stretch", seed(), "--budget", "400 k USD", *QUICK)
    found = json.loads(fleetopt(*words, "--steps", "2", "-o", "far", "--json").stdout)
    told = fleetopt(*words)
    assert told.returncode == 0
    assert found == json.loads(Path("far/stretch.json").read_text())
    assert found["complete"]
    half, whole = found["points"]
    assert 0 < half["low"] < whole["low"]
    rows = list(csv.DictReader(io.StringIO(Path("far/stretch.csv").read_text())))
    assert [float(row["low"]) for row in rows] == [half["low"], whole["low"]]
    assert f"{whole['low']:.4g} times all demand can be served within 400,000.00 USD" in told.stdout
    answer = fleetopt(*words, "-o", "near").stdout
    assert answer.endswith("written: near/stretch.json, near/stretch.csv, near/1\n")
    assert Path("far/stretch.svg").read_text().count("<svg") == 1
    for point, folder in ((half, "1"), (whole, "2")):
        plan = json.loads(Path(f"far/{folder}/plan.json").read_text())
        assert plan["objective_usd"] == point["usd"] <= point["budget_usd"]
    assert fleetopt(*words, "-o", "far").returncode == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--budget", "2"), "--budget"),
        (("--budget", "0 USD"), "not more than zero"),
        (("--power", "4 USD"), "--power"),
        (("--steps", "3"), "give --budget or --power"),
        (("--within", "0 %"), "--within"),
        (("--workload", "chatt"), "Did you mean 'chat'"),
        (("--workload", "=cmd()"), "no workload"),
    ],
)
def test_a_wrong_option_is_one_clear_error(fleetopt: Run, seed: Seed, words: tuple[str, ...], said: str) -> None:
    """Proves: what is wrong is named, with exit code 2 and nothing on stdout.
    Sensitivity: a default in its place would answer another question."""
    answer = fleetopt("stretch", seed(), *words)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert said in answer.stderr
