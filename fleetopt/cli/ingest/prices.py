"""fleetopt ingest prices: a price list, read into offers and merged into a catalog folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from fleetopt.cli.ingest import told as options

NAME = "prices"
BRIEF = "Take in price lists as offers."


def run(
    file: Annotated[Path, typer.Argument(help="The price list: SkyPilot vms.csv, Epoch AI prices, or our own table.")],
    folder: Annotated[
        Path | None, typer.Option(help="The catalog folder to write into, like models; else they are only shown.")
    ] = None,
    format_: Annotated[str | None, typer.Option("--format", help="The format: skypilot, epoch or table.")] = None,
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="A GPU type's name there and here, like 'L4=L4-24G'.")
    ] = None,
    usd_per: Annotated[
        list[str] | None, typer.Option("--usd-per", help="Dollars per unit of a currency, like EUR=1.08.")
    ] = None,
    provider: Annotated[str | None, typer.Option("--provider", help="Whose prices, where the file is silent.")] = None,
    gpus_per_node: Annotated[
        int | None, typer.Option("--gpus-per-node", min=1, max=1024, help="GPUs of a node, where the file is silent.")
    ] = None,
    today: Annotated[
        str | None, typer.Option("--today", help="The day against which prices are stale; else the newest in the file.")
    ] = None,
    stale_months: Annotated[
        int, typer.Option("--stale-months", min=0, help="Months after which a price is stale.")
    ] = 12,
    dry_run: options.DryRun = False,
    json_: Annotated[bool, typer.Option("--json", help="Print what was read and done as JSON.")] = False,
) -> None:
    """Read a price list into offers, say what looks wrong, and merge them into a catalog folder."""
    from fleetopt.catalog.roots import shipped
    from fleetopt.ingest.gpu_names import read_mapping
    from fleetopt.ingest.prices.domain import PriceOptions
    from fleetopt.ingest.prices.formats import read_prices
    from fleetopt.ingest.prices.merge import merge_offers
    from fleetopt.ingest.prices.options import read_day, read_rates
    from fleetopt.report.price_views import outcome, price_record, price_views

    asked = PriceOptions(
        mapped=read_mapping(tuple(map_ or ())),
        usd_per=read_rates(tuple(usd_per or ())),
        provider=provider,
        gpus_per_node=gpus_per_node,
        today=read_day(today) if today else None,
        stale_months=stale_months,
    )
    reading = read_prices(file, asked, format_)
    merge = None
    if folder is not None:
        merge = merge_offers(folder, reading.offers, reading.node_types, (shipped("models"),), dry_run=dry_run)
    if json_:
        import json

        sys.stdout.write(json.dumps(price_record(reading, merge), indent=2) + "\n")
        return
    from fleetopt.cli.draw import console, draw, seen

    screen = console()
    draw(screen, price_views(reading, merge))
    for line in outcome(merge, written=not dry_run):
        screen.print(seen(line))
