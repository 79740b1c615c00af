"""Files are written aside and renamed, so that whoever looks, also after a kill in mid-write, finds whole files.

They are the old ones or the new ones. Nothing that exists is replaced unless somebody asked for it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from fleetopt.documents.files import shown, stands
from fleetopt.errors import InputError, Issue

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

ASIDE = ".aside"
"""How the names of folders end in which files are written before they are renamed into place."""


def check_folder(target: Path, *, force: bool) -> None:
    """Stops before any work is done if the folder may not or cannot be written.

    Raises:
        InputError: it exists and `force` is not set, it or a folder that it is to stand in is a file, or the system
            refuses to write there.
    """
    with _refusals(target):
        # Files are written beside the folder and renamed.
        above = next(one for one in (target, *target.absolute().parents) if one.exists())
        if not above.is_dir():
            raise InputError([Issue("not-a-folder", shown(above), "is a file", "Name a folder to write into")])
        if above == target and not force and any(target.iterdir()):
            fix = "Name another folder, or add --force to replace files of the same names in it"
            raise InputError([Issue("folder-exists", shown(target), "exists and is not empty", fix)])
        for place in {above, above.parent} if above == target else {above}:
            Path(tempfile.mkdtemp(prefix=".", suffix=ASIDE, dir=place)).rmdir()


def check_file(path: Path, *, force: bool) -> None:
    """Stops before any work is done if the file may not be written.

    Raises:
        InputError: it exists and `force` is not set, or it is a folder.
    """
    if stands(path, "folder"):
        raise InputError([Issue("not-a-file", shown(path), "is a folder", "Name a file to write")])
    if stands(path, "anything") and not force:
        fix = "Name another file, or add --force to replace it"
        raise InputError([Issue("file-exists", shown(path), "exists", fix)])


def clear_file(path: Path, *, force: bool) -> None:
    """Makes sure that a file can be written anew, and empties it.

    Raises:
        InputError: it exists and `force` is not set, or it cannot be written.
    """
    check_file(path, force=force)
    with _refusals(path):
        path.write_text("", encoding="utf-8")


def write_file(path: Path, content: bytes) -> None:
    """Writes one file aside and renames it into place.

    Raises:
        InputError: it cannot be written.
    """
    with _refusals(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{path.name[:40]}-", suffix=ASIDE, dir=path.parent))
        try:
            _write(aside / path.name, content)
            (aside / path.name).replace(path)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def write_files(target: Path, contents: Mapping[str, str | bytes]) -> None:
    """Writes files into a folder, all of them aside first and then renamed one by one.

    Raises:
        InputError: the folder cannot be written to.
    """
    write_made(target, contents.items())


def write_made(target: Path, contents: Iterable[tuple[str, str | bytes]]) -> list[Path]:
    """The same for files that are made one after another, so that no more than one need be held at a time.

    Args:
        target: the folder.
        contents: names and what is to be in them. Where making one fails nothing is written, and the error goes on.

    Returns: the paths of the files.

    Raises:
        InputError: the folder cannot be written to.
    """
    names = []
    with _refusals(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", suffix=ASIDE, dir=target.parent))
    try:
        for name, content in contents:
            with _refusals(target):
                _write(aside / name, content)
            names.append(name)
        with _refusals(target):
            _rename(aside, target, names)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return [target / name for name in names]


def _rename(aside: Path, target: Path, names: Sequence[str]) -> None:
    if not target.exists():
        aside.chmod(0o777 & ~_umask())
        aside.rename(target)
        return
    for name in names:
        if stands(target / name, "folder"):
            raise InputError([Issue("not-a-file", shown(target / name), "is a folder", "Move it away")])
    for name in names:
        with _refusals(target / name):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (aside / name).replace(target / name)


def _write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
        file.flush()
        os.fsync(file.fileno())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def _refusals(target: Path) -> Iterator[None]:
    """Has what the system refuses said as an error of the target."""
    try:
        yield
    except (OSError, ValueError) as error:
        what = f"cannot be written ({getattr(error, 'strerror', None) or error})"
        fix = "Check its permissions and the space on the disk"
        raise InputError([Issue("unwritable", shown(target), what, fix)]) from None


def inert(value: object) -> object:
    """A cell that no spreadsheet takes for a formula.

    >>> inert("=cmd()"), inert(-3.5), inert(None)
    ("'=cmd()", -3.5, '')
    """
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
