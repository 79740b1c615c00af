"""The folder of a comparison of styles: what was asked, and each finished style with its plan.

    DIR/question.json           what was asked; another question is not mixed with it unless that is forced
    DIR/styles/NAME.json        a finished row; DIR/plans/NAME/plan.json its plan, written before it
    DIR/study.*                 the results, once all styles are answered

Files are written aside and renamed, so a comparison that was killed goes on with what it had finished.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from fleetopt.documents import check_folder, read_bytes, shown, stands, write_file
from fleetopt.errors import InputError, Issue
from fleetopt.plan.domain import Plan
from fleetopt.plan.provenance import InputHash
from fleetopt.plan.record import Record
from fleetopt.plan.store import FILE_NAME, read_plan, to_json
from fleetopt.scenario.domain import Scenario
from fleetopt.study.resolve import Resolver
from fleetopt.study.styles.records import StyleRow

LIMIT_BYTES = 1024 * 1024
QUESTION = "question.json"


class Question(Record):
    """Everything that the rows of a comparison depend on. `plan` is the hash of a plan that was given."""

    schema_version: Literal["1"] = "1"
    fleetopt_version: str
    scenario: str
    inputs: tuple[InputHash, ...]
    gap_tolerance: float
    time_limit_s: float
    plan: str | None


class Kept(Record):
    """A finished row as it is kept, with the hash of its plan's file, None where it has none."""

    row: StyleRow
    plan: str | None


def question_of(scenario: Scenario, desk: Resolver, plan: Plan | None) -> Question:
    """What is asked."""
    from importlib.metadata import version

    return Question(
        fleetopt_version=version("fleetopt"),
        scenario=scenario.name,
        inputs=tuple(InputHash(name=file.name, sha256=file.sha256) for file in scenario.files),
        gap_tolerance=desk.options.gap,
        time_limit_s=desk.options.time_limit_s,
        plan=None if plan is None else _digest(to_json(plan).encode()),
    )


class Shelf:
    """Keeps finished rows in a folder.

    Args:
        path: made if it does not exist.
        question: what is asked.
        force: whether to take over a folder in which something else was asked; nothing of that is used.

    Raises:
        InputError: the folder holds something else, or cannot be written to.
    """

    def __init__(self, path: Path, question: Question, *, force: bool) -> None:
        self._path = path
        self._goes_on = stands(path / QUESTION, "file") and _same(path / QUESTION, question, force=force)
        if not self._goes_on:
            check_folder(path, force=force)
            write_file(path / QUESTION, _json(question))

    def kept(self, name: str) -> StyleRow | None:
        """A row that is finished, with its plan; None if it has to be found. A damaged file is no finished row."""
        file = self._path / "styles" / f"{name}.json"
        if not self._goes_on or not stands(file, "file"):
            return None
        try:
            found = Kept.model_validate_json(read_bytes(file, LIMIT_BYTES), strict=True)
            plan = None if found.plan is None else self._plan(name, found.plan)
        except (InputError, ValidationError):
            return None
        return found.row.model_copy(update={"plan": plan})

    def keep(self, row: StyleRow) -> None:
        """Keeps a row and its plan."""
        digest = None
        if row.plan is not None:
            data = to_json(row.plan).encode()
            digest = _digest(data)
            write_file(self._path / plan_name(row.name), data)
        write_file(self._path / "styles" / f"{row.name}.json", _json(Kept(row=row, plan=digest)))

    def _plan(self, name: str, digest: str) -> Plan:
        file = self._path / plan_name(name)
        plan = read_plan(file)
        if _digest(to_json(plan).encode()) != digest:
            raise InputError([Issue("bad-plan", shown(file), "is another plan than was kept", "Take the file away")])
        return plan


def plan_name(style: str) -> str:
    """Where a style's plan stands in the folder."""
    return f"plans/{style}/{FILE_NAME}"


def _same(file: Path, question: Question, *, force: bool) -> bool:
    """Whether the folder has the same question, so that its rows can be used.

    Raises:
        InputError: it has another one, and that is not to be replaced.
    """
    fix = "Name another folder, or add --force to ask anew in this one"
    try:
        before = Question.model_validate_json(read_bytes(file, LIMIT_BYTES), strict=True)
    except (ValidationError, InputError):
        if force:
            return False
        raise InputError([Issue("bad-question", shown(file), "is not what a study of styles asked", fix)]) from None
    other = [name for name in Question.model_fields if getattr(before, name) != getattr(question, name)]
    if other and not force:
        what = f"is of another study (differs in {', '.join(name.replace('_', ' ') for name in other)})"
        raise InputError([Issue("other-study", shown(file), what, fix)])
    return not other


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _json(record: BaseModel) -> bytes:
    return (record.model_dump_json(indent=2) + "\n").encode()
