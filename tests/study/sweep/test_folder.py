"""Finished runs are kept, found again, and never mixed with those of another question."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fleetopt.errors import InputError
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.study.sweep.bench import Answer, Shared, Task
from fleetopt.study.sweep.folder import Folder
from fleetopt.study.sweep.records import Outcome, Question, Sweep
from fleetopt.study.sweep.sweep import Ask, Progress, sweep

Write = Callable[..., Path]

VARY = ("workloads.chat.demand=0.5x..2x:6",)


class Stopping:
    """An engine that answers at once, with a plan where that is wanted, and is stopped after so many tasks."""

    def __init__(self, most: int = 1000, status: Any = "OPTIMAL") -> None:
        self.most, self.status = most, status
        self.keys: list[str] = []

    def run(self, shared: Shared, tasks: Iterator[Task]) -> Any:
        for task in tasks:
            if len(self.keys) == self.most:
                raise KeyboardInterrupt
            self.keys.append(task.key)
            outcome = Outcome(status=self.status, cost_usd=1.0, gap=0.1 + 0.2, seconds=0.5)
            yield Answer(task.key, outcome, "{}" if shared.plans else None)


def swept(path: Path, engine: Stopping, folder: Path, *, vary: tuple[str, ...] = VARY, **how: Any) -> Sweep:
    force = how.pop("force", False)
    return sweep(path, Ask(vary, **how), engine=engine, folder=folder, force=force)


def test_a_stopped_sweep_goes_on_where_it_was(scenario: Write, tmp_path: Path) -> None:
    """Proves: what was finished before the stop is not run again, what was not is, and the records are whole.
    Sensitivity: hours lost, or a row that nobody computed.
    """
    first, second = Stopping(4), Stopping()
    with pytest.raises(KeyboardInterrupt):
        swept(scenario(), first, tmp_path / "out")
    found = swept(scenario(), second, tmp_path / "out")
    assert (len(first.keys), len(second.keys)) == (4, 2)
    assert {run.input_hash for run in found.runs} == {*first.keys, *second.keys}
    assert {run.outcome.gap for run in found.runs} == {0.1 + 0.2}
    again = Stopping()
    assert swept(scenario(), again, tmp_path / "out") == found
    assert again.keys == []


@pytest.mark.parametrize(("status", "kept"), [("OPTIMAL", 3), ("FAILED", 0)])
def test_a_stopped_sweep_tells_how_much_of_it_is_kept(scenario: Write, tmp_path: Path, status: Any, kept: int) -> None:
    """Proves: the last word counts the kept runs of this sweep: one that was written just before Ctrl-C, none that
    failed, and none of the six of another sweep that lie in the folder.
    Sensitivity: a count of files promises runs that the same command has to do again.
    """
    swept(scenario(), Stopping(), tmp_path / "out")
    told: list[Progress] = []

    def tell(progress: Progress) -> None:
        told.append(progress)
        if len(told) == 4:
            raise KeyboardInterrupt

    ask = Ask(["workloads.chat.demand=3x..9x:7"])
    with pytest.raises(KeyboardInterrupt):
        sweep(scenario(), ask, engine=Stopping(status=status), folder=tmp_path / "out", force=True, tell=tell)
    assert (told[-1].done, told[-1].total) == (kept, 7)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"vary": ("workloads.chat.demand=0.5x..2x:3",)}, "vary: "),
        ({"options": SolveOptions(gap=0.05, diagnose=False)}, "gap tolerance: 0.0001 instead of 0.05"),
        ({"design": "one-at-a-time"}, "design: grid instead of one-at-a-time"),
        ({"plans": True}, "plans: False instead of True"),
    ],
)
def test_another_question_is_not_mixed_in(scenario: Write, tmp_path: Path, change: dict[str, Any], said: str) -> None:
    """Proves: a folder takes one question, says what is different about another, and takes that only when forced.
    Sensitivity: a table of one sweep beside the runs of another.
    """
    swept(scenario(), Stopping(), tmp_path / "out")
    with pytest.raises(InputError, match="holds another sweep") as refused:
        swept(scenario(), Stopping(), tmp_path / "out", **change)
    assert said in str(refused.value)
    engine = Stopping()
    swept(scenario(), engine, tmp_path / "out", force=True, **change)
    # Two of three values were among the six; all six were, and the scenario as it is was not; nothing was.
    assert len(engine.keys) == {"vary": 1, "design": 1, "plans": 6, "options": 6}[next(iter(change))]


def test_another_scenario_is_not_mixed_in(scenario: Write, tmp_path: Path) -> None:
    """Proves: a changed scenario is refused, and one that only looks different is not.
    Sensitivity: half of a table would be of the scenario as it was.
    """
    swept(scenario(), Stopping(), tmp_path / "out")
    engine = Stopping()
    swept(scenario({"name: sweeps": "name: sweeps  # as before"}), engine, tmp_path / "out")
    assert engine.keys == []
    with pytest.raises(InputError, match="the scenario or a file that it reads has changed"):
        swept(scenario({"max_gpus: 16": "max_gpus: 24"}), Stopping(), tmp_path / "out")
    with pytest.raises(InputError, match="scenario: sweeps instead of other"):
        swept(scenario({"name: sweeps": "name: other"}), Stopping(), tmp_path / "out")


def test_a_folder_of_something_else_is_left_alone(scenario: Write, tmp_path: Path) -> None:
    """Proves: a folder that is not empty and no sweep's is refused; a file is too.
    Sensitivity: somebody's files among ours.
    """
    (tmp_path / "out").mkdir()
    (tmp_path / "out/notes.txt").write_text("mine")
    with pytest.raises(InputError, match="exists and is not empty"):
        swept(scenario(), Stopping(), tmp_path / "out")
    with pytest.raises(InputError, match="is a file"):
        swept(scenario(), Stopping(), tmp_path / "out/notes.txt")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("damage", ["", "{", '{"schema_version": "1"}', "\x00" * 9, "other"])
def test_a_damaged_run_is_run_again(scenario: Write, tmp_path: Path, damage: str) -> None:
    """Proves: a kept file that is cut off, emptied or another run's is no finished run.
    Sensitivity: a row of nonsense, or a sweep that can never go on.
    """
    found = swept(scenario(), Stopping(), tmp_path / "out")
    first, other = (tmp_path / f"out/runs/{run.input_hash}.json" for run in found.runs[:2])
    first.write_text(other.read_text() if damage == "other" else damage)
    engine = Stopping()
    assert swept(scenario(), engine, tmp_path / "out") == found
    assert engine.keys == [found.runs[0].input_hash]


def test_a_plan_is_kept_with_its_run_or_the_run_is_not(scenario: Write, tmp_path: Path) -> None:
    """Proves: with plans, a run whose plan is missing or changed is run again.
    Sensitivity: a table that names a plan which is not there.
    """
    found = swept(scenario(), Stopping(), tmp_path / "out", plans=True)
    names = [run.plan for run in found.runs]
    assert names == [f"plans/{run.input_hash}.json" for run in found.runs]
    (tmp_path / "out" / str(names[0])).unlink()
    (tmp_path / "out" / str(names[1])).write_text("{ }")
    engine = Stopping()
    assert swept(scenario(), engine, tmp_path / "out", plans=True) == found
    assert engine.keys == [run.input_hash for run in found.runs[:2]]


def test_a_failure_of_ours_is_not_kept(scenario: Write, tmp_path: Path) -> None:
    """Proves: a run that failed by a bug or a dead machine is tried again next time.
    Sensitivity: a bug that is mended would stay in the table.
    """
    swept(scenario(), Stopping(status="FAILED"), tmp_path / "out")
    engine = Stopping()
    swept(scenario(), engine, tmp_path / "out")
    assert len(engine.keys) == 6


def test_two_sweeps_do_not_write_into_one_folder(scenario: Write, tmp_path: Path) -> None:
    """Proves: while one process works in a folder another is refused, and afterwards it is not.
    Sensitivity: every run would be done twice.
    """
    found = swept(scenario(), Stopping(), tmp_path / "out")
    folder = Folder(tmp_path / "out", found.question, force=False)
    with pytest.raises(InputError, match="being written by another sweep"):
        swept(scenario(), Stopping(), tmp_path / "out")
    folder.close()
    assert swept(scenario(), Stopping(), tmp_path / "out") == found


def test_a_kill_before_the_first_run_is_no_reason_to_refuse(scenario: Write, tmp_path: Path) -> None:
    """Proves: a folder in which a sweep had only just begun is gone on with.
    Sensitivity: the same command would be refused for files that it made itself.
    """
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.lock").touch()
    (tmp_path / "out/.question.json-x1.aside").mkdir()
    assert len(swept(scenario(), Stopping(), tmp_path / "out").runs) == 6


def test_what_a_kill_left_half_written_is_cleared(scenario: Write, tmp_path: Path) -> None:
    """Proves: folders in which files were written aside when the process died are taken away, and nothing else.
    Sensitivity: they would pile up, or count.
    """
    found = swept(scenario(), Stopping(), tmp_path / "out")
    aside = tmp_path / "out/runs" / f".{found.runs[0].input_hash[:40]}-x1.aside"
    aside.mkdir()
    (aside / "half.json").write_text("{")
    (tmp_path / "out/mine.txt").write_text("kept")
    theirs = [tmp_path / "out" / name for name in (".venv-3.11", "src/.keep-me")]
    for folder in theirs:
        folder.mkdir(parents=True)
    assert swept(scenario(), Stopping(), tmp_path / "out") == found
    assert not aside.exists()
    assert all(folder.is_dir() for folder in theirs)
    assert (tmp_path / "out/mine.txt").read_text() == "kept"


@pytest.mark.parametrize("text", ["{}", "[", '{"scenario": 3}'])
def test_a_damaged_question_is_an_input_error(scenario: Write, tmp_path: Path, text: str) -> None:
    """Proves: a question.json that is none is refused, and replaced when that is forced.
    Sensitivity: a traceback, or a sweep that mixes with nobody knows what.
    """
    swept(scenario(), Stopping(), tmp_path / "out")
    (tmp_path / "out/question.json").write_text(text)
    with pytest.raises(InputError, match="is not what a sweep asked"):
        swept(scenario(), Stopping(), tmp_path / "out")
    swept(scenario(), Stopping(), tmp_path / "out", force=True)
    asked = json.loads((tmp_path / "out/question.json").read_text())
    assert Question.model_validate(asked | {"vary": tuple(asked["vary"])}).vary == VARY
