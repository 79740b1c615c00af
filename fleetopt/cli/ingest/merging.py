"""The end of every import of profiles: readings merged into a catalog folder, and shown or printed as JSON."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetopt.cli.ingest import told as options

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fleetopt.ingest.reading import Reading, Told


@dataclass(frozen=True, slots=True)
class Merging:
    """Where to and how: `models` are what `--model` said."""

    folder: Path
    models: Sequence[str]
    from_card: str | None
    copy: bool
    replace: bool
    dry_run: bool
    json: bool


def merge_and_show(readings: Sequence[Reading], told: Told, how: Merging) -> None:
    """Merges all points of the readings, all or nothing, and says what came of it.

    Raises:
        InputError: what files and user say does not fit, or the result could not be loaded.
    """
    from fleetopt.catalog.roots import model_names, shipped
    from fleetopt.ingest.filing import merge_all, write_change
    from fleetopt.ingest.model_names import named
    from fleetopt.report import ingest_views as views
    from fleetopt.report.flag_view import flag_view

    known = model_names((how.folder, shipped("models")))
    many, names = named(options.filled(readings, told), how.models, known)
    changes = merge_all(many, how.folder, replace_old=how.replace, from_card=how.from_card, copy=how.copy)
    if not how.dry_run:
        for change in changes:
            write_change(change)
    if how.json:
        sys.stdout.write(views.to_json(readings, names, changes, written=not how.dry_run))
        return
    from fleetopt.cli.draw import console, draw, seen

    screen = console()
    for line in views.sentences(readings, names, changes):
        screen.print(seen(line))
    draw(screen, [flag_view(flag for one in readings for flag in one.flags), views.change_view(changes)])
    for line in views.outcome(changes, written=not how.dry_run):
        screen.print(seen(line))
