"""`plan --from`: a plan to begin from is read, refused or used, and what became of it is told."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetopt.errors import InputError
from fleetopt.plan.store import read_plan
from fleetopt.scenario.load import load
from fleetopt.study.earlier import check_related

Run = Callable[..., subprocess.CompletedProcess[str]]
Seed = Callable[..., Path]


@pytest.fixture
def last(fleetopt: Run, seed: Seed) -> Path:
    """The folder of a plan of the seed paper's case."""
    assert fleetopt("plan", seed(), "-o", "last").returncode == 0
    return Path("last")


def test_a_plan_tells_what_it_began_from(fleetopt: Run, last: Path) -> None:
    """Proves: the note has the earlier plan's cost and that of the start, on the screen, in JSON and in report.md, and
    a plan from nothing has none.
    """
    answer = fleetopt("plan", "q3", "--from", last, "--json")
    assert answer.returncode == 0
    began, before = json.loads(answer.stdout)["began"], json.loads((last / "plan.json").read_text())
    assert before["began"] is None
    assert (began["scenario"], began["held"], began["last_usd"]) == ("seed", "everything", before["objective_usd"])
    assert began["start_usd"] == pytest.approx(before["objective_usd"])
    assert {one["decision"]: (one["last"], one["placed"]) for one in began["carried"]}["nodes rented"] == (8, 8)
    said = fleetopt("plan", "q3", "--from", last / "plan.json", "-o", "again")
    assert "began from the plan of seed (483,840.00 USD" in said.stdout
    assert "it serves as it was, at 483,840.00 USD" in said.stdout
    assert "of its 8 nodes rented at all times together all have a place" in " ".join(said.stdout.split())
    assert "began from the plan of seed" in Path("again/report.md").read_text()
    assert fleetopt("verify", "again", "q3").returncode == 0


def test_what_has_no_place_is_told(fleetopt: Run, seed: Seed, last: Path) -> None:
    """Proves: nodes of a supply line that has another name now are said to have no place."""
    seed("h200: {", "h200-now: {")
    said = " ".join(fleetopt("plan", "q3", "--from", last).stdout.split())
    assert "of its 8 nodes rented at all times together 8 have no place in this scenario" in said
    assert "of its 8 replicas at all times together all have a place" in said


def test_a_plan_that_is_not_there_is_bad_input(fleetopt: Run, seed: Seed) -> None:
    answer = fleetopt("plan", seed(), "--from", "nowhere")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "nowhere" in answer.stderr


def test_a_folder_without_a_plan_is_bad_input(fleetopt: Run, seed: Seed) -> None:
    answer = fleetopt("plan", seed(), "--from", "q3")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "plan.json" in answer.stderr


def test_a_plan_of_something_else_is_refused(fleetopt: Run, seed: Seed, last: Path) -> None:
    """Proves: a plan without a workload, a supply line or a period in common is no start, and both are named."""
    record = (last / "plan.json").read_text()
    for old, new, missing in (("2027-Q1", "2031-Q1", "no period"), ('"chat"', '"talk"', "no workload and no supply")):
        Path("other.json").write_text(record.replace(old, new).replace('"supply": "h200"', '"supply": "none"'))
        answer = fleetopt("plan", "q3", "--from", "other.json")
        assert (answer.returncode, answer.stdout) == (2, "")
        assert f"other.json: is a plan of 'seed', which has {missing} in common with 'seed'" in answer.stderr


def test_a_plan_with_more_nodes_than_there_can_be_is_refused(fleetopt: Run, seed: Seed, last: Path) -> None:
    """Proves: a number that no plan has is refused before it is a float that has no end."""
    record = (last / "plan.json").read_text()
    for field in ("nodes", "replicas"):
        Path("many.json").write_text(record.replace(f'"{field}": ', f'"{field}": {"9" * 400}', 1))
        answer = fleetopt("plan", "q3", "--from", "many.json")
        assert (answer.returncode, answer.stdout) == (2, "")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_only_input_errors_come_out_of_a_damaged_plan(last: Path, data: st.DataObject) -> None:
    """Proves: bytes of a real plan changed at random are read as a plan, or refused as input, and nothing else."""
    content = bytearray((last / "plan.json").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    Path("damaged.json").write_bytes(bytes(content))
    with suppress(InputError):
        check_related(read_plan("damaged.json"), load("q3"), "damaged.json")
