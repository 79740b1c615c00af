"""fleetopt ingest: evidence from outside files into a catalog folder, one file per kind of evidence."""

from __future__ import annotations

import typer

from fleetopt.cli.ingest import aiconfigurator, calibrate, forecast, prices, profiles, trace

NAME = "ingest"
BRIEF = "Bring in profiles, traces, forecasts and price lists."

app = typer.Typer(
    name=NAME,
    help="Bring in what you already have: profiles, request traces, forecasts and price lists.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
for verb in (profiles, aiconfigurator, calibrate, trace, forecast, prices):
    app.command(verb.NAME, short_help=verb.BRIEF)(verb.run)
