"""How far demand can grow, in a folder: stretch.json, stretch.csv, the curve, and the plan of each point."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from fleetopt.documents import write_files
from fleetopt.report.files import write_plan
from fleetopt.report.stretch_views import stretch_picture
from fleetopt.study.stretch import Stretch

COLUMNS = ("budget_usd", "power_w", "low", "high", "usd")


def write_stretch(found: Stretch, folder: Path) -> list[Path]:
    """Writes the multiples, the curve where there is one, and each point's plan into a folder by number.

    Returns:
        The files, and the folders of the plans.

    Raises:
        InputError: the folder cannot be written to.
    """
    contents: dict[str, str | bytes] = {"stretch.json": found.model_dump_json(indent=2) + "\n"}
    contents["stretch.csv"] = stretch_csv(found)
    if len(found.points) > 1:
        contents["stretch.svg"] = stretch_picture(found)
    write_files(folder, contents)
    written = [folder / name for name in contents]
    for index, point in enumerate(found.points, 1):
        if point.plan is not None:
            write_plan(point.plan, folder / str(index))
            written.append(folder / str(index))
    return written


def stretch_csv(found: Stretch) -> str:
    """A row for each limit."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(point.model_dump(include=set(COLUMNS)) for point in found.points)
    return out.getvalue()
