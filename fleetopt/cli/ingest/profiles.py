"""fleetopt ingest profiles: what benchmarks and profilers found, into the profiles of a catalog folder."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fleetopt.ingest.reading import Reading, Series, Told

NAME = "profiles"


class RoleName(StrEnum):
    """A role that a benchmark can have been run for."""

    PREFILL = "prefill"
    DECODE = "decode"
    AGGREGATED = "aggregated"


def run(
    files: Annotated[list[Path], typer.Argument(help="Result files of benchmarks or profilers.")],
    model: Annotated[str | None, typer.Option(help="The model they are about, as the catalog calls it.")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="The catalog folder to write into.", show_default="models")
    ] = None,
    format_: Annotated[str | None, typer.Option("--format", help="Their format, if it is not recognised.")] = None,
    role: Annotated[RoleName | None, typer.Option(help="The role that was measured.")] = None,
    gpu_type: Annotated[str | None, typer.Option(help="The GPU type, as the catalog calls it.")] = None,
    gpus: Annotated[int | None, typer.Option(min=1, max=4096, help="The true count of GPUs of one replica.")] = None,
    tp: Annotated[int | None, typer.Option(min=1, max=4096, help="Tensor parallel; else what is left of --gpus.")] = (
        None
    ),
    pp: Annotated[int | None, typer.Option(min=1, max=4096, help="Pipeline parallel; else 1.")] = None,
    dp: Annotated[int | None, typer.Option(min=1, max=4096, help="Data-parallel groups of a replica; else 1.")] = None,
    ep: Annotated[int | None, typer.Option(min=1, max=4096, help="Expert parallel; else 1.")] = None,
    precision: Annotated[str | None, typer.Option(help="Precision of the weights, like fp8.")] = None,
    engine: Annotated[str | None, typer.Option(help="The engine and its version, like 'vllm 0.11.0'.")] = None,
    max_kv_tokens: Annotated[float | None, typer.Option(help="KV memory of the replica in tokens.")] = None,
    config: Annotated[str | None, typer.Option(help="The config's id, instead of one made from the facts.")] = None,
    from_card: Annotated[
        str | None, typer.Option(help="For a new model: a card.yaml, or a model whose card holds for it too.")
    ] = None,
    copy: Annotated[bool, typer.Option("--copy", help="Start a new folder from the shipped one of that model.")] = (
        False
    ),
    replace: Annotated[bool, typer.Option("--replace", help="Take new values for points that have others.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print what was understood and written as JSON.")] = False,
) -> None:
    """Read result files and merge their operating points into a model's profiles.

    What a file does not say is asked for, all at once. Importing the same file again changes nothing.
    """
    from fleetopt.ingest.filing import catalog_folder, merge_all, write_change
    from fleetopt.ingest.formats import read_profiles
    from fleetopt.ingest.reading import Setup, Told
    from fleetopt.report import ingest_views as views

    target = catalog_folder(folder)
    setup = Setup(model, config, gpu_type, gpus, tp, pp, dp, ep, precision, engine, max_kv_tokens)
    told = Told(setup, role.value if role else None)
    readings = [read_profiles(path, told, format_) for path in dict.fromkeys(files)]
    changes = merge_all(_told(readings, told), target, replace_old=replace, from_card=from_card, copy=copy)
    if not dry_run:
        for change in changes:
            write_change(change)
    if json_:
        sys.stdout.write(views.to_json(readings, changes, written=not dry_run))
        return
    from fleetopt.cli.draw import console, draw, seen

    screen = console()
    for line in views.sentences(readings, changes):
        screen.print(seen(line))
    draw(screen, [views.flag_view(readings), views.change_view(changes)])
    for line in views.outcome(changes, written=not dry_run):
        screen.print(seen(line))


def _told(readings: list[Reading], told: Told) -> list[Series]:
    """The series of all files, with what the user told filled in; every contradiction is reported."""
    from dataclasses import replace

    from fleetopt.errors import InputError, Issue

    issues: list[Issue] = []
    many = []
    for one in (series for reading in readings for series in reading.series):
        try:
            many.append(replace(one, setup=one.setup.filled(told.setup, one.where)))
        except InputError as error:
            issues += error.issues
    if issues:
        raise InputError(dict.fromkeys(issues))
    return many
