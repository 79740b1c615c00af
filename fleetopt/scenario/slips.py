"""How late ordered nodes come in each outlook: `delivery_slip: 1 period`, or by offer.

Lateness in months counts as whole periods, rounded up, as lead times do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from fleetopt import units
from fleetopt.documents import Document, Key
from fleetopt.errors import Issue, did_you_mean
from fleetopt.scenario.fields import Lateness

EVERY_OFFER = "*"
"""Stands for all offers whose nodes are ordered; no offer can be called so."""


def _by_offer(value: Any) -> Any:
    return value if isinstance(value, dict) else {EVERY_OFFER: value}


DeliverySlip = Annotated[
    dict[str, Lateness],
    BeforeValidator(_by_offer, json_schema_input_type=Lateness | dict[str, Lateness]),
    Field(description="By how much ordered nodes enter service later in it; all of them, or by offer"),
]


class Slips:
    """The lateness of each offer by outlook; what is wrong with it is added to `issues`."""

    def __init__(
        self,
        by_outlook: Mapping[str, Mapping[str, units.Lateness]],
        months: int,
        document: Document,
        issues: list[Issue],
    ) -> None:
        self._by_outlook = by_outlook
        self._months = months
        self._document = document
        self._issues = issues

    def of(self, offer: str) -> tuple[tuple[str, int], ...]:
        """Periods by which the nodes of an offer are late, for the outlooks in which they are."""
        stated = ((o, slips.get(offer, slips.get(EVERY_OFFER))) for o, slips in self._by_outlook.items())
        periods = ((outlook, 0 if late is None else late.periods(self._months)) for outlook, late in stated)
        return tuple((outlook, count) for outlook, count in periods if count)

    def check(self, hourly: Mapping[str, bool]) -> None:
        """Refuses offers that are not there, and those whose nodes need no order."""
        for outlook, slips in self._by_outlook.items():
            for offer in slips:
                key: Key = ("calendar", "outlooks", outlook, "delivery_slip", offer)
                if offer == EVERY_OFFER:
                    continue
                if offer not in hourly:
                    what, fix = f"'{offer[:60]}' is no offer here", did_you_mean(offer, list(hourly))
                    self._issues.append(self._document.issue("unknown-name", key, what, fix))
                elif hourly[offer]:
                    fix = "Take it out: rented nodes are there at once"
                    self._issues.append(self._document.issue("bad-value", key, "has no deliveries to be late", fix))
