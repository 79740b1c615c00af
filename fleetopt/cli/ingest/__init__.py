"""fleetopt ingest: evidence from outside files into a catalog folder, one file per kind of evidence."""

from __future__ import annotations

import typer

from fleetopt.cli.ingest import calibrate, profiles

NAME = "ingest"

app = typer.Typer(
    help="Import evidence: profiles that were measured, and what they say of modelled ones.", no_args_is_help=True
)
for verb in (profiles, calibrate):
    app.command(verb.NAME)(verb.run)
