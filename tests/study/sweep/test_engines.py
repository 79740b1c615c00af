"""Every engine gives the same answers, each once, whatever happens to the workers."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from fleetopt.errors import InputError
from fleetopt.optimizer.solve import Method, SolveOptions
from fleetopt.report.sweep.tables import rows
from fleetopt.scenario.load import load
from fleetopt.study.once import optimize
from fleetopt.study.sweep.bench import Answer, Bench, Shared, Task
from fleetopt.study.sweep.engines.engine import MOST_TRIES, Again, Engine, Inline
from fleetopt.study.sweep.engines.on_ray import OnRay, _work
from fleetopt.study.sweep.engines.processes import Processes, _without_interrupts
from fleetopt.study.sweep.records import Outcome, Sweep
from fleetopt.study.sweep.sweep import Ask, Progress, sweep

Write = Callable[..., Path]

VARY = ("workloads.chat.demand=0.5x,1x,2x", "offers.h100.price=-20%,0", "workloads.search.slo.tpot=1 ms,30 ms")


def found(path: Path, engine: Engine, folder: Path | None = None, method: Method = "auto", **how: Any) -> Sweep:
    options = SolveOptions(gap=0.01, method=method, diagnose=False)
    return sweep(path, Ask(VARY, options=options, plans=folder is not None), engine=engine, folder=folder, **how)


def untimed(swept: Sweep) -> list[dict[str, Any]]:
    return [row | {"seconds": None} for row in rows(swept)]


def plans(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (folder / "plans").iterdir()}


@pytest.fixture
def inline(scenario: Write, tmp_path: Path) -> Sweep:
    return found(scenario(), Inline(), tmp_path / "inline")


def test_processes_give_what_one_process_gives(scenario: Write, inline: Sweep, tmp_path: Path) -> None:
    """Proves: tables without their seconds are equal, and plans byte for byte.
    Sensitivity: state that one run leaves behind for the next would show.
    """
    assert {run.outcome.status for run in inline.runs} == {"OPTIMAL", "INFEASIBLE"}
    apart = found(scenario(), Processes(2), tmp_path / "apart")
    assert untimed(apart) == untimed(inline)
    assert plans(tmp_path / "apart") == plans(tmp_path / "inline")


def test_a_run_is_what_planning_the_edited_file_gives(scenario: Write, inline: Sweep) -> None:
    """Proves: cost and status of a variant are those of `optimize` on the file with the values written into it.
    Sensitivity: capacities that are kept too long would show.
    """
    edits = {"base: 40 requests/s": "base: 80 requests/s"}
    plan = optimize(load(scenario(edits, "edited")), SolveOptions(gap=0.01))
    same = [r for r in inline.runs if [s.setting for s in r.settings] == ["2x", "0 %", "30 ms"]]
    assert [(run.outcome.cost_usd, run.outcome.status) for run in same] == [(plan.objective_usd, plan.status)]


def one_is_killed(told: list[int], killed: list[int]) -> Callable[[Progress], None]:
    """Kills a worker after the first answer, and takes note of how many are done."""

    def tell(progress: Progress) -> None:
        told.append(progress.done)
        if progress.done == 1 and not killed:
            child = multiprocessing.active_children()[0]
            assert child.pid is not None
            os.kill(child.pid, signal.SIGKILL)
            killed.append(child.pid)

    return tell


def test_a_killed_worker_loses_nothing(scenario: Write, inline: Sweep) -> None:
    """Proves: a worker that is killed in mid-run is noticed, its task run again, and every variant answered once.
    Sensitivity: the sweep would wait for ever, or lack a row.
    """
    killed: list[int] = []
    told: list[int] = []
    swept = found(scenario(), Processes(2), tell=one_is_killed(told, killed))
    assert untimed(swept) == [row | {"plan": None} for row in untimed(inline)]
    assert killed
    assert told == list(range(13))
    assert not multiprocessing.active_children()


def test_by_patterns_engines_agree_too_though_a_worker_is_killed(scenario: Write, tmp_path: Path) -> None:
    """Proves: twelve variants solved by patterns are the same in one process and in two of which one is killed, plans
    byte for byte, and each plan says which method made it.

    Sensitivity: a search whose luck depended on the process, or on what it did before, would show in some plan.
    """
    alone = found(scenario(), Inline(), tmp_path / "alone", "patterns")
    killed: list[int] = []
    told: list[int] = []
    apart = found(scenario(), Processes(2), tmp_path / "apart", "patterns", tell=one_is_killed(told, killed))
    assert untimed(apart) == untimed(alone)
    assert plans(tmp_path / "apart") == plans(tmp_path / "alone")
    assert all(b'"method": "patterns"' in text for text in plans(tmp_path / "alone").values())
    assert killed
    assert told == list(range(13))


def test_a_task_that_kills_its_workers_is_given_up(scenario: Write) -> None:
    """Proves: a task is given out so many times and then called failed, and the others go on.
    Sensitivity: a variant that needs more memory than there is would stop the sweep, or never end.
    """
    deadly, harmless = Task("deadly", load(scenario())), Task("harmless", load(scenario()))
    queue = Again(iter([deadly, harmless]))
    given = 0
    answer: Answer | None = None
    while answer is None:
        assert next(queue) is deadly
        given += 1
        answer = queue.retry(deadly)
    assert (given, answer.outcome.status) == (MOST_TRIES, "FAILED")
    assert list(queue) == [harmless]


def test_a_bug_in_one_variant_leaves_the_others(scenario: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: an exception that nobody foresaw becomes a failed row with its name.
    Sensitivity: hours of runs would end in a traceback.
    """

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("so it goes")

    monkeypatch.setattr("fleetopt.study.sweep.bench.optimize", broken)
    outcome = found(scenario(), Inline()).runs[0].outcome
    assert (outcome.status, outcome.message, outcome.cost_usd) == ("FAILED", "ZeroDivisionError: so it goes", None)


