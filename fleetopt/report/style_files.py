"""Serving styles in a folder: study.json, study.csv, study.md and study.html beside the plans that are kept there."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from fleetopt.documents import inert, write_files
from fleetopt.report.html.blocks import Pictures, Section, Sentences, Table
from fleetopt.report.html.page import TEMPLATES, environment
from fleetopt.report.markdown import escape, table
from fleetopt.report.style_charts import styles_chart
from fleetopt.report.style_views import styles_headline, styles_views
from fleetopt.report.view import number, percent, usd
from fleetopt.study.measures import Largest
from fleetopt.study.styles.records import Comparison

COLUMNS = ("name", "title", "came", "usd", "ratio", "bound_usd", "gap", "verified", "finished", "paper", "note")
"""Columns of study.csv, those of `Largest` after them."""

MOST_STYLES = 30
"""Rows of a table that are seen at once: all of them."""


def write_styles(found: Comparison, folder: Path) -> list[Path]:
    """Writes the comparison four ways and returns the paths.

    Raises:
        InputError: the folder cannot be written to.
    """
    contents: dict[str, str | bytes] = {
        "study.json": found.model_dump_json(indent=2) + "\n",
        "study.csv": styles_csv(found),
        "study.md": _markdown(found),
        "study.html": _page(found),
    }
    write_files(folder, contents)
    return [folder / name for name in contents]


def styles_csv(found: Comparison) -> str:
    """A row for each style."""
    out = io.StringIO()
    most = tuple(Largest.model_fields)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*COLUMNS, *most])
    for row in found.rows:
        figures = [None] * len(most) if row.largest is None else [getattr(row.largest, name) for name in most]
        cells = [getattr(row, name) for name in COLUMNS] + figures
        writer.writerow([str(cell).lower() if isinstance(cell, bool) else inert(cell) for cell in cells])
    return out.getvalue()


def _markdown(found: Comparison) -> str:
    parts = [f"# Serving styles: {escape(found.scenario)}", escape(styles_headline(found)) + "."]
    return "\n\n".join([*parts, *(table(one) for one in styles_views(found, kept=True) if one.rows)]) + "\n"


def _page(found: Comparison) -> str:
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            kicker="Serving styles",
            title=found.scenario,
            description="What each way to serve would cost on the same inputs.",
            figures=_numbers(found),
            sections=_sections(found),
            css=(TEMPLATES / "page.css").read_text(encoding="utf-8"),
        )
    )


def _sections(found: Comparison) -> list[Section]:
    costs, about, absent = styles_views(found, kept=True)
    chart = styles_chart(found)
    pictures = () if chart is None else (Pictures((chart,)),)
    sections = [
        Section("summary", "Summary", "", (Sentences((styles_headline(found) + ".",)),)),
        Section("styles", "Styles", "", (*pictures, Table("style-table", costs, most=MOST_STYLES))),
        Section("about", "About them", "", (Table("about-table", about, most=MOST_STYLES),)),
    ]
    return [*sections, Section("absent", "Left out", "", (Table("absent-table", absent),))] if absent.rows else sections


def _numbers(found: Comparison) -> list[tuple[str, str, str]]:
    """The numbers at the top: (label, value, unit)."""
    verified = [row for row in found.styles if row.verified]
    figures = [("Styles", f"{len(found.styles)}", f"{len(verified)} with a verified plan")]
    if found.allowed is None or found.allowed.usd is None or found.allowed.largest is None:
        return figures
    figures += [("Everything allowed", usd(found.allowed.usd), "USD")]
    figures += [("Power at most", number(found.allowed.largest.power_kw), "kW")]
    gap = found.allowed.gap
    return [*figures, ("Gap", "not known" if gap is None else percent(gap), "to the best possible")]
