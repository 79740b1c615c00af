"""fleetopt verify: a stored plan against its scenario."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from fleetopt.cli.plan import Scenario

NAME = "verify"


def run(
    plan: Annotated[Path, typer.Argument(help="A plan.json, or the folder that 'plan -o' wrote.")],
    scenario: Scenario,
    json_: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> None:
    """Compute every promise and every dollar of a stored plan again, from the scenario as it is now.

    Exit code 0: everything holds; 5: something does not; 2: bad input.
    """
    from fleetopt.errors import VerificationError
    from fleetopt.plan.store import read_plan
    from fleetopt.scenario.load import load
    from fleetopt.verify.verifier import verify

    stored = read_plan(plan)
    question = load(scenario)
    verdict = verify(stored, question)
    known = {(item.name, item.sha256) for item in stored.provenance.inputs}
    changed = sorted({file.name for file in question.files if (file.name, file.sha256) not in known})
    if changed:
        typer.echo(f"note: changed since the plan was made: {', '.join(changed)}", err=True)
    if json_:
        sys.stdout.write(verdict.model_dump_json(indent=2) + "\n")
    else:
        from fleetopt.cli.draw import console, draw
        from fleetopt.report.plan_views import check_view

        draw(console(), [check_view(verdict)])
    if not verdict.passed:
        code = VerificationError.exit_code
        broken = [check.name for check in verdict.checks if not check.passed]
        typer.echo(f"the plan does not hold: {', '.join(broken)}", err=True)
        raise typer.Exit(code)
