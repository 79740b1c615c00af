"""fleetopt capacity: what one replica of each config carries under each workload's SLO."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fleetopt.cli.plan import Scenario

NAME = "capacity"
BRIEF = "Show what one replica carries under each SLO."


def run(
    scenario: Scenario,
    all_: Annotated[bool, typer.Option("--all", help="Show every config, not only the cheapest per GPU type.")] = False,
    why: Annotated[bool, typer.Option("--why-not", help="Show also the configs ruled out, each with its reason.")] = (
        False
    ),
    json_: Annotated[bool, typer.Option("--json", help="Print every row and reason as JSON.")] = False,
    csv_: Annotated[bool, typer.Option("--csv", help="Print every row as CSV.")] = False,
) -> None:
    """Show per workload, config and role the raw and the SLO-bound throughput of one replica, and what binds.

    Dollars per million tokens are at the cheapest hourly price that the scenario's supply has for the GPU type,
    with the replica loaded to its capacity.
    """
    from fleetopt.capacity.table import derive
    from fleetopt.report import capacity_views as views
    from fleetopt.scenario.load import load

    question = load(scenario)
    capacities = derive(question)
    if json_:
        sys.stdout.write(views.to_json(question, capacities))
        return
    if csv_:
        sys.stdout.write(views.to_csv(question, capacities))
        return
    from fleetopt.cli.draw import console, draw

    sections = [views.capacity_view(question, capacities, everything=all_)]
    if why:
        sections.append(views.rejection_view(capacities))
    screen = console()
    draw(screen, sections)
    hidden = len(capacities.rejections)
    if hidden and not why:
        screen.print(f"{hidden} configs are ruled out; --why-not says why")
