"""The folder of a table of aggregated against disaggregated serving.

DIR/question.json     what was asked
DIR/runs/HASH.json    a workload at a factor in one way, under the hash of all that it depends on
DIR/tightness.*       the results
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fleetopt.plan.provenance import InputHash
from fleetopt.scenario.domain import Scenario
from fleetopt.study.cabinet import Cabinet
from fleetopt.study.programs import fingerprint, sha256_of, solver
from fleetopt.study.resolve import Resolver
from fleetopt.study.styles.tight import KeptWay, TightQuestion, Way

KIND = "study of limits"


def tight_question(scenario: Scenario, factors: Sequence[float], desk: Resolver) -> TightQuestion:
    """What is asked."""
    return TightQuestion(
        scenario=scenario.name,
        inputs=tuple(InputHash(name=file.name, sha256=file.sha256) for file in scenario.files),
        factors=tuple(factors),
        gap_tolerance=desk.options.gap,
        time_limit_s=desk.options.time_limit_s,
        programs=sha256_of([fingerprint(), solver()]),
    )


class TightShelf:
    """Keeps finished ways in a folder, until it is closed.

    Args:
        path: made if it does not exist.
        question: what is asked.
        force: whether to take over a folder in which something else was asked; what is the same is used all the same.

    Raises:
        InputError: the folder holds something else, or cannot be written to.
    """

    def __init__(self, path: Path, question: TightQuestion, *, force: bool) -> None:
        # A run depends on no other factor than its own.
        self._asked = question.model_dump(mode="json", exclude={"factors"})
        self._cabinet = Cabinet(path, question, KIND, force=force)

    def close(self) -> None:
        """Lets others into the folder."""
        self._cabinet.close()

    def kept(self, workload: str, factor: float, way: str) -> Way | None:
        """What came of a way that is finished, None if it has to be solved. A damaged file is no finished way."""
        key = self._key(workload, factor, way)
        found = self._cabinet.read(f"runs/{key}.json", KeptWay)
        return found.found if found is not None and found.key == key else None

    def keep(self, workload: str, factor: float, way: str, found: Way) -> None:
        """Keeps a finished way."""
        key = self._key(workload, factor, way)
        kept = KeptWay(key=key, workload=workload, factor=factor, way=way, found=found)
        self._cabinet.write(f"runs/{key}.json", kept)

    def _key(self, workload: str, factor: float, way: str) -> str:
        return sha256_of([self._asked, workload, factor, way])
