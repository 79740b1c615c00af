from __future__ import annotations

import math
from datetime import date

import pytest

from fleetopt.plan.domain import Plan
from fleetopt.report.cash import cash_rows, end_of, months_of
from fleetopt.report.money import Spend, spend, totals
from fleetopt.scenario.domain import Period, Scenario

Q4 = Period("2027-Q4", date(2027, 10, 1), 3, 92)
Q1 = Period("2028-Q1", date(2028, 1, 1), 3, 91)


def test_dollars_of_use_fall_on_months_by_their_days() -> None:
    """920 USD over October to December are 310, 300 and 310: ten dollars a day."""
    rows = cash_rows([Spend("on_demand", "opex", False, "2027-Q4", "ams", "x", 920.0)], months_of([Q4]))
    assert rows[0].usd == pytest.approx((310.0, 300.0, 310.0))


def test_an_order_is_paid_in_the_month_it_is_placed_and_residual_value_comes_last() -> None:
    """Neither is spread: 100 USD fall on the first month of the period, -40 USD on the last of the horizon."""
    entries = [
        Spend("upfront", "capex", True, "2028-Q1", "ams", "x", 100.0),
        Spend("residual_value", "unpaid", False, "2028-Q1", "ams", "x", -40.0),
    ]
    paid, left = cash_rows(entries, months_of([Q4, Q1]))
    assert paid.usd == (0, 0, 0, 100.0, 0, 0)
    assert left.usd == (0, 0, 0, 0, 0, -40.0)


def test_months_have_names_and_know_their_period() -> None:
    """A leap February and a turn of the year are months like others; a period's shares sum to one."""
    months = months_of([Q4, Q1])
    assert [month.name for month in months] == ["2027-10", "2027-11", "2027-12", "2028-01", "2028-02", "2028-03"]
    assert months[4].share == pytest.approx(29 / 91)
    assert math.fsum(month.share for month in months if month.period == "2028-Q1") == pytest.approx(1.0)
    assert (end_of(Q4), end_of(Q1)) == (date(2027, 12, 31), date(2028, 3, 31))


def test_months_of_a_plan_sum_to_its_periods(quarters: Plan, scenario: Scenario) -> None:
    """No dollar is lost between months and quarters."""
    months = months_of(scenario.calendar.periods)
    rows = cash_rows(spend(quarters), months)
    for period, usd in totals(spend(quarters), lambda e: e.period).items():
        found = [row.usd[n] for row in rows for n, month in enumerate(months) if month.period == period]
        assert math.fsum(found) == pytest.approx(usd, abs=1e-6)
