"""fleetopt explain: why this plan and no other."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fleetopt.cli.plan import Scenario
from fleetopt.cli.studying import Gap, StoredPlan, TimeLimit, TotalTime, plan_of, question_of, resolver, wipe

NAME = "explain"
BRIEF = "Say what holds a plan back and what each promise costs."


def run(
    scenario: Scenario,
    plan: StoredPlan = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    gap: Gap = "0.01 %",
    time_limit: TimeLimit = "1 min",
    total_time: TotalTime = "10 min",
    solves: Annotated[int, typer.Option(min=0, help="Solve again at most this often.")] = 200,
) -> None:
    """Say what holds a plan back, what more of each limit would save, which prices would change it, what promises cost.

    Every figure is the difference of two plans, the second one solved with something changed.
    """
    desk = resolver(gap, time_limit, total_time, solves)
    from fleetopt.study.explain import explain

    question = question_of(scenario, plan)
    try:
        found = explain(question, plan_of(question, plan, desk), desk)
    finally:
        wipe()
    if json_:
        sys.stdout.write(found.model_dump_json(indent=2) + "\n")
        return
    from rich.text import Text

    from fleetopt.cli.draw import console, seen
    from fleetopt.report.study_views import explanation_headline, explanation_lines

    screen = console()
    screen.print(Text(seen(explanation_headline(found)), style="bold"))
    for title, sentences in explanation_lines(found):
        screen.print()
        screen.print(Text(title, style="bold"))
        for sentence in sentences:
            screen.print(Text(seen(f"  - {sentence}")))
