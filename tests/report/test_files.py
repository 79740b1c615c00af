from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fleetopt
from fleetopt.documents import inert, write_files, write_made
from fleetopt.errors import InputError
from fleetopt.plan.domain import Plan
from fleetopt.report.files import TABLES, csv_text, write_plan
from fleetopt.report.frames import columns


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_a_row_for_each_record(plan: Plan, name: str) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(plan, name))))
    assert len(rows) == len(getattr(plan, name))
    assert all(list(row) == columns(name) for row in rows)


def test_numbers_in_a_table_keep_every_digit(plan: Plan) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(plan, "placements"))))
    assert [float(row["capacity_rps"]) for row in rows] == [p.capacity_rps for p in plan.placements]
    assert rows[0]["tpot_s"] == ("" if plan.placements[0].tpot_s is None else str(plan.placements[0].tpot_s))


def test_frames_hold_what_the_tables_hold(plan: Plan) -> None:
    frames = fleetopt.tables(plan)
    assert {name: len(frame) for name, frame in frames.items()} == {name: len(getattr(plan, name)) for name in frames}
    assert list(frames["orders"].columns) == columns("orders")
    assert float((frames["costs"].usd * frames["costs"].probability).sum()) == pytest.approx(plan.objective_usd)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+1", "@x", "\tx", "\rx"])
def test_a_formula_is_made_inert(text: str) -> None:
    assert inert(text) == f"'{text}"


@given(text=st.text(max_size=20))
def test_no_text_becomes_a_formula(text: str) -> None:
    assert not str(inert(text)).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_plan_is_not_written_over_another(plan: Plan, tmp_path: Path) -> None:
    written = write_plan(plan, tmp_path / "out")
    assert sorted(path.name for path in written) == sorted(path.name for path in (tmp_path / "out").iterdir())
    with pytest.raises(InputError, match="exists and is not empty"):
        write_plan(plan, tmp_path / "out")
    assert write_plan(plan, tmp_path / "out", force=True) == written


def test_an_empty_folder_may_be_written_into(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert write_plan(plan, tmp_path / "out")


def test_missing_parents_are_made(tmp_path: Path) -> None:
    write_files(tmp_path / "a/b/c", {"x": "1", "sub/y": "2"})
    assert (tmp_path / "a/b/c/sub/y").read_text() == "2"
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == ["c"]


def test_files_are_made_one_after_another_and_nothing_stays_of_half_of_them(tmp_path: Path) -> None:
    """A fault in making one is told as it is, not as a disk that cannot be written; the old files are still there."""
    write_files(tmp_path / "out", {"first": "old", "second": "old"})
    seen: list[str] = []

    def made() -> Iterator[tuple[str, str | bytes]]:
        yield "first", "new"
        seen.extend(path.read_text() for path in tmp_path.glob(".out-*/first"))
        raise ValueError("no such column")

    with pytest.raises(ValueError, match=r"^no such column$"):
        write_made(tmp_path / "out", made())
    assert seen == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert {path.name: path.read_text() for path in (tmp_path / "out").iterdir()} == {"first": "old", "second": "old"}


def test_a_new_folder_has_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").mkdir()
    write_files(tmp_path / "out", {"x": "1"})
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "usual").stat().st_mode
