"""verify's own numerics, against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator
from scipy.stats import poisson

from fleetopt.verify.curves import pchip
from fleetopt.verify.numerics import root
from fleetopt.verify.queueing import number_found

points = st.lists(st.tuples(st.floats(0.1, 10.0), st.floats(-50.0, 50.0)), min_size=2, max_size=9)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(points, st.floats(0.0, 1.0))
def test_the_monotone_cubic_is_scipys(steps: list[tuple[float, float]], part: float) -> None:
    """Two people wrote the curve apart; between any points they agree to nine digits.

    With arithmetic means for tangents the curves would differ by whole units where slopes change.
    """
    x = np.cumsum([step for step, _ in steps])
    y = [value for _, value in steps]
    at = float(x[0] + part * (x[-1] - x[0]))
    expected = float(PchipInterpolator(x, y)(at))
    assert pchip([float(v) for v in x], y)(at) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("mean", [0.01, 0.7, 5.0, 33.3, 480.0, 900.0])
@pytest.mark.parametrize("percentile", [0.5, 0.9, 0.99, 0.999])
def test_poisson_quantiles_are_scipys(mean: float, percentile: float) -> None:
    """Requests that do not slow one another are Poisson: the smallest n with P(N <= n) >= p, and oneself."""
    assert number_found(lambda n: n, 5000.0, mean, percentile) == int(poisson(mean).ppf(percentile)) + 1


def test_a_root_needs_a_change_of_sign() -> None:
    """A bracket without one is a mistake of the caller, not a root at its end."""
    with pytest.raises(ValueError, match="same sign"):
        root(lambda x: x * x + 1.0, -1.0, 1.0)
