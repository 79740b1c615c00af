"""fleetopt ingest: evidence from outside files into a catalog folder, one file per kind of evidence."""

from __future__ import annotations

import typer

from fleetopt.cli.ingest import calibrate, prices, profiles

NAME = "ingest"

app = typer.Typer(
    help="Import evidence: profiles, price lists, request traces, and what measurements say of models.",
    no_args_is_help=True,
)
for verb in (profiles, prices, calibrate):
    app.command(verb.NAME)(verb.run)
