"""fleetopt futures: what not knowing the future costs, and which orders would be regretted least."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from fleetopt.cli.plan import Scenario
from fleetopt.cli.studying import Gap, StoredPlan, TimeLimit, TotalTime, plan_of, question_of, resolver, stoppable, wipe

NAME = "futures"
BRIEF = "Say what not knowing the future costs."


def run(
    scenario: Scenario,
    plan: StoredPlan = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write figures, regrets and a plan for each choice of orders here."),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    gap: Gap = "0.01 %",
    time_limit: TimeLimit = "1 min",
    total_time: TotalTime = "10 min",
) -> None:
    """Say what not knowing the future costs: the value of perfect information, that of planning for all outlooks
    instead of their mean, and the regret of each choice of orders in each outlook, the least regret among them.

    Ctrl-C ends it with what is finished.
    """
    desk = resolver(gap, time_limit, total_time)
    if out is not None:
        from fleetopt.documents import check_folder

        check_folder(out, force=False)
    from fleetopt.study.futures import futures

    question = question_of(scenario, plan)
    try:
        with stoppable(desk):
            found = futures(question, plan_of(question, plan, desk), desk)
    finally:
        wipe()
    if out is not None:
        from fleetopt.report.futures_files import write_futures

        write_futures(found, out)
    if json_:
        sys.stdout.write(found.model_dump_json(indent=2) + "\n")
        return
    from fleetopt.cli.draw import announce, tell_written
    from fleetopt.report.futures_views import futures_headline, futures_views

    screen = announce(futures_headline(found), futures_views(found))
    if out is not None:
        plans = [(index, one) for index, one in enumerate(found.choices, 1) if one.plan is not None]
        folders = [f"{out / str(index)} ({', '.join(one.names)})" for index, one in plans]
        tell_written(screen, [f"{out / 'futures.json'}", f"{out / 'regret.csv'}", *folders])
