"""The files that a trace becomes: workload.yaml to include in a scenario, lengths.csv, hours.csv."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fleetopt.documents import inert, shown
from fleetopt.errors import InputError, Issue, did_you_mean
from fleetopt.ingest.traces.domain import LengthBin, Slot, TraceReading, Traffic
from fleetopt.ingest.traces.slots import slot_tokens
from fleetopt.report.trace_views import hour_names
from fleetopt.scenario.fields import stated_factor

UNNAMED = "workload"
NO_MODEL = "CHOOSE-A-MODEL"
NO_TOKENS = "FILL-IN"
LONGEST_NAME = 60

_NOT_IN_NAMES = re.compile(r"[\s/\\.,:*]+")


def trace_files(
    reading: TraceReading, name: str | None = None, models: str | None = None, *, by_slot: bool = False
) -> dict[str, str]:
    """Contents by file name.

    Args:
        reading: the trace.
        name: of the workload, where the trace has one model.
        models: a model of the catalog for all workloads, or 'workload=model' pairs with commas between them.
        by_slot: lengths for each slot, where the trace tells any.

    Raises:
        InputError: one name is given for several workloads, or a pair names no workload.
    """
    names = workload_names(reading, name)
    placed = catalog_models(names, models)
    contents = {"workload.yaml": _yaml(reading, names, placed, by_slot=by_slot), "hours.csv": _hours(reading)}
    for one, called in zip(reading.traffic, names, strict=True):
        if one.lengths:
            own = lengths_name(names, called)
            contents[own] = _lengths(one.lengths)
            slots = slot_mixes(one, reading.slots) if by_slot else {}
            contents |= {slot_lengths_name(own, slot): _lengths(mix) for slot, mix in slots.items()}
    return contents


def workload_names(reading: TraceReading, name: str | None = None) -> list[str]:
    """A name for each model of a trace that a scenario takes, each its own."""
    if name is not None:
        if len(reading.traffic) > 1:
            fix = "Leave it out, or pick one model of the trace with --only"
            raise InputError([Issue("several-models", "--name", f"the trace has {len(reading.traffic)} models", fix)])
        return [name]
    return plain_names([one.model for one in reading.traffic])


def plain_names(models: Iterable[str]) -> list[str]:
    """Names without what a scenario's names cannot have, each its own."""
    found: list[str] = []
    for model in models:
        plain = _NOT_IN_NAMES.sub("-", model).strip("-")[:LONGEST_NAME] or UNNAMED
        copies = sum(known == plain or known.startswith(f"{plain}-v") for known in found)
        found.append(f"{plain}-v{copies + 1}" if plain in found else plain)
    return found


def catalog_models(names: Sequence[str], models: str | None) -> dict[str, str]:
    """The catalog's model for each workload.

    Raises:
        InputError: a pair names no workload.
    """
    if models is None or "=" not in models:
        return dict.fromkeys(names, models or NO_MODEL)
    placed = dict.fromkeys(names, NO_MODEL)
    for pair in models.split(","):
        workload, _, model = (part.strip() for part in pair.partition("="))
        if workload not in placed or not model:
            fix = did_you_mean(workload, names) if workload not in placed else "Write workload=model"
            raise InputError([Issue("unknown-workload", "--model", f"'{pair.strip()[:60]}' cannot be used", fix)])
        placed[workload] = model
    return placed


def _yaml(reading: TraceReading, names: Sequence[str], models: Mapping[str, str], *, by_slot: bool) -> str:
    import yaml

    calendar = {"slots": {slot.name: f"{slot.hours_per_day:.12g} h" for slot in reading.slots}}
    workloads = {
        name: workload_block(one, reading.slots, models[name], lengths_name(names, name), by_slot=by_slot)
        for one, name in zip(reading.traffic, names, strict=True)
    }
    body = yaml.safe_dump({"calendar": calendar, "workloads": workloads}, sort_keys=False, allow_unicode=True)
    return "".join(f"{comment(line)}\n" for line in _comments(reading, names)) + body


