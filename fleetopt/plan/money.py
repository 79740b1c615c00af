"""What a dollar of another time is worth at the start, what one of now comes to by the year, and what kind each is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from fleetopt.plan.domain import CostLine
from fleetopt.scenario.domain import Period

MONTHS_PER_YEAR = 12.0
PAID_AT_START = frozenset({"upfront", "sale"})
RECEIVED_AT_END = frozenset({"residual_value"})
"""Cost lines that fall on the first or the last day of their period; all others are spread over it."""

Kind: TypeAlias = Literal["capex", "opex", "unpaid"]
KINDS: tuple[Kind, ...] = ("capex", "opex", "unpaid")
SOLD = "sale"
_UNPAID = RECEIVED_AT_END | {"shortfall"}


def discount(line: str, period: str, periods: Sequence[Period], rate: float) -> float:
    """(1 + rate)^-years, with the years from the start of the horizon to when a cost line is paid.

    Args:
        line: the cost line; `upfront` and `sale` are paid on the first day of the period, `residual_value` on the
            last, any other in the middle of it on average.
        period: its name.
        periods: those of the calendar.
        rate: per year.

    >>> from datetime import date
    >>> year = [Period("2027", date(2027, 1, 1), 12, 365), Period("2028", date(2028, 1, 1), 12, 366)]
    >>> [round(discount(line, "2028", year, 0.1), 4) for line in ("upfront", "on_demand", "residual_value")]
    [0.9091, 0.8668, 0.8264]
    """
    months = 0.0
    for one in periods:
        if one.name == period:
            share = 0.0 if line in PAID_AT_START else 1.0 if line in RECEIVED_AT_END else 0.5
            return float((1.0 + rate) ** (-(months + share * one.months) / MONTHS_PER_YEAR))
        months += one.months
    raise ValueError(f"'{period}' is no period of the calendar")


def capital_recovery(rate: float, years: float) -> float:
    """The part of an amount that, paid at the end of each of so many years, is worth it at the start.

    crf = r / (1 - (1 + r)^-n), and 1/n without a rate.

    >>> round(capital_recovery(0.07, 20), 5), round(2e6 * capital_recovery(0.10, 25))
    (0.09439, 220336)
    """
    return 1.0 / years if rate == 0 else rate / -math.expm1(-years * math.log1p(rate))


def kind_of(cost: CostLine, bought: Iterable[str]) -> Kind:
    """Whether a line is capex, opex or not paid; `bought` are the supply lines that are purchases."""
    if not is_paid(cost):
        return "unpaid"
    return "capex" if cost.line == SOLD or (cost.line in PAID_AT_START and cost.item in bought) else "opex"


def is_paid(cost: CostLine) -> bool:
    """Whether a line is cash that leaves, not only counted."""
    return cost.line not in _UNPAID
