"""Aggregated against disaggregated serving in a folder: tightness.json, .csv, .md and .html."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from fleetopt.documents import inert, write_files
from fleetopt.report.html.blocks import Pictures, Section, Sentences, Table
from fleetopt.report.html.page import TEMPLATES, environment
from fleetopt.report.markdown import escape, table
from fleetopt.report.tightness_charts import tightness_charts
from fleetopt.report.tightness_views import STATES, tightness_headline, tightness_views
from fleetopt.study.styles.tight import Priced, Tightness, Way

COLUMNS = ("workload", "factor", "ttft_s", "tpot_s", "best", "complete")
WAYS = ("aggregated", "disaggregated", "mixed")
MOST_ROWS = 60


def write_tightness(found: Tightness, folder: Path) -> None:
    """Writes the table four ways.

    Raises:
        InputError: the folder cannot be written to.
    """
    parts = [f"# Aggregated or disaggregated: {escape(found.scenario)}", escape(tightness_headline(found)) + "."]
    parts += [table(one) for one in tightness_views(found) if one.rows]
    contents: dict[str, str | bytes] = {
        "tightness.json": found.model_dump_json(indent=2) + "\n",
        "tightness.csv": _csv(found),
        "tightness.md": "\n\n".join(parts) + "\n",
        "tightness.html": _page(found),
    }
    write_files(folder, contents)


def _csv(found: Tightness) -> str:
    """A row for each workload and factor of the table, and for those between that were tried for a crossover."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    fields = tuple(Way.model_fields)
    writer.writerow([*COLUMNS, "asked", *(f"{way}_{name}" for way in WAYS for name in fields)])
    for asked, rows in ((True, found.rows), (False, found.halvings)):
        for row in rows:
            writer.writerow(_cells(row, fields, asked=asked))
    return out.getvalue()


def _cells(row: Priced, fields: tuple[str, ...], *, asked: bool) -> list[object]:
    cells = [getattr(row, name) for name in COLUMNS] + [asked]
    cells += [getattr(way, name) for way in (row.aggregated, row.disaggregated, row.mixed) for name in fields]
    return [str(cell).lower() if isinstance(cell, bool) else inert(cell) for cell in cells]


def _page(found: Tightness) -> str:
    costs, crossovers, reasons = tightness_views(found)
    charts = tightness_charts(found)
    sections = [
        Section("summary", "Summary", "", (Sentences((tightness_headline(found) + ".", *_sentences(found))),)),
        Section("charts", "Cost by how tight the limits are", "", (Pictures(charts),) if charts else ()),
        Section("costs", "Costs", "", (Table("cost-table", costs, most=MOST_ROWS),)),
        Section("crossovers", "Crossovers", "", (Table("crossover-table", crossovers),) if crossovers.rows else ()),
        Section("reasons", "Without a plan", "", (Table("reason-table", reasons),) if reasons.rows else ()),
    ]
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            kicker="Aggregated or disaggregated",
            title=found.scenario,
            description="What each workload costs alone, in each way to serve it, as its limits get tighter.",
            figures=[
                ("Workloads", f"{len({row.workload for row in found.rows})}", "with promised latencies"),
                ("Crossovers", f"{len(found.crossovers)}", "where the best one changes"),
            ],
            sections=[section for section in sections if section.blocks],
            css=(TEMPLATES / "page.css").read_text(encoding="utf-8"),
        )
    )


def _sentences(found: Tightness) -> list[str]:
    return [
        f"{one.workload}: {STATES[one.tighter]} up to {one.low:.4g} times its limits, {STATES[one.looser]} from "
        f"{one.high:.4g} times on."
        for one in found.crossovers
    ]
