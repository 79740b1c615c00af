"""fleetopt profile show: a model's profiles as curves, in the terminal or as a picture."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from fleetopt.catalog.domain import Candidate
    from fleetopt.report.curves import Asked, Panel

NAME = "show"
BRIEF = "Draw the curves of a model's profiles."
WIDEST, NARROWEST = 100, 40
"""Columns of a chart in the terminal."""

STYLES = ("blue", "dark_orange", "green", "magenta", "yellow", "cyan", "white", "bright_black")


class RoleName(StrEnum):
    """What a replica does."""

    PREFILL = "prefill"
    DECODE = "decode"
    AGGREGATED = "aggregated"


def run(
    model: Annotated[str, typer.Argument(help="The model, as the catalog calls it.")],
    folder: Annotated[Path | None, typer.Option(help="A models folder to look in before the shipped one.")] = None,
    gpu: Annotated[list[str] | None, typer.Option(help="Only this GPU type; may be repeated.")] = None,
    config: Annotated[list[str] | None, typer.Option(help="Only this config; may be repeated.")] = None,
    role: Annotated[RoleName | None, typer.Option(help="Only profiles of this role.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Draw every profile, not only the best per GPU type.")] = False,
    scenario: Annotated[
        Path | None, typer.Option(help="Draw also the SLO and the operating points of this scenario.")
    ] = None,
    workload: Annotated[str | None, typer.Option(help="Whose SLO, if several workloads run the model.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Draw a .png or .svg picture into this file.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a picture that exists.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the points as JSON.")] = False,
    csv_: Annotated[bool, typer.Option("--csv", help="Print the points as CSV.")] = False,
) -> None:
    """Draw prefill throughput over prompt length, TPOT over batch, aggregated latency and rate over concurrency.

    With a scenario, the promised latencies, the curves as they are planned and the operating points at capacity
    are drawn too, with what binds.
    """
    from fleetopt.documents import check_file, write_file
    from fleetopt.report.curve_choice import chosen
    from fleetopt.report.curves import panels

    if out is not None:
        from fleetopt.report.picture import check_picture, picture

        check_picture(out)
        check_file(out, force=force)
    candidates, asked = _candidates(model, folder, scenario, workload)
    kept, hidden = chosen(candidates, gpus=gpu or (), configs=config or (), role=role, everything=all_, asked=asked)
    drawn = panels(kept, asked)
    if out is not None:
        title = f"{model}, {asked.workload.name} of {scenario}" if asked is not None else model
        write_file(out, picture(drawn, title, out.suffix.lower()[1:]))
    if json_ or csv_:
        from fleetopt.report import curve_views as views

        sys.stdout.write(views.to_json(model, drawn, hidden) if json_ else views.to_csv(drawn))
        return
    _show(drawn, hidden, out)


def _candidates(
    model: str, folder: Path | None, scenario: Path | None, workload: str | None
) -> tuple[Sequence[Candidate], Asked | None]:
    from fleetopt.errors import InputError, Issue

    if scenario is None:
        if workload is not None:
            raise InputError([Issue("no-scenario", "--workload", "needs a scenario", "Add --scenario")])
        from fleetopt.catalog.hardware import load_hardware
        from fleetopt.catalog.models import load_model
        from fleetopt.catalog.roots import shipped
        from fleetopt.documents import shown, stands

        if folder is not None and not stands(folder, "folder"):
            raise InputError([Issue("missing-folder", shown(folder), "is no folder", "Name a folder of models")])
        roots = (folder, shipped("models")) if folder else (shipped("models"),)
        return load_model(model, roots, load_hardware(roots)[0].gpu_types)[0].candidates, None
    if folder is not None:
        fix = "Leave one of them out: a scenario says itself where its models are"
        raise InputError([Issue("two-sources", "--folder", "is given beside --scenario", fix)])
    from fleetopt.report.curve_choice import asked_of
    from fleetopt.scenario.load import load

    question = load(scenario)
    asked = asked_of(question, model, workload)
    return question.models[model].candidates, asked


def _show(drawn: Sequence[Panel], hidden: str, out: Path | None) -> None:
    from fleetopt.cli.draw import console, seen

    screen = console()
    if out is None:
        for panel in drawn:
            _print(screen, panel)
    else:
        screen.print(seen(f"written: {out}"))
    if hidden:
        screen.print(hidden)


def _print(screen: Console, panel: Panel) -> None:
    from rich.text import Text

    from fleetopt.cli.draw import seen
    from fleetopt.report.textchart import chart

    for n, line in enumerate(chart(panel, min(WIDEST, max(NARROWEST, screen.width)))):
        text = Text(style="bold" if n == 0 else "")
        for span in line:
            text.append(seen(span.text), style=_style(span.style))
        screen.print(text)
    screen.print()


def _style(index: int) -> str:
    return "bold red" if index == -2 else STYLES[index % len(STYLES)] if index >= 0 else ""
