"""sweep.html: what a sweep found on one page that opens offline and runs nothing."""

from __future__ import annotations

from collections.abc import Iterator

from fleetopt.report.html.blocks import MOST_ROWS, Block, Pictures, Section, Sentences, Table
from fleetopt.report.html.page import TEMPLATES, environment
from fleetopt.report.sweep.charts import curve_chart, efficient_chart, tornado_chart
from fleetopt.report.sweep.views import (
    FIGURES,
    design_of,
    efficient_view,
    headline,
    reasons,
    run_view,
    tornado_view,
)
from fleetopt.report.view import percent, usd
from fleetopt.study.sweep.effects import curves, tornado
from fleetopt.study.sweep.records import PLANNED, Sweep


def page(found: Sweep) -> str:
    """The page."""
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            kicker="Sweep",
            title=found.question.scenario,
            description=f"{design_of(found).capitalize()}.",
            figures=_figures(found),
            sections=[section for section in _sections(found) if section.blocks],
            css=(TEMPLATES / "page.css").read_text(encoding="utf-8"),
        )
    )


def _figures(found: Sweep) -> list[tuple[str, str, str]]:
    costs = [run.outcome.cost_usd for run in found.runs if run.outcome.cost_usd is not None]
    gaps = [run.outcome.gap for run in found.runs if run.outcome.gap is not None]
    planned = sum(run.outcome.status in PLANNED for run in found.runs)
    figures = [("Variants", f"{len(found.runs):,}", f"{planned:,} with a plan")]
    if costs:
        figures += [("Least cost", usd(min(costs)), "USD"), ("Largest cost", usd(max(costs)), "USD")]
    return [*figures, ("Largest gap", percent(max(gaps)) if gaps else "not known", "to the best possible")]


def _sections(found: Sweep) -> Iterator[Section]:
    said = (headline(found), *(f"Varied: {expression}" for expression in found.question.vary))
    yield Section("summary", "Summary", "", (Sentences(said),))
    yield _tornado(found)
    yield _curves(found)
    yield _efficient(found)
    yield Section("variants", "Variants", "", (Table("run-table", run_view(found, why=False), most=60),))
    yield _without(found)


def _tornado(found: Sweep) -> Section:
    lead = "From the least to the largest cost over the settings of each field, all others being as they are."
    if not tornado(found):
        return Section("tornado", "What moves the cost", lead)
    blocks: tuple[Block, ...] = (Pictures((tornado_chart(found),)), Table("tornado-table", tornado_view(found)))
    return Section("tornado", "What moves the cost", lead, blocks)


def _curves(found: Sweep) -> Section:
    lead = "The least cost at each value. A cross at the top marks a value at which a variant has no plan."
    charts = tuple(curve_chart(index, curve) for index, curve in enumerate(curves(found)))
    return Section("curves", "Cost against each field", lead, (Pictures(charts),) if charts else ())


def _without(found: Sweep) -> Section:
    said = reasons(found)
    folded = f"All {len(said):,} reasons" if len(said) > MOST_ROWS else ""
    return Section("without", "Why there is no plan", "", (Sentences(said, folded),) if said else ())


def _efficient(found: Sweep) -> Section:
    lead = "Each point is a variant. None costs less than one on the line with as little of the other figure."
    drawn = [(name, chart) for name in FIGURES if (chart := efficient_chart(found, name)) is not None]
    if not drawn:
        return Section("efficient", "Frontiers", lead)
    tables = (Table(f"efficient-{name}", efficient_view(found, name), folded=True) for name, _ in drawn)
    return Section("efficient", "Frontiers", lead, (Pictures(tuple(chart for _, chart in drawn)), *tables))
