"""`fleetopt ingest trace`: tables, JSON, files, and what it refuses."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

DATA = Path(__file__).parents[1] / "ingest/traces/data"
BURST = DATA / "burstgpt_head.csv"


def test_tables_say_what_was_understood_and_what_is_odd(fleetopt: Run) -> None:
    """A person sees the format, the traffic by model, the slots and the flags."""
    done = fleetopt("ingest", "trace", BURST)
    assert done.returncode == 0
    for part in (
        "understood: BurstGPT trace: 42 rows",
        "Slots of the day",
        "GPT-4",
        "4 of 42 rows (9.5 %)",
        "To look at",
    ):
        assert part in done.stdout


def test_json_holds_the_whole_reading(fleetopt: Run) -> None:
    """A program gets profiles, slots, bins, burstiness, flags and the hash."""
    record = json.loads(fleetopt("ingest", "trace", BURST, "--json", "--slots", 3).stdout)
    assert record["format"] == "burstgpt"
    first = record["traffic"][0]
    assert len(first["profile"]) == 24
    assert len(first["slot_rps"]) == len(record["slots"])
    assert {"lengths", "burstiness", "busiest"} <= first.keys()


def test_files_are_written_once_and_again_only_with_force(fleetopt: Run, tmp_path: Path) -> None:
    """A folder that has something in it is left alone unless --force is given."""
    out = tmp_path / "out"
    assert fleetopt("ingest", "trace", BURST, "-o", out).returncode == 0
    names = {path.name for path in out.iterdir()}
    assert names == {"workload.yaml", "hours.csv", "lengths-ChatGPT.csv", "lengths-GPT-4.csv"}
    assert fleetopt("ingest", "trace", BURST, "-o", out).returncode == 2
    assert fleetopt("ingest", "trace", BURST, "-o", out, "--force").returncode == 0


@pytest.mark.parametrize(
    "options",
    [
        ("--timezone", "Mars"),
        ("--columns", "x"),
        ("--start", "soon"),
        ("--format", "azure"),
        ("--only", "nobody"),
        ("--name", "two"),
        ("--model", "nobody=x"),
        ("--slots", "0"),
    ],
)
def test_options_that_cannot_be_followed_are_refused(fleetopt: Run, options: tuple[str, str]) -> None:
    """A wrong option ends in exit code 2 and a sentence, and nothing is printed as if it had worked."""
    done = fleetopt("ingest", "trace", BURST, *options)
    assert done.returncode == 2
    assert done.stderr
    assert not done.stdout
