"""Turns the terms of an offer into values: one lot, and one more for each volume price.

A volume price is an offer of its own with a smallest order, so that no price depends on a quantity: whoever orders
enough takes the cheaper one.
"""

from __future__ import annotations

from dataclasses import replace

from fleetopt.catalog.domain import Offer, Provenance
from fleetopt.documents import Document, Key
from fleetopt.errors import Issue, did_you_mean
from fleetopt.scenario.availability import AvailabilityFile, Counted, counted
from fleetopt.scenario.supply_domain import Terms
from fleetopt.scenario.supply_schema import OfferFile, TermsFile

Lot = tuple[str, Offer, Terms]
"""What is added to the name of the supply line, the offer at its price, and the terms."""


class TermsReader:
    """Reads terms; what is wrong with them is added to `issues`."""

    def __init__(self, periods: list[str], document: Document, issues: list[Issue]) -> None:
        self._periods = periods
        self._document = document
        self._issues = issues

    def read(self, key: Key, offer: Offer, file: OfferFile) -> list[Lot]:
        """The lots of an offer, the smallest first."""
        terms = file.terms
        for field, period in (("first", terms.first), ("last", terms.last)):
            self._must_know((*key, field), period)
        for period in terms.price_changes:
            self._must_know((*key, "price_changes", period), period)
        self._check_window(key, terms)
        self._check_orders(key, offer, file)
        count_on = self.availability((*key, "availability"), terms.availability)
        base = Terms(
            first=terms.first,
            last=terms.last,
            min_order=terms.min_order or 0,
            max_order=terms.max_order,
            max_delivery=terms.max_delivery,
            availability=count_on.fraction,
            availability_from=count_on.formula,
            price_factors=tuple((p, terms.price_changes[p]) for p in self._periods if p in terms.price_changes),
        )
        larger = [
            (f" from {lot.nodes}", _priced(offer, lot.price, lot.nodes), replace(base, min_order=lot.nodes))
            for lot in sorted(terms.volume, key=lambda lot: lot.nodes)
        ]
        return [("", offer, base), *larger]

    def availability(self, key: Key, file: AvailabilityFile) -> Counted:
        """The nodes that can be counted on; all of them where what is written is refused."""
        found = counted(file)
        if isinstance(found, Counted):
            return found
        self._add((*key, found.field) if found.field else key, found.what, found.fix)
        return Counted(1.0)

    def _check_window(self, key: Key, terms: TermsFile) -> None:
        if not {terms.first, terms.last} <= set(self._periods):
            return
        first, last = (self._periods.index(str(period)) for period in (terms.first, terms.last))
        if first > last:
            self._add((*key, "last"), f"'{terms.last}' is before '{terms.first}'", "Swap them, or take one out")

    def _check_orders(self, key: Key, offer: Offer, file: OfferFile) -> None:
        terms = file.terms
        limits = {"min_order": terms.min_order, "max_order": terms.max_order, "max_delivery": terms.max_delivery}
        asked = [name for name, value in {**limits, "volume": terms.volume or None}.items() if value is not None]
        if offer.hourly and asked:
            what = f"limits orders, which {offer.kind} nodes do not have"
            self._add((*key, asked[0]), what, "Take it out, or use max_nodes")
        if terms.min_order and terms.max_order and terms.min_order > terms.max_order:
            self._add((*key, "min_order"), f"{terms.min_order} is above max_order {terms.max_order}", "Swap them")
        if terms.volume and (file.max_nodes is not None or terms.max_order or terms.max_delivery):
            what = "stands beside a limit, which its lots would not share"
            self._add((*key, "volume"), what, "Limit the GPUs by a quota instead")

    def _must_know(self, key: Key, period: str | None) -> None:
        if period is not None and period not in self._periods:
            what, fix = f"'{period}' is no period of the calendar", did_you_mean(period, self._periods)
            self._issues.append(self._document.issue("unknown-name", key, what, fix))

    def _add(self, key: Key, what: str, fix: str) -> None:
        self._issues.append(self._document.issue("bad-value", key, what, fix))


def _priced(offer: Offer, factor: float, nodes: int) -> Offer:
    """An offer at its price for larger orders."""
    return replace(
        offer,
        usd_per_node_h=offer.usd_per_node_h * factor,
        upfront_usd_per_node=offer.upfront_usd_per_node * factor,
        provenance=Provenance("assumed", f"price x{factor:g} from {nodes} nodes; {offer.provenance.source}"),
    )
