from __future__ import annotations

import contextlib
import csv
import errno
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetopt.documents import Row, read_bytes, read_table
from fleetopt.errors import InputError, Issue

Write = Callable[[str | bytes], Path]
Find = Callable[..., Issue]

NEEDED = ("name", "value")


def test_comments_and_blanks_are_left_out_and_lines_kept(file: Write) -> None:
    rows, _ = read_table(file('# why\nname,value\n\n a , 1 \n# more\nb,"2,5"\n'), NEEDED)
    assert [(row.line, row.cells) for row in rows] == [
        (4, {"name": "a", "value": "1"}),
        (6, {"name": "b", "value": "2,5"}),
    ]
    assert rows[1].where("value") == "file:6 value"


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("", "file", "is empty"),
        ("# only\n", "file", "holds only comments"),
        ("name,value\n", "file", "has a header and no rows"),
        ("name\na\n", "file:1", "has no column 'value'"),
        ("name,value,valeu\na,1,2\n", "file:1", "unknown column 'valeu'"),
        ("name,value,value\na,1,2\n", "file:1", "names a column twice"),
        ("name,value\na\n", "file:2", "has 1 cells under a header of 2"),
        ("name,value\na,1,2\n", "file:2", "has 3 cells under a header of 2"),
        ("name;value\na;1,5\n", "file:1", "separates its cells with semicolons, not commas"),
        ("name\tvalue\na\t1\n", "file:1", "separates its cells with tabs, not commas"),
        ('name,value\n"a,1\n', "file:2", "not valid CSV"),
        ('name,value\n"a"b,1\n', "file:2", "not valid CSV"),
        ("name,value\n" + "x" * 200_000 + ",1\n", "file:2", "not valid CSV"),
        (b"name,value\n\x00,1\n", "file:2", "binary data"),
        (b"name,value\n\xe9,1\n", "file:2", "is not UTF-8"),
    ],
)
def test_what_is_refused_is_named_with_its_line(
    file: Write, issue: Find, text: str | bytes, where: str, what: str
) -> None:
    found = issue(read_table, file(text), NEEDED)
    assert found.where == where
    assert what in found.what
    assert found.fix


@pytest.mark.parametrize("cell", ["", "nan", "inf", "1e999", "1,200", "12 rps", "1_000", "x", "-1", "9" * 41])
def test_a_number_is_plain_finite_and_not_negative(issue: Find, cell: str) -> None:
    found = issue(Row(Path("t.csv"), 7, {"value": cell}).number, "value")
    assert found.where.endswith("t.csv:7 value")
    assert cell[:40] in found.what
    assert found.fix


def test_numbers_and_words_are_read() -> None:
    row = Row(Path("t.csv"), 7, {"a": "2.5", "b": "", "c": "3", "d": "spot"})
    assert row.number("a") == 2.5
    assert row.optional_number("b") is None
    assert row.whole("c") == 3
    assert row.choice("d", ("spot", "reserved")) == "spot"
    assert row.text("b", "other") == "other"


def test_a_fraction_is_no_whole_number(issue: Find) -> None:
    assert "not a whole number" in issue(Row(Path("t.csv"), 7, {"a": "2.5"}).whole, "a").what


def test_a_word_that_is_not_offered_is_refused(issue: Find) -> None:
    row = Row(Path("t.csv"), 7, {"a": "spott"})
    assert "Did you mean 'spot'" in issue(row.choice, "a", ("spot", "reserved")).fix


def test_an_unreadable_file_says_why(file: Write, issue: Find, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file("a")
    # Permissions bind everybody but root, so the refusal itself is played.
    monkeypatch.setattr(Path, "read_bytes", _refused)
    assert "Permission denied" in issue(read_bytes, path, 10).what


def test_folders_and_devices_are_no_files(file: Write, issue: Find) -> None:
    path = file("a")
    assert issue(read_bytes, path.parent, 10).what == "is a folder"
    assert issue(read_bytes, Path("/dev/zero"), 10).what == "is not a plain file"
    assert issue(read_bytes, path.parent / "none", 10).code == "missing-file"
    assert "over the limit" in issue(read_bytes, path, 0).what


def _refused(*_: object) -> None:
    raise PermissionError(errno.EACCES, "Permission denied")


def read(content: bytes) -> list[Row]:
    with tempfile.NamedTemporaryFile() as opened:
        opened.write(content)
        opened.flush()
        return read_table(Path(opened.name), NEEDED)[0]


@given(content=st.binary(max_size=200) | st.binary(max_size=80).map(lambda rest: b"name,value\n" + rest))
def test_random_bytes_are_read_or_refused(content: bytes) -> None:
    with contextlib.suppress(InputError):
        read(content)


@given(cells=st.lists(st.tuples(*[st.text(alphabet="abc,\"'; =+#é", min_size=1, max_size=8)] * 2), min_size=1))
def test_what_csv_writes_is_read_back(cells: list[tuple[str, str]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([NEEDED, *cells])
    rows = read(out.getvalue().encode())
    assert [tuple(row.cells.values()) for row in rows] == [(a.strip(), b.strip()) for a, b in cells]


@given(cell=st.text(max_size=45))
def test_no_cell_raises_anything_but_an_input_error(cell: str) -> None:
    row = Row(Path("t.csv"), 1, {"a": cell})
    for read_cell in (row.number, row.optional_number, row.whole, row.text):
        with contextlib.suppress(InputError):
            read_cell("a")
