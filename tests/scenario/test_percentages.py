"""Factors, changes and markups: what could be read in two ways is refused, with both ways written out."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from fleetopt.scenario.fields import Change, Factor, Markup


@pytest.mark.parametrize(
    ("value", "factor"), [("120 %", 1.2), (1.2, 1.2), ("1.2", 1.2), (10, 10.0), ("12000 %", 120.0), ("0 %", 0.0)]
)
def test_a_factor_is_a_share_of_the_base(value: object, factor: float) -> None:
    assert TypeAdapter(Factor).validate_python(value) == pytest.approx(factor)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("+20 %", "write '120 %' for +20 %"),
        (" -7% ", "write '93 %' for -7%"),
        ("+0.2", "write '120 %' for +0.2"),
        (120, "would be 12000 %; write '120 %' or '12000 %'"),
        ("120", "would be 12000 %; write '120 %' or '12000 %'"),
        (-0.2, "is negative"),
    ],
)
def test_a_factor_that_may_be_meant_as_a_change_is_refused(value: object, said: str) -> None:
    """'+20 %' was once read as a fifth of the base, and 120 as twelve thousand percent."""
    with pytest.raises(ValidationError, match=said.replace("+", r"\+")):
        TypeAdapter(Factor).validate_python(value)


@pytest.mark.parametrize(("value", "factor"), [("-10 %", 0.9), (-0.1, 0.9), ("+15 %", 1.15), (1, 2.0), ("1000 %", 11)])
def test_a_change_is_relative_to_the_price(value: object, factor: float) -> None:
    assert TypeAdapter(Change).validate_python(value) == pytest.approx(factor)


@pytest.mark.parametrize("kind", [Change, Markup])
def test_a_bare_ten_is_no_ten_percent_and_no_tenfold(kind: Any) -> None:
    with pytest.raises(ValidationError, match="would be 1000 %; write '10 %' or '1000 %'"):
        TypeAdapter(kind).validate_python(10)
