"""A serving style: a way of the literature to serve, as a restriction of everything that a scenario allows.

    plans(style) is a subset of plans(scenario), so   least(scenario) <= least(style)

A style gives the best plan of its kind, verified as a plan of the whole scenario: whatever it finds is one that the
planner might have chosen, and no style can be cheaper than all of them together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from fleetopt.scenario.domain import Scenario
from fleetopt.study.merge import of_whole
from fleetopt.study.plainer import UNFINISHED, Fleet
from fleetopt.study.resolve import Resolver

Leaves: TypeAlias = Callable[[Scenario], Scenario | str]
"""A scenario with less to choose from, or why there is no such thing."""


@dataclass(frozen=True, slots=True)
class Style:
    """A way to serve. `name` is its folder and what an option calls it; `paper` is who describes it.

    `find` gives its best plan of a scenario, or none with the reason, also where the style does not apply. `leaves` is
    the scenario with all that it leaves, or why it does not apply; None where it is a choice among several such.
    """

    name: str
    title: str
    paper: str
    find: Callable[[Scenario, Resolver], Fleet]
    leaves: Leaves | None = None


def restriction(name: str, title: str, paper: str, note: str, leaves: Leaves) -> Style:
    """A style that is one scenario with less to choose from; `note` is what it comes to."""

    def find(scenario: Scenario, desk: Resolver) -> Fleet:
        narrower = leaves(scenario)
        if isinstance(narrower, str):
            return Fleet(None, f"does not apply: {narrower}")
        answer = desk.solve(narrower, title)
        if answer.plan is not None:
            return Fleet(of_whole(scenario, answer.plan), note, bound_usd=answer.plan.bound_usd)
        if not answer.impossible:
            return Fleet(None, UNFINISHED, open=True)
        return Fleet(None, f"impossible: {answer.why}" if answer.why else "no such plan within the limits")

    return Style(name, title, paper, find, leaves)
