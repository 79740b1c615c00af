"""The fields of scenario.yaml: what may be written in each, in which units, and its place in the JSON Schema."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from fleetopt import units

NAME_PATTERN = r"^[^\s/\\.,:*\x00-\x1f][^/\\.,:*\x00-\x1f]{0,79}$"

# Beyond these a unit has surely been mistaken, and numbers lose their digits to one another.
MOST_USD_PER_H = 1e6
MOST_USD = 1e9
MOST_FACTOR = 1000.0

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


def _markup(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 1:
        raise ValueError(f"would be {100 * value:g} %; write '{value:g} %' if that is what is meant")
    return _factor(units.fraction(value))


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


def _price_not_negative(value: units.NodePrice) -> units.NodePrice:
    _not_negative(value.usd_per_h)
    if value.usd_per_h > MOST_USD_PER_H:
        raise ValueError("is more than a million dollars an hour; check the unit")
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
_LATENCY = _text("A latency limit, at the mean unless a percentile is named", "2 s", "250 ms at p99")
_RATE = _text(
    "A rate: requests, or tokens (input and output together), per s, min or h", "40 requests/s", "5 M tokens/min"
)
_WORK = _text(
    "Work: requests, or tokens (input and output together), in all or per day", "900 M requests", "40 M requests/day"
)
_PRICE = _text("An hourly price, per node or per GPU", "31.92 USD/node/h", "3.99 USD/GPU/h")
_BANDWIDTH = _text("The speed of a link, in bits or bytes", "400 Gbit/s", "50 GB/s")
_MONEY = _text("US dollars", "310000 USD", "310 k USD")

Name = Annotated[str, BeforeValidator(_name), _text("A name", "chat", pattern=NAME_PATTERN)]
Duration = Annotated[float, BeforeValidator(units.seconds), AfterValidator(_not_negative), _DURATION]
Hours = Annotated[float, BeforeValidator(units.hours), AfterValidator(_not_negative), _text("Hours", "8 h", "90 min")]
Factor = Annotated[float, BeforeValidator(units.fraction), AfterValidator(_factor), _FACTOR]
Markup = Annotated[float, BeforeValidator(_markup), _FRACTION]
Fraction = Annotated[
    float, BeforeValidator(units.fraction), AfterValidator(_not_negative), AfterValidator(_at_most_one), _FRACTION
]
Latency = Annotated[units.Latency, BeforeValidator(units.latency), _LATENCY]
Rate = Annotated[units.Rate, BeforeValidator(units.rate), AfterValidator(_rate_not_negative), _RATE]
WorkAmount = Annotated[units.WorkAmount, BeforeValidator(units.work), _WORK]
Bandwidth = Annotated[float, BeforeValidator(units.bandwidth), _BANDWIDTH]
NodePrice = Annotated[units.NodePrice, BeforeValidator(units.node_price), AfterValidator(_price_not_negative), _PRICE]
Power = Annotated[
    float, BeforeValidator(units.power), AfterValidator(_not_negative), _text("Electric power", "200 kW", "1.2 MW")
]
EnergyPrice = Annotated[
    float, BeforeValidator(units.usd_per_kwh), AfterValidator(_not_negative), _text("A price of energy", "0.12 USD/kWh")
]
Intensity = Annotated[
    float,
    BeforeValidator(units.carbon_intensity),
    AfterValidator(_not_negative),
    _text("Carbon of energy", "350 g/kWh"),
]
CarbonPrice = Annotated[
    float, BeforeValidator(units.carbon_price), AfterValidator(_money), _text("A price of carbon", "80 USD/t")
]
Tonnes = Annotated[float, BeforeValidator(units.tonnes), AfterValidator(_not_negative), _text("A mass", "500 t")]
Usd = Annotated[float, BeforeValidator(units.usd), AfterValidator(_money), _MONEY]
Text = Annotated[str, AfterValidator(_visible)]
Tokens = Annotated[float, Field(gt=0, lt=1e9, allow_inf_nan=False)]
Nodes = Annotated[int, Field(ge=0, le=10_000_000, strict=True)]


def _change(value: Any) -> float:
    """A relative change, from '-10 %' or -0.1, as a factor."""
    change = units.fraction(value)
    if not -1 < change <= MOST_FACTOR:
        raise ValueError("leaves no price, or is too large a change; write it like '-10 %'")
    return 1.0 + change


Change = Annotated[float, BeforeValidator(_change), _text("A relative change of a price", "-10 %", "5 %")]
Lot = Annotated[int, Field(ge=1, le=10_000_000, strict=True)]


class Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
