"""What `plan -o` writes, what it never touches, and what is left when it is stopped."""

from __future__ import annotations

import csv
import errno
import json
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from fleetopt.documents import writing as files
from fleetopt.plan.store import read_plan

Run = Callable[..., subprocess.CompletedProcess[str]]
Seed = Callable[..., Path]
Start = Callable[..., subprocess.Popen[str]]

WRITTEN = {"plan.json", "plan.xlsx", "report.html", "report.md", "ratios.csv", "ratios.json"} | {
    f"{name}.csv" for name in ("fleet", "orders", "placements", "workloads", "work", "costs", "workload_costs")
}

DIES_WRITING = """
import os, signal
from pathlib import Path
from fleetopt.documents import writing as files
write, count = files._write, [0]
def dying(path, text):
    count[0] += 1
    if count[0] == 4:
        path.write_text(text[: len(text) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    write(path, text)
files._write = dying
from fleetopt.cli.main import main
main()
"""

DIES_RENAMING = """
import os, signal
from pathlib import Path
replace, count = Path.replace, [0]
def dying(self, target):
    count[0] += 1
    if count[0] == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(self, target)
Path.replace = dying
from fleetopt.cli.main import main
main()
"""


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _no_solving(*_: object) -> None:
    pytest.fail("solved before it looked at the output folder")


def test_a_plan_is_written_whole(fleetopt: Run, seed: Seed) -> None:
    answer = fleetopt("plan", seed(), "-o", "out")
    assert answer.returncode == 0
    assert set(_contents(Path("out"))) == WRITTEN
    plan = read_plan("out")
    for name in ("fleet", "placements", "costs"):
        with Path(f"out/{name}.csv").open(encoding="utf-8", newline="") as file:
            assert len(list(csv.DictReader(file))) == len(getattr(plan, name)) > 0
    assert Path("out/report.md").read_text(encoding="utf-8").startswith("# Fleet plan: seed\n")
    assert not list(Path().glob(".*"))


def test_two_runs_write_the_same_bytes(fleetopt: Run, seed: Seed) -> None:
    seed()
    assert fleetopt("plan", "q3", "-o", "one").returncode == 0
    assert fleetopt("plan", "q3", "-o", "two").returncode == 0
    assert _contents(Path("one")) == _contents(Path("two"))


