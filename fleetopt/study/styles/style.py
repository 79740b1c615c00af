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
from fleetopt.study.resolve import Answer, Resolver
from fleetopt.study.styles.profiled import without_profile

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


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a style: `note` is what it comes to, `profile` what a model needs to be served in it."""

    name: str
    title: str
    paper: str
    note: str
    profile: str = "profile in any way that is left"


def restriction(said: Said, leaves: Leaves) -> Style:
    """A style that is one scenario with less to choose from."""

    def find(scenario: Scenario, desk: Resolver) -> Fleet:
        narrower = leaves(scenario)
        if isinstance(narrower, str):
            return Fleet(None, narrower, applies=False)
        answer = desk.solve(narrower, said.title)
        if answer.plan is not None:
            return Fleet(of_whole(scenario, answer.plan), said.note, bound_usd=answer.plan.bound_usd)
        return _none(narrower, answer, said.profile)

    return Style(said.name, said.title, said.paper, find, leaves)


def _none(narrower: Scenario, answer: Answer, profile: str) -> Fleet:
    """Why there is no plan: not in time, no profile, or nothing that keeps every promise."""
    if not answer.impossible:
        return Fleet(None, UNFINISHED, open=True, bound_usd=answer.bound_usd)
    if answer.unprofiled:
        return Fleet(None, without_profile(narrower, profile) or answer.why, applies=False)
    return Fleet(None, answer.why or "no such plan within the limits")
