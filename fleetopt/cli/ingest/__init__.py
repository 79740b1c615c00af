"""fleetopt ingest: evidence from outside files into a catalog folder, one file per kind of evidence."""

from __future__ import annotations

import typer

from fleetopt.cli.ingest import profiles

NAME = "ingest"

app = typer.Typer(help="Import evidence: profiles from benchmarks and profilers.", no_args_is_help=True)
for verb in (profiles,):
    app.command(verb.NAME)(verb.run)
