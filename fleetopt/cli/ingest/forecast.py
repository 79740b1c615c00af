"""fleetopt ingest forecast: past demand in, demand of periods to come out, with outlooks."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetopt.cli.ingest.trace import InOrder, TimeUnit

if TYPE_CHECKING:
    from fleetopt.ingest.forecast import Forecast
    from fleetopt.ingest.history import Past

NAME = "forecast"
BRIEF = "Forecast demand from past demand."


class RuleName(StrEnum):
    """How quantiles become outlooks."""

    SWANSON = "swanson"
    PEARSON_TUKEY = "pearson-tukey"


def run(
    file: Annotated[Path, typer.Argument(help="Past demand: a CSV of date,requests_per_s, hours.csv, or a trace.")],
    calendar_start: Annotated[str, typer.Option(help="First period to forecast, like 2027-Q1, 2027-01 or 2027.")],
    periods: Annotated[int, typer.Option(min=1, max=80, help="How many periods.")] = 4,
    rule: Annotated[RuleName, typer.Option(help="Quantiles and probabilities of the outlooks.")] = RuleName.SWANSON,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write forecast.yaml and demand.csv into it.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files in a folder that exists.")] = False,
    slots: Annotated[int, typer.Option(min=1, max=24, help="Most slots of the day, where hours are known.")] = 6,
    in_order: InOrder = False,
    by_slot: Annotated[
        bool, typer.Option("--by-slot", help="Of a trace: lengths of each slot, the mix stretched to its mean tokens.")
    ] = False,
    model: Annotated[str | None, typer.Option(help="The catalog's model, or workload=model,...")] = None,
    name: Annotated[str | None, typer.Option(help="What to call the workload.")] = None,
    only: Annotated[str | None, typer.Option(help="Forecast one model of the history.")] = None,
    columns: Annotated[str | None, typer.Option(help="Columns of a trace: timestamp=...,input_tokens=...")] = None,
    timezone: Annotated[str, typer.Option(help="Zone of a trace's times that have none, and of its days.")] = "UTC",
    time_unit: Annotated[TimeUnit | None, typer.Option(help="Unit of a trace's times that are plain numbers.")] = None,
    trace_start: Annotated[str | None, typer.Option(help="Time 0 of a trace without dates, like 2026-01-05.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Forecast demand by period, with a low, a base and a high outlook and their probabilities.

    The model is chosen by a back-test on the past. Needs the extra fleetopt[forecast].
    """
    from fleetopt.documents import check_folder, write_files
    from fleetopt.ingest.forecast import RULES, forecast_all
    from fleetopt.ingest.history import chosen_of, read_past
    from fleetopt.ingest.traces import options as told
    from fleetopt.report.forecast_files import DayShape, forecast_files

    if out is not None:
        check_folder(out, force=force)
    zone = told.zone(timezone)
    options = told.TraceOptions(
        told.columns(columns) if columns else {},
        zone,
        time_unit.value if time_unit else None,
        told.start(trace_start, zone) if trace_start else None,
        slots,
        in_order,
    )
    past = chosen_of(read_past(file, options), only)
    forecasts = forecast_all(past, calendar_start, periods, RULES[rule.value])
    shape = DayShape(slots, in_order, by_slot)
    contents = forecast_files(past, forecasts, RULES[rule.value], shape, name=name, models=model)
    if out is not None:
        write_files(out, contents)
    _show(past, forecasts, rule, [out / one for one in contents] if out else [], json_=json_)


def _show(past: Past, forecasts: list[Forecast], rule: RuleName, written: list[Path], *, json_: bool) -> None:
    from fleetopt.ingest.forecast import RULES
    from fleetopt.report import forecast_views as views

    if json_:
        import json

        sys.stdout.write(json.dumps(views.forecast_record(past, forecasts, RULES[rule.value]), indent=2) + "\n")
        return
    from fleetopt.cli.draw import console, draw, tell_written

    screen = console()
    draw(screen, views.forecast_views(past, forecasts, RULES[rule.value]))
    if written:
        tell_written(screen, map(str, written))
