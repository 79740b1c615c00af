"""fleetopt plan: a scenario in, a verified plan out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from fleetopt.cli.failure import bad_option, tell_failure
from fleetopt.cli.options import fraction_option, seconds_option, told, wipe
from fleetopt.errors import Infeasible, InputError

if TYPE_CHECKING:
    from fleetopt.optimizer.solve import Progress, SolveOptions
    from fleetopt.plan.domain import Plan
    from fleetopt.scenario.domain import Scenario as Question

NAME = "plan"
BRIEF = "Find the least-cost fleet, verify it, and show it."


class Method(StrEnum):
    """How to look for a plan."""

    AUTO = "auto"
    MIP = "mip"
    PATTERNS = "patterns"


Scenario = Annotated[Path, typer.Argument(help="A scenario folder or file, or the name of a shipped scenario.")]


def run(
    scenario: Scenario,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write the plan's files into this folder.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the plan's files in a folder that exists.")] = False,
    parquet: Annotated[bool, typer.Option("--parquet", help="With -o: the tables as Parquet beside CSV.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print plan.json on stdout instead of tables.")] = False,
    gap: Annotated[str, typer.Option(help="Stop within this of the best possible cost.", metavar="PERCENT")] = "0.01 %",
    time_limit: Annotated[str, typer.Option(help="Stop after this long with the best plan.", metavar="TIME")] = "5 min",
    last: Annotated[
        Path | None,
        typer.Option("--from", help="Begin from an earlier plan, plan.json or its folder.", metavar="PLAN"),
    ] = None,
    with_baselines: Annotated[
        bool, typer.Option("--baselines", help="Compare the cost with plainer ways to size the fleet.")
    ] = False,
    repair_time: Annotated[
        str, typer.Option(help="If nothing works, price repairs for this long; 0 s skips it.", metavar="TIME")
    ] = "20 s",
    method: Annotated[
        Method, typer.Option(help="Solve as one program, by patterns, or as suits the size.")
    ] = Method.AUTO,
    solver_log: Annotated[Path | None, typer.Option(help="Write the solver's log into this file.")] = None,
    timings: Annotated[bool, typer.Option("--timings", help="Say on stderr where the time went.")] = False,
) -> None:
    """Find the least-cost fleet for a scenario, verify it, and show it.

    Ctrl-C stops the search as the time limit does: the best plan so far is verified and shown.

    Exit code 0: found and verified; 2: bad input, or files that cannot be written; 3: infeasible, with reasons and
    repairs; 4: no plan within the time limit; 5: the plan failed its verification.
    """
    if with_baselines and json_:
        raise bad_option("--baselines", "is a table; 'fleetopt baselines --json' prints them as JSON")
    gap_value, seconds = fraction_option("--gap", gap), seconds_option("--time-limit", time_limit)
    repair_s = seconds_option("--repair-time", repair_time, zero=True)
    clock = _Clock(timings)
    _check_targets(out, solver_log, force=force)
    from fleetopt.optimizer.solve import SolveOptions
    from fleetopt.scenario.load import load
    from fleetopt.study.once import optimize

    clock.mark("imports")
    question = load(scenario)
    clock.mark("load")
    start = None if last is None else _earlier(last, question)
    shown = _progress() if sys.stderr.isatty() else None
    options = SolveOptions(gap_value, seconds, solver_log, shown, method.value, start=start)
    try:
        plan = optimize(question, options, clock.tell)
    except Infeasible as error:
        raise _with_repairs(question, error, options, repair_s) from None
    finally:
        wipe()
    clock.skip()
    unwritten: InputError | None = None
    written: list[Path] = []
    try:
        written = _write(plan, question, out, force=force, parquet=parquet)
    except InputError as error:
        # A plan that took minutes to find is shown even if the disk is full.
        unwritten = error
    clock.mark("write")
    if json_:
        from fleetopt.plan.store import to_json

        sys.stdout.write(to_json(plan))
    else:
        _show(plan, question, written)
    if unwritten is not None:
        tell_failure(unwritten)
        raise typer.Exit(unwritten.exit_code)
    if with_baselines:
        _show_baselines(question, plan, options, out, parquet=parquet)
    clock.mark("show")
    clock.report()


def _earlier(path: Path, question: Question) -> Plan:
    """The plan to begin from, read before any work is done."""
    from fleetopt.plan.store import read_plan
    from fleetopt.study.earlier import check_related

    plan = read_plan(path)
    check_related(plan, question, str(path))
    return plan


def _check_targets(out: Path | None, solver_log: Path | None, *, force: bool) -> None:
    """Refuses what could not be written, before any work is done."""
    if out is not None:
        from fleetopt.documents import check_folder

        check_folder(out, force=force)
    if solver_log is not None:
        from fleetopt.documents import clear_file

        clear_file(solver_log, force=force)


def _write(plan: Plan, question: Question, out: Path | None, *, force: bool, parquet: bool) -> list[Path]:
    if out is None:
        return []
    from fleetopt.report.files import write_plan

    return write_plan(plan, out, scenario=question, force=force, parquet=parquet)


def _show(plan: Plan, question: Question, written: list[Path]) -> None:
    from rich.text import Text

    from fleetopt.cli.draw import console, draw, seen, tell_written
    from fleetopt.report import plan_views as views
    from fleetopt.report.began_words import began_sentences
    from fleetopt.report.change_views import schedule_view
    from fleetopt.report.class_views import order_sentences
    from fleetopt.report.goal_words import goal_sentences
    from fleetopt.report.network_views import pattern_view, traffic_view
    from fleetopt.report.ratio_views import ratio_view
    from fleetopt.report.work_views import work_view

    screen = console()
    screen.print(Text(seen(views.headline(plan)), style="bold"))
    for sentence in goal_sentences(plan):
        screen.print(Text(seen(sentence)))
    held = len(plan.verdict.checks)
    screen.print(Text(f"verified: all {held} checks hold in a second computation"))
    for sentence in began_sentences(plan):
        screen.print(Text(seen(sentence)))
    for sentence in views.shortfall_sentences(plan):
        screen.print(Text(seen(f"falls short: {sentence}"), style="yellow"))
    for sentence in order_sentences(plan):
        screen.print(Text(seen(sentence)))
    screen.print()
    sections = [views.fleet_view(plan), views.order_view(plan, question), views.placement_view(plan)]
    sections += [
        pattern_view(plan),
        schedule_view(plan),
        views.workload_view(plan),
        traffic_view(plan),
        work_view(plan),
    ]
    sections += [views.role_view(plan), ratio_view(plan, question)]
    sections += [views.cost_view(plan), views.workload_cost_view(plan), views.binding_view(plan)]
    draw(screen, sections)
    for line in evidence_lines(plan):
        screen.print(Text(seen(line)))
    if written:
        tell_written(screen, map(str, written))


def evidence_lines(plan: Plan) -> list[str]:
    """How well the plan's numbers are founded, in two lines."""
    kinds = [line.evidence for line in plan.provenance.evidence]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    lines = [f"evidence: the capacities in use rest on {len(kinds)} profiles ({counts})"] if kinds else []
    assumed = len(plan.provenance.assumptions)
    if assumed:
        lines.append(f"assumptions: {assumed}, listed in report.md and plan.json; the first: ")
        lines[-1] += plan.provenance.assumptions[0]
    return lines


