"""fleetopt check: is a scenario sound, before anything is solved?"""

from __future__ import annotations

from typing import Annotated

import typer

from fleetopt.cli.plan import Scenario

NAME = "check"
BRIEF = "Say whether a scenario is sound, without solving."


def run(
    scenario: Scenario,
    json_: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Read a scenario and everything it uses, and say whether each workload can be served at all.

    Nothing is solved. Notes tell what is stated and cannot make a difference.

    Exit code 0: sound; 2: bad input; 3: an SLO is below the floor of every allowed config.
    """
    from fleetopt.capacity.table import derive
    from fleetopt.optimizer.case import build_case
    from fleetopt.scenario.idle import idle
    from fleetopt.scenario.load import load
    from fleetopt.study.reach import check_reach

    question = load(scenario)
    capacities = derive(question)
    check_reach(question, capacities, build_case(question, capacities))
    if json_:
        import json

        from fleetopt.report.check_views import summary

        typer.echo(json.dumps(summary(question, capacities), indent=2))
        return
    from fleetopt.cli.draw import console, draw, seen
    from fleetopt.report.check_views import scenario_views

    screen = console()
    screen.print(f"{seen(question.name)}: sound; every workload can be served")
    for sentence in idle(question):
        screen.print(f"note: {seen(sentence)}")
    screen.print()
    draw(screen, scenario_views(question, capacities))
