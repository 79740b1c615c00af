"""A serving style: a way of the literature to serve, as a restriction of everything that a scenario allows.

    plans(style) is a subset of plans(scenario), so   least(scenario) <= least(style)

A style gives the best plan of its kind, verified as a plan of the whole scenario: whatever it finds is one that the
planner might have chosen, and no style can be cheaper than all of them together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fleetopt.scenario.domain import Scenario
from fleetopt.study.merge import of_whole
from fleetopt.study.plainer import UNFINISHED, Fleet
from fleetopt.study.resolve import Resolver


@dataclass(frozen=True, slots=True)
class Style:
    """A way to serve. `name` is its folder and what an option calls it; `paper` is who describes it.

    `find` gives its best plan of a scenario, or none with the reason, also where the style does not apply.
    """

    name: str
    title: str
    paper: str
    find: Callable[[Scenario, Resolver], Fleet]


def narrowed(scenario: Scenario, narrower: Scenario, desk: Resolver, what: str, note: str) -> Fleet:
    """The best plan of a scenario with less to choose from, as one of the scenario itself.

    Args:
        scenario: the whole question.
        narrower: the same with less to choose from.
        desk: what solves it.
        what: it is asked for.
        note: what the style comes to here.
    """
    answer = desk.solve(narrower, what)
    if answer.plan is not None:
        return Fleet(of_whole(scenario, answer.plan), note, bound_usd=answer.plan.bound_usd)
    if not answer.impossible:
        return Fleet(None, UNFINISHED, open=True)
    return Fleet(None, f"impossible: {answer.why}" if answer.why else "no such plan within the limits")
