"""Proves that single files are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleetopt.documents import check_file, write_file, writing
from fleetopt.errors import InputError


def test_a_file_is_written_and_nothing_else(tmp_path: Path) -> None:
    """Proves that folders are made, an old file is replaced, and nothing stays aside."""
    path = tmp_path / "a/b.bin"
    write_file(path, b"one")
    write_file(path, b"\x00two")
    assert path.read_bytes() == b"\x00two"
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that a write that fails half way is one clear error and touches nothing."""
    path = tmp_path / "b.bin"
    write_file(path, b"old")

    def full(where: Path, content: str | bytes) -> None:
        where.write_bytes(b"h")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "_write", full)
    with pytest.raises(InputError, match="No space left"):
        write_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["x" * 300, "a\x00b", "file/below"])
def test_a_path_that_no_file_system_takes_is_one_error(tmp_path: Path, name: str) -> None:
    """Proves that names which are too long, hold NUL or stand below a file are input errors."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError):
        write_file(tmp_path / name, b"")


def test_what_exists_is_not_replaced_unasked(tmp_path: Path) -> None:
    """Proves that a file needs force and a folder is never replaced."""
    path = tmp_path / "x"
    check_file(path, force=False)
    path.write_text("")
    with pytest.raises(InputError, match="--force"):
        check_file(path, force=False)
    check_file(path, force=True)
    with pytest.raises(InputError, match="is a folder"):
        check_file(tmp_path, force=True)
