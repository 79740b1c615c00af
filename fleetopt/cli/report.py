"""fleetopt report: the reports of a stored plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fleetopt.cli.plan import Scenario
from fleetopt.cli.studying import Gap, TimeLimit, TotalTime, resolver, wipe
from fleetopt.cli.verify import stop_if_broken, tell_changes

NAME = "report"
BRIEF = "Write the reports of a stored plan."


def run(
    plan: Annotated[Path, typer.Argument(help="A plan.json, or the folder that 'plan -o' wrote.")],
    scenario: Scenario,
    out: Annotated[Path, typer.Option("--out", "-o", help="Write the reports into this folder.")],
    force: Annotated[bool, typer.Option("--force", help="Replace reports in a folder that exists.")] = False,
    parquet: Annotated[bool, typer.Option("--parquet", help="Write the tables as Parquet beside CSV.")] = False,
    with_baselines: Annotated[
        bool, typer.Option("--baselines", help="Compare the cost with plainer ways to size the fleet.")
    ] = False,
    gap: Gap = "0.01 %",
    time_limit: TimeLimit = "1 min",
    total_time: TotalTime = "10 min",
) -> None:
    """Write report.html, plan.xlsx, report.md and CSV tables of a stored plan, once it is verified again.

    Exit code 0: written; 5: the plan does not hold for the scenario as it is now, and nothing is written; 2: bad input.
    """
    from fleetopt.documents import check_folder
    from fleetopt.plan.store import read_plan
    from fleetopt.report.files import write_report
    from fleetopt.study.baselines import baselines
    from fleetopt.study.sweep.stored import scenario_of
    from fleetopt.verify.verifier import verify

    check_folder(out, force=force)
    stored = read_plan(plan)
    question = scenario_of(plan, stored, scenario)
    verdict = verify(stored, question)
    tell_changes(stored, question)
    stop_if_broken(verdict)
    checked = stored.model_copy(update={"verdict": verdict})
    desk = resolver(gap, time_limit, total_time)
    try:
        found = baselines(question, checked, desk) if with_baselines else ()
    finally:
        wipe()
    written = write_report(checked, question, out, baselines=found, force=force, parquet=parquet)
    typer.echo(f"written: {', '.join(str(path) for path in written)}")
