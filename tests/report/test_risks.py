from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetopt.plan.domain import Plan
from fleetopt.report.money import is_paid
from fleetopt.report.risks import bands, outlook_costs, quantile
from fleetopt.scenario.domain import Scenario


def test_outlooks_weighted_by_probability_are_the_objective(quarters: Plan, scenario: Scenario) -> None:
    """What holds in every outlook is in each of them once."""
    found = outlook_costs(quarters, scenario)
    assert math.fsum(o.probability * o.total_usd for o in found) == pytest.approx(quarters.objective_usd, rel=1e-12)
    assert found[1].total_usd > found[0].total_usd


def test_the_band_is_of_cash(quarters: Plan, scenario: Scenario) -> None:
    """At the end of the horizon P90 is all that the dearer outlook pays, without residual value."""
    growth = [c for c in quarters.costs if is_paid(c) and c.outlook in ("all", "growth")]
    low, middle, high = bands(outlook_costs(quarters, scenario))[-1]
    assert high == pytest.approx(math.fsum(c.usd for c in growth))
    assert low <= middle <= high


def test_unserved_demand_and_gpus_are_those_of_the_outlook(quarters: Plan, scenario: Scenario) -> None:
    """Growth needs no fewer GPUs; no outlook leaves more unserved than its scenario allows."""
    base, growth = outlook_costs(quarters, scenario)
    assert growth.most_gpus >= base.most_gpus > 0
    assert all(0 <= one.shortfall <= 0.12 for one in (base, growth))


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6), q=st.floats(0.01, 1))
def test_a_quantile_is_the_least_value_not_exceeded_often_enough(values: list[float], q: float) -> None:
    """With equal weights: at least a share q of the values is no larger, and no smaller value has that."""
    found = quantile(values, [1 / len(values)] * len(values), q)
    share = sum(v <= found for v in values) / len(values)
    below = [v for v in values if v < found]
    assert share >= q - 1e-9
    assert not below or sum(v <= max(below) for v in values) / len(values) < q
