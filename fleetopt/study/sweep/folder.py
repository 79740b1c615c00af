"""The folder of a sweep: what was asked, and every finished run under the hash of all that it depends on.

DIR/question.json     what was asked
DIR/runs/HASH.json    what came of a run; with --plans, DIR/plans/HASH.json its plan, written before it
DIR/sweep.*           the results, once all runs are finished
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from fleetopt.documents import stands, write_file
from fleetopt.plan.domain import Plan
from fleetopt.plan.record import Record
from fleetopt.plan.store import read_plan
from fleetopt.study.cabinet import Cabinet
from fleetopt.study.sweep.bench import Answer
from fleetopt.study.sweep.records import PLANNED, Outcome, Question

KIND = "sweep"


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
        self._cabinet = Cabinet(path, question, KIND, force=force)

    @property
    def damaged(self) -> int:
        """How many kept runs could not be read."""
        return self._cabinet.damaged

    def close(self) -> None:
        self._cabinet.close()

    def kept(self, key: str) -> Outcome | None:
        """What came of a run that is finished, None if it has to be run. A damaged file is no finished run."""
        found = self._finished(key)
        return None if found is None or (self._plans and self._lacks_plan(found)) else found.outcome

    def _finished(self, key: str) -> Kept | None:
        found = self._cabinet.read(f"runs/{key}.json", Kept)
        if found is not None and found.input_hash != key:
            self._cabinet.damaged += 1
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
        self._cabinet.write(f"runs/{answer.key}.json", kept)

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
