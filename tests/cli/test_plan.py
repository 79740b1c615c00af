"""What `plan` and `verify` answer when the plan itself is the trouble: none found, one that fails, one made up."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleetopt.errors import NoPlanWithinLimit, Repair
from fleetopt.plan.domain import Check, Verdict

Run = Callable[..., subprocess.CompletedProcess[str]]
Seed = Callable[..., Path]


@pytest.fixture
def stored(fleetopt: Run, seed: Seed) -> str:
    """plan.json of the scenario in q3."""
    answer = fleetopt("plan", seed(), "--json")
    assert answer.returncode == 0
    return answer.stdout


def test_a_plan_that_fails_its_verification_is_not_shown_or_written(
    fleetopt: Run, seed: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Verdict(
        passed=False, checks=(Check(name="slo_holds", passed=False, worst=3.0, unit="s", detail="3 s of 2 s"),)
    )
    monkeypatch.setattr("fleetopt.study.once.verify", lambda *_: broken)
    answer = fleetopt("plan", seed(), "-o", "out")
    assert (answer.returncode, answer.stdout) == (5, "")
    assert "slo_holds: 3 s of 2 s" in answer.stderr
    assert not Path("out").exists()
    record = json.loads(fleetopt("plan", "q3", "--json").stdout)
    assert record["status"] == "FAILED_VERIFICATION"
    assert record["failures"] == ["slo_holds: 3 s of 2 s"]


def test_no_plan_in_time_tells_the_bound(fleetopt: Run, seed: Seed, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object) -> None:
        raise NoPlanWithinLimit("no plan was found within 1 s", 12.5)

    monkeypatch.setattr("fleetopt.study.once.optimize_case", nothing)
    answer = fleetopt("plan", seed(), "-o", "out", "--json")
    record = json.loads(answer.stdout)
    assert (answer.returncode, record["status"], record["bound_usd"]) == (4, "NO_SOLUTION_FOUND", 12.5)
    assert "no plan was found within 1 s" in answer.stderr
    assert not Path("out").exists()


def test_what_would_make_a_plan_is_told_with_no_plan(
    fleetopt: Run, seed: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: repairs that are known come with "no plan", eight of the ten details of one in the terminal and all in
    JSON, and nobody is told to wait longer.

    Sensitivity: a shortfall of a large fleet fills the terminal, a line for each workload and time.
    """
    details = tuple(f"demand of w{index} in t1/h1/o1: 10 % more unserved" for index in range(10))
    repairs = [Repair("Raise this limit", ("quota q from 3 to 5 GPUs",)), Repair("Accept a shortfall", details)]

    def nothing(*_: object) -> None:
        raise NoPlanWithinLimit("no plan was found within 1 s", None, repairs)

    monkeypatch.setattr("fleetopt.study.once.optimize_case", nothing)
    answer = fleetopt("plan", seed(), "--json")
    assert answer.stderr.splitlines()[:3] == [
        "no plan: no plan was found within 1 s",
        "Each of these is known to make a plan possible, and less may do:",
        "  1. Raise this limit: quota q from 3 to 5 GPUs",
    ]
    assert "w7 in" in answer.stderr
    assert "w8 in" not in answer.stderr
    assert "(and 2 more; --json has them all)" in answer.stderr
    assert json.loads(answer.stdout)["repairs"][1]["details"] == list(details)


def _number(text: str, number: str) -> str:
    cost = json.dumps(json.loads(text)["objective_usd"])
    assert f'"objective_usd": {cost}' in text
    return text.replace(f'"objective_usd": {cost}', f'"objective_usd": {number}')


