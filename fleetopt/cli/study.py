"""fleetopt study: what each serving style of the literature would cost on the same inputs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetopt.cli.plan import Scenario
from fleetopt.cli.studying import (
    Gap,
    StoredPlan,
    TimeLimit,
    TotalTime,
    resolver,
    stoppable,
    style_option,
    verified,
    wipe,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetopt.study.resolve import Resolver
    from fleetopt.study.styles import Style

NAME = "study"
SMALLEST = 0.001
"""Of the factors on SLOs."""


def run(
    scenario: Scenario,
    style: Annotated[
        list[str] | None, typer.Option(help="Only this style, once for each; all of them if left out.", metavar="NAME")
    ] = None,
    slo_scale: Annotated[
        str | None,
        typer.Option(
            help="Instead: each workload alone, aggregated against disaggregated, with its TTFT and TPOT limits times "
            "each of these, and where the better one changes.",
            metavar="FACTORS",
        ),
    ] = None,
    plan: StoredPlan = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Keep finished styles and their plans here, go on from them, write the table."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Ask anew in a folder of another study.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
    gap: Gap = "0.01 %",
    time_limit: TimeLimit = "1 min",
    total_time: TotalTime = "10 min",
) -> None:
    """Compare serving styles: fixed pools by formula, aggregated, disaggregated, one GPU type, Splitwise's designs,
    DistServe's placements, MuxServe's sharing, and everything the scenario allows, each with the plan that is best for
    it.

    Each style only leaves something out, so everything allowed is the cheapest; each plan is verified. Ctrl-C ends it
    with what is finished, and with -o the same command goes on from there.
    """
    desk = resolver(gap, time_limit, total_time)
    wanted = _styles(style or [])
    if slo_scale is not None:
        _refuse_beside_factors(style, plan)
        _tightness(scenario, _factors(slo_scale), desk, out, force=force, json_=json_)
        return
    from fleetopt.report.style_views import papers_view, styles_headline, styles_view
    from fleetopt.scenario.load import load
    from fleetopt.study.styles.comparison import Keeping, compare_styles
    from fleetopt.study.styles.shelf import Shelf, question_of

    question = load(scenario)
    known = None if plan is None else verified(question, plan)
    keeping = Keeping()
    if out is not None:
        shelf = Shelf(out, question_of(question, desk, known), force=force)
        keeping = Keeping(shelf.kept, shelf.keep)
    try:
        with stoppable(desk):
            found = compare_styles(question, desk, plan=known, styles=wanted, keeping=keeping)
    finally:
        wipe()
    if out is not None:
        from fleetopt.report.style_files import write_styles

        write_styles(found, out)
    if json_:
        sys.stdout.write(found.model_dump_json(indent=2) + "\n")
        return
    from fleetopt.cli.draw import announce

    announce(styles_headline(found), [styles_view(found), *([papers_view(found)] if out else [])])


def _styles(names: Sequence[str]) -> tuple[Style, ...]:
    """The styles that are asked for, in the order of the table."""
    from fleetopt.study.styles import STYLES

    wanted = {style_option(name).name for name in names}
    return tuple(style for style in STYLES if not wanted or style.name in wanted)


def _refuse_beside_factors(style: list[str] | None, plan: Path | None) -> None:
    from fleetopt.cli.failure import bad_option

    if style or plan is not None:
        beside = "--style" if style else "--plan"
        raise bad_option(beside, "is not for --slo-scale, which always solves aggregated, disaggregated and mixed")


def _factors(text: str) -> list[float]:
    """Factors on the limits, like '2,1,0.5'."""
    from fleetopt.cli.failure import bad_option

    factors = []
    for word in text.split(","):
        try:
            factors.append(float(word))
        except ValueError:
            raise bad_option("--slo-scale", f"'{word[:40]}' is no number; write factors like 2,1,0.5") from None
        if not SMALLEST <= factors[-1] <= 1.0 / SMALLEST:
            raise bad_option("--slo-scale", f"'{word[:40]}' is not between {SMALLEST:g} and {1.0 / SMALLEST:g}")
    return sorted(set(factors))


def _tightness(
    scenario: Path, factors: list[float], desk: Resolver, out: Path | None, *, force: bool, json_: bool
) -> None:
    from fleetopt.cli.draw import announce
    from fleetopt.documents import check_folder
    from fleetopt.report.tightness_views import tightness_headline, tightness_views, write_tightness
    from fleetopt.scenario.load import load
    from fleetopt.study.restrict import by_cost
    from fleetopt.study.styles.crossover import tightness

    if out is not None:
        check_folder(out, force=force)
    question = by_cost(load(scenario))
    try:
        with stoppable(desk):
            found = tightness(question, factors, desk)
    finally:
        wipe()
    if out is not None:
        write_tightness(found, out)
    if json_:
        sys.stdout.write(found.model_dump_json(indent=2) + "\n")
        return
    announce(tightness_headline(found), tightness_views(found))
