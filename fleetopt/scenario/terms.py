"""Turns the terms of an offer into values: one lot, and one more for each volume price.

A volume price is an offer of its own with a smallest order, so that no price depends on a quantity: whoever orders
enough takes the cheaper one. The limits of the offer stand with its first lot and hold for all lots together.
"""

from __future__ import annotations

from dataclasses import replace

from fleetopt.catalog.domain import Offer, Provenance
from fleetopt.documents import Document, Key
from fleetopt.errors import Issue, did_you_mean
from fleetopt.scenario.availability import AvailabilityFile, Counted, counted
from fleetopt.scenario.supply_domain import Sale, Terms
from fleetopt.scenario.supply_schema import OfferFile, OwnedFile, SaleFile, TermsFile

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
        factors = self.window(key, terms)
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
            price_factors=factors,
        )
        unlimited = replace(base, max_order=None, max_delivery=None)
        larger = [
            (
                f" from {lot.nodes}",
                _priced(offer, lot.price, lot.nodes),
                replace(unlimited, min_order=max(lot.nodes, base.min_order)),
            )
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

    def window(self, key: Key, terms: TermsFile | SaleFile) -> tuple[tuple[str, float], ...]:
        """The price factors of terms whose periods are all known and in order."""
        for field, period in (("first", terms.first), ("last", terms.last)):
            self._must_know((*key, field), period)
        for period in terms.price_changes:
            self._must_know((*key, "price_changes", period), period)
        self._check_window(key, terms)
        return tuple((p, terms.price_changes[p]) for p in self._periods if p in terms.price_changes)

    def sale(self, key: Key, owned: OwnedFile, usd_per_node: float, end_usd_per_node: float) -> Sale | None:
        """What owned nodes can be sold for, and what they are worth kept."""
        if owned.sale is None:
            return None
        if owned.committed:
            what = "would sell committed nodes, which are their provider's"
            self._add(key, what, "Take it out, or take out 'committed'")
        factors = self.window(key, owned.sale)
        first, gone = owned.sale.first, owned.last
        if {first, gone} <= set(self._periods) and self._periods.index(str(first)) > self._periods.index(str(gone)):
            self._add((*key, "first"), f"'{first}' is after '{gone}', when they leave", "Write an earlier period")
        if owned.sale.value_at_end is not None and gone is not None:
            what = f"is said of nodes that leave with '{gone}'"
            self._add((*key, "value_at_end"), what, "Take it out, or take out their 'last'")
        return Sale(usd_per_node, first, owned.sale.last, factors, end_usd_per_node)

    def _check_window(self, key: Key, terms: TermsFile | SaleFile) -> None:
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
        if not offer.hourly:
            self._check_lots(key, file)

    def _check_lots(self, key: Key, file: OfferFile) -> None:
        terms = file.terms
        limits = {"max_nodes": file.max_nodes, "max_order": terms.max_order, "max_delivery": terms.max_delivery}
        for index, lot in enumerate(terms.volume):
            short = next((name for name, most in limits.items() if most is not None and most < lot.nodes), None)
            if short is not None:
                what = f"needs {lot.nodes} nodes, and {short} is {limits[short]}"
                self._add((*key, "volume", index, "nodes"), what, "Raise the limit, or take the price out")

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
