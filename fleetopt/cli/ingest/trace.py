"""fleetopt ingest trace: a request trace in, a workload for a scenario out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fleetopt.ingest.traces.domain import TraceReading

NAME = "trace"
BRIEF = "Make a workload of a request trace."


class TimeUnit(StrEnum):
    """What numbers count that are no time since 1970."""

    S = "s"
    MS = "ms"
    US = "us"


class Peak(StrEnum):
    """What the peak slot is."""

    MEAN = "mean"
    BUSIEST = "busiest"


class Failed(StrEnum):
    """What becomes of requests without tokens."""

    DROP = "drop"
    COUNT = "count"


InOrder = Annotated[
    bool, typer.Option("--in-order", help="Slots are hours that follow one another, for changes between them.")
]


def run(
    file: Annotated[Path, typer.Argument(help="A trace: CSV, JSON lines or Parquet.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write workload.yaml and tables into it.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files in a folder that exists.")] = False,
    slots: Annotated[int, typer.Option(min=1, max=24, help="Most slots of the day.")] = 6,
    in_order: InOrder = False,
    by_slot: Annotated[
        bool, typer.Option("--by-slot", help="Lengths of each slot: the mix, stretched to the slot's mean tokens.")
    ] = False,
    peak: Annotated[Peak, typer.Option(help="Peak slot: the busiest hour of the mean day, or the busiest of all.")] = (
        Peak.MEAN
    ),
    bins: Annotated[int, typer.Option(min=1, max=4096, help="Most bins of token lengths.")] = 64,
    model: Annotated[str | None, typer.Option(help="The catalog's model, or workload=model,...")] = None,
    name: Annotated[str | None, typer.Option(help="What to call the workload.")] = None,
    only: Annotated[str | None, typer.Option(help="Read one model of the trace.")] = None,
    format_: Annotated[str | None, typer.Option("--format", help="The format, where it is not recognised.")] = None,
    columns: Annotated[str | None, typer.Option(help="Columns of other names: timestamp=...,input_tokens=...")] = None,
    timezone: Annotated[str, typer.Option(help="Zone of times that have none, and of the hours of the day.")] = "UTC",
    time_unit: Annotated[TimeUnit | None, typer.Option(help="Unit of times that are plain numbers.")] = None,
    start: Annotated[str | None, typer.Option(help="Time 0 of a trace without dates, like 2027-01-04.")] = None,
    failed: Annotated[Failed, typer.Option(help="Requests without tokens: drop them, or count them in rates.")] = (
        Failed.DROP
    ),
    cache_tokens: Annotated[int | None, typer.Option(min=1, help="Size of the prefix cache; unlimited if unsaid.")] = (
        None
    ),
    json_: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Turn a request trace into slots of the day, rates, token lengths and burstiness, ready for a scenario.

    Reads Azure, BurstGPT, Mooncake, Qwen-Bailian and ServeGen traces, and any table with a row per request.
    """
    from fleetopt.ingest.traces import options as told
    from fleetopt.ingest.traces.read import read_trace

    _check_target(out, force=force)
    zone = told.zone(timezone)
    options = told.TraceOptions(
        told.columns(columns) if columns else {},
        zone,
        time_unit.value if time_unit else None,
        told.start(start, zone) if start else None,
        slots,
        in_order,
        peak.value,
        bins,
        failed.value,
        cache_tokens,
        only,
        _progress() if sys.stderr.isatty() else None,
    )
    reading = read_trace(file, options, format_)
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    _show(reading, _write(reading, out, name, model, by_slot=by_slot), json_=json_)


def _check_target(out: Path | None, *, force: bool) -> None:
    if out is not None:
        from fleetopt.documents import check_folder

        check_folder(out, force=force)


def _write(
    reading: TraceReading, out: Path | None, name: str | None, model: str | None, *, by_slot: bool
) -> list[Path]:
    from fleetopt.documents import write_files
    from fleetopt.report.trace_files import trace_files

    contents = trace_files(reading, name, model, by_slot=by_slot)
    if out is None:
        return []
    write_files(out, contents)
    return [out / file for file in contents]


def _show(reading: TraceReading, written: list[Path], *, json_: bool) -> None:
    from fleetopt.report import trace_views as views

    if json_:
        import json

        sys.stdout.write(json.dumps(views.trace_record(reading), indent=2) + "\n")
        return
    from fleetopt.cli.draw import console, draw, seen, tell_written

    screen = console()
    for sentence in reading.understood:
        screen.print(seen(f"understood: {sentence}"))
    screen.print()
    draw(screen, views.trace_views(reading))
    if written:
        tell_written(screen, map(str, written))


def _progress() -> Callable[[int], None]:
    def show(rows: int) -> None:
        sys.stderr.write(f"\r\x1b[Kread {rows:,} rows")
        sys.stderr.flush()

    return show
