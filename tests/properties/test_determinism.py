"""Same inputs, same plan, byte for byte."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random

from fleetopt.errors import FleetoptError
from fleetopt.study.once import optimize
from tests.oracle.draw import Draw

ROOT = Path(__file__).parents[2]
SEEDS = range(10)
PRINT_PLANS = "from tests.properties.test_determinism import plans; print(plans())"


def plans() -> str:
    """The plans of a few random questions, as JSON, one a line."""
    return "\n".join(plan(seed) for seed in SEEDS)


def plan(seed: int) -> str:
    try:
        return optimize(Draw(Random(seed)).scenario()).model_dump_json()
    except FleetoptError as error:
        return repr(vars(error))


def in_a_fresh_process(hash_seed: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", PRINT_PLANS],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.rstrip("\n")


def test_the_same_question_gets_the_same_bytes() -> None:
    """Proves that a plan depends on nothing but its inputs: twice in a process and in fresh processes with other hash
    seeds. Sensitivity: iterating over one set of names gives plans in another order, or other plans of equal cost."""
    first = plans()
    assert first.count('"OPTIMAL"') >= len(SEEDS) // 2, "most of the questions must have a plan"
    assert plans() == first
    assert in_a_fresh_process("1") == first
    assert in_a_fresh_process("4242") == first
