"""fleetopt verify: a stored plan against its scenario."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetopt.cli.plan import Scenario

if TYPE_CHECKING:
    from fleetopt.plan.domain import Plan, Verdict
    from fleetopt.scenario.domain import Scenario as Question

NAME = "verify"
BRIEF = "Compute a stored plan a second time."


def run(
    plan: Annotated[
        Path, typer.Argument(help="A plan.json, the folder that 'plan -o' wrote, or a plan of 'sweep --plans'.")
    ],
    scenario: Scenario,
    json_: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> None:
    """Compute every promise and every dollar of a stored plan again, from the scenario as it is now.

    The plan of a variant, OUT/plans/HASH.json of a sweep, is held against the scenario with the variant's values.

    Exit code 0: everything holds; 5: something does not; 2: bad input.
    """
    from fleetopt.plan.store import read_plan
    from fleetopt.study.sweep.stored import scenario_of
    from fleetopt.verify.verifier import verify

    stored = read_plan(plan)
    question = scenario_of(plan, stored, scenario)
    verdict = verify(stored, question)
    tell_changes(stored, question)
    if json_:
        sys.stdout.write(verdict.model_dump_json(indent=2) + "\n")
    else:
        from fleetopt.cli.draw import console, draw
        from fleetopt.report.plan_views import check_view

        draw(console(), [check_view(verdict)])
    stop_if_broken(verdict)


def tell_changes(stored: Plan, question: Question) -> None:
    """Says on stderr which inputs are not those that the plan was made from."""
    if changed := changes(stored, question):
        typer.echo(f"note: {changed}", err=True)


def changes(stored: Plan, question: Question) -> str:
    """Which inputs are not those that the plan was made from, in words; empty where all are."""
    known = {(item.name, item.sha256) for item in stored.provenance.inputs}
    names = sorted({file.name for file in question.files if (file.name, file.sha256) not in known})
    return f"changed since the plan was made: {', '.join(names)}" if names else ""


def stop_if_broken(verdict: Verdict) -> None:
    """Ends the verb with the exit code of a failed verification if a check does not hold."""
    from fleetopt.errors import VerificationError

    if not verdict.passed:
        broken = [check.name for check in verdict.checks if not check.passed]
        typer.echo(f"the plan does not hold: {', '.join(broken)}", err=True)
        raise typer.Exit(VerificationError.exit_code)
