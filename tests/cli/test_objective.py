"""Plans for something other than cost, and Ctrl-C in studies, on the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fleetopt.cli.studying import stoppable
from fleetopt.study.resolve import Resolver

Run = Callable[..., subprocess.CompletedProcess[str]]
Seed = Callable[..., Path]

ASKED = "name: seed\nobjective: {least: gpus, at_most: 10 %, then: gpu_types}"


def test_a_plan_says_what_it_has_little_of(fleetopt: Run, seed: Seed) -> None:
    """Proves: screen, report.md, report.html and plan.json state each goal, its proof and its price; the plan verifies,
    and no longer where the scenario asks for something else. Sensitivity: a cost that is not the least, without a word.
    """
    told = fleetopt("plan", seed("name: seed", ASKED), "-o", "out")
    assert told.returncode == 0
    sentence = "the fewest GPUs in service at no more than 10.0 % above the cheapest: "
    assert sentence in told.stdout
    assert "no dearer than the cheapest plan found" in told.stdout
    assert "proven to be the cheapest that reaches its goals" in told.stdout
    assert sentence in Path("out/report.md").read_text()
    assert f"T{sentence[1:]}" in Path("out/report.html").read_text()
    said = json.loads(Path("out/plan.json").read_text())["objective"]
    assert [goal["goal"] for goal in said["goals"]] == ["gpus", "gpu_types"]
    assert fleetopt("verify", "out", "q3").returncode == 0
    seed("name: seed", "name: seed\nobjective: power")
    stale = fleetopt("verify", "out", "q3")
    assert stale.returncode == 5
    assert "goals_are_true" in stale.stdout + stale.stderr


def test_studies_ask_about_cost_all_the_same(fleetopt: Run, seed: Seed) -> None:
    """Proves: with an objective the studies work from the cheapest plan and its variants.
    Sensitivity: differences of plans for power would be no prices."""
    plain = json.loads(fleetopt("baselines", seed(), "--json").stdout)
    seed("name: seed", ASKED)
    assert json.loads(fleetopt("baselines", "q3", "--json").stdout) == plain
    assert fleetopt("alternatives", "q3").returncode == 0


def test_ctrl_c_ends_the_solve_and_all_that_would_follow() -> None:
    """Proves: an interrupt stops the desk and is raised where it hits, and the old handler is back afterwards.
    Sensitivity: a solver that ends its solve on Ctrl-C would go on with the next one."""
    desk, before = Resolver(), signal.getsignal(signal.SIGINT)
    with stoppable(desk):
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        assert desk.spent
    assert signal.getsignal(signal.SIGINT) is before
