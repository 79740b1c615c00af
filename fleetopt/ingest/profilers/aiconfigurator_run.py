"""Runs AIConfigurator's own estimator, where the user has it: modelled prefill and decode points for chosen GPUs.

AIConfigurator 0.12.0 is never a dependency; it is imported when asked for, and any other version is refused, since
its successors change names and figures. One call of its `cli_estimate` is one point: mode `static_ctx` is a forward
of one prompt in every data-parallel group (TTFT in ms, no queueing), `static_gen` the mean step of a decode (TPOT in
ms) at `batch_size` requests in every group.
"""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from fleetopt.catalog.domain import DecodePoint, PrefillPoint
from fleetopt.errors import InputError, Issue, did_you_mean
from fleetopt.ingest.profilers.gather import Found, gathered, raised
from fleetopt.ingest.reading import Flag, Point, Reading, Setup, Told

TOOL, VERSION = "aiconfigurator", "0.12.0"
SYSTEMS = {
    "A100-80G": "a100_sxm",
    "H100": "h100_sxm",
    "H200": "h200_sxm",
    "B200": "b200_sxm",
    "GB200": "gb200",
    "L40S": "l40s",
    "RTX-PRO-6000": "rtx_pro_6000_server",
}

Estimator = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Split:
    """How a replica is split; the experts, where there are any, over as many GPUs as tensor x data parallel."""

    tensor: int
    pipeline: int = 1
    data: int = 1
    expert: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to estimate: `model` is the tool's name of it, lengths are tokens, `batches` requests a group."""

    model: str
    gpu_types: tuple[str, ...]
    splits: tuple[Split, ...]
    backend: str = "trtllm"
    backend_version: str | None = None
    input_lengths: tuple[int, ...] = (512, 1024, 2048, 4096, 8192, 16384)
    output_tokens: int = 512
    batches: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def run_aiconfigurator(plan: Plan, told: Told) -> Reading:
    """The plan's points, estimated now.

    Raises:
        InputError: AIConfigurator is not installed or of another version, a GPU type is unknown to it, or it could
            estimate nothing.
    """
    estimate = _estimator()
    unknown = [name for name in plan.gpu_types if name not in SYSTEMS]
    if unknown:
        what = f"AIConfigurator models no GPU type '{unknown[0][:60]}'"
        raise InputError([Issue("unknown-name", "gpu_types", what, did_you_mean(unknown[0], SYSTEMS))])
    flags: list[Flag] = []
    found = [
        one for gpu in plan.gpu_types for split in plan.splits for one in _estimated(estimate, plan, gpu, split, flags)
    ]
    if not found:
        what = f"could estimate nothing: {flags[0].what if flags else 'nothing was asked for'}"
        raise InputError([Issue("no-points", TOOL, what, "Choose another model, GPU type or split")])
    smooth = [raised(one) for one in gathered(found, told)]
    flags += [flag for _, flag in smooth if flag is not None]
    understood = (
        f"{len(found)} points estimated by {TOOL} {VERSION}; modelled, TTFT and TPOT in ms",
        "GPUs per replica are tensor x pipeline x data parallel; batches are of the whole replica",
    )
    text = json.dumps([[one.where, repr(one.point)] for one in found])
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Reading(TOOL, Path(TOOL), digest, tuple(one for one, _ in smooth), understood, tuple(flags))


def _estimator() -> Estimator:
    """AIConfigurator's function for one estimate."""
    fix = f"Install {TOOL}=={VERSION} beside fleetopt, or import its saved results instead"
    try:
        version = metadata.version(TOOL)
        if version != VERSION:
            what = f"is version {version}, and only {VERSION} is known to mean what we read"
            raise InputError([Issue("wrong-version", TOOL, what, fix)])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            estimator: Estimator = import_module(f"{TOOL}.cli.api").cli_estimate
    except (metadata.PackageNotFoundError, ImportError, AttributeError):
        raise InputError([Issue("not-installed", TOOL, "is not installed, or cannot be loaded", fix)]) from None
    return estimator


def _estimated(estimate: Estimator, plan: Plan, gpu: str, split: Split, flags: list[Flag]) -> Iterator[Found]:
    for length in plan.input_lengths:
        result = _one(estimate, plan, gpu, split, flags, mode="static_ctx", isl=length, batch_size=1)
        if result is not None:
            ms, setup, where = _sound_ms(result.ttft), _setup(plan, gpu, split, result), f"{TOOL} {gpu} {length} in"
            yield _found(setup, PrefillPoint(length, 1000.0 * split.data * length / ms), where)
        for batch in plan.batches:
            result = _one(estimate, plan, gpu, split, flags, mode="static_gen", isl=length, batch_size=batch)
            if result is None:
                break
            point = DecodePoint(length + plan.output_tokens / 2, split.data * batch, _sound_ms(result.tpot) / 1000.0)
            where = f"{TOOL} {gpu} {length} in, batch {batch}"
            yield _found(_setup(plan, gpu, split, result), point, where)


def _found(setup: Setup, point: Point, where: str) -> Found:
    role = "prefill" if isinstance(point, PrefillPoint) else "decode"
    return Found(setup, role, point, "modelled", f"{TOOL} {VERSION}, run by fleetopt", where)  # type: ignore[arg-type]


def _one(estimate: Estimator, plan: Plan, gpu: str, split: Split, flags: list[Flag], **point: int | str) -> Any | None:
    """One estimate; None, and a flag, where the tool refuses or the batch does not fit in its memory model."""
    experts = {} if split.expert is None else {"moe_tp_size": split.tensor * split.data // split.expert}
    experts |= {} if split.expert is None else {"moe_ep_size": split.expert}
    sizes = {"tp_size": split.tensor, "pp_size": split.pipeline, "attention_dp_size": split.data}
    names = {"backend_name": plan.backend, "backend_version": plan.backend_version}
    where = f"{TOOL} {gpu} tp{split.tensor} {point['mode']} {point['isl']} in, batch {point['batch_size']}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = estimate(plan.model, SYSTEMS[gpu], osl=plan.output_tokens, **names, **sizes, **experts, **point)
    except Exception as error:  # noqa: BLE001 - whatever a foreign tool raises means that it has no estimate
        flags.append(Flag(where, f"no estimate ({' '.join(str(error).split())[:120]})", "dropped"))
        return None
    warning = getattr(result, "kv_cache_warning", None)
    if warning:
        flags.append(Flag(where, f"does not fit ({' '.join(str(warning).split())[:120]})", "dropped"))
        return None
    return result


def _sound_ms(value: Any) -> float:
    ms = float(value)
    if not math.isfinite(ms) or ms <= 0:
        fix = "Leave this GPU type or length out"
        raise InputError([Issue("bad-value", TOOL, f"estimates a time of {ms:g} ms", fix)])
    return ms


def _setup(plan: Plan, gpu: str, split: Split, result: Any) -> Setup:
    return Setup(
        model=plan.model,
        gpu_type=gpu,
        gpus_per_replica=split.tensor * split.pipeline * split.data,
        tensor_parallel=split.tensor,
        pipeline_parallel=split.pipeline,
        data_parallel=split.data,
        expert_parallel=split.expert or 1,
        precision=str(result.raw.get("gemm", "not stated")),
        engine=f"{plan.backend} {result.backend_version}",
    )
