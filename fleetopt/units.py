"""Quantities as people write them: a number and a unit, turned into the base unit of its dimension.

Base units are the ones in the names of fields: seconds, per-second rates, watts, fractions of one; prices are in
`fleetopt.prices`. A number without a unit is refused wherever more than one unit is common in the field; rates per
minute beside rates per second are the most frequent mistake in published benchmark data.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

# Possessive, so that no long text takes long; a range's '..' is no decimal point.
UNSIGNED = r"(?:\d[\d_]*+(?:\.(?!\.)\d*+)?+|\.\d++)(?:[eE][+-]?\d++)?+"
NUMBER = rf"[+-]?{UNSIGNED}"
"""How a number is written, wherever one is."""

_QUANTITY = re.compile(rf"^\s*(?P<number>{NUMBER})\s*(?P<unit>\S.*?)?\s*$", re.ASCII)

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
_PER_SECOND = {"s": 1.0, "min": 60.0, "h": 3600.0}
MAGNITUDE = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_RATE = re.compile(r"^(?P<magnitude>[kMG]?)\s*(?P<what>tokens?|requests?)\s*/\s*(?P<per>s|min|h)$")
_WORK = re.compile(r"^(?P<magnitude>[kMGT]?)\s*(?P<what>tokens?|requests?)\s*(?P<day>/\s*day)?$")
_POWER = {"W": 1.0, "kW": 1e3, "MW": 1e6}
_INTENSITY = {"g/kWh": 1.0, "kg/MWh": 1.0}
_BYTES = {"GB": 1e9, "TB": 1e12, "GiB": 2.0**30, "TiB": 2.0**40}
_TONNES = {"t": 1.0, "kt": 1e3}
_BANDWIDTH = re.compile(r"^(?P<magnitude>[MG])(?P<what>bit|B)/s$")
_LATENCY = re.compile(r"^(?P<limit>.*?)(?:\s+at\s+(?P<at>\S+))?\s*$", re.DOTALL)
_PERCENTILE = re.compile(r"p\d{1,2}(\.\d{1,6})?")

_PACE = re.compile(r"^/\s*node\s*/\s*(?P<per>h|d|day|month|year)$")
_HOURS = {"min": 1.0 / 60.0, "h": 1.0, "d": 24.0, "days": 24.0, "day": 24.0, "month": 730.0, "year": 8760.0}
_LASTING = ("min", "h", "d", "days")

_LATENESS = re.compile(r"^\s*(?P<count>\d{1,3})\s*(?P<unit>period|month)s?\s*$", re.ASCII)

LONGEST_NUMBER = 40
LARGEST_NUMBER = 1e18
SLOWEST_BYTES_PER_S, FASTEST_BYTES_PER_S = 125e3, 1e15
"""Of a link: 1 Mbit/s, and a thousand times what the memory of a GPU reads at."""

LONGEST_S = 31 * 24 * 3600.0
LONGEST_H = 100 * 8760.0


@dataclass(frozen=True, slots=True)
class Rate:
    """A demand rate: so many requests, or tokens (input and output together), per second."""

    per_s: float
    what: Literal["requests", "tokens"]


@dataclass(frozen=True, slots=True)
class WorkAmount:
    """An amount of work: so many requests, or tokens (input and output together), once or on every day."""

    amount: float
    what: Literal["requests", "tokens"]
    per_day: bool


@dataclass(frozen=True, slots=True)
class Latency:
    """A promise on a latency: its limit in seconds, at the mean (percentile None) or at a percentile in (0, 1)."""

    limit_s: float
    percentile: float | None = None

    @property
    def at(self) -> str:
        """How the promise is written: 'mean', 'p99'."""
        return "mean" if self.percentile is None else f"p{100 * self.percentile:g}"


@dataclass(frozen=True, slots=True)
class Lateness:
    """How much later than planned something comes."""

    count: int
    unit: Literal["period", "month"]

    def periods(self, months: int) -> int:
        """In periods of so many months, rounded up."""
        return self.count if self.unit == "period" else -(-self.count // months)


def split(text: object, example: str) -> tuple[float, str]:
    if isinstance(text, bool) or not isinstance(text, str):
        raise ValueError(f"has no unit; write it as text with one, like '{example}'")
    match = _QUANTITY.match(text)
    if match is None or len(match["number"]) > LONGEST_NUMBER:
        raise ValueError(f"is not a number with a unit; write it like '{example}'")
    number = decimal(match["number"])
    if number is None:
        raise ValueError(f"is too large a number; write it like '{example}'")
    return float(number), match["unit"] or ""


def decimal(number: str) -> Decimal | None:
    """What is written as a NUMBER, digit for digit; None where it is too large or too long.

    >>> decimal("1_900"), decimal("+2.e1"), decimal("1e19")
    (Decimal('1900'), Decimal('2E+1'), None)
    """
    plain = number.replace("_", "")
    if len(number) > LONGEST_NUMBER or not abs(float(plain)) <= LARGEST_NUMBER:
        return None
    return Decimal(plain) if float(plain) else Decimal(0)


def seconds(text: object, example: str = "20 ms") -> float:
    """A duration in seconds.

    >>> seconds("20 ms"), seconds("2 s")
    (0.02, 2.0)
    """
    number, unit = split(text, example)
    if unit not in _SECONDS:
        raise ValueError(f"has {named(unit)}; write a time in {', '.join(_SECONDS)}, like '{example}'")
    value = number * _SECONDS[unit]
    if value > LONGEST_S:
        raise ValueError("is longer than 31 days; check the unit")
    return value


def hours(text: object) -> float:
    """A duration in hours.

    >>> hours("90 min")
    1.5
    """
    return seconds(text, "8 h") / 3600.0


def lasting(text: object) -> float:
    """How long something lasts, in hours: from minutes to years.

    >>> lasting("2000 h"), lasting("10 d")
    (2000.0, 240.0)
    """
    number, unit = split(text, "2000 h")
    if unit not in _LASTING:
        raise ValueError(f"has {named(unit)}; write a time in {', '.join(_LASTING)}, like '2000 h'")
    value = number * _HOURS[unit]
    if value > LONGEST_H:
        raise ValueError("is longer than a hundred years; check the unit")
    return value


def per_node_hour(text: object) -> float:
    """How often something happens to a node in an hour.

    >>> per_node_hour("0.05 /node/h"), per_node_hour("12 /node/day")
    (0.05, 0.5)
    """
    number, unit = split(text, "0.05 /node/h")
    match = _PACE.match(unit)
    if match is None:
        raise ValueError(f"has {named(unit)}; write how often it happens, like '0.05 /node/h' or '1 /node/month'")
    return number / _HOURS[match["per"]]


def lateness(text: object) -> Lateness:
    """How late something is, in whole periods or months.

    >>> lateness("1 period"), lateness("3 months")
    (Lateness(count=1, unit='period'), Lateness(count=3, unit='month'))
    """
    match = _LATENESS.match(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("is no lateness; write whole periods or months, like '1 period' or '3 months'")
    return Lateness(int(match["count"]), "period" if match["unit"] == "period" else "month")


def rate(text: object) -> Rate:
    """A demand rate in requests or tokens per second.

    >>> rate("5 M tokens/min")
    Rate(per_s=83333.33333333333, what='tokens')
    """
    number, unit = split(text, "40 requests/s")
    match = _RATE.match(unit)
    if match is None:
        raise ValueError(f"has {named(unit)}; write a rate like '40 requests/s', '5 M tokens/min' or '900 requests/h'")
    per_s = number * MAGNITUDE[match["magnitude"]] / _PER_SECOND[match["per"]]
    return Rate(per_s, "tokens" if match["what"].startswith("token") else "requests")


def work(text: object) -> WorkAmount:
    """An amount of requests or tokens, in all or per day.

    >>> work("40 M requests/day")
    WorkAmount(amount=40000000.0, what='requests', per_day=True)
    """
    number, unit = split(text, "900 M requests")
    match = _WORK.match(unit)
    if match is None:
        raise ValueError(f"has {named(unit)}; write work like '900 M requests', '2 T tokens' or '40 M requests/day'")
    if number < 0:
        raise ValueError("is negative; write zero or more")
    what: Literal["requests", "tokens"] = "tokens" if match["what"].startswith("token") else "requests"
    return WorkAmount(number * MAGNITUDE[match["magnitude"]], what, match["day"] is not None)


def bandwidth(text: object) -> float:
    """A link's speed in bytes per second, from bits or bytes.

    >>> bandwidth("400 Gbit/s"), bandwidth("50 GB/s")
    (50000000000.0, 50000000000.0)
    """
    number, unit = split(text, "400 Gbit/s")
    match = _BANDWIDTH.match(unit)
    if match is None:
        raise ValueError(f"has {named(unit)}; write a link's speed like '400 Gbit/s' or '50 GB/s'")
    if number <= 0:
        raise ValueError("is not more than zero; write a link's speed like '400 Gbit/s'")
    bytes_per_s = number * MAGNITUDE[match["magnitude"]] / (8.0 if match["what"] == "bit" else 1.0)
    if not SLOWEST_BYTES_PER_S <= bytes_per_s <= FASTEST_BYTES_PER_S:
        raise ValueError("is past all sense for a link (1 Mbit/s to 1,000,000 GB/s); check the unit")
    return bytes_per_s


def fraction(text: object) -> float:
    """A fraction of one, from a percentage or a bare number.

    >>> fraction("3 %"), fraction(0.03)
    (0.03, 0.03)
    """
    if isinstance(text, int | float) and not isinstance(text, bool):
        if not math.isfinite(text):
            raise ValueError("is not a finite number; write a fraction like 0.03 or '3 %'")
        return float(text)
    number, unit = split(text, "3 %")
    if unit not in ("%", ""):
        raise ValueError(f"has {named(unit)}; write a fraction like '3 %' or 0.03")
    # Dividing keeps decimal percentages exact where multiplying by 0.01 would not.
    return number / 100.0 if unit == "%" else number


def power(text: object) -> float:
    """Electric power in watts.

    >>> power("200 kW")
    200000.0
    """
    return scaled(text, _POWER, "200 kW", "a power")


def carbon_intensity(text: object) -> float:
    """Carbon dioxide of electricity in grams per kWh.

    >>> carbon_intensity("350 g/kWh")
    350.0
    """
    return scaled(text, _INTENSITY, "350 g/kWh", "a carbon intensity")


def tonnes(text: object) -> float:
    """A mass in tonnes.

    >>> tonnes("500 t"), tonnes("2 kt")
    (500.0, 2000.0)
    """
    return scaled(text, _TONNES, "500 t", "a mass")


def memory(text: object) -> float:
    """Memory in bytes; GiB and TiB count in powers of two.

    >>> memory("2 TB"), memory("1 GiB")
    (2000000000000.0, 1073741824.0)
    """
    return scaled(text, _BYTES, "1600 GB", "an amount of memory")


def scaled(text: object, known: dict[str, float], example: str, what: str) -> float:
    number, unit = split(text, example)
    if unit not in known:
        raise ValueError(f"has {named(unit)}; write {what} in {', '.join(known)}, like '{example}'")
    return number * known[unit]


def latency(text: object) -> Latency:
    """A latency promise: a time, at the mean unless a percentile is named.

    >>> latency("2 s"), latency("250 ms at p99")
    (Latency(limit_s=2.0, percentile=None), Latency(limit_s=0.25, percentile=0.99))
    """
    if not isinstance(text, str):
        return Latency(seconds(text, "2 s at p99"))
    match = _LATENCY.match(text)
    assert match is not None  # every part of the pattern is optional
    limit_s = seconds(match["limit"], "2 s at p99")
    if limit_s <= 0:
        raise ValueError("is not more than zero; write a time above zero, like '2 s'")
    if match["at"] in (None, "mean"):
        return Latency(limit_s)
    if _PERCENTILE.fullmatch(match["at"]) is None or float(match["at"][1:]) == 0:
        raise ValueError(
            f"has '{match['at'][:40]}' where a statistic is expected; write 'mean' or a percentile like 'p99'"
        )
    return Latency(limit_s, round(float(match["at"][1:]) / 100.0, 12))


def named(unit: str) -> str:
    if unit.startswith(","):
        return "a comma in its number, which is written without (5000000 or 5 M)"
    return f"unit '{unit[:40]}'" if unit else "no unit"
