"""Options about prices, as people write them."""

from __future__ import annotations

import re
from datetime import date

from fleetopt.errors import InputError, Issue

_RATE = re.compile(r"([A-Z]{3})=(\d{1,9}(?:\.\d{1,12})?)", re.ASCII)


def read_rates(options: tuple[str, ...]) -> dict[str, float]:
    """Dollars per unit of a currency.

    >>> read_rates(("EUR=1.08",))
    {'EUR': 1.08}

    Raises:
        InputError: an option is not of the form, or is zero.
    """
    rates = {}
    for option in options:
        match = _RATE.fullmatch(option)
        if match is None or float(match[2]) == 0:
            what = f"'{option[:40]}' is not a currency, '=' and dollars"
            raise InputError([Issue("bad-option", "--usd-per", what, "Write it like --usd-per EUR=1.08")])
        rates[match[1]] = float(match[2])
    return rates


def read_day(text: str) -> date:
    """A day like 2027-03-17.

    Raises:
        InputError: it is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        what = f"'{text[:40]}' is no day"
        raise InputError([Issue("bad-option", "--today", what, "Write it like 2027-03-17")]) from None
