"""What the verbs that ask about a plan have in common: the plan, solved or read and verified, and the budget."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetopt.cli.options import fraction_option, seconds_option, told, wipe

if TYPE_CHECKING:
    from fleetopt.plan.domain import Plan
    from fleetopt.scenario.domain import Scenario
    from fleetopt.study.resolve import Resolver
    from fleetopt.study.styles import Style

Gap = Annotated[str, typer.Option(help="Solve each question to within this of the best.", metavar="PERCENT")]
TimeLimit = Annotated[str, typer.Option(help="Stop each solve after this long.", metavar="TIME")]
TotalTime = Annotated[str, typer.Option(help="Spend no longer than this on all solves.", metavar="TIME")]
StoredPlan = Annotated[
    Path | None, typer.Option("--plan", help="A plan of the scenario, plan.json or its folder, instead of solving.")
]


def resolver(gap: str, time_limit: str, total_time: str, most: int | None = None) -> Resolver:
    """The budget that the options say, telling a person at a terminal how it goes."""
    each, total = seconds_option("--time-limit", time_limit), seconds_option("--total-time", total_time)
    part = fraction_option("--gap", gap)
    from fleetopt.optimizer.solve import SolveOptions
    from fleetopt.study.resolve import Resolver

    return Resolver(SolveOptions(part, each), most=most, seconds=total, tell=told())


def question_of(scenario: Path, stored: Path | None) -> Scenario:
    """The scenario at a path; for a plan of a sweep, its variant."""
    if stored is None:
        from fleetopt.scenario.load import load

        return load(scenario)
    from fleetopt.plan.store import read_plan
    from fleetopt.study.sweep.stored import scenario_of

    return scenario_of(stored, read_plan(stored), scenario)


def plan_of(scenario: Scenario, stored: Path | None, desk: Resolver) -> Plan:
    """The plan that is asked about: read and verified, or the best one.

    Raises:
        InputError: the stored plan is not one of this scenario as it is now.
    """
    if stored is None:
        from fleetopt.study.once import optimize
        from fleetopt.study.restrict import by_cost

        desk.tell("the plan itself", 0)
        return optimize(by_cost(scenario), desk.options)
    return verified(scenario, stored)


def verified(scenario: Scenario, stored: Path) -> Plan:
    """A stored plan, read and verified.

    Raises:
        InputError: it is not one of this scenario as it is now.
    """
    from fleetopt.cli.verify import changes
    from fleetopt.documents import shown
    from fleetopt.errors import InputError, Issue
    from fleetopt.plan.store import read_plan
    from fleetopt.verify.verifier import verify

    plan = read_plan(stored)
    broken = [f"{check.name}: {check.detail}" for check in verify(plan, scenario).checks if not check.passed]
    if broken:
        why = "; ".join(filter(None, [changes(plan, scenario), *broken]))
        what = f"is no plan of {shown(scenario.path)} as it is now ({why})"
        again = f"Plan again, with 'fleetopt plan {shown(scenario.path)}', or leave out --plan"
        raise InputError([Issue("stale-plan", f"--plan {shown(stored)}", what, again)])
    return plan


def style_option(name: str) -> Style:
    """The serving style of a name."""
    from fleetopt.cli.failure import bad_option
    from fleetopt.errors import did_you_mean
    from fleetopt.study.styles import STYLES

    known = {style.name: style for style in STYLES}
    if name not in known:
        raise bad_option("--style", f"'{name}' is no serving style. {did_you_mean(name, known)}")
    return known[name]


@contextmanager
def stoppable(desk: Resolver) -> Iterator[None]:
    """Ctrl-C ends the solve at hand, and with it all that would follow; what is finished stays."""

    def stop(_signal: int, _frame: object) -> None:
        desk.stopped = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


__all__ = [
    "Gap",
    "StoredPlan",
    "TimeLimit",
    "TotalTime",
    "plan_of",
    "question_of",
    "resolver",
    "stoppable",
    "style_option",
    "verified",
    "wipe",
]
