"""fleetopt init: a starter scenario that plans as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NAME = "init"
BRIEF = "Write a starter scenario."


def run(
    folder: Annotated[Path, typer.Argument(help="The folder to write the scenario into.")],
    like: Annotated[str, typer.Option("--like", help="Which shipped scenario to start from.")] = "quickstart",
    force: Annotated[bool, typer.Option("--force", help="Replace its files in a folder that exists.")] = False,
) -> None:
    """Write a starter scenario, with the JSON Schema that lets an editor complete and check it."""
    from fleetopt.report.starter import write_starter

    written = write_starter(folder, like, force=force)
    for path in written:
        typer.echo(f"written: {path}")
    typer.echo(f"next: fleetopt plan {folder}")