HOSTILE: dict[str, Callable[[str], str]] = {
    "a number of 5000 digits": lambda text: _number(text, "9" * 5000),
    "a number beyond floats": lambda text: _number(text, "1e999"),
    "not a number": lambda text: _number(text, "NaN"),
    "infinity": lambda text: _number(text, "-Infinity"),
    "a word for a number": lambda text: _number(text, '"much"'),
    "a list for a number": lambda text: _number(text, "[1]"),
    "nothing for a number": lambda text: _number(text, "null"),
    "100 000 lists": lambda _: "[" * 100_000 + "]" * 100_000,
    "100 000 objects": lambda _: '{"a":' * 100_000 + "1" + "}" * 100_000,
    "100 000 lists for a number": lambda text: _number(text, "[" * 100_000 + "]" * 100_000),
    "an unknown field": lambda text: text.replace("{", '{"more": 1, ', 1),
    "another schema version": lambda text: text.replace('"schema_version": "1"', '"schema_version": "2"'),
    "cut off": lambda text: text[: len(text) // 2],
    "not JSON": lambda _: "hello",
    "an empty file": lambda _: "",
    "an empty object": lambda _: "{}",
    "a list": lambda _: "[]",
    "null": lambda _: "null",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_no_plan_is_refused(fleetopt: Run, stored: str, case: str) -> None:
    Path("plan.json").write_text(HOSTILE[case](stored), encoding="utf-8")
    answer = fleetopt("verify", "plan.json", "q3")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith("error: plan.json")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_plan_in_another_encoding_is_refused(fleetopt: Run, stored: str, encoding: str) -> None:
    Path("plan.json").write_text(stored, encoding=encoding)
    assert fleetopt("verify", "plan.json", "q3").returncode == 2


def _each_twice(field: str) -> Callable[[dict[str, Any]], None]:
    def double(plan: dict[str, Any]) -> None:
        plan[field] *= 2

    return double


def _with(place: list[str | int], value: Any) -> Callable[[dict[str, Any]], None]:
    def put(plan: dict[str, Any]) -> None:
        part: Any = plan
        for key in place[:-1]:
            part = part[key]
        part[place[-1]] = value

    return put


@pytest.mark.parametrize(
    "doctor",
    [
        *(_each_twice(field) for field in ("fleet", "placements", "workloads", "costs")),
        _with(["fleet", 0, "nodes"], 10**15),
        _with(["fleet", 0, "usd_per_node_h"], 1e308),
        _with(["placements", 0, "load_rps"], 1e308),
        _with(["placements", 0, "utilization"], -1.0),
        _with(["workloads", 0, "achieved_rps"], 1e308),
        _with(["workloads", 0, "workload"], "somebody else"),
        _with(["gap"], -1.0),
        _with(["bound_usd"], 1e300),
        _with(["bound_usd"], 0.0),
        _with(["scenario"], "another"),
    ],
)
def test_a_doctored_plan_does_not_hold(fleetopt: Run, stored: str, doctor: Callable[[dict[str, Any]], None]) -> None:
    plan = json.loads(stored)
    doctor(plan)
    Path("plan.json").write_text(json.dumps(plan), encoding="utf-8")
    answer = fleetopt("verify", "plan.json", "q3")
    assert answer.returncode == 5
    assert "the plan does not hold: " in answer.stderr
    assert "BROKEN" in answer.stdout


def test_a_plan_of_another_scenario_does_not_hold(fleetopt: Run, seed: Seed, stored: str) -> None:
    Path("plan.json").write_text(stored, encoding="utf-8")
    answer = fleetopt("verify", "plan.json", seed("ttft: 2 s", "ttft: 1 s"))
    assert answer.returncode == 5
    assert "changed since the plan was made: scenario.yaml" in answer.stderr


def test_capacity_shows_every_config_when_asked(fleetopt: Run, seed: Seed) -> None:
    seed()
    best, everything = (fleetopt("capacity", "quickstart", *more).stdout for more in ((), ("--all",)))
    assert len(everything.splitlines()) > len(best.splitlines()) > 5
    assert "--why-not says why" in best


@pytest.mark.parametrize("what", ["models", "gpus", "nodes", "offers"])
def test_a_folder_adds_to_the_catalog(fleetopt: Run, seed: Seed, what: str) -> None:
    seed()
    columns = "name,memory_gib,memory_bandwidth_gb_s,power_w,evidence,source\n"
    Path("own/_hardware").mkdir(parents=True)
    Path("own/_hardware/gpu_types.csv").write_text(columns + "MINE,99,1,1,assumed,us\n", encoding="utf-8")
    records = json.loads(fleetopt("catalog", what, "--folder", "own", "--json").stdout)
    names = [record["name"] for record in records]
    assert len(names) > 3
    assert ("MINE" in names) == (what == "gpus")
