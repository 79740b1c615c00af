"""Aggregated against disaggregated serving as tables: what each costs by how tight the promises are, and crossovers."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from fleetopt.documents import inert, write_files
from fleetopt.report.markdown import escape, table
from fleetopt.report.view import View, time, usd, view
from fleetopt.study.styles.crossover import Priced, Tightness

NONE = "-"


def tightness_headline(found: Tightness) -> str:
    """What was asked, and whether all of it was answered, in a sentence."""
    rest = "" if found.complete else "; what is missing ran into the limit of time, or was stopped"
    return f"{found.scenario}: each workload alone, aggregated or disaggregated, {found.solves} solves{rest}"


def tightness_views(found: Tightness) -> list[View]:
    """Costs by workload and factor, then where the cheaper style changes."""
    titles = [
        "workload",
        "times the limits",
        "TTFT",
        "TPOT",
        "aggregated, USD",
        "disaggregated, USD",
        "mixed, USD",
        "best",
    ]
    note = "Limits of TTFT and TPOT are multiplied together. Mixed is everything allowed; '-' has no plan."
    rows = [_row(row) for row in found.rows]
    costs = view("Aggregated or disaggregated", titles, rows, words=titles[-1:], note=note)
    return [costs, _crossovers(found)]


def _row(row: Priced) -> list[str]:
    costs = (row.aggregated_usd, row.disaggregated_usd, row.mixed_usd)
    said = [NONE if cost is None else usd(cost) for cost in costs]
    best = row.best or ("neither serves it" if costs[2] is None else "the same")
    return [
        row.workload,
        f"{row.factor:g}",
        time(row.ttft_s),
        time(row.tpot_s),
        *said,
        best if row.complete else "not known",
    ]


def _crossovers(found: Tightness) -> View:
    titles = ("workload", "tighter than", "is best", "looser than", "is best there")
    rows = tuple(
        (one.workload, f"{one.low:.4g}", one.tighter or "neither", f"{one.high:.4g}", one.looser or "neither")
        for one in found.crossovers
    )
    note = "Times the limits. Between the two figures the best one changes; what was not asked in between is not known."
    return View("Where the best one changes", titles, rows, frozenset({"tighter than", "looser than"}), note)


def write_tightness(found: Tightness, folder: Path) -> None:
    """Writes tightness.json, .csv and .md.

    Raises:
        InputError: the folder cannot be written to.
    """
    parts = [f"# Aggregated or disaggregated: {escape(found.scenario)}", escape(tightness_headline(found)) + "."]
    parts += [table(one) for one in tightness_views(found) if one.rows]
    contents: dict[str, str | bytes] = {
        "tightness.json": found.model_dump_json(indent=2) + "\n",
        "tightness.csv": _csv(found),
        "tightness.md": "\n\n".join(parts) + "\n",
    }
    write_files(folder, contents)


def _csv(found: Tightness) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(Priced.model_fields)
    for row in found.rows:
        cells = [getattr(row, name) for name in Priced.model_fields]
        writer.writerow([str(cell).lower() if isinstance(cell, bool) else inert(cell) for cell in cells])
    return out.getvalue()
