"""fleetopt baselines: what plainer ways to size the fleet would cost."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from fleetopt.cli.plan import Scenario
from fleetopt.cli.studying import Gap, StoredPlan, TimeLimit, TotalTime, plan_of, question_of, resolver, wipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetopt.study.baselines import Baseline

NAME = "baselines"
BRIEF = "Compare with plainer ways to size the fleet."


def run(
    scenario: Scenario,
    plan: StoredPlan = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the baselines as JSON.")] = False,
    gap: Gap = "0.01 %",
    time_limit: TimeLimit = "1 min",
    total_time: TotalTime = "10 min",
) -> None:
    """Compare a plan with sizing each workload alone, one GPU type, a static peak fleet, and nothing committed.

    Each baseline is a plan of the same scenario and verified like one.
    """
    desk = resolver(gap, time_limit, total_time)
    from fleetopt.study.baselines import baselines

    question = question_of(scenario, plan)
    try:
        best = plan_of(question, plan, desk)
        found = baselines(question, best, desk)
    finally:
        wipe()
    if json_:
        import json

        sys.stdout.write(json.dumps([one.model_dump() for one in found], indent=2) + "\n")
        return
    show(f"{question.name}: {best.objective_usd:,.2f} USD", found)


def show(headline: str, found: Sequence[Baseline]) -> None:
    """Draws the table."""
    from fleetopt.cli.draw import announce
    from fleetopt.report.study_views import baseline_view

    announce(headline, [baseline_view(found)])
