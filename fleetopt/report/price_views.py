"""What a price list gave and what merging it did, as a record and as views."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from fleetopt.catalog.domain import Offer
from fleetopt.documents import shown
from fleetopt.ingest.prices.domain import PriceReading
from fleetopt.ingest.prices.merge import Merge
from fleetopt.report.flag_view import flag_view
from fleetopt.report.view import View, usd, view


def price_record(reading: PriceReading, merge: Merge | None) -> dict[str, Any]:
    """All of it, for programs."""
    return {
        "format": reading.format,
        "sha256": reading.sha256,
        "understood": list(reading.understood),
        "flags": [asdict(flag) for flag in reading.flags],
        "unmapped_gpu_types": list(reading.unmapped),
        "offers": [_flat(offer) for offer in reading.offers],
        "merge": asdict(merge) | {"files": [shown(path) for path in merge.files]} if merge else None,
    }


def _flat(offer: Offer) -> dict[str, Any]:
    record = asdict(offer)
    return {**record, **record.pop("provenance")}


def price_views(reading: PriceReading, merge: Merge | None) -> list[View]:
    """All of it, for people; flags and changes only where there are any."""
    views = [_offers(reading)]
    if reading.flags:
        views.append(flag_view(reading.flags))
    if merge is not None and merge.changed:
        changes = [(one.name, one.field.replace("_", " "), one.old or "-", one.new or "-") for one in merge.changed]
        views.append(view("Changed", ("offer", "field", "old", "new"), changes, text=4))
    if merge is not None:
        counts = (
            ("added", str(len(merge.added))),
            ("changed", str(len({one.name for one in merge.changed}))),
            ("the same as before", str(len(merge.same))),
            ("older than what is there, left out", str(len(merge.older))),
            ("new node types", str(len(merge.new_nodes))),
        )
        views.append(view("Merged", ("what", "count"), counts))
    return views


def outcome(merge: Merge | None, *, written: bool) -> Iterator[str]:
    """Which files were written, or would be."""
    if merge is None:
        yield "nothing is written; --folder models puts the offers into a catalog folder"
    elif not merge.files:
        yield "nothing new"
    else:
        word = "written" if written else "would be written"
        yield from (f"{word}: {shown(path)}" for path in merge.files)


def _offers(reading: PriceReading) -> View:
    rows = [
        (o.name, o.kind.replace("_", " "), o.price_date, usd(o.usd_per_node_h), usd(o.upfront_usd_per_node))
        for o in reading.offers
    ]
    columns = ("offer", "kind", "price date", "USD/node/h", "USD/node once")
    return view("Offers read", columns, rows, text=3, note=". ".join(reading.understood) + ".")
