"""Writes a plan into a folder: plan.json for programs, tables for tools, reports for people.

CSV, and Parquet where asked for, hold the plan's tables; report.md and report.html show it; plan.xlsx is for finance.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from fleetopt.documents import check_folder, inert, write_made
from fleetopt.plan.domain import Plan
from fleetopt.plan.store import FILE_NAME, to_bytes
from fleetopt.report.frames import columns, rows
from fleetopt.report.markdown import report
from fleetopt.scenario.domain import Scenario

if TYPE_CHECKING:
    from fleetopt.study.baselines import Baseline

Files: TypeAlias = Iterator[tuple[str, str | bytes]]
"""Names and what is in them, one after another: all of a large plan's at once take more memory than the plan."""

TABLES = ("fleet", "orders", "placements", "workloads", "work", "costs", "workload_costs")
"""Tables that are always written."""

WHERE_ANY = ("sales", "changes")
"""Tables that are written where they have rows."""


def write_plan(
    plan: Plan,
    folder: str | Path,
    *,
    scenario: Scenario | None = None,
    baselines: Sequence[Baseline] = (),
    force: bool = False,
    parquet: bool = False,
) -> list[Path]:
    """Writes the plan's files and returns their paths.

    Args:
        plan: what to write.
        folder: made if it does not exist.
        scenario: what was asked; with it, report.html, plan.xlsx and ratios.json are written as well.
        baselines: what plainer ways to size the fleet would cost, for the reports.
        force: replace the plan's files in a folder that exists; other files in it stay.
        parquet: write the tables as Parquet beside the CSV files.

    Raises:
        InputError: the folder exists and `force` is not set, or it cannot be written to.
    """

    def made() -> Files:
        yield from _tables_and_reports(plan, scenario, baselines, parquet=parquet)
        yield FILE_NAME, to_bytes(plan)

    return _written(folder, made(), force=force)


def write_report(
    plan: Plan,
    scenario: Scenario,
    folder: str | Path,
    *,
    baselines: Sequence[Baseline] = (),
    force: bool = False,
    parquet: bool = False,
) -> list[Path]:
    """Writes everything that `write_plan` writes except plan.json, for a plan that is stored already.

    Raises:
        InputError: the folder exists and `force` is not set, or it cannot be written to.
    """
    return _written(folder, _tables_and_reports(plan, scenario, baselines, parquet=parquet), force=force)


def csv_text(plan: Plan, name: str) -> str:
    """A table of the plan as CSV. Text that a spreadsheet would run as a formula is quoted with an apostrophe."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=columns(name), lineterminator="\n")
    writer.writeheader()
    for row in rows(plan, name):
        writer.writerow({key: inert(value) for key, value in row.items()})
    return out.getvalue()


def _tables_and_reports(
    plan: Plan, scenario: Scenario | None, baselines: Sequence[Baseline], *, parquet: bool
) -> Files:
    names = (*TABLES, *(name for name in WHERE_ANY if getattr(plan, name)))
    for name in names:
        yield f"{name}.csv", csv_text(plan, name)
    if parquet:
        from fleetopt.report.parquet import parquet_bytes

        for name in names:
            yield f"{name}.parquet", parquet_bytes(plan, name)
    yield "report.md", report(plan, baselines, scenario)
    if scenario is not None:
        from fleetopt.report.html.page import html_report
        from fleetopt.report.ratio_views import ratio_files
        from fleetopt.report.spreadsheet.workbook import workbook

        yield from ratio_files(plan, scenario, parquet=parquet)
        yield "report.html", html_report(plan, scenario, baselines)
        yield "plan.xlsx", workbook(plan, scenario, baselines)


def _written(folder: str | Path, files: Files, *, force: bool) -> list[Path]:
    target = Path(folder)
    check_folder(target, force=force)
    return write_made(target, files)
