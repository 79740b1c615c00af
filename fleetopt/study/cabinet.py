"""A folder in which a study keeps what is finished, so that the same command goes on where one was stopped.

    DIR/question.json   what was asked; another question is not mixed with it unless that is forced
    DIR/...             finished records, written aside and renamed

A process that works in the folder holds a lock that ends with it. A file that is cut off, or not what belongs there, is
no finished record.
"""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path
from typing import IO, TypeVar

from pydantic import ValidationError

from fleetopt.documents import ASIDE, check_folder, read_bytes, shown, stands, write_file
from fleetopt.errors import InputError, Issue
from fleetopt.plan.record import Record

R = TypeVar("R", bound=Record)

LIMIT_BYTES = 64 * 1024 * 1024
QUESTION, LOCK = "question.json", ".lock"


class Cabinet:
    """Holds a folder for one question until it is closed; `damaged` counts kept files that could not be used.

    Args:
        path: made if it does not exist.
        question: what is asked; it has a field `scenario`, and one `inputs` of hashes.
        kind: what the folder is of, in a word.
        force: whether to take over a folder in which another question was asked, or other files are.

    Raises:
        InputError: it holds something else, somebody else works in it, or it cannot be written to.
    """

    def __init__(self, path: Path, question: Record, kind: str, *, force: bool) -> None:
        self.path, self.damaged = path, 0
        # The lock is the first file that is made, so a folder with one is a study's, even if killed at once.
        if not stands(path / LOCK, "file"):
            check_folder(path, force=force)
        self._lock = _locked(path, kind)
        try:
            known = stands(path / QUESTION, "file")
            if known and not force:
                _check_same(path, question, kind)
            _clear(path)
            if not known or force:
                self.write(QUESTION, question)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Lets others into the folder."""
        self._lock.close()

    def read(self, name: str, record: type[R]) -> R | None:
        """A record that is kept, None where there is none that can be used."""
        file = self.path / name
        if not stands(file, "file"):
            return None
        try:
            return record.model_validate_json(read_bytes(file, LIMIT_BYTES), strict=True)
        except (InputError, ValidationError):
            self.damaged += 1
            return None

    def write(self, name: str, record: Record) -> None:
        """Keeps a record."""
        write_file(self.path / name, (record.model_dump_json(indent=2) + "\n").encode())


def question_in(path: Path, record: type[R], kind: str) -> R:
    """What was asked in a folder.

    Raises:
        InputError: the file is not what a study of the kind has written.
    """
    file = path / QUESTION
    try:
        return record.model_validate_json(read_bytes(file, LIMIT_BYTES), strict=True)
    except ValidationError:
        fix = "Name another folder, or add --force to ask anew in this one"
        raise InputError([Issue("bad-question", shown(file), f"is not what a {kind} asked", fix)]) from None


def _check_same(path: Path, question: Record, kind: str) -> None:
    """Stops before records of two questions are mixed.

    Raises:
        InputError: something else was asked before.
    """
    before = question_in(path, type(question), kind)
    other = [name for name in type(question).model_fields if getattr(before, name) != getattr(question, name)]
    if other:
        what = f"holds another {kind} ({', '.join(_told(name, before, question) for name in other)})"
        fix = "Name another folder, or add --force to ask anew in this one; runs that are the same are not run again"
        raise InputError([Issue(f"other-{kind}", shown(path), what, fix)])


def _told(name: str, before: Record, question: Record) -> str:
    was, now = getattr(before, name), getattr(question, name)
    if name == "inputs":
        same = getattr(before, "scenario", None) == getattr(question, "scenario", None)
        return "the scenario or a file that it reads has changed" if same else "inputs"
    if name == "programs":
        return "another version of fleetopt or of its solver"
    return f"{name.replace('_', ' ')}: {str(was)[:80]} instead of {str(now)[:80]}"


def _locked(path: Path, kind: str) -> IO[str]:
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = (path / LOCK).open("w", encoding="utf-8")
    except OSError as error:
        what, fix = f"cannot be written ({error.strerror})", "Check its permissions and the space on the disk"
        raise InputError([Issue("unwritable", shown(path), what, fix)]) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        what = f"is being written by another {kind}"
        raise InputError([Issue("in-use", shown(path), what, "Wait for it, or name another folder")]) from None
    return lock


def _clear(path: Path) -> None:
    """Takes away what a kill in mid-write has left: the folders in which files are written aside."""
    for inside in (path, *(one for one in path.iterdir() if one.is_dir())):
        for left in inside.glob(f".*-*{ASIDE}"):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
