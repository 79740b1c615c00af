"""A plan's dollars, read once for every report, so that all of them show the same numbers.

    nominal usd  =  usd x probability, in dollars of their day: what budgets and cash flows are made of
    present usd  =  nominal usd x discount: they sum to the plan's expected cost

Each line is one of three kinds. *capex* buys something that is owned afterwards, less what owned nodes are sold for;
*opex* is paid for use, also where it is paid ahead, as the upfront part of a reservation is; *unpaid* is money that the
plan counts and nobody pays in the horizon: what purchased nodes are still worth at its end, and the price put on demand
that goes unserved. Capex and opex together are the cash that leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fleetopt.plan.domain import CostLine, Plan
from fleetopt.plan.money import KINDS, PAID_AT_START, Kind, is_paid, kind_of

__all__ = ["KINDS", "Kind", "is_paid", "kind_of"]  # part of the same vocabulary, for whoever reads dollars here

KIND_WORDS: dict[Kind, str] = {"capex": "capex", "opex": "opex", "unpaid": "counted, not paid"}

_TITLES = {
    "on_demand": "On-demand rental",
    "spot": "Spot rental",
    "reserved": "Reserved, by the hour",
    "lease": "Lease rent",
    "purchase_running": "Running purchased nodes",
    "upfront": "Paid with the order",
    "sale": "Sold nodes",
    "residual_value": "Residual value",
    "owned": "Running owned nodes",
    "electricity": "Electricity",
    "support": "Support",
    "colocation": "Colocation",
    "carbon": "Price of carbon",
    "shortfall": "Price of unserved demand",
}
"""Names for people; a line that is not here is shown by its own name."""

_ONCE = PAID_AT_START
"""Lines that are paid once, on the first day; capex where the order is a purchase."""


@dataclass(frozen=True, slots=True)
class Spend:
    """A cost line as reports need it; `usd` is nominal, `present_usd` discounted, both expected over outlooks."""

    line: str
    kind: Kind
    once: bool
    period: str
    site: str
    item: str
    usd: float
    present_usd: float

    @property
    def title(self) -> str:
        return line_title(self.line)


def nominal_usd(cost: CostLine) -> float:
    """A cost line in dollars of its day, expected over outlooks."""
    return cost.usd * cost.probability


def expected_cost(plan: Plan) -> float:
    """The expected cost of a plan at present value; its objective, where no risk is weighed."""
    return plan.objective_usd if plan.expected_usd is None else plan.expected_usd


def is_discounted(plan: Plan) -> bool:
    """Whether dollars of later periods count less."""
    return any(cost.discount != 1.0 for cost in plan.costs)


def spend(plan: Plan) -> tuple[Spend, ...]:
    """Every cost line of a plan, in its order."""
    bought = {order.supply for order in plan.orders if order.kind == "purchase"}
    return tuple(
        Spend(
            *(c.line, kind_of(c, bought), c.line in _ONCE, c.period, c.site, c.item),
            usd=nominal_usd(c),
            present_usd=nominal_usd(c) * c.discount,
        )
        for c in plan.costs
    )


def line_title(line: str) -> str:
    """A cost line's name for people.

    >>> line_title("on_demand"), line_title("carbon_price")
    ('On-demand rental', 'Carbon price')
    """
    return _TITLES.get(line) or line.replace("_", " ").strip().capitalize()


Key: TypeAlias = Callable[[Spend], str]


def totals(entries: Iterable[Spend], key: Key) -> dict[str, float]:
    """Dollars by what `key` says of an entry, in the order of first appearance."""
    found: dict[str, float] = {}
    for entry in entries:
        found[key(entry)] = found.get(key(entry), 0.0) + entry.usd
    return found


def table(entries: Iterable[Spend], row: Key, column: Key, columns: Sequence[str]) -> dict[str, list[float]]:
    """Dollars by row, one for each of `columns`; rows in the order of first appearance."""
    place = {name: index for index, name in enumerate(columns)}
    found: dict[str, list[float]] = {}
    for entry in entries:
        found.setdefault(row(entry), [0.0] * len(columns))[place[column(entry)]] += entry.usd
    return found


def present_values(plan: Plan, periods: Sequence[str]) -> list[float]:
    """What each period's cost lines are worth at the start of the horizon."""
    place = {name: index for index, name in enumerate(periods)}
    found = [0.0] * len(periods)
    for entry in spend(plan):
        found[place[entry.period]] += entry.present_usd
    return found


def periods_of(plan: Plan) -> list[str]:
    """The plan's periods in order."""
    return list(dict.fromkeys(w.period for w in plan.workloads))


def top(values: dict[str, list[float]], most: int) -> dict[str, list[float]]:
    """The rows with the largest sums of absolute values, and the sum of all others as one row.

    No name in a scenario has a comma, so that this row is nobody else's.

    >>> top({"a": [1.0], "b": [5.0], "c": [3.0], "d": [2.0]}, 3)
    {'b': [5.0], 'c': [3.0], 'others, 2': [3.0]}
    """
    if len(values) <= most:
        return dict(values)
    ranked = sorted(values, key=lambda name: sum(map(abs, values[name])), reverse=True)
    kept, rest = set(ranked[: most - 1]), ranked[most - 1 :]
    found = {name: row for name, row in values.items() if name in kept}
    found[f"others, {len(rest)}"] = [sum(column) for column in zip(*(values[name] for name in rest), strict=True)]
    return found
