"""fleetopt study: what each serving style of the literature would cost on the same inputs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetopt.cli.plan import Scenario
from fleetopt.cli.studying import (
    Gap,
    StoredPlan,
    TimeLimit,
    TotalTime,
    question_of,
    resolver,
    stoppable,
    style_option,
    verified,
    wipe,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from fleetopt.plan.domain import Plan
    from fleetopt.scenario.domain import Scenario as Domain
    from fleetopt.study.resolve import Resolver
    from fleetopt.study.styles import Style
    from fleetopt.study.styles.comparison import Keeping
    from fleetopt.study.styles.crossover import WaysKept

NAME = "study"
BRIEF = "Compare the serving styles of the literature."
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
    from fleetopt.cli.draw import announce
    from fleetopt.report.style_views import styles_headline, styles_views
    from fleetopt.study.styles.comparison import compare_styles

    question = question_of(scenario, plan)
    known = None if plan is None else verified(question, plan)
    try:
        with _kept(out, question, desk, known, force=force) as keeping, stoppable(desk):
            found = compare_styles(question, desk, plan=known, styles=wanted, keeping=keeping)
    finally:
        wipe()
    if out is not None:
        from fleetopt.report.style_files import write_styles

        write_styles(found, out)
    if json_:
        sys.stdout.write(found.model_dump_json(indent=2) + "\n")
        return
    screen = announce(styles_headline(found), styles_views(found, kept=False))
    _say_where(screen, out, "study", "; the plan of each style under plans/STYLE")


@contextmanager
def _kept(out: Path | None, question: Domain, desk: Resolver, plan: Plan | None, *, force: bool) -> Iterator[Keeping]:
    """What is finished, in the folder for as long as it is worked in."""
    from fleetopt.study.styles import shelf as folder
    from fleetopt.study.styles.comparison import Keeping

    if out is None:
        yield Keeping()
        return
    with closing(folder.Shelf(out, folder.question_of(question, desk, plan), force=force)) as shelf:
        yield Keeping(shelf.kept, shelf.keep)


def _styles(names: Sequence[str]) -> tuple[Style, ...]:
    """The styles that are asked for, in the order of the table."""
    from fleetopt.study.styles import STYLES

    wanted = {style_option(name).name for name in names}
    return tuple(style for style in STYLES if not wanted or style.name in wanted)


def _say_where(screen: Console, out: Path | None, name: str, more: str = "") -> None:
    if out is not None:
        from rich.text import Text

        from fleetopt.cli.draw import seen

        screen.print(Text(seen(f"written into {out}: {name}.html, {name}.md, {name}.csv, {name}.json{more}")))


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
    from fleetopt.report.tightness_views import tightness_headline, tightness_views
    from fleetopt.scenario.load import load
    from fleetopt.study.restrict import by_cost
    from fleetopt.study.styles.crossover import tightness

    question = by_cost(load(scenario))
    try:
        with _ways_kept(out, question, factors, desk, force=force) as keeping, stoppable(desk):
            found = tightness(question, factors, desk, keeping=keeping)
    finally:
        wipe()
    if out is not None:
        from fleetopt.report.tightness_files import write_tightness

        write_tightness(found, out)
    if json_:
        sys.stdout.write(found.model_dump_json(indent=2) + "\n")
        return
    screen = announce(tightness_headline(found), tightness_views(found))
    _say_where(screen, out, "tightness")


@contextmanager
def _ways_kept(
    out: Path | None, question: Domain, factors: list[float], desk: Resolver, *, force: bool
) -> Iterator[WaysKept]:
    """What is finished, in the folder for as long as it is worked in."""
    from fleetopt.study.styles.crossover import WaysKept
    from fleetopt.study.styles.tight_shelf import TightShelf, tight_question

    if out is None:
        yield WaysKept()
        return
    with closing(TightShelf(out, tight_question(question, factors, desk), force=force)) as shelf:
        yield WaysKept(shelf.kept, shelf.keep)
