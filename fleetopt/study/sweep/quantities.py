"""What is written in a field as a number on an axis: in the base unit of its dimension, with that unit's name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from fleetopt import prices, units


def quantity(written: Any) -> tuple[float, str] | None:
    """A number and its unit, none where what is written is no quantity.

    >>> quantity("1500 ms at p90"), quantity(16), quantity("30 %")
    ((1.5, 's at p90'), (16.0, ''), (0.3, ''))
    >>> quantity("H100") is None
    True
    """
    if isinstance(written, bool) or not isinstance(written, int | float | str):
        return None
    if not isinstance(written, str):
        return float(written), ""
    for read in _READERS:
        try:
            return read(written)
        except ValueError:
            continue
    return None


def _in(unit: str, read: Callable[[object], float]) -> Callable[[str], tuple[float, str]]:
    return lambda written: (read(written), unit)


def _rate(written: str) -> tuple[float, str]:
    found = units.rate(written)
    return found.per_s, f"{found.what}/s"


def _work(written: str) -> tuple[float, str]:
    found = units.work(written)
    return found.amount, f"{found.what}/day" if found.per_day else found.what


def _price(read: Callable[[object], prices.Price], time: str) -> Callable[[str], tuple[float, str]]:
    def priced(written: str) -> tuple[float, str]:
        found = read(written)
        return found.amount, f"{found.currency}/{found.per}{time}"

    return priced


def _lasting(written: str) -> tuple[float, str]:
    return 3600.0 * units.lasting(written), "s"


def _latency(written: str) -> tuple[float, str]:
    found = units.latency(written)
    return found.limit_s, "s" if found.percentile is None else f"s at {found.at}"


_READERS: tuple[Callable[[str], tuple[float, str]], ...] = (
    _in("", units.fraction),
    _rate,
    _latency,
    _lasting,
    _work,
    _price(prices.node_price, "/h"),
    _price(prices.price_per_year, "/year"),
    _price(partial(prices.price_per_month, per="kW"), "/month"),
    _price(partial(prices.price_per_month, per="U"), "/month"),
    _in("USD", prices.usd),
    _price(prices.price_once, ""),
    _in("/node/h", units.per_node_hour),
    _in("W", units.power),
    _in("USD/kWh", prices.usd_per_kwh),
    _in("g/kWh", units.carbon_intensity),
    _in("USD/t", prices.carbon_price),
    _in("t", units.tonnes),
    _in("B/s", units.bandwidth),
)
