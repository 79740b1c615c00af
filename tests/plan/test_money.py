"""Constants of finance that everybody can look up."""

from __future__ import annotations

from datetime import date

import pytest

from fleetopt.plan.money import capital_recovery, discount
from fleetopt.scenario.domain import Period


def test_capital_recovery_factors_are_those_of_the_books() -> None:
    """Proves crf(7 %, 20 years) = 0.09439 and an annuity of 2 M at 10 % over 25 years of 0.2203 M a year."""
    assert round(capital_recovery(0.07, 20), 5) == 0.09439
    assert round(2.0 * capital_recovery(0.10, 25), 4) == 0.2203


def test_without_a_rate_an_amount_is_spread_evenly() -> None:
    """Proves 1/n, and that small rates lead there: the formula itself would divide zero by zero."""
    assert capital_recovery(0.0, 8) == 0.125
    assert capital_recovery(1e-12, 8) == pytest.approx(0.125)


@pytest.mark.parametrize("rate", [0.01, 0.08, 0.3])
def test_an_annuity_is_worth_what_it_recovers(rate: float) -> None:
    """Proves that crf and discounting belong together: what is paid at the end of each year discounts to the amount."""
    years = [Period(str(year), date(year, 1, 1), 12, 365) for year in range(2027, 2034)]
    paid = sum(capital_recovery(rate, 7) * discount("residual_value", year.name, years, rate) for year in years)
    assert paid == pytest.approx(1.0)
