"""What the comparison of serving styles found, as records that are written and read.

Money is what a plan costs over the horizon (its objective). GPUs, nodes and power are the most in service at once, each
by itself; power is the nodes' nameplate, or 1.9 times their GPUs' boards where nobody states one.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from fleetopt.plan.domain import Plan
from fleetopt.plan.record import Record
from fleetopt.study.measures import Largest

ALL_ALLOWED = "all"
"""The name of the row of everything that the scenario allows."""

Came: TypeAlias = Literal[
    "VERIFIED", "BREAKS_THE_SCENARIO", "IMPOSSIBLE", "DOES_NOT_APPLY", "NOT_FINISHED", "NOT_ASKED"
]
"""What came of a style: a plan that keeps every promise of the scenario; one that does not; none, because there is
none; none, because what the style is about is not there; none yet, because time ran out or somebody stopped it, in its
solve or before it was asked.
"""


class StyleRow(Record):
    """A style and its best plan, which is None where there is none; `note` says then why, otherwise what it is.

    `ratio` is its cost over that of everything allowed. `gap` is how far from the best of its own kind it may be, None
    where nothing is known (a formula claims nothing); no plan of the kind costs less than `bound_usd`. `verified` is
    whether it keeps every promise of the scenario; `finished` whether time sufficed for all that it takes.
    """

    name: str
    title: str
    paper: str
    came: Came
    usd: float | None
    ratio: float | None = None
    bound_usd: float | None
    gap: float | None
    largest: Largest | None
    verified: bool
    finished: bool
    note: str
    plan: Plan | None = Field(default=None, exclude=True)


class Comparison(Record):
    """All styles of a scenario, everything allowed last; it is None where no plan was found for it.

    `complete` is false where time ran out, or somebody stopped it, before each style was answered.
    """

    schema_version: Literal["1"] = "1"
    scenario: str
    styles: tuple[StyleRow, ...]
    allowed: StyleRow | None
    solves: int
    complete: bool

    @property
    def rows(self) -> tuple[StyleRow, ...]:
        """The rows of the table."""
        return self.styles if self.allowed is None else (*self.styles, self.allowed)
