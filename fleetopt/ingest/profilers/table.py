"""Our own generic table: one operating point a row, units in the names of columns (docs/ingest-formats.md).

- prefill: input_tokens, and tokens_per_s or a TTFT of one prompt in every data-parallel group.
- decode: batch, a context (context_tokens, or input + output/2), and a TPOT or tokens_per_s = batch / TPOT.
- aggregated: lengths, TTFT, TPOT, and the rate or the concurrency; each follows from the other by Little's law,
  concurrency = rate x (TTFT + TPOT (output - 1)).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from fleetopt.catalog.domain import EVIDENCE, ROLES, AggregatedPoint, DecodePoint, Evidence, PrefillPoint, Role
from fleetopt.catalog.tails import TAIL_COLUMNS, read_tails
from fleetopt.documents import Row, read_table
from fleetopt.ingest.gpu_names import known_gpu
from fleetopt.ingest.profilers.gather import Found, believable, falling, gathered
from fleetopt.ingest.profilers.split import true_gpus
from fleetopt.ingest.profilers.tabular import columns
from fleetopt.ingest.reading import Flag, Point, Reading, Setup, Told

REQUIRED = ("evidence", "source")
_WORDS = ("model", "config", "gpu_type", "precision", "engine")
_COUNTS = ("gpus_per_replica", "tensor_parallel", "pipeline_parallel", "data_parallel", "expert_parallel")
OPTIONAL = (
    *_WORDS,
    *_COUNTS,
    *("max_kv_tokens", "role", "input_tokens", "output_tokens", "context_tokens", "batch", "concurrency"),
    *("rate_rps", "rate_per_minute", "ttft_ms", "ttft_s", "tpot_ms", "tpot_s", "tokens_per_s", "tokens_counted"),
    *TAIL_COLUMNS,
)
AGREE = 0.02
LEAST_COLUMNS = 4
"""Of our columns, how many a table has at least."""


class Table:
    name = "table"
    title = "fleetopt's own table of operating points (docs/ingest-formats.md)"

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002 - the columns say it all
        """Also a table that is nearly ours, so that its reader says which column is not."""
        header = {name.strip() for cell in columns(head) for name in re.split("[;\t]", cell)}
        ours = header & {*REQUIRED, *OPTIONAL}
        return len(ours) >= LEAST_COLUMNS and 2 * len(ours) > len(header)

    def read(self, path: Path, told: Told) -> Reading:
        rows, digest = read_table(path, REQUIRED, OPTIONAL)
        flags: list[Flag] = []
        found = believable([_found(row, told, flags) for row in rows], flags)
        flags += falling(found, DecodePoint)
        understood = [f"{len(rows)} rows; units are in the names of the columns; GPUs are of the whole replica"]
        counted = sorted({row.cells["tokens_counted"] for row in rows if row.cells.get("tokens_counted")})
        understood += [f"tokens/s count {word} tokens, of the whole replica" for word in counted]
        return Reading(self.name, path, digest, gathered(found, told), tuple(understood), tuple(flags))


def _found(row: Row, told: Told, flags: list[Flag]) -> Found:
    evidence: Evidence = row.choice("evidence", EVIDENCE)  # type: ignore[assignment]
    if row.cells.get("role") or told.role is None:
        role: Role = row.choice("role", ROLES)  # type: ignore[assignment]
    else:
        role = told.role
    setup = _setup(row, flags)
    groups = setup.data_parallel or told.setup.data_parallel or 1
    points = {"prefill": _prefill, "decode": _decode, "aggregated": _aggregated}
    return Found(setup, role, points[role](row, groups), evidence, row.text("source"), row.where())


def _setup(row: Row, flags: list[Flag]) -> Setup:
    words = {name: row.cells[name] for name in _WORDS if row.cells.get(name)}
    counts = {name: row.whole(name, most=65_536) for name in _COUNTS if row.cells.get(name)}
    if "tensor_parallel" in counts:
        split = tuple(counts.get(name, 1) for name in _COUNTS[1:4])
        stated = counts.get("gpus_per_replica")
        gpus, flag = true_gpus(row, _COUNTS[0], stated, (split[0], split[1], split[2]), counts.get(_COUNTS[4], 1))
        counts["gpus_per_replica"] = gpus
        flags += [flag] if flag else []
    if "gpu_type" in words:
        words["gpu_type"] = known_gpu(words["gpu_type"]) or words["gpu_type"]
    return Setup(**words, **counts, max_kv_tokens=row.optional_number("max_kv_tokens", above=True))  # type: ignore[arg-type]


def _prefill(row: Row, groups: int) -> Point:
    length = row.number("input_tokens", above=True)
    ttft_s, tokens = _time_s(row, "ttft"), _tokens_per_s(row, "input")
    if (ttft_s is None) == (tokens is None):
        what = "is filled in beside a TTFT" if tokens is not None else "is empty, and so is the TTFT"
        raise row.fail("tokens_per_s", what, "Fill in one of tokens_per_s, ttft_ms and ttft_s")
    return PrefillPoint(length, tokens if tokens is not None else groups * length / (ttft_s or 1.0))


def _decode(row: Row, groups: int) -> Point:  # noqa: ARG001 - batch and tokens/s are of the whole replica
    batch = row.number("batch", above=True)
    context = row.optional_number("context_tokens", above=True)
    if context is None:
        context = row.number("input_tokens", above=True) + row.number("output_tokens", above=True) / 2
    tpot_s, tokens = _time_s(row, "tpot"), _tokens_per_s(row, "output")
    if tpot_s is None and tokens is None:
        raise row.fail("tpot_ms", "is empty, and so are tpot_s and tokens_per_s", "Fill in one of them")
    if tpot_s is not None and tokens is not None and abs(tokens * tpot_s / batch - 1) > AGREE:
        what = f"is {tokens:g}, and batch / TPOT is {batch / tpot_s:.6g}"
        raise row.fail("tokens_per_s", what, "Check both, or leave one of them out")
    return DecodePoint(context, batch, tpot_s if tpot_s is not None else batch / (tokens or 1.0))


def _aggregated(row: Row, groups: int) -> Point:  # noqa: ARG001 - rates are of the whole replica
    inputs, outputs = row.number("input_tokens", above=True), row.number("output_tokens", least=1)
    ttft_s, tpot_s = (_needed_s(row, name) for name in ("ttft", "tpot"))
    in_system_s = ttft_s + tpot_s * (outputs - 1)
    rate = _rate_rps(row, inputs, outputs)
    concurrency = row.optional_number("concurrency", above=True)
    if rate is None and concurrency is None:
        raise row.fail("rate_rps", "is empty, and so is the concurrency", "Fill in one of them")
    rate = rate if rate is not None else (concurrency or 0.0) / in_system_s
    concurrency = concurrency if concurrency is not None else rate * in_system_s
    return AggregatedPoint(inputs, outputs, concurrency, rate, ttft_s, tpot_s, read_tails(row))


def _time_s(row: Row, name: str) -> float | None:
    """A latency in seconds, from the column in ms or the one in s."""
    ms, s = (row.optional_number(f"{name}_{unit}", above=True) for unit in ("ms", "s"))
    if ms is not None and s is not None:
        raise row.fail(f"{name}_s", f"is filled in beside {name}_ms", "Leave one of them out")
    return ms / 1000.0 if ms is not None else s


def _needed_s(row: Row, name: str) -> float:
    seconds = _time_s(row, name)
    if seconds is None:
        raise row.fail(f"{name}_ms", f"is empty, and so is {name}_s", "Fill in one of them")
    return seconds


def _tokens_per_s(row: Row, wanted: Literal["input", "output"]) -> float | None:
    """Input or output tokens/s, None where no tokens/s are given."""
    tokens = row.optional_number("tokens_per_s", above=True)
    if tokens is None:
        return None
    counted = row.choice("tokens_counted", ("input", "output", "both"))
    if counted == "both":
        lengths = {name: row.number(f"{name}_tokens", above=True) for name in ("input", "output")}
        return tokens * lengths[wanted] / (lengths["input"] + lengths["output"])
    if counted != wanted:
        raise row.fail("tokens_counted", f"is {counted}, where {wanted} tokens/s are needed", "Check the role")
    return tokens


def _rate_rps(row: Row, inputs: float, outputs: float) -> float | None:
    """Requests/s from whichever column states them; those that are filled in must agree."""
    found = {"rate_rps": row.optional_number("rate_rps", above=True)}
    per_minute = row.optional_number("rate_per_minute", above=True)
    found["rate_per_minute"] = per_minute / 60.0 if per_minute is not None else None
    tokens = row.optional_number("tokens_per_s", above=True)
    if tokens is not None:
        lengths = {"input": inputs, "output": outputs, "both": inputs + outputs}
        found["tokens_per_s"] = tokens / lengths[row.choice("tokens_counted", tuple(lengths))]
    stated = {name: rate for name, rate in found.items() if rate is not None}
    if stated and max(stated.values()) > (1 + AGREE) * min(stated.values()):
        rates = ", ".join(f"{name} {rate:.6g} requests/s" for name, rate in stated.items())
        raise row.fail(
            next(iter(stated)), f"contradicts another column: {rates}", "Check the units and what is counted"
        )
    return next(iter(stated.values()), None)
