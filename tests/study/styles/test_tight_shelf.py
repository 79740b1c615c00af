"""A table of aggregated against disaggregated serving goes on where it was stopped, and mixes no two questions."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from fleetopt.catalog.domain import InputFile
from fleetopt.errors import InputError
from fleetopt.scenario.domain import Scenario
from fleetopt.study.resolve import USUAL, Answer, Effort, Resolver
from fleetopt.study.styles.crossover import WaysKept, tightness
from fleetopt.study.styles.tight import Tightness
from fleetopt.study.styles.tight_shelf import TightShelf, tight_question
from tests.study.styles.conftest import EXACT
from tests.study.styles.test_crossover import turning

FACTORS = (0.5, 2.0)


def asked(
    folder: Path,
    scenario: Scenario | None = None,
    *,
    factors: Sequence[float] = FACTORS,
    force: bool = False,
    desk: Resolver | None = None,
) -> Tightness:
    scenario, desk = scenario or turning(), desk or Resolver(EXACT)
    with closing(TightShelf(folder, tight_question(scenario, factors, desk), force=force)) as shelf:
        return tightness(scenario, factors, desk, keeping=WaysKept(shelf.kept, shelf.keep))


class Stopped(Resolver):
    """Somebody presses Ctrl-C in the fifth solve, which then gives the best plan so far."""

    def solve(self, scenario: Scenario, what: str, effort: Effort = USUAL) -> Answer:
        self.stopped = self.solves == 4
        self.most = 5
        return Resolver.solve(self, scenario, what, effort)


def test_what_is_finished_is_not_solved_again(tmp_path: Path) -> None:
    """Proves: after a stop only what was not finished is solved, halvings too, and the table is that of one go.
    Sensitivity: the half-done solve of the stop would be taken for what the workload costs.
    """
    whole = tightness(turning(), FACTORS, Resolver(EXACT))
    stopped = asked(tmp_path / "out", desk=Stopped(EXACT))
    assert not stopped.complete
    assert len(list((tmp_path / "out/runs").iterdir())) == 4
    rest = asked(tmp_path / "out")
    assert rest.solves == whole.solves - 4
    assert rest == whole.model_copy(update={"solves": rest.solves})
    assert asked(tmp_path / "out").solves == 0


@pytest.mark.parametrize("damage", ["", "{", "{}", "\x00", "other"])
def test_a_damaged_run_is_solved_again(tmp_path: Path, damage: str) -> None:
    """Proves: a kept run that is cut off, emptied or another's is none. Sensitivity: a figure from nowhere."""
    first = asked(tmp_path / "out", factors=[2.0])
    one, other, _ = sorted((tmp_path / "out/runs").iterdir())
    one.write_text(other.read_text() if damage == "other" else damage)
    again = asked(tmp_path / "out", factors=[2.0])
    assert (again.solves, again.rows) == (1, first.rows)


def test_another_question_is_refused_and_what_is_the_same_is_used(tmp_path: Path) -> None:
    """Proves: other factors and other inputs are refused by name; forced, runs of the same factor and inputs stay.
    Sensitivity: a table of two scenarios, or hours of solving thrown away.
    """
    asked(tmp_path / "out", factors=[2.0])
    with pytest.raises(InputError, match="factors"):
        asked(tmp_path / "out", factors=[2.0, 4.0])
    assert asked(tmp_path / "out", factors=[2.0, 4.0], force=True).solves == 3
    other = replace(turning(), files=(InputFile("scenario.yaml", "0" * 64),))
    with pytest.raises(InputError, match="a file that it reads has changed"):
        asked(tmp_path / "out", other, factors=[2.0, 4.0])
    assert asked(tmp_path / "out", other, factors=[2.0, 4.0], force=True).solves == 6


def test_two_do_not_write_into_one_folder(tmp_path: Path) -> None:
    """Proves: while one works in the folder another is refused. Sensitivity: every run would be done twice."""
    desk = Resolver(EXACT)
    shelf = TightShelf(tmp_path / "out", tight_question(turning(), FACTORS, desk), force=False)
    with pytest.raises(InputError, match="being written by another study of limits"):
        asked(tmp_path / "out")
    shelf.close()


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    """Proves: a file in the way of the folder is named. Sensitivity: an error of the system without a path."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file: is a file"):
        asked(tmp_path / "file/out")
