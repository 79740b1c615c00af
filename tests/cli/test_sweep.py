"""`fleetopt sweep` at the command line: results, mistakes, signals, and going on after a kill."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fleetopt.study.sweep.bench import Answer, Bench, Shared, Task
from fleetopt.study.sweep.engines.engine import Inline

Run = Callable[..., subprocess.CompletedProcess[str]]
Seed = Callable[..., Path]
Start = Callable[..., subprocess.Popen[str]]

DEMAND = "workloads.chat.demand=0.5x..2x:4"
PRICE = "offers.h200.price=-20%,0,+20%"
INLINE = ("--engine", "inline")


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "sweep.csv").open(encoding="utf-8", newline="") as file:
        return [row | {"seconds": ""} for row in csv.DictReader(file)]


def finished(folder: Path) -> dict[str, int]:
    """Kept runs and when they were written."""
    return {path.name: path.stat().st_mtime_ns for path in (folder / "runs").glob("*.json")}


def test_the_grid_of_the_readme(fleetopt: Run, seed: Seed) -> None:
    """Proves: a price of the catalog and a demand are varied together, shown, written, and equal to plans.
    Sensitivity: a sweep that answers another question than `plan`.
    """
    answer = fleetopt("sweep", seed(), "--vary", DEMAND, "--vary", PRICE, "-o", "out", "--plans", *INLINE)
    assert answer.returncode == 0, answer.stderr
    assert "seed: 12 variants, 12 within the gap" in answer.stdout
    found = table(Path("out"))
    assert [(row["workloads.chat.demand"], row["supply.offers.h200.price"].lstrip("'")) for row in found[:4]] == [
        *(("0.5x", "-20 %"), ("0.5x", "0 %"), ("0.5x", "+20 %"), ("1x", "-20 %")),
    ]
    plain = json.loads(fleetopt("plan", seed("5 M tokens/min", "10 M tokens/min"), "--json").stdout)
    assert float(found[10]["cost_usd"]) == plain["objective_usd"]
    seed()
    assert fleetopt("verify", f"out/{found[4]['plan']}", "q3").returncode == 0
    changed = json.loads(Path("out", found[0]["plan"]).read_text())["provenance"]["inputs"]
    assert [one["name"] for one in changed if one["name"].startswith("changed: ")] == [
        "changed: supply.offers.h200.price = 22.4 USD/node/h",
        "changed: workloads.chat.demand.base = 2.5 M tokens/min",
    ]


def test_the_tornado_says_what_moves_the_cost_most(fleetopt: Run, seed: Seed) -> None:
    """Proves: one at a time has its table, an infeasible setting is told apart, and the exit code is still zero.
    Sensitivity: one SLO out of reach would hide all else.
    """
    slo = "workloads.*.slo.tpot=1 ms,40 ms"
    words = ("sweep", seed(), "--vary", PRICE, "--vary", slo, "--design", "one-at-a-time", *INLINE)
    answer = fleetopt(*words)
    assert answer.returncode == 0
    lines = answer.stdout.splitlines()
    assert next(line for line in lines if line.startswith("1 ")).split()[1] == "supply.offers.h200.price"
    assert "infeasible" in answer.stdout
    assert "floor" in answer.stdout or "is promised" in answer.stdout
    found = json.loads(fleetopt(*words, "--json").stdout)
    assert [run["outcome"]["status"] for run in found["runs"]].count("INFEASIBLE") == 1


def test_a_latin_hypercube_is_the_same_for_the_same_seed(fleetopt: Run, seed: Seed) -> None:
    """Proves: the seed decides the samples.
    Sensitivity: a study could not be repeated.
    """
    words = (
        "sweep",
        seed(),
        "--vary",
        "workloads.chat.demand=0.5x..2x:log",
        "--design",
        "lhs",
        "--samples",
        3,
        *INLINE,
    )

    def samples(*more: Any) -> list[str]:
        runs = json.loads(fleetopt(*words, *more, "--json").stdout)["runs"]
        return [run["settings"][0]["setting"] for run in runs]

    assert samples() == samples("--seed", 1) != samples("--seed", 2)


MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown path": (("--vary", "workloads.chat.demnd=2x"), "Did you mean 'demand'?"),
    "bad variant": (("--vary", "workloads.chat.slo.ttft=2"), "by --vary 'workloads.chat.slo.ttft=2' at 2"),
    "too many": (("--vary", "workloads.chat.demand=1x..9x:9", "--most", "8"), "makes 9 variants, over 8"),
    "no count": (("--vary", "workloads.chat.demand=1x..2x"), "has a range without a count"),
    "plans nowhere": (("--vary", DEMAND, "--plans"), "name one with -o"),
    "address alone": (("--vary", DEMAND, "--address", "auto"), "add --engine ray"),
    "no vary": ((), "--vary"),
    "bad gap": (("--vary", DEMAND, "--gap", "200 %"), "--gap"),
    "terminal codes": (("--vary", "workloads.\x1b[31m=2x"), "\\x1b[31m"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_before_anything_is_run(fleetopt: Run, seed: Seed, mistake: str) -> None:
    """Proves: exit code 2, one sentence, nothing written.
    Sensitivity: an hour of runs before the first complaint.
    """
    words, said = MISTAKES[mistake]
    answer = fleetopt("sweep", seed(), *words, *([] if "--plans" in words else ["-o", "out"]))
    assert (answer.returncode, answer.stdout) == (2, "")
    assert said in answer.stderr
    assert "\x1b" not in answer.stderr
    assert not Path("out").exists()


def test_another_sweep_in_the_same_folder_is_refused(fleetopt: Run, seed: Seed) -> None:
    """Proves: exit code 2 and what is different; with --force it is taken over.
    Sensitivity: two sweeps in one table.
    """
    assert fleetopt("sweep", seed(), "--vary", DEMAND, "-o", "out", *INLINE).returncode == 0
    words = ("sweep", "q3", "--vary", PRICE, "-o", "out", *INLINE)
    refused = fleetopt(*words)
    assert refused.returncode == 2
    assert "holds another sweep (vary:" in refused.stderr
    assert fleetopt(*words, "--force").returncode == 0
    assert len(table(Path("out"))) == 3


def test_a_damaged_run_is_said_to_be_run_again(fleetopt: Run, seed: Seed) -> None:
    """Proves: what was lost is told.
    Sensitivity: a disk that loses files would go unnoticed.
    """
    words = ("sweep", seed(), "--vary", DEMAND, "-o", "out", *INLINE)
    assert fleetopt(*words).returncode == 0
    next(Path("out/runs").iterdir()).write_text("{")
    answer = fleetopt(*words)
    assert answer.returncode == 0
    assert "1 kept runs could not be read and are run again" in answer.stderr


def test_a_failure_of_ours_has_its_exit_code(fleetopt: Run, seed: Seed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a run that failed by a bug makes the exit code 1, and the others are there.
    Sensitivity: a script would take a table with holes for whole.
    """

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("so it goes")

    monkeypatch.setattr("fleetopt.study.sweep.bench.optimize", broken)
    answer = fleetopt("sweep", seed(), "--vary", DEMAND, *INLINE)
    assert answer.returncode == 1
    assert "variant 1 failed: ZeroDivisionError: so it goes" in answer.stderr


