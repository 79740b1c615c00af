"""What the pre-deployment profiler of NVIDIA Dynamo measures: one file for prefill, one for decode.

As .npz (raw_data.npz), as .json of the same keys, or as CSV. In its own words and units:

- prefill_isl (tokens), prefill_ttft (ms), prefill_thpt_per_gpu (input tokens/s/GPU): one prompt at a time in every
  data-parallel group, so prefill_thpt_per_gpu = dp x isl / ttft / GPUs.
- x_kv_usage (fraction of the KV cache in use), y_context_length (input + output/2 tokens), z_itl (ms),
  z_thpt_per_gpu (output tokens/s/GPU), max_kv_tokens (tokens, whole replica). Hence
  batch = kv_usage x max_kv_tokens / context.

With --use-ai-configurator the same file holds AIConfigurator's estimates, and does not say so; the user can.

By Little's law the throughput is batch / itl. Where it is more than 10 % below, the engine queued some of the requests
that the profiler sent (those over its limit of sequences), and the ITL is of those that ran: the batch is then
throughput x ITL. Where most points differ, the size of the cache is in doubt; that is said, and nothing more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from fleetopt.catalog.domain import DecodePoint, PrefillPoint, Role
from fleetopt.documents import Record, read_bytes, read_record
from fleetopt.errors import InputError, Issue
from fleetopt.ingest.profilers.gather import Found, gathered, whole_replica
from fleetopt.ingest.profilers.npz import FILE_LIMIT_BYTES, ZIP_MAGIC, read_npz
from fleetopt.ingest.profilers.tabular import columns, read_columns
from fleetopt.ingest.reading import Flag, Reading, Setup, Told

PREFILL = ("prefill_isl", "prefill_ttft", "prefill_thpt_per_gpu")
DECODE = ("x_kv_usage", "y_context_length", "z_itl", "z_thpt_per_gpu")
KV = "max_kv_tokens"
PREFILL_CSV = ("isl", "ttft_ms", "prefill_tok_per_s_per_gpu")
DECODE_CSV = ("kv_usage_frac", "context_length", "itl_ms", "decode_tok_per_s_per_gpu")
SOURCE = "NVIDIA Dynamo pre-deployment profiler"
MEASURED = "taken as measured, which the file does not say: --modelled if the profiler asked AIConfigurator"
ESTIMATED = "estimates, as --modelled says"
LITTLE = 0.1

Lists = Mapping[str, Sequence[float]]


class Dynamo:
    name = "dynamo"
    title = "NVIDIA Dynamo profiler output (raw_data.npz, .json or CSV; prefill or decode)"

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002 - the content says it all
        if head.startswith(ZIP_MAGIC):
            return b"prefill_isl.npy" in head or b"x_kv_usage.npy" in head
        if head.lstrip().startswith(b"{"):
            return b'"prefill_isl"' in head or b'"x_kv_usage"' in head
        return any(set(wanted) <= columns(head) for wanted in (PREFILL_CSV, DECODE_CSV))

    def read(self, path: Path, told: Told) -> Reading:
        lists, places, digest = _lists(path)
        flags: list[Flag] = []
        role: Role = "prefill" if PREFILL[0] in lists else "decode"
        found = _prefill(lists, places, told, flags) if role == "prefill" else _decode(lists, places, told, flags)
        series = gathered(found, told)
        understood = (*_understood(role, len(found)), ESTIMATED if told.modelled else MEASURED)
        return Reading(self.name, path, digest, series, understood, tuple(flags))


def _lists(path: Path) -> tuple[Lists, list[str], str]:
    """The numbers by Dynamo's names, where each point stands, and the SHA-256 of the file."""
    head = read_bytes(path, FILE_LIMIT_BYTES)
    if head.startswith(ZIP_MAGIC):
        names = PREFILL if b"prefill_isl.npy" in head else (*DECODE, KV)
        lists, data = read_npz(path, names)
        digest = hashlib.sha256(data).hexdigest()
    elif head.lstrip().startswith(b"{"):
        record, digest = read_record(path)
        lists = _of_record(record)
    else:
        return _of_table(path, columns(head))
    where = Record(path, {})
    sizes = {len(values) for name, values in lists.items() if name != KV}
    if len(sizes) != 1 or 0 in sizes or len(lists.get(KV, [1.0])) != 1:
        raise where.fail("", "has lists of different lengths, or empty ones", "Copy the file again")
    first = next(iter(lists))
    return lists, [where.where(f"{first}[{i}]") for i in range(sizes.pop())], digest


