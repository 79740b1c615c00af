"""What is found of a plan: sentences with their numbers, and what a difference of two plans is known to be.

Both plans are known to their gaps. Where the second one has one thing less to keep, or pays less for it, the first is a
plan of it as well, so the difference of the best two lies between

    least = (bound of the first) - (cost of the second)   and   most = (cost of the first) - (bound of the second)

and is not below zero; where `least` is not above it, there may be no difference at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from fleetopt.plan.domain import Plan
from fleetopt.plan.record import Record
from fleetopt.study.resolve import Answer

Topic: TypeAlias = Literal["binds", "one more", "price", "life", "promise"]

UNKNOWN = "not worked out within the number of solves and the time"

NO_USD = 0.005

WIDE = 0.1
"""Of a difference, from which on what the gaps leave open of it is said beside it."""


class Finding(Record):
    """One thing to know, in a sentence and in numbers.

    `usd` is what a limit's next unit or a promise's absence saves between the plans found, at least `least_usd` and at
    most `most_usd` by their gaps; `factor` the part of today's price at which supply would come in. None where the
    sentence has no such number, or it is not known.
    """

    topic: Topic
    about: str
    sentence: str
    usd: float | None = None
    least_usd: float | None = None
    most_usd: float | None = None
    factor: float | None = None


@dataclass(frozen=True, slots=True)
class Saving:
    """What is saved between two plans found, in USD, and between which amounts it lies."""

    usd: float
    least: float
    most: float

    @property
    def sure(self) -> bool:
        """Whether anything is saved at all."""
        return self.least > 0.0


def saving(plan: Plan, answer: Answer) -> Saving | None:
    """What a question that asks less than the plan's own saves; None where nothing can be said of it."""
    ours = plan.objective_usd
    theirs = ours if answer.plan is None else min(ours, answer.plan.objective_usd)
    bound = -math.inf if answer.bound_usd is None else min(answer.bound_usd, theirs)
    rounding = 1e-9 * abs(ours)
    least = -math.inf if plan.bound_usd is None else plan.bound_usd - theirs
    found = Saving(ours - theirs, least if least > rounding else 0.0, ours - bound)
    return found if found.sure or math.isfinite(found.most) else None


def dollars(found: Saving, whole_usd: float | None = None) -> str:
    """A saving in words, as a part of the whole if that is given, and where it lies if the gaps leave much open."""
    if not found.sure:
        return "nothing" if found.most < NO_USD else f"at most {found.most:,.2f} USD, if anything"
    part = f" ({100 * found.usd / whole_usd:.3g} %)" if whole_usd else ""
    if not math.isfinite(found.most):
        return f"{found.usd:,.2f} USD{part}, by the gaps {found.least:,.2f} USD or more"
    if found.most - found.least <= WIDE * found.usd:
        return f"{found.usd:,.2f} USD{part}"
    return f"{found.usd:,.2f} USD{part}, by the gaps {found.least:,.2f} to {found.most:,.2f} USD"


def bounds(found: Saving) -> dict[str, float | None]:
    """The numbers of a saving, as a finding has them."""
    most = found.most if math.isfinite(found.most) else None
    return {"usd": found.usd, "least_usd": found.least, "most_usd": most}
