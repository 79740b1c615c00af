"""The fields of scenario.yaml: what may be written in each, in which units, and its place in the JSON Schema."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from fleetopt import prices, units
from fleetopt.scenario.slowdown import MOST_PROMISES, Slowdown, promises

NAME_PATTERN = r"^[^\s/\\.,:*\x00-\x1f][^/\\.,:*\x00-\x1f]{0,79}$"

# Beyond these a unit has surely been mistaken, and numbers lose their digits to one another.
MOST_USD_PER_H = 1e6
MOST_USD = 1e9
MOST_FACTOR = 1000.0
MOST_BARE_FACTOR, MOST_BARE_CHANGE = 10.0, 1.0
"""Factors and changes above these have to be written as percentages: a bare 120 may well be meant as one."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_SEEN = "\n\t\u200d"


def _text(description: str, *examples: str, pattern: str | None = None) -> WithJsonSchema:
    schema: dict[str, Any] = {"type": "string", "description": description, "examples": list(examples)}
    return WithJsonSchema(schema | ({"pattern": pattern} if pattern else {}))


def _not_negative(value: float) -> float:
    if value < 0:
        raise ValueError("is negative; write zero or more")
    return value


def _at_most_one(value: float) -> float:
    if value > 1:
        raise ValueError("is more than 100 %; write a fraction of the whole, like '30 %'")
    return value


def _factor(value: float) -> float:
    if value > MOST_FACTOR:
        raise ValueError(f"is too large a factor; write at most {MOST_FACTOR:g}")
    return _not_negative(value)


def _plainly(value: Any, most: float) -> float:
    """A fraction; a bare number above the most must have been meant as a percentage, or says that it is none."""
    fraction = units.fraction(value)
    bare = not isinstance(value, str) or "%" not in value
    if bare and fraction > most:
        raise ValueError(f"would be {100 * fraction:g} %; write '{fraction:g} %' or '{100 * fraction:g} %'")
    return fraction


def _markup(value: Any) -> float:
    return _factor(_plainly(value, MOST_BARE_CHANGE))


def stated_factor(factor: float) -> float | str:
    """A factor on demand as a scenario file may state it: large ones as percentages."""
    return factor if factor <= MOST_BARE_FACTOR else f"{100.0 * factor!r} %"


def _demand_factor(value: Any) -> float:
    fraction = _plainly(value, MOST_BARE_FACTOR)
    if isinstance(value, str) and value.strip().startswith(("+", "-")):
        whole = 100.0 * (1.0 + fraction)
        raise ValueError(f"has a sign, and this is a factor, not a change; write '{whole:g} %' for {value.strip()}")
    return _factor(fraction)


def _money(value: float) -> float:
    if value > MOST_USD:
        raise ValueError("is more than a billion dollars; check the unit")
    return _not_negative(value)


def _visible(value: str) -> str:
    if any(unicodedata.category(c) in _HIDDEN and c not in _SEEN for c in value):
        raise ValueError("holds characters that cannot be seen; take them out")
    return value


def period_name(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _rate_not_negative(value: units.Rate) -> units.Rate:
    _not_negative(value.per_s)
    return value


def _price_not_negative(value: prices.Price) -> prices.Price:
    _not_negative(value.amount)
    if value.amount > MOST_USD_PER_H:
        raise ValueError("is more than a million dollars an hour; check the unit")
    return value


def _sum_not_negative(value: prices.Price) -> prices.Price:
    _money(value.amount)
    return value


def _name(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or re.fullmatch(NAME_PATTERN, value) is None:
        raise ValueError("is no name; use up to 80 characters without / \\ . , : * or line breaks, not starting blank")
    return _visible(value)


_FRACTION = WithJsonSchema(
    {
        "description": "A fraction of one, as a number or a percentage",
        "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": "%\\s*$"}],
        "examples": ["10 %", 0.1],
    }
)
_FACTOR = WithJsonSchema(
    {
        "description": "A factor on the base demand, as a number or a percentage",
        "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": "%\\s*$"}],
        "examples": [1.2, "120 %"],
    }
)
_DURATION = _text("A time with its unit: us, ms, s, min or h", "20 ms", "2 s")
_PROMISES = WithJsonSchema(
    {
        "description": "A latency limit, at the mean unless a percentile is named, or a multiple of what an idle "
        "reference takes; or several of them, at different percentiles",
        "anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST_PROMISES},
        ],
        "examples": ["2 s", "250 ms at p99", ["2x of A100-80G at p50", "6x of A100-80G at p99"]],
    }
)
_RATE = _text(
    "A rate: requests, or tokens (input and output together), per s, min or h", "40 requests/s", "5 M tokens/min"
)
_WORK = _text(
    "Work: requests, or tokens (input and output together), in all or per day", "900 M requests", "40 M requests/day"
)
_PRICE = _text("A price per node or per GPU, for an hour or a month of 730 h", "31.92 USD/node/h", "3.99 EUR/GPU/h")
_BANDWIDTH = _text("The speed of a link, in bits or bytes", "400 Gbit/s", "50 GB/s")
_MONEY = _text("US dollars", "310000 USD", "310 k USD")

