"""A comparison of styles goes on where it was stopped, and mixes no two questions."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from fleetopt.catalog.domain import InputFile
from fleetopt.errors import InputError
from fleetopt.scenario.domain import Scenario
from fleetopt.study.resolve import Resolver
from fleetopt.study.styles import STYLES, Style
from fleetopt.study.styles.comparison import Keeping, compare_styles
from fleetopt.study.styles.records import Comparison
from fleetopt.study.styles.shelf import Shelf, question_of
from tests.study.styles.conftest import EXACT, phases


def asked(
    scenario: Scenario, folder: Path, *, styles: Sequence[Style] = STYLES[1:2], force: bool = False
) -> Comparison:
    """One style, which is enough where only the folder is in question."""
    desk = Resolver(EXACT)
    with closing(Shelf(folder, question_of(scenario, desk, None), force=force)) as shelf:
        return compare_styles(scenario, desk, styles=styles, keeping=Keeping(shelf.kept, shelf.keep))


def test_what_is_finished_is_not_solved_again(tmp_path: Path) -> None:
    """Proves: a second run takes every row and plan from the folder and gives the same; one that is gone or damaged is
    found again. Sensitivity: rows kept by another name would be solved, and a damaged one would be believed.
    """
    first = asked(phases(), tmp_path / "out", styles=STYLES)
    again = asked(phases(), tmp_path / "out", styles=STYLES)
    assert again.solves == 0
    assert again.rows == first.rows
    (tmp_path / "out/styles/splitwise-aa.json").write_text("{}")
    (tmp_path / "out/plans/splitwise-hh/plan.json").unlink()
    third = asked(phases(), tmp_path / "out", styles=STYLES)
    assert third.solves == 2
    assert third.rows == first.rows


def test_another_question_is_not_mixed_in(tmp_path: Path) -> None:
    """Proves: with other inputs the folder is refused, and with force everything is asked anew.
    Sensitivity: rows of the old scenario would stand beside new ones.
    """
    asked(phases(), tmp_path / "out")
    other = replace(phases(), files=(InputFile("scenario.yaml", "0" * 64),))
    with pytest.raises(InputError, match="a file that it reads has changed"):
        asked(other, tmp_path / "out")
    assert asked(other, tmp_path / "out", force=True).solves > 0


@pytest.mark.parametrize("content", ["", "[]", "\x00", '{"schema_version": "2"}', "{" * 5000])
def test_a_damaged_question_is_one_clear_error(tmp_path: Path, content: str) -> None:
    """Proves: a question that cannot be read is refused by name, and replaced only where that is asked for.
    Sensitivity: taken for the same question, its rows would be used.
    """
    asked(phases(), tmp_path / "out")
    (tmp_path / "out/question.json").write_text(content)
    with pytest.raises(InputError, match=r"question\.json"):
        asked(phases(), tmp_path / "out")
    assert asked(phases(), tmp_path / "out", force=True).complete


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    """Proves: files that are not a study's are not written among. Sensitivity: a person's folder would be filled."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out/notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        asked(phases(), tmp_path / "out")


def test_rows_of_a_question_that_was_replaced_are_not_used(tmp_path: Path) -> None:
    """Proves: a row says which question it answers: one left over from before a folder was taken over by force is found
    again, also when the new comparison is gone on with later.
    Sensitivity: after a stop, rows of two scenarios would stand in one table.
    """
    asked(phases(), tmp_path / "out", styles=STYLES[:3])
    other = replace(phases(), files=(InputFile("scenario.yaml", "0" * 64),))
    asked(other, tmp_path / "out", styles=STYLES[:1], force=True)
    assert asked(other, tmp_path / "out", styles=STYLES[:3]).solves == 2


def test_a_row_that_is_not_finished_is_found_again(tmp_path: Path) -> None:
    """Proves: what ran out of time is kept for its plan alone, and asked again.
    Sensitivity: everything allowed would never be solved for after a stop.
    """
    desk = Resolver(EXACT)
    [row] = asked(phases(), tmp_path / "out").styles
    with closing(Shelf(tmp_path / "out", question_of(phases(), desk, None), force=False)) as shelf:
        shelf.keep(row.model_copy(update={"finished": False}))
        assert shelf.kept(row.name) is None
        shelf.keep(row)
        assert shelf.kept(row.name) is not None
