"""The formats of price lists that fleetopt reads, and how a file is told to be one of them."""

from __future__ import annotations

from pathlib import Path

from fleetopt.documents import read_bytes, shown
from fleetopt.documents.tables import TABLE_LIMIT_BYTES
from fleetopt.errors import InputError, Issue, did_you_mean
from fleetopt.ingest.prices.domain import PriceFormat, PriceOptions, PriceReading
from fleetopt.ingest.prices.epoch import Epoch
from fleetopt.ingest.prices.generic import Generic
from fleetopt.ingest.prices.offers import offers_of
from fleetopt.ingest.prices.skypilot import SkyPilot
from fleetopt.ingest.profilers.tabular import columns

PRICE_FORMATS: tuple[PriceFormat, ...] = (SkyPilot(), Epoch(), Generic())
"""Asked in this order."""


def read_prices(path: Path, options: PriceOptions, name: str | None = None) -> PriceReading:
    """The offers that a price list holds, by the format of that name or else by the first that recognises it.

    Raises:
        InputError: there is no such format, none recognises the file, or the file is malformed.
    """
    form = _format(path, name)
    prices = form.read(path, options)
    flags = list(prices.flags)
    offers, nodes, unmapped = offers_of(prices.prices, options, flags)
    return PriceReading(
        format=form.name,
        path=path,
        sha256=prices.sha256,
        offers=offers,
        node_types=nodes,
        understood=prices.understood,
        flags=tuple(flags),
        unmapped=unmapped,
    )


def _format(path: Path, name: str | None) -> PriceFormat:
    if name is not None:
        found = next((one for one in PRICE_FORMATS if one.name == name), None)
        if found is None:
            fix = did_you_mean(name, [one.name for one in PRICE_FORMATS])
            raise InputError([Issue("unknown-format", "--format", f"'{name[:60]}' is no format", fix)])
        return found
    header = columns(read_bytes(path, TABLE_LIMIT_BYTES)[:65_536])
    found = next((one for one in PRICE_FORMATS if one.recognises(path, header)), None)
    if found is None:
        fix = f"Name its format with --format: {', '.join(one.name for one in PRICE_FORMATS)}"
        raise InputError([Issue("unknown-format", shown(path), "is in no format of price lists that we know", fix)])
    return found
