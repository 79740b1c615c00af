"""Prices made into offers of our catalog: names, dollars per node, node types, and what is stale or unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from fleetopt.catalog.domain import NodeType, Offer, Provenance
from fleetopt.errors import InputError, Issue
from fleetopt.ingest.gpu_names import known_gpu
from fleetopt.ingest.prices.domain import Price, PriceOptions
from fleetopt.ingest.reading import Flag

_DATE = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2]))?(?:-(0[1-9]|[12]\d|3[01]))?")


def offers_of(
    prices: Iterable[Price], options: PriceOptions, flags: list[Flag]
) -> tuple[tuple[Offer, ...], tuple[NodeType, ...], tuple[str, ...]]:
    """The offers, the node types they need, and the names of GPU types that nobody knows.

    Raises:
        InputError: a price is in a currency without a rate, has a date that is none, or contradicts another.
    """
    made: dict[str, list[tuple[Price, Offer]]] = {}
    nodes: dict[str, NodeType] = {}
    unmapped: dict[str, Price] = {}
    homeless = 0
    for price in prices:
        gpu = known_gpu(price.gpu, options.mapped)
        gpus = price.gpus or options.gpus_per_node
        if gpu is None:
            unmapped.setdefault(price.gpu, price)
        elif gpus is None:
            homeless += 1
        else:
            offer = _offer(price, gpu, gpus, options)
            made.setdefault(offer.name, []).append((price, offer))
            source = f"node of {gpus} GPUs in a price list, {price.provider}; power of the node unknown"
            nodes.setdefault(offer.node_type, NodeType(offer.node_type, gpu, gpus, None, Provenance("assumed", source)))
    if homeless:
        what = f"{homeless} prices are per GPU of nodes of unknown size; say it with --gpus-per-node"
        flags.append(Flag("prices", what, "dropped"))
    for name, price in unmapped.items():
        what = f"'{name[:60]}' is no GPU type of ours; map it with --map '{name[:60]}=NAME'"
        flags.append(Flag(price.where, what, "dropped"))
    offers = tuple(offer for group in made.values() for offer in _distinct(_stated(group, flags)))
    flags += _stale(offers, options)
    return offers, tuple(nodes.values()), tuple(unmapped)


def slug(text: str) -> str:
    """A text as part of a name.

    >>> slug("8xA100-80G"), slug("on_demand"), slug("East US")
    ('8xa100-80g', 'on-demand', 'east-us')
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60] or "unnamed"


def _offer(price: Price, gpu: str, gpus: int, options: PriceOptions) -> Offer:
    amount, source = _usd(price, options)
    amount *= gpus if price.per_gpu else 1
    assumed = price.gpus is None
    source += f"; node of {gpus} GPUs assumed" if assumed else ""
    buy = price.kind == "purchase"
    if buy:
        life, lead = options.purchase_life_months, options.purchase_lead_months
        source += f"; useful life of {life} months and lead time of {lead} months assumed"
    node = f"{gpus}x{gpu}"
    term = f"-{price.term_months}m" if price.term_months else ""
    region = f"-{slug(price.region)}" if price.region != "any" else ""
    return Offer(
        name=f"{slug(price.provider)}-{slug(node)}-{slug(price.kind)}{term}{region}",
        node_type=node,
        kind=price.kind,
        provider=_plain(price.provider),
        region=_plain(price.region),
        usd_per_node_h=0.0 if buy else float(f"{amount:.6g}"),
        upfront_usd_per_node=float(f"{amount:.6g}") if buy else 0.0,
        term_months=options.purchase_life_months if buy else price.term_months,
        lead_time_months=options.purchase_lead_months if buy else 0,
        price_date=_checked_date(price),
        provenance=Provenance("assumed" if assumed else price.evidence, _plain(source)),
    )


def _plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return text.lstrip("=+-@ ") or "unnamed"


def _usd(price: Price, options: PriceOptions) -> tuple[float, str]:
    if price.currency == "USD":
        return price.amount, price.source
    rate = options.usd_per.get(price.currency)
    if rate is None:
        fix = f"Say what one is worth: --usd-per {price.currency}=1.08"
        raise InputError([Issue("missing-rate", price.where, f"is in {price.currency}", fix)])
    words = f"{price.amount:g} {price.currency} at {rate:g} USD per {price.currency}"
    return price.amount * rate, f"{price.source}; {words}"


def _checked_date(price: Price) -> str:
    if price.date != "unknown" and _day(price.date) is None:
        fix = "Write it like 2025-03-17, 2025-03 or 2025, or 'unknown'"
        raise InputError([Issue("bad-value", price.where, f"is of '{price.date[:40]}', which is no date", fix)])
    return price.date


def _day(text: str) -> date | None:
    """The last day that a date may mean; None for no date."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day = int(match[1]), int(match[2] or 12), int(match[3] or 28)
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _stated(group: list[tuple[Price, Offer]], flags: list[Flag]) -> list[tuple[Price, Offer]]:
    """The prices of one name; those of nodes of a stated size, where there are any, push out assumed ones."""
    stated = [(price, offer) for price, offer in group if price.gpus is not None]
    if not stated or len(stated) == len(group):
        return group
    what = "the list prices a node of this size elsewhere, so the one of unknown size is not taken for it"
    flags += [Flag(price.where, what, "dropped") for price, _ in group if price.gpus is None]
    return stated


def _distinct(group: list[tuple[Price, Offer]]) -> list[Offer]:
    """Offers of one name: one where they are the same, each with its instance in the name where they are not."""
    offers = {offer.usd_per_node_h + offer.upfront_usd_per_node: (price, offer) for price, offer in group}
    if len(offers) == 1:
        return [group[0][1]]
    named = {f"{offer.name}-{slug(price.instance)}": offer for price, offer in group}
    if len(named) < len(offers):
        price = group[1][0]
        what = f"prices {group[0][1].name} a second time, at another price"
        raise InputError([Issue("repeated-price", price.where, what, "Keep one, or tell them apart by instance")])
    return [replace(offer, name=name) for name, offer in named.items()]


def _stale(offers: tuple[Offer, ...], options: PriceOptions) -> list[Flag]:
    """Flags for prices older than the user allows, and one for those without a date."""
    days = {offer.name: _day(offer.price_date) for offer in offers}
    dated = [day for day in days.values() if day is not None]
    flags = []
    undated = len(days) - len(dated)
    if undated:
        flags.append(Flag("prices", f"{undated} prices have no date, so nobody can say how old they are", "kept"))
    today = options.today or max(dated, default=date.min)
    for name, day in days.items():
        months = (today.year - day.year) * 12 + today.month - day.month if day else 0
        if months > options.stale_months:
            flags.append(Flag(name, f"is {months} months old on {today}, over {options.stale_months}", "kept"))
    return flags
