"""What is written in a field as a number on an axis."""

from __future__ import annotations

import pytest

from fleetopt.study.sweep.quantities import quantity


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("500 h", (1_800_000.0, "s")),
        ("2000 h", (7_200_000.0, "s")),
        ("10 d", (864_000.0, "s")),
        ("900 M requests", (9e8, "requests")),
        ("2 T tokens", (2e12, "tokens")),
        ("40 M requests/day", (4e7, "requests/day")),
        ("31.92 USD/node/h", (31.92, "USD/node/h")),
        ("9 k EUR/node/year", (9000.0, "EUR/node/year")),
        ("150 USD/kW/month", (150.0, "USD/kW/month")),
        ("25 USD/U/month", (25.0, "USD/U/month")),
        ("310 k USD", (310_000.0, "USD")),
        ("310 k EUR", (310_000.0, "EUR/node")),
        ("30 k USD/GPU", (30_000.0, "USD/GPU")),
        ("0.05 /node/h", (0.05, "/node/h")),
        ("12 /node/day", (0.5, "/node/h")),
    ],
)
def test_every_quantity_of_a_scenario_has_a_place_on_an_axis(written: str, expected: tuple[float, str]) -> None:
    """Proves number and base unit, and that lengths on both sides of a month come in the same one.

    Sensitivity: a field that none of the readers knows gets no curve when it is swept.
    """
    found = quantity(written)
    assert found is not None
    assert found[0] == pytest.approx(expected[0])
    assert found[1] == expected[1]
