"""fleetopt ingest calibrate: corrects modelled profiles by a few measured points."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetopt.cli.ingest import told as options

if TYPE_CHECKING:
    from fleetopt.catalog.domain import Llm
    from fleetopt.ingest.calibrate import Measured
    from fleetopt.ingest.reading import Told

NAME = "calibrate"
BRIEF = "Correct modelled profiles by a few measured points."


def run(
    model: Annotated[str, typer.Argument(help="The model, as the catalog calls it.")],
    measured: Annotated[
        list[str], typer.Option(help="A result file, or a config with measured profiles; may be repeated.")
    ],
    folder: options.Folder = None,
    format_: options.Format = None,
    role: options.Role = None,
    gpu_type: options.GpuType = None,
    gpus: options.Gpus = None,
    tp: options.TensorParallel = None,
    pp: options.PipelineParallel = None,
    dp: options.DataParallel = None,
    ep: options.ExpertParallel = None,
    precision: options.Precision = None,
    engine: options.Engine = None,
    margin: Annotated[str, typer.Option(help="Slow the profiles down by this as well.", metavar="PERCENT")] = "0 %",
    copy: options.Copy = False,
    replace: Annotated[bool, typer.Option("--replace", help="Take a new factor where there is one.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Take a factor outside 0.2 to 5.")] = False,
    dry_run: options.DryRun = False,
    json_: Annotated[bool, typer.Option("--json", help="Print factors and residuals as JSON.")] = False,
) -> None:
    """Fit a latency factor per GPU type, engine and role, and write it beside the model's profiles.

    The median of measured over modelled latency at the measured points; points outside the modelled range are left
    out. The error shown is that of predicting each point from the others.
    """
    from fleetopt.catalog.calibration import CALIBRATION
    from fleetopt.documents import write_files
    from fleetopt.ingest.calibrate import fit
    from fleetopt.ingest.calibration_file import calibration_text, uncalibrated
    from fleetopt.ingest.facts import check_name
    from fleetopt.ingest.filing import catalog_folder, check_whole
    from fleetopt.ingest.reading import Setup, Told
    from fleetopt.report import calibration_views as views

    check_name(model, "MODEL")
    target = catalog_folder(folder)
    llm, texts = uncalibrated(model, target, copy=copy)
    setup = Setup(None, None, gpu_type, gpus, tp, pp, dp, ep, precision, engine, None)
    told = Told(setup, role.value if role else None)
    points = [one for name in dict.fromkeys(measured) for one in _measured(name, llm, told, format_)]
    fits = fit(points, llm.candidates, margin=_margin(margin), force=force)
    text = calibration_text(target / model, fits, replace_old=replace)
    if text is not None:
        texts |= {CALIBRATION: text}
        check_whole(model, target, texts)
        if not dry_run:
            write_files(target / model, texts)
    written = [target / model / name for name in texts] if text is not None else []
    if json_:
        sys.stdout.write(views.to_json(model, fits, written if not dry_run else []))
        return
    from fleetopt.cli.draw import console, draw, seen

    screen = console()
    draw(screen, views.sections(fits))
    for line in views.outcome(model, written, dry_run=dry_run):
        screen.print(seen(line))


def _margin(text: str) -> float:
    from fleetopt.cli.failure import bad_option
    from fleetopt.units import fraction

    try:
        return fraction(text)
    except ValueError as error:
        raise bad_option("--margin", str(error)) from None


def _measured(name: str, llm: Llm, told: Told, format_: str | None) -> list[Measured]:
    """The measured points of a config of the catalog, else of a file."""
    from fleetopt.documents import stands
    from fleetopt.ingest.calibrate import of_config, of_series
    from fleetopt.ingest.facts import check_facts, check_words
    from fleetopt.ingest.formats import read_profiles
    from fleetopt.ingest.model_names import of_model

    if not stands(Path(name), "file"):
        return of_config(name, llm)
    many = of_model(options.filled([read_profiles(Path(name), told, format_)], told), llm.card.name)
    check_words(many)
    check_facts(many)
    return [of_series(one) for one in many]
