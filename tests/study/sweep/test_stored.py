"""The plan of a variant is held against the variant, not against the scenario as it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fleetopt.errors import InputError
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.store import read_plan, to_json
from fleetopt.scenario.load import load
from fleetopt.study.sweep.designs import Design
from fleetopt.study.sweep.records import Sweep
from fleetopt.study.sweep.stored import scenario_of
from fleetopt.study.sweep.sweep import Ask, sweep
from fleetopt.verify.verifier import verify

Write = Callable[..., Path]

VARY = ("workloads.chat.demand=0.5x..2x", "workloads.*.headroom=10 %,20 %")


def swept(path: Path, folder: Path, design: Design = "lhs", vary: tuple[str, ...] = VARY) -> Sweep:
    ask = Ask(vary, design, samples=3, options=SolveOptions(gap=0.01, diagnose=False), plans=True)
    return sweep(path, ask, folder=folder)


def stored(found: Sweep, folder: Path) -> list[Path]:
    return [folder / run.plan for run in found.runs if run.plan]


@pytest.mark.parametrize("design", ["lhs", "one-at-a-time"])
def test_every_plan_of_a_sweep_holds_for_its_own_variant(scenario: Write, tmp_path: Path, design: Design) -> None:
    """Proves: samples, several fields at once and the scenario as it is are found again, and every check passes.
    Sensitivity: another variant has other dollars or another demand, so that some check would fail.
    """
    vary = VARY if design == "lhs" else ("workloads.chat.demand=0.5x,2x", VARY[1])
    files = stored(swept(scenario(), tmp_path / "out", design, vary), tmp_path / "out")
    assert len(files) == {"lhs": 3, "one-at-a-time": 5}[design]
    for file in files:
        plan = read_plan(file)
        verdict = verify(plan, scenario_of(file, plan, scenario()))
        assert verdict.passed, [check for check in verdict.checks if not check.passed]
    against_base = [verify(read_plan(file), load(scenario())).passed for file in files]
    assert not all(against_base)


def test_a_plan_that_was_tampered_with_is_refused(scenario: Write, tmp_path: Path) -> None:
    """Proves: the variant's own dollars are what a plan is held against.
    Sensitivity: a variant made from the plan's figures would agree with anything.
    """
    file = stored(swept(scenario(), tmp_path / "out"), tmp_path / "out")[0]
    plan = read_plan(file)
    less = plan.model_copy(update={"objective_usd": plan.objective_usd - 100.0})
    file.write_text(to_json(less))
    assert not verify(less, scenario_of(file, less, scenario())).passed


def test_a_plan_without_changes_is_of_the_scenario(scenario: Write, tmp_path: Path) -> None:
    """Proves: a plan of no variant needs no sweep beside it.
    Sensitivity: `verify` would ask for a folder that nobody has.
    """
    found = swept(scenario(), tmp_path / "out", "one-at-a-time", ("workloads.chat.demand=2x",))
    alone = shutil.copy(stored(found, tmp_path / "out")[0], tmp_path / "plan.json")
    plan = read_plan(alone)
    assert scenario_of(Path(alone), plan, scenario()) == load(scenario())


def test_what_cannot_be_found_again_is_said(scenario: Write, tmp_path: Path) -> None:
    """Proves: a plan out of its folder, a folder of another sweep, a damaged question, and a scenario that has
    other values now, are one sentence each.

    Sensitivity: checks that fail without a word about why.
    """
    file = stored(swept(scenario(), tmp_path / "out"), tmp_path / "out")[0]
    plan = read_plan(file)
    with pytest.raises(
        InputError, match=r"variant of a sweep \(workloads.chat.demand.base = .*lies in no folder of one"
    ):
        scenario_of(Path(shutil.copy(file, tmp_path / "away.json")), plan, scenario())
    with pytest.raises(InputError, match="as it is now does not have"):
        scenario_of(file, plan, scenario({"base: 40": "base: 41"}, "changed"))
    with pytest.raises(InputError, match=r"workloads\.chat"):
        scenario_of(file, plan, scenario({"  chat:": "  talk:"}, "renamed"))
    question = tmp_path / "out/question.json"
    asked = json.loads(question.read_text())
    question.write_text(json.dumps(asked | {"samples": 10**15}))
    with pytest.raises(InputError, match="over 100,000"):
        scenario_of(file, plan, scenario())
    question.write_text(json.dumps(asked | {"scenario": "other"}))
    with pytest.raises(InputError, match="is of scenario 'sweeps', and the folder holds a sweep of 'other'"):
        scenario_of(file, plan, scenario())
    question.write_text("{}")
    with pytest.raises(InputError, match="is not what a sweep asked"):
        scenario_of(file, plan, scenario())
