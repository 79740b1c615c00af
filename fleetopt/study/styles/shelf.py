"""The folder of a comparison of styles: what was asked, and each finished style with its plan.

    DIR/question.json           what was asked
    DIR/styles/NAME.json        a row; DIR/plans/NAME/plan.json its plan, written before it
    DIR/study.*                 the results

A row says by a hash which question it answers, so that none is taken for the answer to another one.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from fleetopt.documents import shown, write_file
from fleetopt.errors import InputError, Issue
from fleetopt.plan.domain import Plan
from fleetopt.plan.provenance import InputHash
from fleetopt.plan.record import Record
from fleetopt.plan.store import FILE_NAME, read_plan, to_bytes
from fleetopt.scenario.domain import Scenario
from fleetopt.study.cabinet import Cabinet
from fleetopt.study.programs import fingerprint, sha256_of, solver
from fleetopt.study.resolve import Resolver
from fleetopt.study.styles.records import StyleRow

KIND = "study of styles"


class Question(Record):
    """Everything that the rows of a comparison depend on. `plan` is the hash of a plan that was given, `programs` that
    of fleetopt's code and its solver.
    """

    schema_version: Literal["1"] = "1"
    scenario: str
    inputs: tuple[InputHash, ...]
    gap_tolerance: float
    time_limit_s: float
    plan: str | None
    programs: str


class Kept(Record):
    """A row as it is kept, with the hashes of the question and of its plan's file, None where it has none."""

    asked: str
    row: StyleRow
    plan: str | None


def question_of(scenario: Scenario, desk: Resolver, plan: Plan | None) -> Question:
    """What is asked."""
    return Question(
        scenario=scenario.name,
        inputs=tuple(InputHash(name=file.name, sha256=file.sha256) for file in scenario.files),
        gap_tolerance=desk.options.gap,
        time_limit_s=desk.options.time_limit_s,
        plan=None if plan is None else _digest(to_bytes(plan)),
        programs=sha256_of([fingerprint(), solver()]),
    )


class Shelf:
    """Keeps rows in a folder, until it is closed.

    Args:
        path: made if it does not exist.
        question: what is asked.
        force: whether to take over a folder in which something else was asked; nothing of that is used.

    Raises:
        InputError: the folder holds something else, or cannot be written to.
    """

    def __init__(self, path: Path, question: Question, *, force: bool) -> None:
        self._asked = sha256_of(question.model_dump(mode="json"))
        self._cabinet = Cabinet(path, question, KIND, force=force)

    def close(self) -> None:
        """Lets others into the folder."""
        self._cabinet.close()

    def kept(self, name: str) -> StyleRow | None:
        """A row that is finished, with its plan; None if it has to be found. A damaged file is no finished row."""
        found = self._cabinet.read(_row_name(name), Kept)
        if found is None or found.asked != self._asked or found.row.name != name or not found.row.finished:
            return None
        try:
            plan = None if found.plan is None else self._plan(name, found.plan)
        except InputError:
            return None
        return found.row.model_copy(update={"plan": plan})

    def keep(self, row: StyleRow) -> None:
        """Keeps a row and its plan; of one that is not finished only the plan is of use."""
        digest = None
        if row.plan is not None:
            data = to_bytes(row.plan)
            digest = _digest(data)
            write_file(self._cabinet.path / plan_name(row.name), data)
        self._cabinet.write(_row_name(row.name), Kept(asked=self._asked, row=row, plan=digest))

    def _plan(self, name: str, digest: str) -> Plan:
        file = self._cabinet.path / plan_name(name)
        plan = read_plan(file)
        if _digest(to_bytes(plan)) != digest:
            raise InputError([Issue("bad-plan", shown(file), "is another plan than was kept", "Take the file away")])
        return plan


def plan_name(style: str) -> str:
    """Where a style's plan stands in the folder."""
    return f"plans/{style}/{FILE_NAME}"


def _row_name(style: str) -> str:
    return f"styles/{style}.json"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
