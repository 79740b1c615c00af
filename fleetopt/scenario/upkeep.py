"""Reads what nodes in one's own racks cost by the year and month: support, and room for them.

Support is money for each node and year, or a share of the upfront price as stated: volume prices and announced changes
are for hardware, and leave it as it is.
"""

from __future__ import annotations

from fleetopt.catalog.domain import Offer
from fleetopt.documents import Document, Key
from fleetopt.errors import Issue
from fleetopt.prices import Price
from fleetopt.scenario.currency import Exchange
from fleetopt.scenario.supply_schema import ColocationFile, OwnedFile


class UpkeepReader:
    """Reads upkeep in US dollars; what is wrong with it is added to `issues`."""

    def __init__(self, exchange: Exchange, document: Document, issues: list[Issue]) -> None:
        self._exchange = exchange
        self._document = document
        self._issues = issues

    def of_offer(self, key: Key, offer: Offer, support: Price | float | None, gpus_per_node: int) -> float:
        """USD per node and year under an offer."""
        if support is None:
            return 0.0
        if not offer.hosted:
            what = f"is paid for hardware in one's own racks, and {offer.kind} nodes have it in their price"
            self._add(key, what, "Take it out, or make it a lease or a purchase")
            return 0.0
        if isinstance(support, Price):
            return self._exchange.usd(key, support, gpus_per_node)
        if support and not offer.upfront_usd_per_node:
            self._no_share(key)
        return support * offer.upfront_usd_per_node

    def of_owned(self, key: Key, file: OwnedFile, gpus_per_node: int) -> float:
        """USD per owned node and year."""
        if file.support is None:
            return 0.0
        if file.committed:
            what = "is paid for hardware in one's own racks, and committed nodes have it in their price"
            self._add(key, what, "Take it out, or take out 'committed'")
            return 0.0
        if isinstance(file.support, Price):
            return self._exchange.usd(key, file.support, gpus_per_node)
        self._no_share(key)
        return 0.0

    def of_room(self, key: Key, file: ColocationFile) -> tuple[float, float]:
        """USD per kW and per rack unit, each by the month."""
        power = 0.0 if file.power is None else self._exchange.usd((*key, "power"), file.power)
        units = 0.0 if file.rack_units is None else self._exchange.usd((*key, "rack_units"), file.rack_units)
        return power, units

    def _no_share(self, key: Key) -> None:
        self._add(
            key, "is a share of an upfront price that there is not", "Write it as money, like '9 k USD/node/year'"
        )

    def _add(self, key: Key, what: str, fix: str) -> None:
        self._issues.append(self._document.issue("bad-value", key, what, fix))
