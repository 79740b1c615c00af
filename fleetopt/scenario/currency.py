"""Prices in other currencies become dollars when they are read; what was written and the rate stay with the plan.

usd  =  amount x rate[currency]         money.rates states what one unit of a currency is worth in US dollars
"""

from __future__ import annotations

from collections.abc import Mapping

from fleetopt.documents import Document, Key
from fleetopt.errors import Issue
from fleetopt.prices import Price
from fleetopt.scenario.schema import RateFile


class Exchange:
    """Turns prices into dollars; a currency without a rate is added to `issues`, a conversion to `said`."""

    def __init__(self, rates: Mapping[str, RateFile], document: Document, issues: list[Issue]) -> None:
        self._rates = rates
        self._document = document
        self._issues = issues
        self.said: list[str] = []

    def usd(self, key: Key, price: Price, gpus_per_node: int = 1) -> float:
        """What a price comes to for a node (or kW, or rack unit), in US dollars."""
        amount = price.amount * (gpus_per_node if price.per == "GPU" else 1)
        return amount if price.currency == "USD" else amount * self._rate(key, price)

    def note(self, price: Price) -> str:
        """How a price was written and turned into dollars, empty where it was in dollars."""
        rate = self._rates.get(price.currency)
        if price.currency == "USD" or rate is None:
            return ""
        where = " of ".join(part for part in (rate.source, rate.date) if part)
        return f"{price.written} at {rate.rate:g} USD per {price.currency}" + (f" ({where})" if where else "")

    def _rate(self, key: Key, price: Price) -> float:
        rate = self._rates.get(price.currency)
        if rate is None:
            what = f"is in {price.currency}, and nobody says what that is worth"
            fix = f"Add what one is worth in dollars under money.rates, like '{price.currency}: 1.08 USD'"
            self._issues.append(self._document.issue("unknown-currency", key, what, fix))
            return 0.0
        self.said.append(f"{'.'.join(map(str, key[1:]))}: {self.note(price)}")
        return rate.rate
