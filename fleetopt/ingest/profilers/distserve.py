"""DistServe's fitted times (profiler-*.json, Apache-2.0): coefficients by model and tensor-parallel size, in ms.

    prefill = a + b sum(len) + c sum(len^2)            over the prompts of a batch
    step    = a + b sum(context) + c batch             one set of a, b, c up to a batch threshold, another above it

These are curves through measurements, so their points are modelled. They are sampled on a stated grid: prefill of
one prompt of each length in `LENGTHS`, steps of each batch in `BATCHES` at each context in `CONTEXTS`. How much KV
cache fits stands in max_num_tokens.csv beside the file, where there is one (pipeline-parallel 1).
The file does not name the GPU; `--gpu-type` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fleetopt.catalog.domain import DecodePoint, PrefillPoint
from fleetopt.documents import Record, read_record, read_table, stands
from fleetopt.ingest.profilers.gather import Found, gathered, raised
from fleetopt.ingest.reading import Flag, Reading, Setup, Told

LENGTHS = (128, 256, 512, 1024, 2048)
CONTEXTS = (256, 512, 1024, 2048)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 96, 128, 192, 256)
CAPACITY = "max_num_tokens.csv"
SOURCE = "DistServe's coefficients, fitted to measurements"
LIMIT_BYTES = 4 * 1024 * 1024
_THRESHOLD = "decoding_large_small_bs_threshold"
_SETS = ("prefill", "decoding_smallbs", "decoding_largebs")


class DistServe:
    name = "distserve"
    title = "DistServe fitted coefficients (profiler-*.json, with max_num_tokens.csv beside it)"

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002 - the keys say it all
        return head.lstrip().startswith(b"{") and b'"decoding_smallbs"' in head

    def read(self, path: Path, told: Told) -> Reading:
        record, digest = read_record(path, LIMIT_BYTES)
        flags: list[Flag] = []
        memory = _memory(path.parent / CAPACITY)
        smooth = [raised(one) for one in gathered(list(_found(record, memory, flags)), told)]
        flags += [flag for _, flag in smooth if flag is not None]
        understood = (
            f"{len(smooth)} series; times in ms, from coefficients fitted to measurements, so modelled",
            f"Prefill sampled at prompts of {_words(LENGTHS)} tokens",
            f"Decode sampled at batches of {_words(BATCHES)} at contexts of {_words(CONTEXTS)}",
            "GPUs per replica are tensor parallel; the sets of coefficients meet at a batch threshold"
            + (f"; KV cache from {CAPACITY}" if memory else f"; no {CAPACITY} beside it, so the KV cache is unknown"),
        )
        return Reading(self.name, path, digest, tuple(one for one, _ in smooth), understood, tuple(flags))


def kv_bytes(tokens: int, layers: int, hidden: int, bytes_per_value: int = 2) -> int:
    """KV cache of a model with multi-head attention: a key and a value vector a token and layer.

    The figure of the paper (OSDI'24): OPT-66B, 512 tokens, 1.13 GB as GiB are counted, 1.208e9 bytes.

    >>> kv_bytes(512, layers=64, hidden=9216)
    1207959552
    >>> round(kv_bytes(512, layers=64, hidden=9216) / 2**30, 3)
    1.125
    """
    return 2 * tokens * layers * hidden * bytes_per_value


def _words(values: tuple[int, ...]) -> str:
    return ", ".join(str(value) for value in values)


def _memory(path: Path) -> dict[tuple[str, int], float]:
    """KV tokens by model and tensor-parallel size; nothing where there is no such file."""
    if not stands(path, "file"):
        return {}
    rows, _ = read_table(path, ("model", "tp", "pp", "max_num_tokens"))
    return {
        (row.text("model"), row.whole("tp", most=1024)): row.number("max_num_tokens", above=True)
        for row in rows
        if row.whole("pp", most=1024) == 1
    }


def _found(record: Record, memory: dict[tuple[str, int], float], flags: list[Flag]) -> Iterator[Found]:
    for model in record.cells:
        sizes = record.record(model)
        for size in sizes.cells:
            if not (size.isascii() and size.isdigit() and 0 < int(size[:6]) <= 1024):
                raise sizes.fail(size[:20], "is no tensor-parallel size", 'Write a whole number, like "4"')
            gpus = int(size)
            setup = Setup(
                model=model,
                gpus_per_replica=gpus,
                tensor_parallel=gpus,
                pipeline_parallel=1,
                data_parallel=1,
                max_kv_tokens=memory.get((model, gpus)),
            )
            yield from _sampled(sizes.record(size), setup, flags)


def _sampled(one: Record, setup: Setup, flags: list[Flag]) -> Iterator[Found]:
    prefill, small, large = (_coefficients(one, name) for name in _SETS)
    threshold = one.number(_THRESHOLD)
    for length in LENGTHS:
        ms = prefill[0] + prefill[1] * length + prefill[2] * length**2
        if _sound(ms, one, f"prefill of {length} tokens", flags):
            point = PrefillPoint(length, 1000.0 * length / ms)
            yield Found(setup, "prefill", point, "modelled", SOURCE, one.where())
    for context in CONTEXTS:
        for batch in BATCHES:
            a, b, c = small if batch <= threshold else large
            ms = a + b * batch * context + c * batch
            if _sound(ms, one, f"a step of {batch} requests at {context} tokens", flags):
                step = DecodePoint(context, batch, ms / 1000.0)
                yield Found(setup, "decode", step, "modelled", SOURCE, one.where())


def _coefficients(one: Record, name: str) -> tuple[float, float, float]:
    values = one.numbers(name, least=-1e6)
    if len(values) != 3:
        raise one.fail(name, f"has {len(values)} numbers", "Give three: a, b and c")
    return values[0], values[1], values[2]


def _sound(ms: float, one: Record, what: str, flags: list[Flag]) -> bool:
    if ms > 1e-3:
        return True
    flags.append(Flag(one.where(), f"{what} would take {ms:.3g} ms", "dropped"))
    return False