def _of_record(record: Record) -> dict[str, list[float]]:
    names = PREFILL if record.has(PREFILL[0]) else DECODE
    lists = {name: record.numbers(name) for name in names}
    if names is DECODE:
        is_list = isinstance(record.cells.get(KV), list)
        lists[KV] = record.numbers(KV) if is_list else [record.number(KV, above=True)]
    return lists


def _of_table(path: Path, header: frozenset[str]) -> tuple[Lists, list[str], str]:
    ours, theirs = (PREFILL, PREFILL_CSV) if PREFILL_CSV[0] in header else (DECODE, DECODE_CSV)
    rows, digest = read_columns(path, theirs)
    lists = {our: [row.number(their) for row in rows] for our, their in zip(ours, theirs, strict=True)}
    return lists, [row.where() for row in rows], digest


def _prefill(lists: Lists, places: list[str], told: Told, flags: list[Flag]) -> list[Found]:
    gpus = whole_replica(None, told, places[0])
    found = []
    for where, isl, ttft_ms, per_gpu in zip(places, *(lists[name] for name in PREFILL), strict=True):
        _above_zero(where, isl=isl, ttft=ttft_ms, throughput=per_gpu)
        groups = per_gpu * gpus * ttft_ms / 1000.0 / isl
        if abs(groups - max(round(groups), 1)) > LITTLE * groups:
            what = f"{per_gpu:g} tokens/s on {gpus} GPUs is {groups:.3g} prompts of {isl:g} in {ttft_ms:g} ms"
            flags.append(Flag(where, f"{what}, no whole number of data-parallel groups", "kept"))
        point = PrefillPoint(isl, per_gpu * gpus)
        found.append(Found(Setup(), "prefill", point, "measured", SOURCE, where))
    return found


def _decode(lists: Lists, places: list[str], told: Told, flags: list[Flag]) -> list[Found]:
    stated = lists[KV][0] if KV in lists else told.setup.max_kv_tokens
    if stated is None:
        fix = "Say it with --max-kv-tokens; the profiler prints it"
        raise InputError([Issue("missing-fact", places[0], "does not say how many tokens the KV cache holds", fix)])
    gpus = whole_replica(None, told, places[0])
    setup = Setup(max_kv_tokens=stated)
    rows, ratios = [], []
    for where, usage, context, itl_ms, per_gpu in zip(places, *(lists[name] for name in DECODE), strict=True):
        _above_zero(where, kv_usage=usage, context=context, itl=itl_ms, max_kv_tokens=stated)
        point = DecodePoint(context, usage * stated / context, itl_ms / 1000.0)
        ratios.append(per_gpu * gpus * point.tpot_s / point.batch)
        rows.append((where, point, ratios[-1]))
    if _is_off(ratios):
        flags.append(_another_cache(places[0], stated, ratios))
    else:
        rows = [(where, _as_it_ran(point, ratio, where, flags), ratio) for where, point, ratio in rows]
    return [Found(setup, "decode", point, "measured", SOURCE, where) for where, point, _ in rows]


def _as_it_ran(point: DecodePoint, ratio: float, where: str, flags: list[Flag]) -> DecodePoint:
    """A point at the batch that ran, where the engine queued a part of what was sent."""
    if abs(ratio - 1.0) <= LITTLE:
        return point
    running = point.batch * ratio
    what = f"throughput x ITL is {running:.4g} requests, and the KV cache in use is {point.batch:.4g}"
    if ratio > 1.0:
        flags.append(Flag(where, what, "kept"))
        return point
    flags.append(Flag(where, f"{what}; the batch is taken for what ran", "corrected"))
    return replace(point, batch=running)


def _is_off(ratios: Sequence[float]) -> bool:
    """Whether most points deny the size of the cache, and not only those of a full engine."""
    return abs(median(ratios) - 1.0) > LITTLE


def _another_cache(where: str, stated: float, ratios: Sequence[float]) -> Flag:
    off = sum(abs(ratio - 1.0) > LITTLE for ratio in ratios)
    what = (
        f"throughput x ITL is {median(ratios):.3g} times the requests in the KV cache, at {off} of {len(ratios)} points"
    )
    return Flag(where, f"{what}; the cache looks like {stated * median(ratios):.6g} tokens, not {stated:g}", "kept")


def _above_zero(where: str, **values: float) -> None:
    for name, value in values.items():
        if value <= 0:
            raise InputError([Issue("bad-value", where, f"has {name} {value:g}", "It must be above 0")])


def _understood(role: Role, count: int) -> tuple[str, ...]:
    if role == "prefill":
        words = "TTFT in ms of one prompt at a time; tokens/s are input tokens per GPU, times the GPUs of the replica"
    else:
        words = "ITL in ms; tokens/s are output tokens per GPU; batch = KV usage x max_kv_tokens / context, if it ran"
    return f"{count} {role} points", words
