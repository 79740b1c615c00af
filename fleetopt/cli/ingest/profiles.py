"""fleetopt ingest profiles: what benchmarks and profilers found, into the profiles of a catalog folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from fleetopt.cli.ingest import told as options

NAME = "profiles"


def run(
    files: Annotated[list[Path], typer.Argument(help="Result files of benchmarks or profilers.")],
    model: options.Model = None,
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
    max_kv_tokens: Annotated[float | None, typer.Option(help="KV memory of the replica in tokens.")] = None,
    config: Annotated[str | None, typer.Option(help="The config's id, instead of one made from the facts.")] = None,
    from_card: Annotated[
        str | None, typer.Option(help="For a new model: a card.yaml, or a model whose card holds for it too.")
    ] = None,
    copy: options.Copy = False,
    replace: Annotated[bool, typer.Option("--replace", help="Take new values for points that have others.")] = False,
    dry_run: options.DryRun = False,
    json_: Annotated[bool, typer.Option("--json", help="Print what was understood and written as JSON.")] = False,
) -> None:
    """Read result files and merge their operating points into a model's profiles.

    What a file does not say is asked for, all at once. Importing the same file again changes nothing.
    """
    from fleetopt.ingest.filing import catalog_folder, merge_all, write_change
    from fleetopt.ingest.formats import read_profiles
    from fleetopt.ingest.model_names import named
    from fleetopt.ingest.reading import Setup, Told
    from fleetopt.report import ingest_views as views

    target = catalog_folder(folder)
    setup = Setup(None, config, gpu_type, gpus, tp, pp, dp, ep, precision, engine, max_kv_tokens)
    told = Told(setup, role.value if role else None)
    readings = [read_profiles(path, told, format_) for path in dict.fromkeys(files)]
    many, names = named(options.filled(readings, told), model or (), options.catalog_names(target))
    changes = merge_all(many, target, replace_old=replace, from_card=from_card, copy=copy)
    if not dry_run:
        for change in changes:
            write_change(change)
    if json_:
        sys.stdout.write(views.to_json(readings, names, changes, written=not dry_run))
        return
    from fleetopt.cli.draw import console, draw, seen

    screen = console()
    for line in views.sentences(readings, names, changes):
        screen.print(seen(line))
    draw(screen, [views.flag_view(readings), views.change_view(changes)])
    for line in views.outcome(changes, written=not dry_run):
        screen.print(seen(line))