def test_a_folder_that_exists_is_refused_before_solving(
    fleetopt: Run, seed: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed()
    Path("out").mkdir()
    Path("out/mine.txt").write_text("mine")
    monkeypatch.setattr("fleetopt.study.once.optimize", _no_solving)
    answer = fleetopt("plan", "q3", "-o", "out")
    assert answer.returncode == 2
    assert "out: exists and is not empty" in answer.stderr
    assert "--force" in answer.stderr
    assert _contents(Path("out")) == {"mine.txt": b"mine"}


def test_force_replaces_the_plan_and_nothing_else(fleetopt: Run, seed: Seed) -> None:
    seed()
    Path("out").mkdir()
    Path("out/mine.txt").write_text("mine")
    Path("out/plan.json").write_text("old")
    assert fleetopt("plan", "q3", "-o", "out", "--force").returncode == 0
    assert set(_contents(Path("out"))) == WRITTEN | {"mine.txt"}
    assert Path("out/mine.txt").read_text() == "mine"
    assert read_plan("out").scenario == "seed"


@pytest.mark.parametrize("target", ["file", "file/below", "/dev/null"])
def test_an_output_that_cannot_be_a_folder_is_refused(fleetopt: Run, seed: Seed, target: str) -> None:
    seed()
    Path("file").write_text("mine")
    answer = fleetopt("plan", "q3", "-o", target)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.count("error: ") == 1
    assert Path("file").read_text() == "mine"


def test_a_read_only_place_is_named(fleetopt: Run, seed: Seed, monkeypatch: pytest.MonkeyPatch) -> None:
    seed()

    def refused(**_: object) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    # Permissions bind everybody but root, so the refusal itself is played.
    monkeypatch.setattr(tempfile, "mkdtemp", refused)
    answer = fleetopt("plan", "q3", "-o", "locked/out")
    assert answer.returncode == 2
    assert "Permission denied" in answer.stderr


@pytest.mark.parametrize("failing", [1, 4, 8])
@pytest.mark.parametrize("old", [True, False])
def test_a_full_disk_leaves_the_old_files_whole(
    fleetopt: Run, seed: Seed, monkeypatch: pytest.MonkeyPatch, failing: int, old: bool
) -> None:
    seed()
    if old:
        assert fleetopt("plan", seed("5 M", "4 M"), "-o", "out").returncode == 0
        seed()
    before = _contents(Path("out")) if old else {}
    write, count = files._write, [0]

    def full(path: Path, text: str) -> None:
        count[0] += 1
        if count[0] == failing:
            raise OSError(28, "No space left on device")
        write(path, text)

    monkeypatch.setattr(files, "_write", full)
    answer = fleetopt("plan", "q3", "-o", "out", "--force")
    assert answer.returncode == 2
    assert answer.stdout.startswith("seed: ")  # The plan took its time to find, and is not lost.
    assert "written:" not in answer.stdout
    assert "out: cannot be written (No space left on device)" in answer.stderr
    assert Path("out").exists() == old
    assert not old or _contents(Path("out")) == before
    assert not list(Path().glob(".*"))


def test_a_plan_that_cannot_be_written_is_one_json_document(
    fleetopt: Run, seed: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs get the plan and an exit code of 2; the error is on stderr."""

    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_write", full)
    answer = fleetopt("plan", seed(), "-o", "out", "--json")
    assert (answer.returncode, json.loads(answer.stdout)["status"]) == (2, "OPTIMAL")
    assert "No space left on device" in answer.stderr


def test_a_folder_in_which_nothing_can_be_written_is_refused_before_any_work(
    fleetopt: Run, seed: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unwritable place used to be found when the plan was there, minutes later."""

    def refused(**_place: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("fleetopt.study.once.optimize", pytest.fail)
    monkeypatch.setattr(tempfile, "mkdtemp", refused)
    answer = fleetopt("plan", seed(), "-o", "made/out")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "made/out: cannot be written (Permission denied)" in answer.stderr


def test_a_file_above_the_folder_is_named(fleetopt: Run, seed: Seed) -> None:
    answer = fleetopt("plan", seed(), "-o", "q3/scenario.yaml/out")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "q3/scenario.yaml: is a file. Name a folder to write into" in answer.stderr


def test_a_kill_in_mid_write_leaves_the_old_files(fleetopt: Run, seed: Seed, process: Start) -> None:
    assert fleetopt("plan", seed("5 M", "4 M"), "-o", "out").returncode == 0
    before = _contents(Path("out"))
    child = process("plan", seed(), "-o", "out", "--force", code=DIES_WRITING)
    child.communicate(timeout=60)
    assert child.returncode == -signal.SIGKILL
    assert _contents(Path("out")) == before


def test_a_kill_in_mid_write_leaves_no_new_folder(seed: Seed, process: Start) -> None:
    child = process("plan", seed(), "-o", "out", code=DIES_WRITING)
    child.communicate(timeout=60)
    assert child.returncode == -signal.SIGKILL
    assert not Path("out").exists()


def test_a_kill_between_renames_leaves_every_file_whole(fleetopt: Run, seed: Seed, process: Start) -> None:
    assert fleetopt("plan", seed("5 M", "4 M"), "-o", "out").returncode == 0
    assert fleetopt("plan", seed(), "-o", "new").returncode == 0
    old, new = _contents(Path("out")), _contents(Path("new"))
    child = process("plan", "q3", "-o", "out", "--force", code=DIES_RENAMING)
    child.communicate(timeout=60)
    assert child.returncode == -signal.SIGKILL
    left = _contents(Path("out"))
    assert set(left) == WRITTEN
    assert all(data in (old[name], new[name]) for name, data in left.items())
    # plan.json comes last: it stands for the new plan only when everything else does.
    assert left["plan.json"] == old["plan.json"]
