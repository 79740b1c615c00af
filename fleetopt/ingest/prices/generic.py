"""Our own price table (docs/ingest-formats.md): one node of one provider a row, its prices in columns.

A price column says what it is for, `on_demand`, `spot`, `one_year`, `three_year` (reserved), `lease_one_year`,
`lease_three_year` or `purchase`, and per what:
`on_demand_per_gpu` or `on_demand_per_node`; without the ending, a column `per` says `gpu` or `node` for the row.
Prices but the purchase are per hour. A price of which nobody can say per what it is, is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fleetopt.catalog.domain import EVIDENCE, Evidence, OfferKind
from fleetopt.documents import Row, read_table
from fleetopt.ingest.prices.domain import Price, PriceOptions, Prices

REQUIRED = ("provider", "gpu_type", "gpus_per_node", "currency", "date")
KINDS: dict[str, tuple[OfferKind, int | None]] = {
    "on_demand": ("on_demand", None),
    "spot": ("spot", None),
    "one_year": ("reserved", 12),
    "three_year": ("reserved", 36),
    "lease_one_year": ("lease", 12),
    "lease_three_year": ("lease", 36),
    "purchase": ("purchase", None),
}
ENDINGS = {"": None, "_per_gpu": "gpu", "_per_node": "node"}
OPTIONAL = ("region", "instance", "per", "evidence", "source", *(f"{kind}{end}" for kind in KINDS for end in ENDINGS))
_CURRENCY = re.compile(r"[A-Z]{3}")


class Generic:
    name = "table"
    title = "fleetopt's own price table (docs/ingest-formats.md)"

    def recognises(self, path: Path, header: frozenset[str]) -> bool:  # noqa: ARG002 - the columns say it all
        return header.issuperset(REQUIRED) and header <= {*REQUIRED, *OPTIONAL}

    def read(self, path: Path, options: PriceOptions) -> Prices:  # noqa: ARG002 - the table says it all
        rows, digest = read_table(path, REQUIRED, OPTIONAL)
        prices = tuple(price for row in rows for price in _prices(row, path))
        currencies = ", ".join(sorted({price.currency for price in prices})) or "no currency"
        return Prices(prices, digest, (f"{len(prices)} prices in {currencies}, per GPU or node as the columns say",))


def _prices(row: Row, path: Path) -> Iterator[Price]:
    currency = row.text("currency")
    if _CURRENCY.fullmatch(currency) is None:
        raise row.fail("currency", f"'{currency[:20]}' is no currency", "Write its three letters, like USD")
    evidence: Evidence = row.choice("evidence", EVIDENCE) if row.cells.get("evidence") else "measured"  # type: ignore[assignment]
    for name, (kind, term_months) in KINDS.items():
        stated = _amount(row, name)
        if stated is not None:
            yield Price(
                provider=row.text("provider"),
                gpu=row.text("gpu_type"),
                gpus=row.whole("gpus_per_node", most=1024),
                kind=kind,
                amount=stated[0],
                per_gpu=stated[1] == "gpu",
                currency=currency,
                region=row.text("region", "any"),
                zone="",
                instance=row.cells.get("instance", ""),
                term_months=term_months,
                date=row.text("date"),
                evidence=evidence,
                source=f"list price, {row.text('source', path.name)}",
                where=row.where(name),
            )


def _amount(row: Row, kind: str) -> tuple[float, str] | None:
    """A price and per what it is, None where the row has none of this kind."""
    filled = [(end, row.optional_number(f"{kind}{end}", above=True, most=1e9)) for end in ENDINGS]
    stated = [(end, amount) for end, amount in filled if amount is not None]
    if not stated:
        return None
    if len(stated) > 1:
        raise row.fail(kind, "is stated twice, per GPU and per node", "Keep one of the two")
    (end, amount), per = stated[0], ENDINGS[stated[0][0]]
    if per is None:
        if not row.cells.get("per"):
            fix = f"Name the column {kind}_per_gpu or {kind}_per_node, or add a column 'per' with gpu or node"
            raise row.fail(kind + end, "does not say whether it is per GPU or per node", fix)
        per = row.choice("per", ("gpu", "node"))
    return amount, per
