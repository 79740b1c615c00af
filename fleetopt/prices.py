"""Prices and amounts of money as people write them: a number, a currency and what they are for.

Prices of nodes may be in any currency, which a scenario's rates turn into US dollars; the rest is in US dollars.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from fleetopt.units import MAGNITUDE, named, scaled, split

_ENERGY_PRICE = {"USD/kWh": 1.0, "USD/MWh": 1e-3}
_CARBON_PRICE = {"USD/t": 1.0}
_PRICE = re.compile(r"^(?P<currency>[A-Z]{3})\s*/\s*(?P<per>node|GPU)\s*/\s*(?P<time>h|month)$", re.IGNORECASE)
_MONEY = re.compile(r"^(?P<magnitude>[kMG]?)\s*(?P<currency>[A-Z]{3})(?:\s*/\s*(?P<per>node|GPU))?$")
_YEARLY = re.compile(r"^(?P<magnitude>[kM]?)\s*(?P<currency>[A-Z]{3})\s*/\s*(?P<per>node|GPU)\s*/\s*year$")
_MONTHLY = re.compile(r"^(?P<currency>[A-Z]{3})\s*/\s*(?P<per>kW|U)\s*/\s*month$")

HOURS_PER_MONTH = 730.0
"""Of a month in a price by the month: a twelfth of 365 days."""


@dataclass(frozen=True, slots=True)
class Price:
    """An amount of a currency for each `node`, `GPU`, `kW` or `U` (rack unit); its field says for how long.

    `written` is the text that it was read from.
    """

    amount: float
    per: str = "node"
    currency: str = "USD"
    written: str = field(default="", compare=False)


def node_price(text: object) -> Price:
    """A price per node or per GPU, for an hour; one for a month is spread over 730 hours.

    >>> node_price("3.99 EUR/GPU/h") == Price(3.99, "GPU", "EUR"), node_price("7300 USD/node/month").amount
    (True, 10.0)
    """
    number, unit = split(text, "31.92 USD/node/h")
    match = _PRICE.match(unit)
    if match is None:
        raise ValueError(f"has {named(unit)}; write a price like '31.92 USD/node/h' or '3.99 USD/GPU/h'")
    hours = HOURS_PER_MONTH if match["time"].lower() == "month" else 1.0
    per = "GPU" if match["per"].lower() == "gpu" else "node"
    return Price(number / hours, per, match["currency"].upper(), f"{text}".strip())


def price_once(text: object) -> Price:
    """Money that is paid once, for a node unless it says for each GPU.

    >>> price_once("310 k EUR") == Price(310000.0, "node", "EUR"), price_once("30000 USD/GPU").per
    (True, 'GPU')
    """
    return _priced(text, _MONEY, "310 k USD", "'310 k USD' or '30 k USD/GPU'")


def price_per_year(text: object) -> Price:
    """Money for each year of a node or a GPU.

    >>> price_per_year("9 k USD/node/year") == Price(9000.0)
    True
    """
    return _priced(text, _YEARLY, "9 k USD/node/year", "'9 k USD/node/year' or '1000 USD/GPU/year'")


def price_per_month(text: object, per: str) -> Price:
    """Money for each month of a kW or a rack unit (U).

    >>> price_per_month("150 USD/kW/month", "kW").amount
    150.0
    """
    price = _priced(text, _MONTHLY, f"150 USD/{per}/month", f"'150 USD/{per}/month'")
    if price.per != per:
        raise ValueError(f"is per {price.per}; write a price per {per}, like '150 USD/{per}/month'")
    return price


def _priced(text: object, pattern: re.Pattern[str], example: str, examples: str) -> Price:
    number, unit = split(text, example)
    match = pattern.match(unit)
    if match is None:
        raise ValueError(f"has {named(unit)}; write money like {examples}")
    magnitude = MAGNITUDE[match.groupdict().get("magnitude") or ""]
    return Price(number * magnitude, match["per"] or "node", match["currency"], f"{text}".strip())


def usd(text: object) -> float:
    """An amount of US dollars.

    >>> usd("310 k USD")
    310000.0
    """
    number, unit = split(text, "310000 USD")
    magnitude = unit.removesuffix("USD").strip()
    if not unit.endswith("USD") or magnitude not in MAGNITUDE:
        raise ValueError(f"has {named(unit)}; write US dollars like '310000 USD' or '310 k USD'")
    return number * MAGNITUDE[magnitude]


def usd_per_kwh(text: object) -> float:
    """A price of electricity in US dollars per kWh.

    >>> usd_per_kwh("0.12 USD/kWh"), round(usd_per_kwh("120 USD/MWh"), 12)
    (0.12, 0.12)
    """
    return scaled(text, _ENERGY_PRICE, "0.12 USD/kWh", "a price of electricity")


def carbon_price(text: object) -> float:
    """A price of carbon dioxide in US dollars per tonne.

    >>> carbon_price("80 USD/t")
    80.0
    """
    return scaled(text, _CARBON_PRICE, "80 USD/t", "a price of carbon")
