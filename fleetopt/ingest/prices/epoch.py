"""Epoch AI's hardware prices (training-cost-trends, CC BY): dated rows in USD per chip-hour and USD per chip.

Of the rows that differ only in date, the latest counts. A row gives up to four prices: on demand, committed for one
and for three years, and to buy. Where it does not say how many chips a node has, `--gpus-per-node` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fleetopt.catalog.domain import OfferKind
from fleetopt.documents import Row
from fleetopt.ingest.prices.domain import Price, PriceOptions, Prices
from fleetopt.ingest.profilers.tabular import read_columns
from fleetopt.ingest.reading import Flag

COLUMNS = (
    *("price_source", "price_date", "hardware", "vendor", "location", "usd_per_chip_hr_on_demand"),
    *("usd_per_chip_hr_1yr_commit", "usd_per_chip_hr_3yr_commit", "usd_per_chip_purchase", "num_gpus"),
)
PRICES: tuple[tuple[str, OfferKind, int | None], ...] = (
    ("usd_per_chip_hr_on_demand", "on_demand", None),
    ("usd_per_chip_hr_1yr_commit", "reserved", 12),
    ("usd_per_chip_hr_3yr_commit", "reserved", 36),
    ("usd_per_chip_purchase", "purchase", None),
)
_AZURE_NC = re.compile(r"\bNC\d+a?ds")
SOURCE = "list price, Epoch AI training-cost-trends (CC BY)"
PROVIDERS = {
    "Amazon Web Services": "aws",
    "Google Cloud": "google",
    "Microsoft Azure": "azure",
    "Oracle Cloud": "oracle",
    "Lambda Labs": "lambda",
    "Oblivus Cloud": "oblivus",
}


class Epoch:
    name = "epoch"
    title = "Epoch AI hardware prices (training-cost-trends)"

    def recognises(self, path: Path, header: frozenset[str]) -> bool:  # noqa: ARG002 - the columns say it all
        return header.issuperset(COLUMNS)

    def read(self, path: Path, options: PriceOptions) -> Prices:  # noqa: ARG002 - the list needs nothing beside it
        rows, digest = read_columns(path, COLUMNS)
        flags: list[Flag] = []
        found = [price for row in rows for price in _prices(row) if _is_what_it_says(row, price, flags)]
        latest: dict[tuple[object, ...], Price] = {}
        for price in sorted(found, key=lambda one: (one.date != "unknown", one.date)):
            latest[_kind(price)] = price
        understood = (
            "USD per chip-hour, and per chip to buy, times the chips of a node",
            f"{len(found)} dated prices; the latest of each kind counts, {len(found) - len(latest)} older ones do not",
        )
        return Prices(tuple(one for one in found if latest[_kind(one)] is one), digest, understood, tuple(flags))


def _kind(price: Price) -> tuple[object, ...]:
    """What prices that differ only in their date have in common."""
    return (price.provider, price.gpu, price.gpus, price.kind, price.term_months, price.region)


def _is_what_it_says(row: Row, price: Price, flags: list[Flag]) -> bool:
    """A single card to buy is no server, and Azure's NC series are PCIe cards whatever the row says."""
    what = ""
    if price.kind == "purchase" and price.gpus == 1:
        what = "the price of a single card is not that of a server"
    elif _AZURE_NC.search(row.cells.get("notes", "")):
        what = f"Azure's NC series has PCIe cards, not {price.gpu}"
    flags += [Flag(price.where, what, "dropped")] if what else []
    if not what and price.kind == "purchase" and "HGX" in row.cells.get("notes", ""):
        flags.append(Flag(price.where, "an HGX may be a bare baseboard, without the server around it", "kept"))
    return not what


def _prices(row: Row) -> Iterator[Price]:
    for column, kind, term_months in PRICES:
        amount = row.optional_number(column, most=1e9)
        if amount:
            vendor = row.text("vendor", "unnamed")
            yield Price(
                provider=PROVIDERS.get(vendor, vendor),
                gpu=row.text("hardware"),
                gpus=row.whole("num_gpus", most=1024) if row.cells["num_gpus"] else None,
                kind=kind,
                amount=amount,
                per_gpu=True,
                currency="USD",
                region=row.text("location", "any"),
                zone="",
                instance="",
                term_months=term_months,
                date=row.text("price_date", "unknown"),
                evidence="measured",
                source=f"{SOURCE}, {row.text('price_source', 'no address')[:200]}",
                where=row.where(),
            )
