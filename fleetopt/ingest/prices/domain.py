"""What a price list holds, as values: prices by provider, node and region, and how they are to be understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Protocol

from fleetopt.catalog.domain import Evidence, NodeType, Offer, OfferKind
from fleetopt.ingest.reading import Flag


@dataclass(frozen=True, slots=True)
class Price:
    """One price, in the list's own names. `gpus` is None where it does not say how many a node has.

    `amount` is per node and hour, or per node for a purchase; per GPU where `per_gpu`. `instance` tells apart nodes
    of the same make. `date` is YYYY, YYYY-MM, YYYY-MM-DD or 'unknown'.
    """

    provider: str
    gpu: str
    gpus: int | None
    kind: OfferKind
    amount: float
    per_gpu: bool
    currency: str
    region: str
    zone: str
    instance: str
    term_months: int | None
    date: str
    evidence: Evidence
    source: str
    where: str


@dataclass(frozen=True, slots=True)
class PriceOptions:
    """What the user says beside the file.

    `mapped` are names of GPU types (theirs to ours), `usd_per` dollars per unit of a currency. `today` is the day
    against which prices are stale, None for the newest in the file. `gpus_per_node` holds where the list is silent.
    """

    mapped: Mapping[str, str] = field(default_factory=dict)
    usd_per: Mapping[str, float] = field(default_factory=dict)
    provider: str | None = None
    gpus_per_node: int | None = None
    today: date | None = None
    stale_months: int = 12
    purchase_life_months: int = 60
    purchase_lead_months: int = 3


@dataclass(frozen=True, slots=True)
class Prices:
    """What a format reads: its prices, and sentences about how it understood them."""

    prices: tuple[Price, ...]
    sha256: str
    understood: tuple[str, ...]
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True, slots=True)
class PriceReading:
    """Offers and the node types they need, with all that looked wrong. `unmapped` are unknown GPU types."""

    format: str
    path: Path
    sha256: str
    offers: tuple[Offer, ...]
    node_types: tuple[NodeType, ...]
    understood: tuple[str, ...]
    flags: tuple[Flag, ...]
    unmapped: tuple[str, ...]


class PriceFormat(Protocol):
    """One outside format of price lists."""

    name: str
    title: str

    def recognises(self, path: Path, header: frozenset[str]) -> bool: ...

    def read(self, path: Path, options: PriceOptions) -> Prices: ...
