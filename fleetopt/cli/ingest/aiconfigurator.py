"""fleetopt ingest aiconfigurator: AIConfigurator's estimates, made now, into the profiles of a catalog folder."""

from __future__ import annotations

import re
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated

import typer

from fleetopt.cli.ingest import told as options

if TYPE_CHECKING:
    from fleetopt.ingest.profilers.aiconfigurator_run import Split

NAME = "aiconfigurator"
BRIEF = "Take in AIConfigurator's estimates."

_SPLIT = re.compile(
    r"tp(?P<tensor>[1-9]\d{0,3})(-pp(?P<pipeline>[1-9]\d{0,3}))?(-dp(?P<data>[1-9]\d{0,3}))?(-ep(?P<expert>[1-9]\d{0,3}))?"
)

Gpus = Annotated[list[str], typer.Option("--gpu-type", help="A GPU type of the catalog; may be repeated.")]
Splits = Annotated[
    list[str], typer.Option("--split", help="How a replica is split, like tp4 or tp1-dp8-ep8; may be repeated.")
]
Lengths = Annotated[
    list[int], typer.Option("--input-tokens", min=1, max=1_000_000, help="A prompt length; may be repeated.")
]
Batches = Annotated[
    list[int], typer.Option("--batch", min=1, max=100_000, help="Requests in a data-parallel group; may be repeated.")
]


def run(
    theirs: Annotated[str, typer.Argument(help="The model as AIConfigurator knows it, like Qwen/Qwen3-32B.")],
    gpu_type: Gpus,
    split: Splits,
    model: Annotated[str | None, typer.Option(help="What the catalog calls it, if it is not the same name.")] = None,
    engine: Annotated[
        str, typer.Option(help="The engine and perhaps its version, like 'trtllm 1.3.0rc20'.")
    ] = "trtllm",
    input_tokens: Lengths = [512, 1024, 2048, 4096, 8192, 16384],  # noqa: B006 - typer copies it
    output_tokens: Annotated[int, typer.Option(min=1, max=1_000_000, help="Output length of the decodes.")] = 512,
    batch: Batches = [1, 2, 4, 8, 16, 32, 64, 128, 256],  # noqa: B006 - typer copies it
    folder: options.Folder = None,
    from_card: options.FromCard = None,
    copy: options.Copy = False,
    replace: options.Replace = False,
    dry_run: options.DryRun = False,
    json_: options.Json = False,
) -> None:
    """Run AIConfigurator's estimator over GPU types and splits, and merge what it says as modelled profiles.

    Needs aiconfigurator 0.12.0 beside fleetopt. Its saved results are read by `ingest profiles`. For example:

        fleetopt ingest aiconfigurator Qwen/Qwen3-32B --gpu-type H100 --gpu-type H200 --split tp2 --split tp4
    """
    from fleetopt.cli.ingest.merging import Merging, merge_and_show
    from fleetopt.ingest.filing import catalog_folder
    from fleetopt.ingest.profilers.aiconfigurator_run import Plan, run_aiconfigurator
    from fleetopt.ingest.reading import Told

    target = catalog_folder(folder)
    backend, _, version = engine.partition(" ")
    splits = tuple(dict.fromkeys(_split(text) for text in split))
    lengths, batches = tuple(sorted(set(input_tokens))), tuple(sorted(set(batch)))
    gpus = tuple(dict.fromkeys(gpu_type))
    plan = Plan(theirs, gpus, splits, backend, version or None, lengths, output_tokens, batches)
    with redirect_stdout(sys.stderr):  # what the tool prints is no part of --json
        reading = run_aiconfigurator(plan, Told())
    how = Merging(target, [model] if model else (), from_card, copy, replace, dry_run, json_)
    merge_and_show([reading], Told(), how)


def _split(text: str) -> Split:
    from fleetopt.cli.failure import bad_option
    from fleetopt.ingest.profilers.aiconfigurator_run import Split

    found = _SPLIT.fullmatch(text)
    if found is None:
        raise bad_option("--split", f"'{text[:40]}' is no split; write it like tp4, tp4-pp2 or tp1-dp8-ep8")
    degrees = {name: int(degree) for name, degree in found.groupdict().items() if degree}
    one = Split(**degrees)
    if one.expert is not None and one.tensor * one.data % one.expert:
        raise bad_option(
            "--split",
            f"'{text}' spreads experts over {one.expert} of {one.tensor * one.data} GPUs; make ep divide tp x dp",
        )
    return one
