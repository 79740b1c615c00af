"""fleetopt sweep: many variants of a scenario, planned, kept and compared."""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from fleetopt.cli.failure import bad_option
from fleetopt.cli.options import fraction_option, seconds_option, wipe
from fleetopt.cli.plan import Method, Scenario

if TYPE_CHECKING:
    from fleetopt.study.sweep.engines.engine import Engine as Runs
    from fleetopt.study.sweep.records import Sweep
    from fleetopt.study.sweep.sweep import Ask, Progress

NAME = "sweep"
BRIEF = "Plan many variants of a scenario."
BAR = 24
FEW = 40
"""Rows of the table that are shown; the files have all."""


class Design(StrEnum):
    """Which settings are run together."""

    GRID = "grid"
    ONE_AT_A_TIME = "one-at-a-time"
    LHS = "lhs"


class Engine(StrEnum):
    """What runs the variants."""

    INLINE = "inline"
    PROCESSES = "processes"
    RAY = "ray"


def run(
    scenario: Scenario,
    vary: Annotated[
        list[str],
        typer.Option(
            help="A field and its values, like 'workloads.chat.demand=0.5x..2x:7'; once for each field.",
            metavar="PATH=VALUES",
        ),
    ],
    design: Annotated[
        Design, typer.Option(help="All combinations; each field alone; or a Latin hypercube of --samples.")
    ] = Design.GRID,
    samples: Annotated[int, typer.Option(min=2, help="With --design lhs: how many variants.")] = 50,
    seed: Annotated[int, typer.Option(min=0, help="With --design lhs: of the random numbers.")] = 1,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Keep finished runs here, go on from them, write the results.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Ask anew in a folder of another sweep.")] = False,
    plans: Annotated[bool, typer.Option("--plans", help="With -o: keep the plan of every variant.")] = False,
    regret: Annotated[
        bool, typer.Option("--regret", help="Say what keeping the orders of the plan as it is costs in each variant.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print all runs as JSON instead of tables.")] = False,
    engine: Annotated[Engine, typer.Option(help="Run in this process, in several, or on a Ray cluster.")] = (
        Engine.PROCESSES
    ),
    workers: Annotated[int, typer.Option(min=0, help="How many at once; 0: as many as there are cores.")] = 0,
    address: Annotated[
        str | None, typer.Option(help="With --engine ray: of the cluster; one is started here without it.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="Refuse to run more variants than this.")] = 1000,
    gap: Annotated[str, typer.Option(help="Plan each to within this of the best.", metavar="PERCENT")] = "0.01 %",
    time_limit: Annotated[str, typer.Option(help="Stop each after this long.", metavar="TIME")] = "5 min",
    method: Annotated[
        Method, typer.Option(help="Solve as one program, by patterns, or as suits the size.")
    ] = Method.AUTO,
) -> None:
    """Plan a scenario with other values in some of its fields, and show what they do to cost and fleet.

    Values: 'a,b,c' in the field's own units; '0.5x', '+20%', '-20%' and '0' of what is written; ranges with a count,
    '0.5x..2x:7', or ':7:log' by even ratios. Each variant is planned and verified as 'fleetopt plan' does it. With -o
    a sweep that was stopped goes on when the same command is given again.

    Exit code 0: all variants have run, also if some are infeasible; 1: one failed by our fault; 2: bad input; 5: a plan
    failed its verification.
    """
    gap_value, seconds = fraction_option("--gap", gap), seconds_option("--time-limit", time_limit)
    if plans and out is None:
        raise bad_option("--plans", "keeps plans in a folder; name one with -o")
    if address is not None and engine is not Engine.RAY:
        raise bad_option("--address", "is that of a Ray cluster; add --engine ray")
    from fleetopt.optimizer.solve import SolveOptions
    from fleetopt.study.sweep.sweep import Ask

    options = SolveOptions(gap_value, seconds, method=method.value, diagnose=False)
    ask = Ask(vary, design.value, samples, seed, most, options, plans, regret)
    found = _swept(scenario, ask, _engine(engine, workers or None, address), out, force=force)
    written = _write(found, out)
    if json_:
        sys.stdout.write(found.model_dump_json(indent=2) + "\n")
    else:
        _show(found, written)
    _stop_on_failures(found)


def _engine(engine: Engine, workers: int | None, address: str | None) -> Runs:
    if engine is Engine.RAY:
        from fleetopt.study.sweep.engines.on_ray import OnRay

        return OnRay(address, workers)
    if engine is Engine.PROCESSES:
        from fleetopt.study.sweep.engines.processes import Processes

        return Processes(workers)
    from fleetopt.study.sweep.engines.engine import Inline

    return Inline()


def _swept(scenario: Path, ask: Ask, engine: Runs, out: Path | None, *, force: bool) -> Sweep:
    from fleetopt.study.sweep.sweep import Progress, sweep

    latest = Progress(0, 0, 0, 0)
    show = _bar() if sys.stderr.isatty() else None

    def tell(progress: Progress) -> None:
        nonlocal latest
        latest = progress
        if show is not None:
            show(progress)

    try:
        return sweep(scenario, ask, engine=engine, folder=out, force=force, tell=tell)
    except KeyboardInterrupt:
        wipe()
        if latest.total:
            typer.echo(_stopped(latest, out), err=True)
        raise
    finally:
        wipe()
        if latest.damaged:
            typer.echo(f"{latest.damaged} kept runs could not be read and are run again", err=True)


def _stopped(latest: Progress, out: Path | None) -> str:
    if out is None:
        return f"{latest.done} of {latest.total} runs are finished and lost: name a folder with -o to keep them"
    return f"{latest.done} of {latest.total} runs are finished and kept in {out}; the same command goes on from there"


def _bar() -> Callable[[Progress], None]:
    start = monotonic()

    def show(progress: Progress) -> None:
        part = progress.done / progress.total
        full = round(BAR * part)
        ran, left = progress.done - progress.kept, progress.total - progress.done
        words = f"[{'#' * full}{'-' * (BAR - full)}] {progress.done} of {progress.total} runs"
        words += f", {progress.kept} kept from before" if progress.kept else ""
        words += f", {progress.failed} without a plan" if progress.failed else ""
        words += f", about {_lasting(left * (monotonic() - start) / ran)} left" if ran and left else ""
        sys.stderr.write(f"\r\x1b[K{words}")
        sys.stderr.flush()

    return show


def _lasting(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


def _write(found: Sweep, out: Path | None) -> list[Path]:
    if out is None:
        return []
    from fleetopt.report.sweep.files import write_sweep

    return write_sweep(found, out)


def _show(found: Sweep, written: list[Path]) -> None:
    from fleetopt.cli.draw import announce, tell_written
    from fleetopt.report.sweep.views import headline, summary_views

    screen = announce(headline(found), summary_views(found, FEW))
    if written:
        tell_written(screen, map(str, written))


def _stop_on_failures(found: Sweep) -> None:
    """Tells a sweep with runs that failed, not only found no plan, from one that went well."""
    from fleetopt.errors import VerificationError

    failed = [one for one in found.runs if one.outcome.status == "FAILED"]
    broken = [one for one in found.runs if one.outcome.status == "FAILED_VERIFICATION"]
    for one in failed:
        typer.echo(f"variant {one.variant} failed: {one.outcome.message}", err=True)
    if broken:
        raise typer.Exit(VerificationError.exit_code)
    if failed:
        raise typer.Exit(1)
