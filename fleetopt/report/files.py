"""Writes a plan into a folder: plan.json for programs, CSV for spreadsheets, report.md for people.

Everything is written aside and renamed, so that whoever looks at the folder, also after a kill in mid-write,
finds whole files: the old ones or the new ones.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
from pathlib import Path

from fleetopt.documents import shown, stands
from fleetopt.errors import InputError, Issue
from fleetopt.plan.domain import Plan
from fleetopt.plan.store import FILE_NAME, to_json
from fleetopt.report.frames import columns, rows
from fleetopt.report.markdown import report

TABLES = ("fleet", "orders", "placements", "workloads", "costs", "workload_costs")

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_plan(plan: Plan, folder: str | Path, *, force: bool = False) -> list[Path]:
    """Writes the plan's files and returns their paths.

    Args:
        plan: what to write.
        folder: made if it does not exist.
        force: replace the plan's files in a folder that exists; other files in it stay.

    Raises:
        InputError: the folder exists and `force` is not set, or it cannot be written to.
    """
    target = Path(folder)
    check_folder(target, force=force)
    contents = {f"{name}.csv": csv_text(plan, name) for name in TABLES}
    contents |= {"report.md": report(plan), FILE_NAME: to_json(plan)}
    write_files(target, contents)
    return [target / name for name in contents]


def check_folder(target: Path, *, force: bool) -> None:
    """Stops before any work is done if the folder may not be written.

    Raises:
        InputError: it exists and `force` is not set, or it is a file.
    """
    if stands(target, "anything") and not stands(target, "folder"):
        raise InputError([Issue("not-a-folder", shown(target), "is a file", "Name a folder to write into")])
    if stands(target, "folder") and not force and any(target.iterdir()):
        fix = "Name another folder, or add --force to replace files of the same names in it"
        raise InputError([Issue("folder-exists", shown(target), "exists and is not empty", fix)])


def clear_file(path: Path, *, force: bool) -> None:
    """Makes sure that a file can be written anew, and empties it.

    Raises:
        InputError: it exists and `force` is not set, or it cannot be written.
    """
    if stands(path, "anything") and not force:
        fix = "Name another file, or add --force to replace it"
        raise InputError([Issue("file-exists", shown(path), "exists", fix)])
    try:
        path.write_text("", encoding="utf-8")
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from None


def write_files(target: Path, contents: dict[str, str]) -> None:
    """Writes text files into a folder, all of them aside first and then renamed one by one.

    Raises:
        InputError: the folder cannot be written to.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except (OSError, ValueError) as error:
        raise _unwritable(target, error) from None
    try:
        for name, text in contents.items():
            _write(aside / name, text)
        if target.exists():
            for name in contents:
                if stands(target / name, "folder"):
                    raise InputError([Issue("not-a-file", shown(target / name), "is a folder", "Move it away")])
            for name in contents:
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                (aside / name).replace(target / name)
        else:
            aside.chmod(0o777 & ~_umask())
            aside.rename(target)
    except OSError as error:
        raise _unwritable(target, error) from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _unwritable(target: Path, error: OSError | ValueError) -> InputError:
    what = f"cannot be written ({getattr(error, 'strerror', None) or error})"
    return InputError([Issue("unwritable", shown(target), what, "Check its permissions and the space on the disk")])


def csv_text(plan: Plan, name: str) -> str:
    """A table of the plan as CSV. Text that a spreadsheet would run as a formula is quoted with an apostrophe."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=columns(name), lineterminator="\n")
    writer.writeheader()
    for row in rows(plan, name):
        writer.writerow({key: inert(value) for key, value in row.items()})
    return out.getvalue()


def inert(value: object) -> object:
    """A cell that no spreadsheet takes for a formula.

    >>> inert("=cmd()"), inert(-3.5), inert(None)
    ("'=cmd()", -3.5, '')
    """
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
