"""Writes a plan into a folder: plan.json for programs, CSV for spreadsheets, report.md for people."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from fleetopt.documents import check_folder, inert, write_files
from fleetopt.plan.domain import Plan
from fleetopt.plan.store import FILE_NAME, to_json
from fleetopt.report.frames import columns, rows
from fleetopt.report.markdown import report

TABLES = ("fleet", "orders", "placements", "workloads", "costs", "workload_costs")


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


def csv_text(plan: Plan, name: str) -> str:
    """A table of the plan as CSV. Text that a spreadsheet would run as a formula is quoted with an apostrophe."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=columns(name), lineterminator="\n")
    writer.writeheader()
    for row in rows(plan, name):
        writer.writerow({key: inert(value) for key, value in row.items()})
    return out.getvalue()
