"""Writes the results of a sweep into its folder: a table three ways, a page, and the records."""

from __future__ import annotations

from pathlib import Path

from fleetopt.documents import write_files
from fleetopt.report.sweep.markdown import markdown
from fleetopt.report.sweep.page import page
from fleetopt.report.sweep.tables import csv_text, parquet_bytes
from fleetopt.study.sweep.records import Sweep


def write_sweep(found: Sweep, folder: Path) -> list[Path]:
    """Writes sweep.json, .csv, .parquet, .md and .html, and returns their paths.

    Raises:
        InputError: the folder cannot be written to.
    """
    contents: dict[str, str | bytes] = {
        "sweep.json": found.model_dump_json(indent=2) + "\n",
        "sweep.csv": csv_text(found),
        "sweep.parquet": parquet_bytes(found),
        "sweep.md": markdown(found),
        "sweep.html": page(found),
    }
    write_files(folder, contents)
    return [folder / name for name in contents]
