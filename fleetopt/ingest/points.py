"""Operating points as rows of the catalog's profile tables: what identifies them, and what they state."""

from __future__ import annotations

import math

from fleetopt.catalog.domain import AggregatedPoint, DecodePoint, PrefillPoint, RatePoint, Role
from fleetopt.catalog.tails import tail_cells
from fleetopt.documents import LEAST, MOST
from fleetopt.ingest.reading import Point
from fleetopt.ingest.sheets import figure

SAME = 1e-5
"""Two figures of 6 significant digits that differ by less are one figure, rounded twice."""

UNPROMISED = -1.0
"""In a key: the mean, where others have a percentile."""


def table_of(point: Point) -> str:
    """The file of a model's folder in which a point has its row."""
    if isinstance(point, PrefillPoint):
        return "prefill.csv"
    if isinstance(point, DecodePoint):
        return "decode.csv"
    return "aggregated.csv" if isinstance(point, AggregatedPoint) else "rates.csv"


def key_of(point: Point) -> tuple[float, ...]:
    """What makes two points the same operating point."""
    if isinstance(point, PrefillPoint):
        key: tuple[float | None, ...] = (point.input_tokens,)
    elif isinstance(point, DecodePoint):
        key = (point.context_tokens, point.batch)
    elif isinstance(point, AggregatedPoint):
        key = (point.input_tokens, point.output_tokens, point.concurrency)
    else:
        promised = (point.ttft_s, point.ttft_percentile, point.tpot_s, point.tpot_percentile)
        key = (point.input_tokens, point.output_tokens, *promised)
    return tuple(UNPROMISED if part is None else _rounded(part) for part in key)


def _rounded(value: float) -> float:
    return float(figure(value)) if math.isfinite(value) else value


def values_of(point: Point) -> dict[str, float]:
    """What a point states, by column."""
    if isinstance(point, PrefillPoint):
        return {"tokens_per_s": point.tokens_per_s}
    if isinstance(point, DecodePoint):
        return {"tpot_ms": 1e3 * point.tpot_s}
    if isinstance(point, RatePoint):
        return {"rate_rps": point.rate_rps}
    means = {"rate_rps": point.rate_rps, "ttft_ms": 1e3 * point.ttft_s, "tpot_ms": 1e3 * point.tpot_s}
    return means | tail_cells(point.tails)


def is_sound(point: Point) -> bool:
    """Whether every figure of a point is one that a table may hold."""
    figures = [*values_of(point).values(), *(part for part in key_of(point) if part not in {UNPROMISED, math.inf})]
    return all(LEAST <= value <= MOST for value in figures)


def is_equal(one: Point, other: Point) -> bool:
    """Whether two points of the same key state the same."""
    mine, theirs = values_of(one), values_of(other)
    return mine.keys() == theirs.keys() and all(math.isclose(mine[c], theirs[c], rel_tol=SAME) for c in mine)


def cells_of(config: str, role: Role, point: Point) -> dict[str, str]:
    """A point's row, without its provenance."""
    cells = {"config": config, **{column: figure(value) for column, value in values_of(point).items()}}
    if isinstance(point, PrefillPoint):
        return cells | {"input_tokens": figure(point.input_tokens), "latency_ms": ""}
    if isinstance(point, DecodePoint):
        return cells | {"context_tokens": figure(point.context_tokens), "batch": figure(point.batch)}
    cells |= {"input_tokens": figure(point.input_tokens), "output_tokens": figure(point.output_tokens)}
    if isinstance(point, AggregatedPoint):
        return cells | {"concurrency": figure(point.concurrency)}
    ttft = _promise("ttft", point.ttft_s, point.ttft_percentile)
    return cells | {"role": role} | ttft | _promise("tpot", point.tpot_s, point.tpot_percentile)


def _promise(name: str, limit_s: float, percentile: float | None) -> dict[str, str]:
    if not math.isfinite(limit_s):
        return {f"{name}_ms": "", f"{name}_at": ""}
    at = "mean" if percentile is None else f"p{100 * percentile:g}"
    return {f"{name}_ms": figure(1e3 * limit_s), f"{name}_at": at}


def shown_values(point: Point) -> str:
    """'tpot_ms 23.9'."""
    return ", ".join(f"{column} {figure(value)}" for column, value in values_of(point).items())


def shown_key(point: Point) -> str:
    """'context_tokens 6400, batch 50'."""
    if isinstance(point, PrefillPoint):
        return f"input_tokens {figure(point.input_tokens)}"
    if isinstance(point, DecodePoint):
        return f"context_tokens {figure(point.context_tokens)}, batch {figure(point.batch)}"
    lengths = f"{figure(point.input_tokens)} + {figure(point.output_tokens)} tokens"
    return f"{lengths}, concurrency {figure(point.concurrency)}" if isinstance(point, AggregatedPoint) else lengths
