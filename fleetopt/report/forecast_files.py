"""The files that a forecast becomes: forecast.yaml to include in a scenario, and its demand.csv."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fleetopt.documents import shown
from fleetopt.errors import InputError, Issue
from fleetopt.ingest.forecast import OUTLOOKS, Forecast, Rule
from fleetopt.ingest.history import Past, past_slots
from fleetopt.report.trace_files import (
    catalog_models,
    comment,
    csv_text,
    lengths_name,
    plain_names,
    trace_files,
    workload_block,
)

DEMAND = "demand.csv"


@dataclass(frozen=True, slots=True)
class DayShape:
    """How the day is cut: into at most so many slots, runs of hours or levels, with lengths of their own or not."""

    most_slots: int
    in_order: bool = False
    by_slot: bool = False


def forecast_files(
    past: Past,
    forecasts: Sequence[Forecast],
    rule: Rule,
    shape: DayShape,
    *,
    name: str | None = None,
    models: str | None = None,
) -> dict[str, str]:
    """Contents by file name; of a trace also its lengths and hours.

    Raises:
        InputError: one name is given for several workloads, or a model for one that is not there.
    """
    import yaml

    if name is not None and len(forecasts) > 1:
        what = f"the history has {len(forecasts)} models"
        raise InputError([Issue("several-models", "--name", what, "Leave it out, or pick one with --only")])
    names = [name] if name is not None else plain_names([one.model for one in forecasts])
    slots, factors = past_slots(past, shape.most_slots, in_order=shape.in_order)
    calendar = {
        "start": forecasts[0].periods[0][0],
        "periods": len(forecasts[0].periods),
        "slots": {slot.name: f"{slot.hours_per_day:.12g} h" for slot in slots},
        "outlooks": dict(zip(OUTLOOKS, rule.probabilities, strict=True)),
    }
    body = {"calendar": calendar, "workloads": _workloads(past, names, models, by_slot=shape.by_slot)}
    rows = [
        [called, period, slot.name, outlook, rps * factor]
        for one, called in zip(forecasts, names, strict=True)
        for period, demand in one.periods
        for slot, factor in zip(slots, factors[one.model], strict=True)
        for outlook, rps in zip(OUTLOOKS, demand, strict=True)
    ]
    contents = {
        "forecast.yaml": _head(past, forecasts, rule) + yaml.safe_dump(body, sort_keys=False, allow_unicode=True),
        DEMAND: csv_text(["workload", "period", "slot", "outlook", "requests_per_s"], rows),
    }
    return contents | _of_trace(past, name, models, by_slot=shape.by_slot)


def _workloads(past: Past, names: Sequence[str], models: str | None, *, by_slot: bool) -> dict[str, Any]:
    placed = catalog_models(names, models)
    table = {"demand": {"table": DEMAND}}
    if past.trace is None:
        return {name: table | ({"model": placed[name]} if models else {}) for name in names}
    return {
        name: workload_block(one, past.trace.slots, placed[name], lengths_name(names, name), by_slot=by_slot) | table
        for one, name in zip(past.trace.traffic, names, strict=True)
    }


def _of_trace(past: Past, name: str | None, models: str | None, *, by_slot: bool) -> dict[str, str]:
    if past.trace is None:
        return {}
    contents = trace_files(past.trace, name, models, by_slot=by_slot)
    return {file: text for file, text in contents.items() if file != "workload.yaml"}


def _head(past: Past, forecasts: Sequence[Forecast], rule: Rule) -> str:
    lines = [f"Forecast from {shown(past.path)}; outlooks by {rule.name} at quantiles {rule.quantiles}."]
    for one in forecasts:
        best = one.scores[0] if one.scores else None
        tested = f", off by {100 * best.pinball:.3g} % (pinball) in the back-test" if best else ""
        lines.append(f"{one.model or 'All'}: {one.candidate}{tested}.")
        lines += [f"{flag.done}: {flag.what}." for flag in one.flags]
    return "".join(f"{comment(line)}\n" for line in lines)
