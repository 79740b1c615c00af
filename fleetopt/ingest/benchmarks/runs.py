"""One benchmark run, in our units and with one meaning, whatever the tool calls its keys.

`tpot_s` is the mean over requests of (end-to-end latency - TTFT) / (output tokens - 1); 0 where a request has one
output token. `concurrency` is the mean number of requests in the system: what the tool measured, or by Little's law
rate x mean end-to-end latency; never the limit that was asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fleetopt.catalog.domain import Tail
from fleetopt.catalog.tails import TAIL_PERCENTILES
from fleetopt.documents import Record, parse_json, read_text, shown
from fleetopt.errors import InputError, Issue
from fleetopt.ingest.reading import Flag, Setup

MS = 1e-3
LIMIT_BYTES = 256 * 1024 * 1024
MOST_RUNS = 10_000
PERCENTS = tuple(round(100 * percentile) for percentile in TAIL_PERCENTILES)
ENGINES = frozenset({"vllm", "sglang", "tensorrt-llm", "tgi", "lmdeploy", "deepspeed-mii", "scalellm", "llama.cpp"})
"""Backends of vLLM's and SGLang's benchmarks that name an engine; the others name only a protocol."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run measured, and what its file claims beside it (None where it says nothing)."""

    where: str
    setup: Setup
    tool: str
    input_tokens: float
    output_tokens: float
    completed: int
    failed: int
    rate_rps: float
    concurrency: float
    concurrency_is: Literal["measured", "derived"]
    ttft_s: float
    tpot_s: float
    tails: tuple[Tail, ...] = ()
    stated_rate_rps: float | None = None
    asked_rps: float | None = None
    limit: float | None = None
    output_tokens_per_s: float | None = None
    input_tokens_per_s: float | None = None
    flags: tuple[Flag, ...] = ()


def nothing(where: str, tool: str, failed: int) -> Run:
    """A run in which no request was completed, so that its figures say nothing."""
    return Run(where, Setup(), tool, 0.0, 0.0, 0, failed, 0.0, 0.0, "derived", 0.0, 0.0)


def read_runs(path: Path) -> tuple[list[Record], str]:
    """The JSON objects of a file, be it one, a list, or one a line; and the SHA-256 of its bytes.

    Infinity and NaN, which Python's tools write although JSON has none, are let in; a Record refuses them as numbers.

    Raises:
        InputError: the file cannot be read, is no JSON, or holds anything but objects.
    """
    text, digest = read_text(path, LIMIT_BYTES)
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if len(lines) > 1 and lines[0][1].rstrip().endswith("}"):
        found = [Record(path, _object(parse_json(line, path, n, nonfinite=True), path, n), n) for n, line in lines]
    else:
        found = _whole(parse_json(text, path, nonfinite=True), path)
    if not 0 < len(found) <= MOST_RUNS:
        what = f"holds {len(found)} runs"
        raise InputError([Issue("bad-json", shown(path), what, f"Give between 1 and {MOST_RUNS:,} runs a file")])
    return found, digest


def _whole(value: object, path: Path) -> list[Record]:
    if isinstance(value, list):
        return [Record(path, _object(item, path), key=f"[{i}]") for i, item in enumerate(value)]
    return [Record(path, _object(value, path))]


def _object(value: object, path: Path, line: int | None = None) -> dict[str, object]:
    if not isinstance(value, dict):
        at = f"{shown(path)}:{line}" if line else shown(path)
        raise InputError([Issue("bad-json", at, "holds something else than a run's object", "Give one object a run")])
    return value


def begins_with_object(head: bytes, *keys: str) -> bool:
    """Whether a file's first bytes are JSON and name all of these keys."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return start[:1] in {b"{", b"["} and all(f'"{key}"'.encode() in head for key in keys)


def per_request(record: Record, key: str, completed: int) -> float:
    """The mean of a total over the completed requests."""
    return record.number(key) / completed


def tails(key: Callable[[Literal["ttft", "tpot"], int], float | None]) -> tuple[Tail, ...]:
    """The percentiles that a tool wrote, from what it says (in ms) of a latency at each."""
    found = [(what, p, key(what, p)) for what in ("ttft", "tpot") for p in PERCENTS]
    return tuple(Tail(what, p / 100, ms * MS) for what, p, ms in found if ms)  # type: ignore[arg-type]


def percentile_ms(record: Record, what: Literal["ttft", "tpot"], percentile: int) -> float | None:
    """A percentile as vLLM and SGLang write it; the median may stand only under its own name."""
    value = record.optional_number(f"p{percentile}_{what}_ms")
    return record.optional_number(f"median_{what}_ms") if value is None and percentile == 50 else value


def duration_s(record: Record, key: str) -> float:
    """How long a run took; nothing can be said of one that took no time."""
    return record.number(key, above=True, most=1e8)


def optional_rate(record: Record, key: str) -> float | None:
    """The request rate that was asked for; None for an unlimited one, which tools write in several ways."""
    value = record.cells.get(key)
    unlimited = value is None or isinstance(value, str) or (isinstance(value, float) and math.isinf(value))
    return None if unlimited else record.optional_number(key)


def whole_or_none(record: Record, key: str) -> int | None:
    """A whole number of at least one; None where there is none."""
    return record.whole(key, most=1_000_000) if record.has(key) else None


def text_or_none(record: Record, key: str) -> str | None:
    """A text; None where there is none."""
    return record.text(key)[:200] if record.has(key) else None
