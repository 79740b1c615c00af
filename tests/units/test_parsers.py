from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetopt import prices, units
from fleetopt.prices import Price
from fleetopt.units import Latency, Rate

PARSERS: list[Callable[[object], Any]] = [
    units.seconds,
    units.hours,
    units.rate,
    units.fraction,
    prices.node_price,
    prices.price_once,
    prices.price_per_year,
    partial(prices.price_per_month, per="kW"),
    partial(prices.price_per_month, per="U"),
    prices.usd,
    prices.usd_per_kwh,
    prices.carbon_price,
    units.latency,
    units.lasting,
    units.lateness,
    units.per_node_hour,
    units.work,
    units.bandwidth,
    units.power,
    units.carbon_intensity,
    units.tonnes,
    units.memory,
]

UNITS = ["", "s", "ms", "us", "min", "h", "%", "USD", "k USD", "requests/s", "M tokens/min", "USD/node/h", "USD/GPU/h"]
LATENCIES = ["s at p99", "ms at mean", "s at p0", "s at p100", "s at", "at p99"]


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (units.seconds, "20 ms", 0.02),
        (units.seconds, "20ms", 0.02),
        (units.seconds, " 2e3 us ", 0.002),
        (units.seconds, ".5 min", 30.0),
        (units.seconds, "1_000 s", 1000.0),
        (units.hours, "90 min", 1.5),
        (units.rate, "900 requests/h", Rate(0.25, "requests")),
        (units.rate, "1 request/s", Rate(1.0, "requests")),
        (units.rate, "6 k tokens / min", Rate(100.0, "tokens")),
        (units.fraction, "3 %", 0.03),
        (units.fraction, "0.03", 0.03),
        (units.fraction, 1, 1.0),
        (prices.node_price, "31.92 USD/node/h", Price(31.92)),
        (prices.node_price, "3.99 usd/gpu/h", Price(3.99, "GPU")),
        (prices.node_price, "1460 CHF / node / month", Price(2.0, "node", "CHF")),
        (prices.price_once, "310 k USD", Price(310_000.0)),
        (prices.price_once, "1.5 M GBP", Price(1.5e6, "node", "GBP")),
        (prices.price_once, "2 G GBP/GPU", Price(2e9, "GPU", "GBP")),
        (prices.price_per_year, "9 k EUR/GPU/year", Price(9000.0, "GPU", "EUR")),
        (lambda text: prices.price_per_month(text, "U"), "25 USD/U/month", Price(25.0, "U")),
        (prices.usd, "310 k USD", 310_000.0),
        (prices.usd, "1.5 M USD", 1_500_000.0),
        (units.latency, "2 s", Latency(2.0)),
        (units.latency, "2 s at mean", Latency(2.0)),
        (units.latency, "250 ms at p99", Latency(0.25, 0.99)),
        (units.latency, "250 ms at p99.5", Latency(0.25, 0.995)),
    ],
)
def test_a_quantity_becomes_its_base_unit(parse: Callable[[object], Any], text: object, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "words"),
    [
        (units.seconds, "2", ["no unit", "us, ms, s, min, h"]),
        (units.seconds, 2, ["no unit", "20 ms"]),
        (units.seconds, "2 sec", ["'sec'"]),
        (units.seconds, "2 S", ["'S'"]),
        (units.seconds, "nan s", ["not a number"]),
        (units.seconds, "inf s", ["not a number"]),
        (units.seconds, "1e999 s", ["too large"]),
        (units.seconds, "9" * 41 + " s", ["not a number"]),
        (units.seconds, "\u0662 s", ["not a number"]),
        (units.rate, "40", ["no unit", "40 requests/s"]),
        (units.rate, "40 rps", ["'rps'"]),
        (units.rate, "5 m tokens/min", ["'m tokens/min'"]),
        (units.rate, "5 M tokens/day", ["'M tokens/day'"]),
        (units.fraction, "3 percent", ["'percent'", "3 %"]),
        (units.fraction, math.nan, ["finite"]),
        (units.fraction, math.inf, ["finite"]),
        (prices.node_price, "28 USD/h", ["'USD/h'", "31.92 USD/node/h"]),
        (prices.node_price, "28 EURO/node/h", ["'EURO/node/h'"]),
        (prices.node_price, "28 USD/node/year", ["'USD/node/year'"]),
        (prices.price_once, "28 USD/node/h", ["'USD/node/h'", "310 k USD"]),
        (prices.price_per_year, "28 USD/node", ["'USD/node'", "9 k USD/node/year"]),
        (lambda text: prices.price_per_month(text, "U"), "25 USD/kW/month", ["per kW", "USD/U/month"]),
        (prices.usd, "28 EUR", ["'EUR'"]),
        (prices.usd, "28", ["no unit"]),
        (units.latency, "0 s", ["more than zero"]),
        (units.latency, "-1 s", ["more than zero"]),
        (units.latency, "2 s at p0", ["p0"]),
        (units.latency, "p99", ["not a number"]),
    ],
)
def test_what_is_refused_says_what_was_found_and_what_is_wanted(
    parse: Callable[[object], Any], text: object, words: list[str]
) -> None:
    with pytest.raises(ValueError) as refused:
        parse(text)
    assert all(word in str(refused.value) for word in words), refused.value


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("value", [None, True, [], {}, b"2 s", object(), 2 + 1j, ""])
def test_what_is_no_text_is_refused(parse: Callable[[object], Any], value: object) -> None:
    with pytest.raises(ValueError):
        parse(value)


@pytest.mark.parametrize("parse", PARSERS)
@given(
    text=st.text(max_size=60)
    | st.builds("{} {}".format, st.floats() | st.integers(), st.sampled_from(UNITS + LATENCIES))
    | st.from_regex(r"[-+.\d_eE]{1,12} ?[a-zA-Z/%]{0,10}( at p[\d.]{1,6})?")
)
def test_no_text_raises_anything_but_value_error(parse: Callable[[object], Any], text: str) -> None:
    with contextlib.suppress(ValueError):
        parse(text)


@given(number=st.floats(min_value=1e-6, max_value=700), unit=st.sampled_from(["us", "ms", "s", "min", "h"]))
def test_seconds_keep_the_size_of_what_was_written(number: float, unit: str) -> None:
    factor = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}[unit]
    assert math.isclose(units.seconds(f"{number!r} {unit}"), number * factor)


@given(number=st.floats(min_value=0, max_value=1e6))
def test_a_percentage_is_a_hundredth(number: float) -> None:
    assert units.fraction(f"{number!r} %") == number / 100
