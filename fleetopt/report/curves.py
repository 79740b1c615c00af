"""A model's profiles as panels of curves, made once and drawn as pictures, in the terminal or as tables.

Curves are the interpolants that capacities are derived from, between measured points and never beyond them. With a
workload, a panel also holds what the SLO promises and the operating point at capacity, on the curve as it is planned:
slowed by the margin of its evidence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from fleetopt.capacity.aggregated import AggregatedLoad
from fleetopt.capacity.curves import Curve
from fleetopt.capacity.decode import DecodeLoad
from fleetopt.capacity.decode_curves import DecodeCurves
from fleetopt.capacity.domain import Capacity
from fleetopt.capacity.lengths import mean_context
from fleetopt.capacity.pchip import Pchip
from fleetopt.capacity.prefill import PrefillCurve
from fleetopt.capacity.series import Series, series_of
from fleetopt.catalog.domain import AggregatedProfile, Candidate, DecodeProfile, PrefillProfile
from fleetopt.report.view import BINDS, number, time
from fleetopt.scenario.domain import Workload

Kind: TypeAlias = Literal["prefill", "decode", "ttft", "tpot", "rate"]
STEPS = 60
"""Straight pieces in a drawn curve."""

LABELS: dict[Kind, tuple[str, str, str]] = {
    "prefill": ("Prefill", "prompt length (tokens)", "input tokens/s of a replica"),
    "decode": ("Decode", "batch (requests in a replica)", "TPOT (ms)"),
    "ttft": ("Aggregated TTFT", "concurrency (requests in a replica)", "mean TTFT (s)"),
    "tpot": ("Aggregated TPOT", "concurrency (requests in a replica)", "mean TPOT (ms)"),
    "rate": ("Aggregated rate", "concurrency (requests in a replica)", "requests/s of a replica"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One curve with the points it goes through; a planned one has no points of its own."""

    label: str
    candidate: Candidate
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    points: tuple[tuple[float, float], ...]
    planned: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """The operating point at capacity, and what binds there."""

    label: str
    candidate: Candidate
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Panel:
    """A chart. `promise` is a horizontal line: its label and where it stands."""

    kind: Kind
    title: str
    lines: tuple[Line, ...]
    promise: tuple[str, float] | None = None
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A workload and what the candidates carry of it, by candidate name."""

    workload: Workload
    capacities: dict[str, Capacity]


def panels(candidates: Sequence[Candidate], asked: Asked | None) -> list[Panel]:
    """One panel for all prefill curves, one for each decode profile, three for each aggregated one."""
    prefill = [one for one in candidates if isinstance(one.profile, PrefillProfile)]
    drawn = [_prefill_panel(prefill, asked)] if prefill else []
    drawn += [_decode_panel(one, asked) for one in candidates if isinstance(one.profile, DecodeProfile)]
    aggregated = [one for one in candidates if isinstance(one.profile, AggregatedProfile)]
    kinds: tuple[Kind, ...] = ("ttft", "tpot", "rate")
    return drawn + [_aggregated_panel(kind, one, asked) for kind in kinds for one in aggregated]


def _prefill_panel(candidates: Sequence[Candidate], asked: Asked | None) -> Panel:
    lines, marks = [], []
    for one in candidates:
        assert isinstance(one.profile, PrefillProfile)
        curve = PrefillCurve.of(one.profile).curve
        xs, ys = _sampled(_over_log(curve), math.exp(curve.first), math.exp(curve.last))
        points = tuple((point.input_tokens, point.tokens_per_s) for point in one.profile.points)
        lines.append(Line(_config(one), one, xs, ys, points))
        row = _capacity(one, asked)
        if row is not None and asked is not None:
            label = f"{one.config.gpu_type}: {number(row.slo_tokens_per_s)} tokens/s, {_bound(row, asked)}"
            marks.append(Mark(label, one, asked.workload.input_tokens, row.slo_tokens_per_s))
    return Panel("prefill", LABELS["prefill"][0], tuple(lines), None, tuple(marks))


def _decode_panel(one: Candidate, asked: Asked | None) -> Panel:
    assert isinstance(one.profile, DecodeProfile)
    lines = []
    for curve in DecodeCurves.of(one.profile).curves:
        xs, ys = _sampled(_in_ms(curve.tpot), curve.tpot.first, curve.tpot.last)
        points = [p for p in one.profile.points if p.context_tokens == curve.context]
        at = tuple((point.batch, 1e3 * point.tpot_s) for point in points)
        lines.append(Line(f"{curve.context:,.0f} tokens of context", one, xs, ys, at))
    row, marks = _capacity(one, asked), []
    if row is not None and asked is not None and isinstance(row.model, DecodeLoad) and row.batch is not None:
        load = row.model
        tpot_ms = _in_ms(load.tpot)
        xs, ys = _sampled(lambda x: load.slower * tpot_ms(x), load.tpot.first, load.tpot.last)
        label = f"planned at {mean_context(asked.workload):,.0f}{_slowed(load.slower)}"
        lines.append(Line(label, one, xs, ys, (), planned=True))
        text = f"batch {number(row.batch)}, {_bound(row, asked)}"
        marks.append(Mark(text, one, row.batch, load.slower * tpot_ms(row.batch)))
    promise = _promise("tpot", asked)
    return Panel("decode", f"{LABELS['decode'][0]}: {_config(one)}", tuple(lines), promise, tuple(marks))


def _aggregated_panel(kind: Kind, one: Candidate, asked: Asked | None) -> Panel:
    assert isinstance(one.profile, AggregatedProfile)
    lines = []
    for series in series_of(one.profile):
        xs, ys = _sampled(_read(kind, series), series.first, series.last)
        points = sorted((p for p in one.profile.points if _lengths(p) == _lengths(series)), key=lambda p: p.concurrency)
        values = {"ttft": [p.ttft_s for p in points], "tpot": [1e3 * p.tpot_s for p in points]}
        at = values.get(kind, [p.rate_rps for p in points])
        label = f"{series.input_tokens:,.0f} in, {series.output_tokens:,.0f} out"
        lines.append(Line(label, one, xs, ys, tuple(zip([p.concurrency for p in points], at, strict=True))))
    row, marks = _capacity(one, asked), []
    if row is not None and asked is not None and isinstance(row.model, AggregatedLoad) and row.batch is not None:
        planned = _planned(kind, row.model)
        xs, ys = _sampled(planned, row.model.series.first, row.model.series.last)
        label = f"planned{_statistic(kind, row.model, asked.workload)}{_slowed(row.model.slower)}"
        lines.append(Line(label, one, xs, ys, (), planned=True))
        text = f"concurrency {number(row.batch)}, {_bound(row, asked)}"
        marks.append(Mark(text, one, row.batch, planned(row.batch)))
    promise = _promise(kind, asked) if kind != "rate" else None
    return Panel(kind, f"{LABELS[kind][0]}: {_config(one)}", tuple(lines), promise, tuple(marks))


def _over_log(curve: Pchip) -> Callable[[float], float]:
    return lambda x: curve.at(min(max(math.log(x), curve.first), curve.last))


def _in_ms(curve: Curve) -> Callable[[float], float]:
    return lambda x: 1e3 * curve.at(min(max(x, curve.first), curve.last))


def _lengths(item: object) -> tuple[float, float]:
    return item.input_tokens, item.output_tokens  # type: ignore[attr-defined]


def _read(kind: Kind, series: Series) -> Callable[[float], float]:
    if kind == "ttft":
        return lambda c: series.ttft.at(series.held(c))
    return (lambda c: 1e3 * series.tpot.at(series.held(c))) if kind == "tpot" else series.rate_at


def _planned(kind: Kind, load: AggregatedLoad) -> Callable[[float], float]:
    """A curve as the planner reads it: latencies times the margin and at the promised statistic, rates divided."""
    if kind == "ttft":
        return load.ttft_s
    if kind == "tpot":
        return lambda c: 1e3 * load.slower * load.tpot.at(load.series.held(c))
    return lambda c: load.series.rate_at(c) / load.slower


def _slowed(slower: float) -> str:
    return f", slowed by {100 * (slower - 1):g} %" if slower > 1.0 else ""


def _capacity(one: Candidate, asked: Asked | None) -> Capacity | None:
    return asked.capacities.get(one.name) if asked is not None else None


def _statistic(kind: Kind, load: AggregatedLoad, workload: Workload) -> str:
    """' at p99', where the planned curve is of that percentile and not of the mean."""
    latency = {"ttft": workload.ttft, "tpot": workload.tpot}.get(kind)
    crowded = kind == "tpot" and load.occupancy_percentile is not None
    return "" if latency is None or latency.percentile is None or crowded else f" at {latency.at}"


def _promise(kind: str, asked: Asked | None) -> tuple[str, float] | None:
    latency = None if asked is None else asked.workload.ttft if kind == "ttft" else asked.workload.tpot
    if latency is None:
        return None
    name, scale, unit = ("TTFT", 1.0, "s") if kind == "ttft" else ("TPOT", 1e3, "ms")
    at = "" if latency.percentile is None else f" at {latency.at}"
    return f"promised: {name} {scale * latency.limit_s:g} {unit}{at}", scale * latency.limit_s


def _bound(row: Capacity, asked: Asked) -> str:
    """'bound by TTFT (1.5 s at p90)'."""
    latency = {"ttft": asked.workload.ttft, "tpot": asked.workload.tpot}.get(row.binds)
    if latency is None:
        return f"bound by {BINDS[row.binds]}"
    at = "" if latency.percentile is None else f" at {latency.at}"
    return f"bound by {BINDS[row.binds]} ({time(latency.limit_s)}{at})"


def _config(one: Candidate) -> str:
    return f"{one.config.name} ({one.config.gpus_per_replica} {one.config.gpu_type})"


def _sampled(read: Callable[[float], float], first: float, last: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """A curve at steps that are even in the logarithm of x; its ends are met exactly."""
    xs = tuple(_steps(first, last))
    return xs, tuple(read(x) for x in xs)


def _steps(first: float, last: float) -> Iterator[float]:
    yield first
    if last > first:
        yield from (first * (last / first) ** (step / STEPS) for step in range(1, STEPS))
        yield last
