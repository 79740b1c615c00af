"""fleetopt alternatives: other plans that cost little more."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from fleetopt.cli.options import fraction_option
from fleetopt.cli.plan import Scenario
from fleetopt.cli.studying import Gap, StoredPlan, TimeLimit, TotalTime, plan_of, question_of, resolver, wipe

NAME = "alternatives"
BRIEF = "Find other plans that cost little more."


def run(
    scenario: Scenario,
    within: Annotated[str, typer.Option(help="Cost at most this much more.", metavar="PERCENT")] = "3 %",
    most: Annotated[int, typer.Option("--most", "-k", min=1, help="Show at most this many.")] = 5,
    plan: StoredPlan = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write each plan into a folder of its own in this one.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the plans as JSON.")] = False,
    gap: Gap = "0.01 %",
    time_limit: TimeLimit = "1 min",
    total_time: TotalTime = "10 min",
) -> None:
    """Find verified plans within some percent of the best that differ as much as they can, from it and one another.

    Fewest GPU types, fewest nodes, least power, least upfront; without a GPU type; without a provider.
    """
    desk, part = resolver(gap, time_limit, total_time), fraction_option("--within", within)
    if out is not None:
        from fleetopt.documents import check_folder

        check_folder(out, force=False)
    from fleetopt.study.alternatives import alternatives

    question = question_of(scenario, plan)
    try:
        found = alternatives(question, plan_of(question, plan, desk), part, most, desk)
    finally:
        wipe()
    if out is not None:
        from fleetopt.report.files import write_plan

        out.mkdir(parents=True)
        for index, one in enumerate(found.found, 1):
            write_plan(one.plan, out / str(index))
    if json_:
        sys.stdout.write(found.model_dump_json(indent=2) + "\n")
        return
    from rich.text import Text

    from fleetopt.cli.draw import console, draw, seen, tell_written
    from fleetopt.report.study_views import alternatives_view

    screen = console()
    draw(screen, [alternatives_view(found)])
    for line in found.missing:
        screen.print(Text(seen(f"not among them: {line}")))
    if out is not None and found.found:
        tell_written(screen, [f"{out / str(index)} ({one.name})" for index, one in enumerate(found.found, 1)])
