"""Pipes, signals and start-up, in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Start = Callable[..., subprocess.Popen[str]]

HEAVY = {"pyomo", "highspy", "numpy", "pandas", "pydantic", "scipy", "yaml", "rich"}

TELLS_IMPORTS = """
import atexit, json, sys
atexit.register(lambda: sys.stderr.write(json.dumps(sorted({name.split('.')[0] for name in sys.modules}))))
from fleetopt.cli.main import main
main()
"""

WAITS_IN_LOAD = """
import time
import fleetopt.scenario.load as loading
def slow(path):
    print("loading", flush=True)
    time.sleep(60)
loading.load = slow
from fleetopt.cli.main import main
main()
"""


@pytest.mark.parametrize("words", [("--help",), ("--version",)])
def test_help_loads_nothing_heavy(process: Start, words: tuple[str, ...]) -> None:
    child = process(*words, code=TELLS_IMPORTS)
    _, told = child.communicate(timeout=60)
    loaded = set(json.loads(told.splitlines()[-1]))
    assert "fleetopt" in loaded
    assert not loaded & HEAVY


def test_check_loads_no_solver_and_no_pandas(process: Start) -> None:
    child = process("check", "seed-paper", code=TELLS_IMPORTS)
    _, told = child.communicate(timeout=60)
    assert child.returncode == 0
    assert not set(json.loads(told.splitlines()[-1])) & {"pyomo", "highspy", "pandas"}


@pytest.mark.parametrize("words", [("plan", "seed-paper", "--json"), ("catalog", "offers"), ("schema", "plan")])
def test_a_reader_that_stops_early_gets_no_complaint(process: Start, words: tuple[str, ...]) -> None:
    child = process(*words, PYTHONUNBUFFERED="1")
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.close()
    told = child.stderr.read()
    child.stderr.close()
    child.wait(timeout=60)
    assert "Traceback" not in told
    assert "bug" not in told
    assert "Exception" not in told


def test_ctrl_c_while_loading_ends_with_130(process: Start, tmp_path: Path) -> None:
    child = process("plan", "seed-paper", "-o", "out", code=WAITS_IN_LOAD)
    assert child.stdout is not None
    assert child.stdout.readline() == "loading\n"
    time.sleep(0.1)
    os.killpg(child.pid, signal.SIGINT)
    out, told = child.communicate(timeout=30)
    assert (child.returncode, out) == (130, "")
    assert told.splitlines() == ["interrupted"]
    assert list(tmp_path.iterdir()) == []


def test_a_bug_of_ours_says_how_to_report_it(process: Start) -> None:
    broken = "import fleetopt.scenario.load as l\nl.load = lambda p: 1 / 0\nfrom fleetopt.cli.main import main; main()"
    child = process("plan", "seed-paper", code=broken)
    out, told = child.communicate(timeout=60)
    assert (child.returncode, out) == (1, "")
    assert told.startswith("fleetopt has a bug: ZeroDivisionError")
    assert "FLEETOPT_DEBUG=1" in told
