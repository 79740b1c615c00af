"""fleetopt ingest: evidence in, from what people already have. One file per subcommand."""

from __future__ import annotations

import typer

from fleetopt.cli.ingest import forecast, trace

NAME = "ingest"

app = typer.Typer(
    name=NAME,
    help="Bring in what you already have: traces of requests, and forecasts from them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
for verb in (trace, forecast):
    app.command(verb.NAME)(verb.run)