def workload_block(
    one: Traffic, slots: Sequence[Slot], model: str, lengths: str, *, by_slot: bool = False
) -> dict[str, Any]:
    """One workload as a scenario writes it."""
    factors = {
        slot.name: stated_factor(rate / one.mean_rps) if one.mean_rps else 0.0
        for slot, rate in zip(slots, one.slot_rps, strict=True)
    }
    found: dict[str, Any] = {
        "model": model,
        "demand": {"base": f"{one.mean_rps!r} requests/s", "slots": factors},
    }
    if one.lengths:
        found["lengths"] = lengths
        if by_slot and (mixes := slot_mixes(one, slots)):
            found["by_slot"] = {slot: {"lengths": slot_lengths_name(lengths, slot)} for slot in mixes}
    else:
        found["input_tokens"] = NO_TOKENS if one.input_tokens is None else one.input_tokens
        found["output_tokens"] = NO_TOKENS if one.output_tokens is None else one.output_tokens
    if one.prefix_cache is not None:
        found["prefix_cache_hit_rate"] = one.prefix_cache.hit_ratio
    return found


def _comments(reading: TraceReading, names: Sequence[str]) -> Iterable[str]:
    yield f"From {shown(reading.path)}, SHA-256 {reading.sha256}"
    yield from (f"{sentence}." for sentence in reading.understood)
    yield from (f"{flag.done}: {flag.where}: {flag.what}." for flag in reading.flags)
    yield from (f"Slot {slot.name} stands for the hours {hour_names(slot)}." for slot in reading.slots)
    for one, name in zip(reading.traffic, names, strict=True):
        above = one.busiest.rps / one.peak.rps - 1 if one.peak.rps else 0.0
        error = round(100 * one.slot_error, 6)
        if one.lengths:
            yield f"{name}: on average {one.input_tokens:.6g} tokens in and {one.output_tokens:.6g} out."
        yield f"{name}: slots are off by {error:.2g} % of the mean rate on average; the busiest hour"
        yield f"  had {one.busiest.rps:.4g} requests/s, {100 * above:.3g} % above the peak slot."


def lengths_name(names: Sequence[str], name: str) -> str:
    """The file of a workload's lengths."""
    return "lengths.csv" if len(names) == 1 else f"lengths-{name}.csv"


def slot_lengths_name(lengths: str, slot: str) -> str:
    """The file of the lengths of one slot."""
    return f"{lengths.removesuffix('.csv')}-{slot}.csv"


def slot_mixes(one: Traffic, slots: Sequence[Slot]) -> dict[str, list[LengthBin]]:
    """The mix of a workload by slot: that of the whole trace, stretched to the mean tokens of the slot's requests."""
    found = {}
    for slot in slots:
        means = slot_tokens(one.profile, slot)
        if means is not None and one.input_tokens and one.output_tokens:
            more, longer = means[0] / one.input_tokens, means[1] / one.output_tokens
            found[slot.name] = [
                LengthBin(b.input_tokens * more, b.output_tokens * longer, b.share) for b in one.lengths
            ]
    return found


def _lengths(mix: Iterable[LengthBin]) -> str:
    rows = [[b.input_tokens, b.output_tokens, b.share] for b in mix]
    return csv_text(["input_tokens", "output_tokens", "share"], rows)


def _hours(reading: TraceReading) -> str:
    columns = ["model", "start", "covered_s", "requests_per_s", "input_tokens", "output_tokens"]
    rows = [
        [one.model, hour.start.isoformat(), hour.covered_s, hour.rps, hour.input_tokens, hour.output_tokens]
        for one in reading.traffic
        for hour in one.hours
    ]
    return csv_text(columns, rows)


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV in which nothing is taken for a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([inert(value) for value in row] for row in rows)
    return out.getvalue()


def comment(text: str) -> str:
    """A line of YAML that says something and means nothing."""
    return "# " + "".join(c if c.isprintable() else "?" for c in text)