Name = Annotated[str, BeforeValidator(_name), _text("A name", "chat", pattern=NAME_PATTERN)]
Duration = Annotated[float, BeforeValidator(units.seconds), AfterValidator(_not_negative), _DURATION]
Hours = Annotated[float, BeforeValidator(units.hours), AfterValidator(_not_negative), _text("Hours", "8 h", "90 min")]
Lasting = Annotated[
    float,
    BeforeValidator(units.lasting),
    AfterValidator(_not_negative),
    _text("A time: min, h or d", "2000 h", "10 d"),
]
Pace = Annotated[
    float, BeforeValidator(units.per_node_hour), AfterValidator(_not_negative), _text("How often", "0.05 /node/h")
]
Lateness = Annotated[
    units.Lateness, BeforeValidator(units.lateness), _text("How late ordered nodes are", "1 period", "3 months")
]
Factor = Annotated[float, BeforeValidator(_demand_factor), _FACTOR]
Markup = Annotated[float, BeforeValidator(_markup), _FRACTION]
Fraction = Annotated[
    float, BeforeValidator(units.fraction), AfterValidator(_not_negative), AfterValidator(_at_most_one), _FRACTION
]
Promises = Annotated[tuple[units.Latency | Slowdown, ...], BeforeValidator(promises), _PROMISES]
Rate = Annotated[units.Rate, BeforeValidator(units.rate), AfterValidator(_rate_not_negative), _RATE]
WorkAmount = Annotated[units.WorkAmount, BeforeValidator(units.work), _WORK]
Bandwidth = Annotated[float, BeforeValidator(units.bandwidth), _BANDWIDTH]
NodePrice = Annotated[prices.Price, BeforeValidator(prices.node_price), AfterValidator(_price_not_negative), _PRICE]
Once = Annotated[
    prices.Price,
    BeforeValidator(prices.price_once),
    AfterValidator(_sum_not_negative),
    _text("Money paid once, per node unless it says per GPU", "310 k USD", "30 k EUR/GPU"),
]
Power = Annotated[
    float, BeforeValidator(units.power), AfterValidator(_not_negative), _text("Electric power", "200 kW", "1.2 MW")
]
EnergyPrice = Annotated[
    float,
    BeforeValidator(prices.usd_per_kwh),
    AfterValidator(_not_negative),
    _text("A price of energy", "0.12 USD/kWh"),
]
Intensity = Annotated[
    float,
    BeforeValidator(units.carbon_intensity),
    AfterValidator(_not_negative),
    _text("Carbon of energy", "350 g/kWh"),
]
CarbonPrice = Annotated[
    float, BeforeValidator(prices.carbon_price), AfterValidator(_money), _text("A price of carbon", "80 USD/t")
]
Tonnes = Annotated[float, BeforeValidator(units.tonnes), AfterValidator(_not_negative), _text("A mass", "500 t")]
Memory = Annotated[
    float, BeforeValidator(units.memory), AfterValidator(_not_negative), _text("Memory", "1600 GB", "2 TiB")
]
Usd = Annotated[float, BeforeValidator(prices.usd), AfterValidator(_money), _MONEY]
Text = Annotated[str, AfterValidator(_visible)]
Tokens = Annotated[float, Field(gt=0, lt=1e9, allow_inf_nan=False)]
Nodes = Annotated[int, Field(ge=0, le=10_000_000, strict=True)]


def _change(value: Any) -> float:
    """A relative change, from '-10 %' or -0.1, as a factor."""
    change = _plainly(value, MOST_BARE_CHANGE)
    if not -1 < change <= MOST_FACTOR:
        raise ValueError("leaves no price, or is too large a change; write it like '-10 %'")
    return 1.0 + change


def _support(value: Any) -> prices.Price | float:
    """Money for each year of a node, or a share of its upfront price, as in '5 %/year'."""
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and text.removesuffix("/year").rstrip().endswith("%"):
        return _at_most_one(_not_negative(units.fraction(text.removesuffix("/year"))))
    return _sum_not_negative(prices.price_per_year(value))


Support = Annotated[
    prices.Price | float,
    BeforeValidator(_support),
    _text("Money for each year of a node, or a share of its upfront price", "9 k USD/node/year", "5 %/year"),
]
MonthOfKw = Annotated[
    prices.Price,
    BeforeValidator(lambda value: prices.price_per_month(value, "kW")),
    AfterValidator(_sum_not_negative),
    _text("Money for each month of a kW", "150 USD/kW/month"),
]
MonthOfUnit = Annotated[
    prices.Price,
    BeforeValidator(lambda value: prices.price_per_month(value, "U")),
    AfterValidator(_sum_not_negative),
    _text("Money for each month of a rack unit", "25 USD/U/month"),
]


def _currency(value: Any) -> str:
    if not isinstance(value, str) or re.fullmatch("[A-Z]{3}", value) is None or value == "USD":
        raise ValueError("is no other currency than dollars; write its three capital letters, like EUR")
    return value


Currency = Annotated[str, BeforeValidator(_currency), _text("A currency", "EUR", pattern="^[A-Z]{3}$")]
Change = Annotated[float, BeforeValidator(_change), _text("A relative change of a price", "-10 %", "5 %")]
Lot = Annotated[int, Field(ge=1, le=10_000_000, strict=True)]


class Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
