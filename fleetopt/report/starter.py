"""Copies a shipped scenario as the start of a new one."""

from __future__ import annotations

from pathlib import Path

from fleetopt.catalog.roots import shipped
from fleetopt.documents import check_folder, write_files
from fleetopt.errors import InputError, Issue, did_you_mean
from fleetopt.report.schemas import schema_text
from fleetopt.scenario.files import FILE_NAME

SCHEMA_NAME = "scenario.schema.json"


def write_starter(folder: Path, like: str, *, force: bool = False) -> list[Path]:
    """Writes a copy of a shipped scenario with its schema beside it, and returns the paths.

    Raises:
        InputError: there is no such scenario, or the folder exists and `force` is not set.
    """
    names = sorted(path.parent.name for path in shipped("scenarios").glob(f"*/{FILE_NAME}"))
    if like not in names:
        raise InputError(
            [Issue("unknown-scenario", "--like", f"'{like[:60]}' is not shipped", did_you_mean(like, names))]
        )
    check_folder(folder, force=force)
    source = shipped("scenarios") / like
    contents = {
        path.relative_to(source).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(source.rglob("*"))
        if path.is_file()
    }
    contents[FILE_NAME] = f"# yaml-language-server: $schema={SCHEMA_NAME}\n{contents[FILE_NAME]}"
    contents[SCHEMA_NAME] = schema_text("scenario")
    write_files(folder, contents)
    return [folder / name for name in contents]