def test_the_engine_that_is_asked_for_runs_it(fleetopt: Run, seed: Seed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: --engine, --workers and --address reach the engine, and zero workers are as many as it likes.
    Sensitivity: a cluster that stands idle.
    """
    asked: list[tuple[object, ...]] = []

    def made(*arguments: object) -> Inline:
        asked.append(arguments)
        return Inline()

    monkeypatch.setattr("fleetopt.study.sweep.engines.on_ray.OnRay", made)
    monkeypatch.setattr("fleetopt.study.sweep.engines.processes.Processes", made)
    words = ("sweep", seed(), "--vary", PRICE)
    assert fleetopt(*words, "--engine", "ray", "--address", "auto", "--workers", 3).returncode == 0
    assert fleetopt(*words).returncode == 0
    assert asked == [("auto", 3), (None,)]


def test_a_bar_is_for_terminals_alone(fleetopt: Run, seed: Seed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: on a terminal a line on stderr counts the runs and is taken off at the end; elsewhere there is none.
    Sensitivity: a log full of bars, or a person who wonders whether anything happens.
    """
    words = ("sweep", seed(), "--vary", DEMAND, "-o", "out", *INLINE)
    assert fleetopt(*words).stderr == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    told = fleetopt(*words, "--force").stderr
    assert "4 of 4 runs, 4 kept from before" in told
    assert told.endswith("\r\x1b[K")


MANY = ("--vary", "workloads.chat.demand=0.5x..2x:40", "-o", "out")


def wait_for(condition: Callable[[], bool], child: subprocess.Popen[str]) -> None:
    for _ in range(1200):
        if condition():
            return
        assert child.poll() is None, child.communicate()
        time.sleep(0.05)
    raise AssertionError("nothing happened for a minute")


def children(parent: int) -> list[int]:
    """Processes whose parent this is."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(words[1]) == parent:
            found.append(int(stat.parent.name))
    return found


@pytest.mark.slow
def test_a_killed_sweep_goes_on_and_ends_as_if_nothing_had_been(process: Start, seed: Seed, tmp_path: Path) -> None:
    """Proves: after kill -9 the same command keeps every finished run, runs the others once, leaves no process behind,
    and its table is that of a sweep that was never killed.
    Sensitivity: a run that is lost, done twice, or counted half written.
    """
    seed()
    out = tmp_path / "out"
    child = process("sweep", "q3", *MANY, "--workers", "2")
    wait_for(lambda: len(finished(out)) >= 3, child)
    workers = children(child.pid)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    kept = finished(out)
    assert 3 <= len(kept) < 40
    assert not (out / "sweep.csv").exists()
    again = process("sweep", "q3", *MANY, "--workers", "2")
    assert again.communicate(timeout=300)[1] == ""
    assert again.returncode == 0
    after = finished(out)
    assert len(after) == 40
    assert {name: after[name] for name in kept} == kept
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    whole = process("sweep", "q3", *MANY[:-1], "whole", "--engine", "inline")
    whole.communicate(timeout=300)
    assert table(out) == table(tmp_path / "whole")


def test_ctrl_c_counts_no_run_of_another_sweep(fleetopt: Run, seed: Seed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: in a folder that is taken over, and that keeps the plan that regret is against, one of three runs is one.
    Sensitivity: all files in runs/ were counted, and "3 of 3" said where two were still to do.
    """
    assert fleetopt("sweep", seed(), "--vary", DEMAND, "-o", "out", *INLINE).returncode == 0

    def stopped(engine: Inline, shared: Shared, tasks: Iterator[Task]) -> Iterator[Answer]:
        bench = Bench(shared)
        yield bench.run(next(tasks))
        if shared.base is not None:
            raise KeyboardInterrupt

    monkeypatch.setattr(Inline, "run", stopped)
    answer = fleetopt("sweep", "q3", "--vary", PRICE, "--regret", "-o", "out", "--force", *INLINE)
    assert answer.returncode == 130
    assert "1 of 3 runs are finished and kept in out" in answer.stderr


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(
    process: Start, seed: Seed, tmp_path: Path, engine: str
) -> None:
    """Proves: a signal to the whole group, as a terminal sends it, ends with exit code 130 and a sentence.
    Sensitivity: a traceback from every worker.
    """
    seed()
    out = tmp_path / "out"
    child = process("sweep", "q3", *MANY, "--engine", engine)
    wait_for(lambda: len(finished(out)) >= 2, child)
    os.killpg(child.pid, signal.SIGINT)
    told = child.communicate(timeout=60)[1]
    assert child.returncode == 130
    assert f"{len(finished(out))} of 40 runs are finished and kept in out; the same command goes on from there" in told
    assert "Traceback" not in told


def test_ray_is_loaded_only_when_it_is_asked_for(process: Start, seed: Seed) -> None:
    """Proves: neither help nor a sweep in this process imports Ray, and help loads no solver.
    Sensitivity: seconds of start-up, or a verb that breaks where Ray is not installed.
    """
    seed()
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: sys.stderr.write(str([m for m in ('ray', 'pandas', 'scipy') if m in sys.modules])))\n"
        "from fleetopt.cli import entry\n"
        "entry()"
    )
    for words in (("sweep", "--help"), ("sweep", "q3", "--vary", PRICE, "--engine", "inline")):
        child = process(*words, code=code)
        assert child.communicate(timeout=120)[1] == "[]"
        assert child.returncode == 0


def test_the_plan_of_a_variant_is_verified_explained_and_compared_by_its_path(fleetopt: Run, seed: Seed) -> None:
    """Proves: verbs that take a stored plan take one of a sweep, and hold it against its variant.
    Sensitivity: against the scenario as it is a plan for half of the demand fails, with exit code 5.
    """
    out = seed().parent / "variants"
    swept = fleetopt("sweep", seed(), "--vary", "workloads.chat.demand=0.5x,1x", *INLINE, "--plans", "-o", out)
    assert swept.returncode == 0
    half, same = (out / row["plan"] for row in table(out))
    assert fleetopt("verify", half, seed()).returncode == 0
    assert fleetopt("explain", seed(), "--plan", half, "--solves", 0).returncode == 0
    assert fleetopt("compare", half, same).returncode == 0
    away = half.rename(out.parent / "away.json")
    refused = fleetopt("verify", away, seed())
    assert (refused.returncode, "lies in no folder of one" in refused.stderr) == (2, True)
