"""fleetopt compare: what is different between two scenarios or two plans, and what moved the cost."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetopt.cli.failure import bad_option
from fleetopt.cli.studying import Gap, TimeLimit, TotalTime, resolver, wipe

if TYPE_CHECKING:
    from fleetopt.study.compare import Comparison
    from fleetopt.study.resolve import Resolver

NAME = "compare"
BRIEF = "Say what differs between two scenarios or plans, and why."

Side = Annotated[Path, typer.Argument(help="A scenario, or a plan: plan.json or the folder that 'plan -o' wrote.")]


def run(
    a: Side,
    b: Side,
    json_: Annotated[bool, typer.Option("--json", help="Print the differences as JSON.")] = False,
    gap: Gap = "0.01 %",
    time_limit: TimeLimit = "1 min",
    total_time: TotalTime = "10 min",
) -> None:
    """Say what changed from A to B: the input field by field, fleet, orders, cost; and which input moved the cost.

    Two plans are compared as they are. Two scenarios are solved, and so are the steps between them: one group of
    inputs after another goes from A's to B's.
    """
    desk = resolver(gap, time_limit, total_time)
    try:
        found = _compared(a, b, desk)
    finally:
        wipe()
    if json_:
        sys.stdout.write(found.model_dump_json(indent=2) + "\n")
        return
    from fleetopt.cli.draw import announce
    from fleetopt.report.study_views import comparison_headline, comparison_views

    announce(comparison_headline(found), comparison_views(found))


def _compared(a: Path, b: Path, desk: Resolver) -> Comparison:
    from fleetopt.study.compare import compare_plans, compare_scenarios

    plans = [_is_plan(a), _is_plan(b)]
    if all(plans):
        from fleetopt.plan.store import read_plan

        return compare_plans(read_plan(a), read_plan(b))
    if any(plans):
        raise bad_option("A B", "one is a plan and the other a scenario; give two plans or two scenarios")
    from fleetopt.scenario.load import load

    return compare_scenarios(load(a), load(b), desk)


def _is_plan(path: Path) -> bool:
    from fleetopt.plan.store import FILE_NAME

    return path.suffix == ".json" or (path.is_dir() and (path / FILE_NAME).is_file())