def test_what_ctrl_c_cuts_short_is_no_run(scenario: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a solve that Ctrl-C ended with a plan, as solvers do, is not taken for a finished run.
    Sensitivity: a worse plan would be kept for ever under the hash of the best one.
    """

    def swallows(_bench: Bench, task: Task) -> Answer:
        with suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        return Answer(task.key, Outcome(status="FEASIBLE", cost_usd=1.0, seconds=0.0))

    monkeypatch.setattr(Bench, "run", swallows)
    with pytest.raises(KeyboardInterrupt):
        found(scenario(), Inline())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_ray_the_engine_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: an engine that is not installed is one sentence with a fix.
    Sensitivity: a traceback about a module that nobody asked for.
    """
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(InputError, match=r"needs Ray, which is not installed. .*fleetopt\[ray\]"):
        OnRay()


def test_a_worker_with_another_fleetopt_says_so(scenario: Write) -> None:
    """Proves: a machine of a cluster on which another version is installed computes nothing.
    Sensitivity: rows of two programs in one table, under hashes of one.
    """
    answer = _work("a sweep", [None], "another fingerprint", Task("key", load(scenario())))
    assert (answer.outcome.status, answer.key) == ("FAILED", "key")
    assert "install the same on every machine" in answer.outcome.message


class Counting:
    """An engine that answers at once and counts what it is asked."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def run(self, _shared: Shared, tasks: Iterator[Task]) -> Any:
        for task in tasks:
            self.keys.append(task.key)
            yield Answer(task.key, Outcome(status="OPTIMAL", cost_usd=float(len(self.keys)), seconds=0.0))


def test_variants_that_are_the_same_are_run_once(scenario: Write) -> None:
    """Proves: the base of a one-at-a-time design and a factor of one share a run.
    Sensitivity: nothing would be wrong, only slow.
    """
    engine = Counting()
    ask = Ask(["workloads.chat.demand=1x,2x", "offers.h100.price=0,+10%"], design="one-at-a-time")
    swept = sweep(scenario(), ask, engine=engine)
    assert (len(swept.runs), len(engine.keys)) == (5, 3)
    assert len({run.input_hash for run in swept.runs}) == 3


def is_held_back(pipe: Connection) -> None:
    pipe.send(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))


def test_a_worker_is_deaf_to_ctrl_c_from_its_first_moment_on() -> None:
    """Proves: a process that is started for work has Ctrl-C held back while it still loads its modules, and the one
    that starts it has not. Sensitivity: whoever presses it early would read a traceback from every worker.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=is_held_back, args=(theirs,))
    with _without_interrupts():
        child.start()
    assert ours.recv()
    child.join()
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
