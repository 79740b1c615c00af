"""Grids of AIConfigurator's single estimates: one row is one forward of prefill, or the mean step of a decode.

- prefill: latency_ms of `batch_size` prompts at once, no queueing. Taken are the rows with one prompt in every
  data-parallel group, so a replica fills  dp x input / latency  tokens/s.
- decode: latency_ms is the mean TPOT over the output, with `batch_size` requests in the whole replica; the mean
  context is  input + output/2.
- max_batch_by_memory is a whole number of requests of input + output tokens, so it understates the KV cache where it
  is small. Taken is the smallest  batch x length  of the decode rows with at least 32 requests a group, or else the
  largest of all, cut down to 6 digits: never more tokens than the tool allows where it counts.
"""

from __future__ import annotations

import math
from dataclasses import replace

from fleetopt.catalog.domain import DecodePoint, PrefillPoint
from fleetopt.documents import Row
from fleetopt.ingest.gpu_names import known_gpu
from fleetopt.ingest.profilers.gather import Found
from fleetopt.ingest.profilers.split import true_gpus
from fleetopt.ingest.reading import Flag, Setup

COLUMNS = (
    *("model", "gpu", "backend", "backend_version", "precision", "gpus_per_instance", "tp", "pp", "dp", "ep", "phase"),
    *("input_tokens", "output_tokens", "batch_size", "latency_ms", "max_batch_by_memory", "tool"),
)
UNDERSTOOD = (
    "Modelled: prefill latency_ms of one prompt in every data-parallel group, larger prefill batches left out",
    "Modelled: decode latency_ms is the mean TPOT at batch_size requests of input + output/2 tokens",
    "GPUs per replica are tensor x pipeline x data parallel",
)
ENOUGH_REQUESTS = 32


def points(rows: list[Row], flags: list[Flag]) -> list[Found]:
    """The prefill and decode points of a grid."""
    setups: dict[tuple[str, ...], Setup] = {}
    memory: dict[Setup, list[tuple[int, float]]] = {}
    found = []
    for row in rows:
        key = tuple(row.cells[name] for name in COLUMNS[:10])
        if key not in setups:
            setups[key] = _setup(row, flags)
        setup = setups[key]
        one = _found(row, setup)
        if one is not None:
            found.append(one)
        if one is not None and one.role == "decode" and row.cells["max_batch_by_memory"]:
            most = row.whole("max_batch_by_memory", least=0)
            length = row.number("input_tokens", above=True) + row.number("output_tokens", least=1)
            memory.setdefault(setup, []).append((most, most * length))
    tokens = {setup: _kv_tokens(limits, setup.data_parallel or 1) for setup, limits in memory.items()}
    return [replace(one, setup=replace(one.setup, max_kv_tokens=tokens.get(one.setup))) for one in found]


def _found(row: Row, setup: Setup) -> Found | None:
    groups = setup.data_parallel or 1
    batch, latency_s = row.whole("batch_size"), row.number("latency_ms", above=True) / 1000.0
    length = row.number("input_tokens", above=True)
    source = row.text("tool")
    if row.choice("phase", ("prefill", "decode")) == "decode":
        context = length + row.number("output_tokens", least=1) / 2
        return Found(setup, "decode", DecodePoint(context, batch, latency_s), "modelled", source, row.where())
    if batch != groups:
        return None
    return Found(setup, "prefill", PrefillPoint(length, groups * length / latency_s), "modelled", source, row.where())


def _kv_tokens(limits: list[tuple[int, float]], groups: int) -> float | None:
    ample = [tokens for most, tokens in limits if most >= ENOUGH_REQUESTS * groups]
    tokens = min(ample) if ample else max(tokens for _, tokens in limits)
    if not tokens:
        return None
    step = 10 ** max(math.floor(math.log10(tokens)) - 5, 0)
    return float(math.floor(tokens / step) * step)


def _setup(row: Row, flags: list[Flag]) -> Setup:
    tensor, pipeline, data = (row.whole(name, most=4096) for name in ("tp", "pp", "dp"))
    expert = row.whole("ep", most=4096) if row.cells["ep"] else 1
    stated = row.whole("gpus_per_instance", most=65_536)
    gpus, flag = true_gpus(row, "gpus_per_instance", stated, (tensor, pipeline, data), expert)
    flags += [flag] if flag else []
    gpu = row.text("gpu")
    return Setup(
        model=row.text("model"),
        gpu_type=known_gpu(gpu) or gpu,
        gpus_per_replica=gpus,
        tensor_parallel=tensor,
        pipeline_parallel=pipeline,
        data_parallel=data,
        expert_parallel=expert,
        precision=row.text("precision"),
        engine=f"{row.text('backend')} {row.text('backend_version')}",
    )
