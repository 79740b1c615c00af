"""fleetopt catalog: which models, GPU types, node types and offers there are."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

NAME = "catalog"
BRIEF = "List models, GPU types, node types and offers."


class What(StrEnum):
    """A part of the catalog."""

    MODELS = "models"
    GPUS = "gpus"
    NODES = "nodes"
    OFFERS = "offers"


def run(
    what: Annotated[What, typer.Argument(help="What to list.")] = What.MODELS,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="A models folder to look in before the shipped one.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print records as JSON.")] = False,
) -> None:
    """List what scenarios can name: models with their profiles, GPU types, node types, offers with their prices."""
    from fleetopt.catalog.roots import shipped
    from fleetopt.documents import shown
    from fleetopt.errors import InputError, Issue
    from fleetopt.report.catalog_views import catalog_records, catalog_view

    if folder is not None and not folder.is_dir():
        raise InputError([Issue("missing-folder", shown(folder), "is no folder", "Name a folder of models")])
    roots = (folder, shipped("models")) if folder else (shipped("models"),)
    records = catalog_records(what.value, roots)
    if json_:
        import json

        sys.stdout.write(json.dumps(records, indent=2) + "\n")
        return
    from fleetopt.cli.draw import console, draw

    draw(console(), [catalog_view(what.value, records)])