def _show_baselines(question: Question, plan: Plan, options: SolveOptions, out: Path | None, *, parquet: bool) -> None:
    """Shows the baselines, and puts them into reports that are there already: whoever stops this has the plan."""
    from fleetopt.cli.baselines import show
    from fleetopt.study.baselines import baselines
    from fleetopt.study.resolve import Resolver

    try:
        found = baselines(question, plan, Resolver(options, tell=told()))
    finally:
        wipe()
    if out is not None:
        from fleetopt.report.files import write_report

        write_report(plan, question, out, baselines=found, force=True, parquet=parquet)
    show("", found)


def _with_repairs(question: Question, error: Infeasible, options: SolveOptions, repair_s: float) -> Infeasible:
    """The failure with repairs that have been tried and priced, if there is time for that."""
    if not repair_s:
        return error
    from fleetopt.study.repairs import priced

    try:
        return priced(question, error, options, seconds=repair_s, tell=told())
    finally:
        wipe()


def _progress() -> Callable[[Progress], None]:
    from fleetopt.optimizer.solve import EXPLAINING

    def show(progress: Progress) -> None:
        if progress.phase == EXPLAINING:
            sys.stderr.write(f"\r\x1b[Kno plan so far; finding out why, {progress.seconds:.0f} s (Ctrl-C ends it)")
            sys.stderr.flush()
            return
        best = "no plan yet" if progress.incumbent is None else f"best {progress.incumbent:,.0f} USD"
        bound = "" if progress.bound is None else f", at least {progress.bound:,.0f} USD"
        known = f"{progress.phase} {progress.seconds:.0f} s: {best}{bound}{_gap(progress)}"
        sys.stderr.write(f"\r\x1b[K{known} (Ctrl-C keeps the best plan)")
        sys.stderr.flush()

    return show


def _gap(progress: Progress) -> str:
    if not progress.incumbent or progress.bound is None:
        return ""
    return f", gap {100.0 * max(0.0, progress.incumbent - progress.bound) / abs(progress.incumbent):.2f} %"


class _Clock:
    """Seconds by stage, for those who ask."""

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted
        self._stages: dict[str, float] = {}
        self._last = perf_counter()

    def tell(self, stage: str, seconds: float) -> None:
        self._stages[stage] = self._stages.get(stage, 0.0) + seconds

    def mark(self, stage: str) -> None:
        self.tell(stage, perf_counter() - self._last)
        self.skip()

    def skip(self) -> None:
        self._last = perf_counter()

    def report(self) -> None:
        if self._wanted:
            for stage, seconds in self._stages.items():
                typer.echo(f"{stage:>10} {seconds:7.3f} s", err=True)
            typer.echo(f"{'total':>10} {sum(self._stages.values()):7.3f} s", err=True)
