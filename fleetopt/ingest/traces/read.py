"""A trace file in, all that a plan needs of it out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from fleetopt.documents import COMMAS, separated_by, shown
from fleetopt.errors import InputError, Issue, did_you_mean
from fleetopt.ingest.formats import head_of
from fleetopt.ingest.reading import Flag
from fleetopt.ingest.traces.azure import Azure
from fleetopt.ingest.traces.bailian import Bailian
from fleetopt.ingest.traces.burst import burstiness
from fleetopt.ingest.traces.burstgpt import BurstGpt
from fleetopt.ingest.traces.clock import LONGEST_US
from fleetopt.ingest.traces.domain import (
    HOURS,
    Burstiness,
    Hour,
    HourOfDay,
    Ints,
    LengthBin,
    PrefixCache,
    Slot,
    TraceReading,
    Traffic,
)
from fleetopt.ingest.traces.format import Content, Rates, Stream, TraceFormat, header_of
from fleetopt.ingest.traces.generic import Generic
from fleetopt.ingest.traces.hours import calendar_hours, day_profile, with_busiest
from fleetopt.ingest.traces.judge import gap_flags, profile_flags, span_flags
from fleetopt.ingest.traces.lengths import length_bins
from fleetopt.ingest.traces.mooncake import Mooncake
from fleetopt.ingest.traces.options import TraceOptions
from fleetopt.ingest.traces.servegen import ServeGen
from fleetopt.ingest.traces.slots import choose_slots, slot_rates
from fleetopt.ingest.traces.tally import ModelTally, Tally
from fleetopt.ingest.traces.windows import rate_hours

FORMATS: tuple[TraceFormat, ...] = (Azure(), BurstGpt(), Bailian(), Mooncake(), ServeGen(), Generic())
"""Asked in this order; the generic table comes last."""


@dataclass(frozen=True, slots=True)
class _Counted:
    """One model, before slots are chosen for all of them."""

    model: str
    hours: tuple[Hour, ...]
    lengths: tuple[LengthBin, ...] = ()
    burstiness: Burstiness | None = None
    prefix_cache: PrefixCache | None = None


def read_trace(path: Path, options: TraceOptions, name: str | None = None) -> TraceReading:
    """What a trace holds, by the format of that name or else by the first that recognises it.

    Raises:
        InputError: there is no such format, none recognises the file, the file is malformed, or it spans no time.
    """
    head = head_of(path)
    found = _format(path, head, name, options)
    content = found.open(path, head, options)
    if isinstance(content, Rates):
        counted = [_Counted(model, hours) for model, hours in rate_hours(path, content, options.timezone).items()]
        rows, flags = f"{len(content.windows):,} windows", list[Flag]()
    else:
        counted, flags, rows = _requests(path, content, options)
    counted = _chosen(counted, options.only)
    profiles = _profiles(counted, options)
    for one in counted:
        where = f"{shown(path)} {one.model}".strip()
        flags += profile_flags(where, profiles[one.model]) + gap_flags(where, one.hours)
    slots = choose_slots(list(profiles.values()), options.slots, in_order=options.in_order)
    return TraceReading(
        found.name,
        path,
        _sha256(path),
        min(one.hours[0].start for one in counted),
        max(one.hours[-1].start for one in counted) + timedelta(hours=1),
        slots,
        tuple(_traffic(one, profiles[one.model], slots) for one in counted),
        _understood(f"{found.title}: {rows}", content, options, slots),
        tuple(dict.fromkeys(flags)),
    )


def _format(path: Path, head: bytes, name: str | None, options: TraceOptions) -> TraceFormat:
    if head[:2] == b"\x1f\x8b":
        raise InputError([Issue("compressed", shown(path), "is compressed", "Unpack it, with gunzip perhaps")])
    if name is not None:
        found = next((one for one in FORMATS if one.name == name), None)
        if found is None:
            fix = did_you_mean(name, [one.name for one in FORMATS])
            raise InputError([Issue("unknown-format", "--format", f"'{name[:60]}' is no trace format", fix)])
        return found
    if options.columns:
        return FORMATS[-1]
    found = next((one for one in FORMATS if one.recognises(head)), None)
    if found is None:
        if mark := separated_by(header_of(head)):
            raise InputError(
                [Issue("bad-csv", f"{shown(path)}:1", f"separates its cells with {mark}, not commas", COMMAS)]
            )
        fix = f"Name its format with --format: {', '.join(one.name for one in FORMATS)}"
        raise InputError([Issue("unknown-format", shown(path), "is in no trace format that fleetopt knows", fix)])
    return found


def _chosen(counted: list[_Counted], only: str | None) -> list[_Counted]:
    chosen = [one for one in counted if only in (None, one.model)]
    if not chosen:
        fix = did_you_mean(str(only), [one.model for one in counted])
        raise InputError([Issue("unknown-model", "--only", f"'{str(only)[:60]}' is no model of the trace", fix)])
    return chosen


def _profiles(counted: list[_Counted], options: TraceOptions) -> dict[str, tuple[HourOfDay, ...]]:
    profiles = {one.model: day_profile(one.hours) for one in counted}
    if options.peak == "mean":
        return profiles
    if len(counted) > 1:
        what = f"the trace has {len(counted)} models, busiest at different times"
        raise InputError([Issue("several-models", "--peak", what, "Pick one model of the trace with --only")])
    return {one.model: with_busiest(profiles[one.model], one.hours) for one in counted}


def _understood(rows: str, content: Content, options: TraceOptions, slots: tuple[Slot, ...]) -> tuple[str, ...]:
    sentences = [rows, *content.understood, f"hours of the day are those of {options.timezone}"]
    if len(slots) > options.slots:
        sentences.append(f"{len(slots)} slots, not {options.slots}, as the models peak in different hours")
    return tuple(sentences)


def _requests(path: Path, stream: Stream, options: TraceOptions) -> tuple[list[_Counted], list[Flag], str]:
    tally = Tally(path, options, stream.block_tokens)
    for chunk in stream.chunks:
        tally.add(chunk)
    flags = tally.flags()
    arrivals = {name: one.arrivals() for name, one in sorted(tally.models.items())}
    span = _span(path, list(arrivals.values()))
    flags += span_flags(shown(path), *span)
    counted = [_count(name, tally.models[name], arrivals[name], span, options) for name in arrivals]
    return counted, flags, f"{tally.rows:,} rows"


def _span(path: Path, arrivals: Sequence[Ints]) -> tuple[int, int]:
    if not arrivals:
        fix = "Check which columns hold the tokens"
        raise InputError([Issue("empty-table", shown(path), "has no request with input and output tokens", fix)])
    start, last = min(int(times[0]) for times in arrivals), max(int(times[-1]) for times in arrivals)
    if start == last:
        what = "has all its requests at one moment, so they have no rate"
        raise InputError([Issue("too-short", shown(path), what, "Give a longer trace")])
    if last - start > LONGEST_US:
        raise InputError([Issue("too-long", shown(path), "spans more than 20 years", "Check its times")])
    count = sum(len(times) for times in arrivals)
    return start, last + max(1, round((last - start) / (count - 1)))


def _count(name: str, tally: ModelTally, times: Ints, span: tuple[int, int], options: TraceOptions) -> _Counted:
    hours = calendar_hours(tally.quarters, *span, options.timezone)
    prefix = tally.prefix.result() if tally.prefix is not None else None
    return _Counted(name, hours, length_bins(tally.grid, options.max_bins), burstiness(times), prefix)


def _traffic(one: _Counted, profile: tuple[HourOfDay, ...], slots: tuple[Slot, ...]) -> Traffic:
    rates, error = slot_rates(profile, slots)
    return Traffic(
        one.model,
        sum(hour.requests for hour in one.hours),
        sum(hour.weight * hour.rps for hour in profile) / HOURS,
        one.hours,
        profile,
        rates,
        error,
        _mean_tokens(one.hours, "input_tokens"),
        _mean_tokens(one.hours, "output_tokens"),
        one.lengths,
        one.burstiness,
        one.prefix_cache,
    )


def _mean_tokens(hours: Sequence[Hour], kind: Literal["input_tokens", "output_tokens"]) -> float | None:
    served = sum(hour.served for hour in hours)
    return sum(hour.served * (getattr(hour, kind) or 0.0) for hour in hours) / served if served else None


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
