"""What a trace holds, as tables for a person and as a record for a program."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fleetopt.documents import shown
from fleetopt.ingest.traces.domain import Burstiness, PrefixCache, Slot, TraceReading, Traffic
from fleetopt.report.flag_view import flag_view
from fleetopt.report.view import View, number, percent, view


def trace_views(reading: TraceReading) -> list[View]:
    """Traffic by model, the slots of the day, burstiness, and what is odd."""
    return [_traffic(reading), _slots(reading), _arrivals(reading), flag_view(reading.flags)]


def _traffic(reading: TraceReading) -> View:
    titles = ["model", "requests", "mean req/s", "peak req/s", "peak hour", "busiest hour req/s", "tokens in", "out"]
    rows = [
        [
            *(one.model or "-", f"{one.requests:,.0f}", number(one.mean_rps), number(one.peak.rps)),
            *(f"{one.peak.hour:02d} h", number(one.busiest.rps), _tokens(one.input_tokens), _tokens(one.output_tokens)),
        ]
        for one in reading.traffic
    ]
    span = f"{reading.start:%Y-%m-%d %H:%M} to {reading.end:%Y-%m-%d %H:%M}"
    note = "the busiest hour is a single one; peaks and means are of the mean day"
    return view(f"Traffic, {span}", titles, rows, note=note)


def _slots(reading: TraceReading) -> View:
    titles = ["slot", "hours", "h/day", *(f"req/s {one.model}".strip() for one in reading.traffic)]
    rows = [
        [
            slot.name,
            hour_names(slot),
            f"{slot.hours_per_day:.3g}",
            *(number(one.slot_rps[at]) for one in reading.traffic),
        ]
        for at, slot in enumerate(reading.slots)
    ]
    worst = max(one.slot_error for one in reading.traffic)
    note = (
        f"mean rates are kept; a slot is off from its hours by {percent(round(worst, 8))} of the mean rate on average"
    )
    return view("Slots of the day", titles, rows, text=2, note=note + (" at worst" if len(reading.traffic) > 1 else ""))


def _arrivals(reading: TraceReading) -> View:
    titles = ["model", "length bins", *(f"dispersion {w} s" for w in (1, 10, 60)), "CV2 of gaps", "prefix hits"]
    rows = [
        [one.model or "-", str(len(one.lengths)), *_bursts(one.burstiness), _hits(one.prefix_cache)]
        for one in reading.traffic
    ]
    note = "inside the hour; 1 is a Poisson process. Prefix hits are an upper bound: one cache for the whole trace"
    return view("Arrivals and lengths", titles, rows, note=note)


def hour_names(slot: Slot) -> str:
    """The hours of a slot as ranges.

    >>> hour_names(Slot("night", (0, 1, 2, 22), 4, (0, 1, 2, 22)))
    '00-03, 22-23'
    """
    starts = [hour for hour in slot.hours if hour - 1 not in slot.hours]
    ends = [hour + 1 for hour in slot.hours if hour + 1 not in slot.hours]
    return ", ".join(f"{a:02d}-{b:02d}" for a, b in zip(starts, ends, strict=True))


def _tokens(value: float | None) -> str:
    return "-" if value is None else number(value)


def _bursts(found: Burstiness | None) -> list[str]:
    if found is None:
        return ["-"] * 4
    values = [*(one.index for one in found.dispersion), found.gap_cv2]
    return ["-" if value is None else number(value) for value in values]


def _hits(found: PrefixCache | None) -> str:
    return "-" if found is None else percent(found.hit_ratio)


def trace_record(reading: TraceReading) -> dict[str, Any]:
    """All of it for programs; hours as in hours.csv are left to that file."""
    return {
        "format": reading.format,
        "path": shown(reading.path),
        "sha256": reading.sha256,
        "start": reading.start.isoformat(),
        "end": reading.end.isoformat(),
        "understood": reading.understood,
        "flags": [asdict(flag) for flag in reading.flags],
        "slots": [
            {"name": slot.name, "hours": slot.hours, "hours_per_day": slot.hours_per_day} for slot in reading.slots
        ],
        "traffic": [_record(one) for one in reading.traffic],
    }


def _record(one: Traffic) -> dict[str, Any]:
    record = asdict(one)
    record.pop("hours")
    busiest = one.busiest
    return record | {"busiest": {"start": busiest.start.isoformat(), "rps": busiest.rps}}
