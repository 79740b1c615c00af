"""The folder of a sweep: what was asked, and every finished run under the hash of all that it depends on.

    DIR/question.json     what was asked; another question is not mixed with it unless that is forced
    DIR/runs/HASH.json    what came of a run; with --plans, DIR/plans/HASH.json its plan, written before it
    DIR/sweep.*           the results, once all runs are finished

Files are written aside and renamed. A process that works in the folder holds a lock that ends with it.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from pathlib import Path
from typing import IO, Literal

from pydantic import BaseModel, ValidationError

from fleetopt.documents import check_folder, read_bytes, shown, stands, write_file
from fleetopt.errors import InputError, Issue
from fleetopt.plan.domain import Plan
from fleetopt.plan.record import Record
from fleetopt.plan.store import read_plan
from fleetopt.study.sweep.bench import Answer
from fleetopt.study.sweep.records import PLANNED, Outcome, Question

LIMIT_BYTES = 64 * 1024 * 1024
QUESTION, LOCK = "question.json", ".lock"


class Kept(Record):
    """A finished run as it is kept. `plan` is the hash of its plan's file, null where none was wanted."""

    schema_version: Literal["1"] = "1"
    input_hash: str
    outcome: Outcome
    plan: str | None = None


class Folder:
    """Holds the folder for one sweep, from `open` to `close`.

    Args:
        path: made if it does not exist.
        question: what is asked.
        force: whether to take over a folder in which another question was asked, or other files are.
    """

    def __init__(self, path: Path, question: Question, *, force: bool) -> None:
        self._path = path
        self._plans = question.plans
        # The lock is the first file that a sweep makes, so a folder with one is a sweep's, even if killed at once.
        if not stands(path / LOCK, "file"):
            check_folder(path, force=force)
        path.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(path)
        try:
            known = stands(path / QUESTION, "file")
            if known and not force:
                _check_same(path, question)
            _clear(path)
            if not known or force:
                write_file(path / QUESTION, _json(question))
        except BaseException:
            self.close()
            raise
        self.damaged = 0

    def close(self) -> None:
        self._lock.close()

    def kept(self, key: str) -> Outcome | None:
        """What came of a run that is finished, None if it has to be run. A damaged file is no finished run."""
        found = self._finished(key)
        return None if found is None or (self._plans and self._lacks_plan(found)) else found.outcome

    def _finished(self, key: str) -> Kept | None:
        file = self._path / "runs" / f"{key}.json"
        if not stands(file, "file"):
            return None
        try:
            found = Kept.model_validate_json(read_bytes(file, LIMIT_BYTES), strict=True)
        except (InputError, ValidationError):
            self.damaged += 1
            return None
        if found.input_hash != key:
            self.damaged += 1
            return None
        return found

    def keep(self, answer: Answer) -> None:
        """Keeps a finished run. One that failed by our fault, or that of the machine, is not finished."""
        if answer.outcome.status == "FAILED":
            return
        digest = None
        if answer.plan is not None:
            data = answer.plan.encode()
            digest = hashlib.sha256(data).hexdigest()
            write_file(self._path / plan_name(answer.key), data)
        kept = Kept(input_hash=answer.key, outcome=answer.outcome, plan=digest)
        write_file(self._path / "runs" / f"{answer.key}.json", _json(kept))

    def kept_plan(self, key: str) -> Plan | None:
        """The plan of a finished run, None where there is none or another one."""
        found = self._finished(key)
        if found is None or found.outcome.status not in PLANNED or self._lacks_plan(found):
            return None
        return read_plan(self._path / plan_name(key))

    def plan(self, key: str) -> str | None:
        """The name of a run's plan in the folder, None where there is none."""
        name = plan_name(key)
        return name if self._plans and stands(self._path / name, "file") else None

    def _lacks_plan(self, found: Kept) -> bool:
        """Whether there should be a plan, and is none or another one."""
        file = self._path / plan_name(found.input_hash)
        there = hashlib.sha256(file.read_bytes()).hexdigest() if stands(file, "file") else None
        return found.outcome.status in PLANNED and (there is None or there != found.plan)


def plan_name(key: str) -> str:
    return f"plans/{key}.json"


def read_question(file: Path) -> Question:
    """What was asked.

    Raises:
        InputError: the file is not what a sweep has written.
    """
    try:
        return Question.model_validate_json(read_bytes(file, LIMIT_BYTES), strict=True)
    except ValidationError:
        fix = "Name another folder, or add --force to ask anew in this one"
        raise InputError([Issue("bad-question", shown(file), "is not what a sweep asked", fix)]) from None


def _check_same(path: Path, question: Question) -> None:
    """Stops before runs of two questions are mixed.

    Raises:
        InputError: something else was asked before.
    """
    before = read_question(path / QUESTION)
    other = [name for name in Question.model_fields if getattr(before, name) != getattr(question, name)]
    if other:
        what = f"holds another sweep ({', '.join(_told(name, before, question) for name in other)})"
        fix = "Name another folder, or add --force to ask anew in this one; runs that are the same are not run again"
        raise InputError([Issue("other-sweep", shown(path), what, fix)])


def _told(name: str, before: Question, question: Question) -> str:
    was, now = getattr(before, name), getattr(question, name)
    if name == "inputs":
        return "the scenario or a file that it reads has changed" if before.scenario == question.scenario else "inputs"
    return f"{name.replace('_', ' ')}: {str(was)[:80]} instead of {str(now)[:80]}"


def _locked(path: Path) -> IO[str]:
    lock = (path / LOCK).open("w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        what = "is being written by another sweep"
        raise InputError([Issue("in-use", shown(path), what, "Wait for it, or name another folder")]) from None
    return lock


def _clear(path: Path) -> None:
    """Takes away what a kill in mid-write has left: the folders in which files are written aside."""
    for inside in (path, path / "runs", path / "plans"):
        for left in inside.glob(".*-*") if inside.is_dir() else ():
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)


def _json(record: BaseModel) -> bytes:
    return (record.model_dump_json(indent=2) + "\n").encode()
