from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetopt.plan.domain import Plan
from fleetopt.report.money import kind_of, line_title, periods_of, spend, table, top, totals


def test_every_dollar_of_the_objective_is_spent_once(quarters: Plan) -> None:
    """Expected dollars over all entries are the objective; a line left out or counted twice would show."""
    assert math.fsum(e.usd for e in spend(quarters)) == pytest.approx(quarters.objective_usd, rel=1e-12)


def test_capex_is_what_is_bought_and_nothing_else(quarters: Plan) -> None:
    """One B200 node is bought for 310 000.37; the money upfront of a reservation, 4001.11, is opex."""
    kinds = totals([e for e in spend(quarters) if e.line == "upfront"], lambda e: e.kind)
    assert kinds == {"opex": pytest.approx(4001.11), "capex": pytest.approx(310000.37)}


def test_what_nobody_pays_is_kept_apart(quarters: Plan) -> None:
    """Residual value and the price of unserved demand are in the objective and in no cash."""
    unpaid = {e.line for e in spend(quarters) if e.kind == "unpaid"}
    assert unpaid == {"residual_value", "shortfall"}


def test_a_line_that_is_not_known_yet_is_opex_under_its_own_name(quarters: Plan) -> None:
    """Features add cost lines; a report shows them without being told."""
    new = quarters.costs[0].model_copy(update={"line": "carbon_price"})
    assert (kind_of(new, ["buy-b200"]), line_title(new.line)) == ("opex", "Carbon price")


def test_a_table_has_every_dollar_in_its_period(quarters: Plan) -> None:
    """Rows and columns of a table sum to what the entries sum to."""
    entries, periods = spend(quarters), periods_of(quarters)
    found = table(entries, lambda e: e.line, lambda e: e.period, periods)
    by_period = totals(entries, lambda e: e.period)
    for n, period in enumerate(periods):
        assert math.fsum(row[n] for row in found.values()) == pytest.approx(by_period[period], rel=1e-12)


@given(
    values=st.dictionaries(
        st.text("abc", min_size=1, max_size=3), st.lists(st.integers(-9, 9), min_size=2, max_size=2)
    ),
    most=st.integers(2, 5),
)
def test_putting_the_small_ones_together_loses_nothing(values: dict[str, list[float]], most: int) -> None:
    """The largest rows and the others keep the sum of every column, in no more rows than asked for."""
    found = top(values, most)
    assert len(found) <= most
    for n in (0, 1):
        assert sum(row[n] for row in found.values()) == sum(row[n] for row in values.values())
