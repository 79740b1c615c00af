"""What a plan was to have little of before it was to cost little, and how far it got."""

from __future__ import annotations

from fleetopt.plan.record import Record


class GoalReached(Record):
    """What the plan was to have little of, how much it has, and how much any plan of the kind has at least."""

    goal: str
    unit: str
    value: float
    bound: float | None


class OutlookBest(Record):
    """What an outlook costs at best, to who knows that it comes: found, and proven as a bound."""

    outlook: str
    usd: float
    bound_usd: float | None


class Pursued(Record):
    """What came before cost, one after the other, at a cost of at most `at_most` above the cheapest plan's.

    A goal's bound holds for plans under that cost that have no more of the goals before it. `best_usd` is what regret
    is against.
    """

    goals: tuple[GoalReached, ...]
    at_most: float | None
    cheapest_usd: float
    cheapest_bound_usd: float | None
    best_usd: tuple[OutlookBest, ...] = ()
