"""fleetopt stretch: the largest multiple of demand that can be served under a limit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetopt.cli.failure import bad_option
from fleetopt.cli.options import fraction_option
from fleetopt.cli.plan import Scenario
from fleetopt.cli.studying import Gap, TimeLimit, TotalTime, resolver, stoppable, style_option, wipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleetopt.scenario.domain import Scenario as Question

NAME = "stretch"
BRIEF = "Find how far demand can grow."
MOST_STEPS = 50


def run(
    scenario: Scenario,
    budget: Annotated[
        str | None, typer.Option(help="Pay at most this over the horizon, in any outlook.", metavar="USD")
    ] = None,
    power: Annotated[
        str | None, typer.Option(help="Keep the nameplate of all nodes in service under this.", metavar="POWER")
    ] = None,
    workload: Annotated[str | None, typer.Option(help="Stretch only this workload; the others ask the same.")] = None,
    style: Annotated[
        str | None, typer.Option(help="Serve only in this style, as fleetopt study names them.", metavar="NAME")
    ] = None,
    within: Annotated[str, typer.Option(help="End when it is known to within this.", metavar="PERCENT")] = "0.1 %",
    steps: Annotated[int, typer.Option(min=1, max=MOST_STEPS, help="A curve of so many parts of the limit.")] = 1,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write multiples, curve and a plan for each point here.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the multiples as JSON.")] = False,
    gap: Gap = "0.01 %",
    time_limit: TimeLimit = "1 min",
    total_time: TotalTime = "10 min",
) -> None:
    """Find the largest multiple of demand that can be served: within a budget, within a power, or, with neither, with
    the offers, owned nodes and limits of the scenario as they are.

    The multiple has a verified plan, and a little more is proven to have none. Ctrl-C keeps what is finished.
    """
    from fleetopt import prices, units

    desk, near = resolver(gap, time_limit, total_time), fraction_option("--within", within)
    if near < NEAREST:
        raise bad_option("--within", f"'{within}' is finer than 0.001 %, which solves cannot tell apart")
    budget_usd, power_w = _amount("--budget", budget, prices.usd), _amount("--power", power, units.power)
    if steps > 1 and budget_usd is None and power_w is None:
        raise bad_option("--steps", "draws a curve over a limit; give --budget or --power")
    if out is not None:
        from fleetopt.documents import check_folder

        check_folder(out, force=False)
    from fleetopt.scenario.load import load
    from fleetopt.study.stretch import Limits, stretch

    question = _in_style(load(scenario), style)
    _check_workload(question, workload)
    limits = Limits(budget_usd, power_w)
    try:
        with stoppable(desk):
            found = stretch(question, limits, desk, workload=workload, within=near, steps=steps)
    finally:
        wipe()
    written: list[Path] = []
    if out is not None:
        from fleetopt.report.stretch_files import write_stretch

        written = write_stretch(found, out)
    if json_:
        sys.stdout.write(found.model_dump_json(indent=2) + "\n")
        return
    from fleetopt.cli.draw import announce, tell_written
    from fleetopt.report.stretch_views import stretch_headline, stretch_view

    screen = announce(stretch_headline(found), [stretch_view(found)])
    if out is not None:
        tell_written(screen, [str(path) for path in written])


NEAREST = 1e-5


def _in_style(question: Question, name: str | None) -> Question:
    """The question with what a serving style leaves of it."""
    if name is None:
        return question
    leaves = style_option(name).leaves
    if leaves is None:
        raise bad_option("--style", f"'{name}' is a choice among several, and nothing that can be stretched")
    left = leaves(question)
    if isinstance(left, str):
        raise bad_option("--style", f"'{name}' does not apply: {left}")
    return left


def _amount(name: str, text: str | None, read: Callable[[str], float]) -> float | None:
    """A limit that leaves something."""
    if text is None:
        return None
    try:
        value = read(text)
    except ValueError as error:
        raise bad_option(name, f"'{text}' {error}") from None
    if value <= 0:
        raise bad_option(name, f"'{text}' is not more than zero")
    return value


def _check_workload(question: Question, name: str | None) -> None:
    from fleetopt.errors import did_you_mean

    known = {w.name for w in question.workloads} | {w.written_as for w in question.workloads}
    if name is not None and name not in known:
        raise bad_option("--workload", f"'{name}' is no workload of the scenario. {did_you_mean(name, known)}")
