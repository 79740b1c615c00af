"""fleetopt profile: what the profiles of a model look like, one file per verb."""

from __future__ import annotations

import typer

from fleetopt.cli.profile import show

NAME = "profile"
BRIEF = "Look at the profiles of a model."

app = typer.Typer(help="Look at the profiles of a model.", no_args_is_help=True)
for verb in (show,):
    app.command(verb.NAME, short_help=verb.BRIEF)(verb.run)
