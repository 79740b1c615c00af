"""What the user can tell about a file, as options that verbs share, and how it is filled in."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetopt.ingest.reading import Reading, Series, Told


class RoleName(StrEnum):
    """A role that a benchmark can have been run for."""

    PREFILL = "prefill"
    DECODE = "decode"
    AGGREGATED = "aggregated"


def _count(text: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(min=1, max=4096, help=text)
    return option


Model = Annotated[
    list[str] | None,
    typer.Option(help="What the catalog calls the model; of a file with several, 'theirs=ours' for each to take."),
]
Folder = Annotated[Path | None, typer.Option(help="The catalog folder to write into.", show_default="models")]
Format = Annotated[str | None, typer.Option("--format", help="Their format, if it is not recognised.")]
Role = Annotated[RoleName | None, typer.Option(help="The role that was measured.")]
Modelled = Annotated[
    bool, typer.Option("--modelled", help="The figures are estimates, where the file does not say it (Dynamo's).")
]
GpuType = Annotated[str | None, typer.Option(help="The GPU type, as the catalog calls it.")]
Gpus = Annotated[int | None, _count("The true count of GPUs of one replica.")]
TensorParallel = Annotated[int | None, _count("Tensor parallel; else what is left of --gpus.")]
PipelineParallel = Annotated[int | None, _count("Pipeline parallel; else 1.")]
DataParallel = Annotated[int | None, _count("Data-parallel groups of a replica; else 1.")]
ExpertParallel = Annotated[int | None, _count("Expert parallel; else 1.")]
Precision = Annotated[str | None, typer.Option(help="Precision of the weights, like fp8.")]
Engine = Annotated[str | None, typer.Option(help="The engine and its version, like 'vllm 0.11.0'.")]
FromCard = Annotated[
    str | None, typer.Option(help="For a new model: a card.yaml, or a model whose card holds for it too.")
]
Replace = Annotated[bool, typer.Option("--replace", help="Take new values for points that have others.")]
Json = Annotated[bool, typer.Option("--json", help="Print what was understood and written as JSON.")]
Copy = Annotated[bool, typer.Option("--copy", help="Start a new folder from the shipped one of that model.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")]


def filled(readings: Sequence[Reading], told: Told) -> list[Series]:
    """The series of all files, with what the user told filled in.

    Raises:
        InputError: with every contradiction.
    """
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
