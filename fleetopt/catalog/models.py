"""Reads an LLM's folder: its card, its serving configs and the profiles that say how fast they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from fleetopt.catalog.calibration import calibrated
from fleetopt.catalog.cards import read_card
from fleetopt.catalog.domain import (
    ROLES,
    AggregatedPoint,
    AggregatedProfile,
    Candidate,
    DecodePoint,
    DecodeProfile,
    GpuType,
    InputFile,
    Llm,
    ModelCard,
    PrefillPoint,
    PrefillProfile,
    Profile,
    Provenance,
    RatePoint,
    RateProfile,
    Role,
    ServingConfig,
)
from fleetopt.catalog.hardware import provenance
from fleetopt.catalog.hypothetical import carried_over
from fleetopt.catalog.roots import model_folder, model_names
from fleetopt.catalog.tails import TAIL_COLUMNS, read_tails
from fleetopt.documents import Row, read_table, read_yaml
from fleetopt.errors import InputError, Issue, did_you_mean
from fleetopt.units import Latency, latency

CONFIG_COLUMNS = (
    "config",
    "gpu_type",
    "gpus_per_replica",
    "tensor_parallel",
    "pipeline_parallel",
    "data_parallel",
    "expert_parallel",
    "precision",
    "engine",
    "max_kv_tokens",
    "evidence",
    "source",
)
SHARE_COLUMN = "gpu_share"
PROFILE_COLUMNS: dict[str, tuple[str, ...]] = {
    "prefill.csv": ("config", "input_tokens", "tokens_per_s", "latency_ms"),
    "decode.csv": ("config", "context_tokens", "batch", "tpot_ms"),
    "aggregated.csv": ("config", "input_tokens", "output_tokens", "concurrency", "rate_rps", "ttft_ms", "tpot_ms"),
    "rates.csv": (
        "config",
        "role",
        "input_tokens",
        "output_tokens",
        "ttft_ms",
        "ttft_at",
        "tpot_ms",
        "tpot_at",
        "rate_rps",
    ),
}
PROVENANCE_COLUMNS = ("evidence", "source")
OPTIONAL_COLUMNS = {"aggregated.csv": (*PROVENANCE_COLUMNS, *TAIL_COLUMNS)}

Point = TypeVar("Point")


def load_model(
    name: str, roots: tuple[Path, ...], gpu_types: dict[str, GpuType], *, calibrate: bool = True
) -> tuple[Llm, list[InputFile]]:
    """An LLM with every candidate it has evidence for, and the files it came from.

    Modelled profiles are corrected by the factors of its calibration table unless `calibrate` is off.

    Raises:
        InputError: no root has the model, a file is malformed, or the model has no profile at all.
    """
    folder = model_folder(name, roots)
    if folder is None:
        raise InputError([Issue("unknown-model", name, "no such model", did_you_mean(name, model_names(roots)))])
    document, digest = read_yaml(folder / "card.yaml")
    files = [InputFile(f"{name}/card.yaml", digest)]
    card = read_card(name, document)
    configs = _configs(name, folder, gpu_types, files)
    candidates: dict[str, Candidate] = {}
    for file in PROFILE_COLUMNS:
        for candidate, row in _read_profiles(folder, file, configs, files):
            if candidate.name in candidates:
                what = f"profiles '{candidate.config.name}' in role {candidate.role} a second time"
                raise InputError([Issue("repeated-profile", row.where("config"), what, "Keep one, or rename a config")])
            candidates[candidate.name] = candidate
    for carried in _carried_over(candidates.values(), card, gpu_types):
        candidates.setdefault(carried.name, carried)
    unused = configs.keys() - {candidate.config.name for candidate in candidates.values()}
    if candidates and unused:
        where, names = str(folder / "configs.csv"), ", ".join(sorted(unused)[:3])
        fix = f"Add rows for them to one of {', '.join(PROFILE_COLUMNS)}, or take them out"
        raise InputError([Issue("missing-profile", where, f"has configs without any profile ({names})", fix)])
    if not candidates:
        fix = f"Add one of {', '.join(PROFILE_COLUMNS)}"
        raise InputError([Issue("missing-profile", str(folder), f"model '{name}' has no profile", fix)])
    if calibrate:
        candidates = calibrated(name, folder, candidates, files)
    return Llm(card, tuple(candidates[key] for key in sorted(candidates))), files


def _carried_over(candidates: Iterable[Candidate], card: ModelCard, gpu_types: dict[str, GpuType]) -> list[Candidate]:
    """The candidates again on every hypothetical GPU type that is based on theirs."""
    hypothetical = [gpu for gpu in gpu_types.values() if gpu.hypothesis is not None]
    pairs = [
        (candidate, gpu)
        for candidate in candidates
        for gpu in hypothetical
        if gpu.hypothesis is not None and gpu.hypothesis[0].name == candidate.config.gpu_type
    ]
    found = (carried_over(candidate, card, gpu) for candidate, gpu in pairs)
    return [candidate for candidate in found if candidate is not None]


def _configs(
    model: str, folder: Path, gpu_types: dict[str, GpuType], files: list[InputFile]
) -> dict[str, ServingConfig]:
    rows, digest = read_table(folder / "configs.csv", CONFIG_COLUMNS, (SHARE_COLUMN,))
    files.append(InputFile(f"{model}/configs.csv", digest))
    configs: dict[str, ServingConfig] = {}
    for row in rows:
        config = read_config(model, row)
        if config.gpu_type not in gpu_types:
            what = f"'{config.gpu_type[:60]}' is no GPU type in reach"
            own = "a new one is stated in _hardware/gpu_types.csv of a folder of models"
            raise row.fail("gpu_type", what, f"{did_you_mean(config.gpu_type, gpu_types)}; {own}")
        if config.name in configs:
            raise row.fail("config", f"repeats '{config.name[:60]}'", "Give every config its own name")
        configs[config.name] = config
    return configs


def read_config(model: str, row: Row) -> ServingConfig:
    config = ServingConfig(
        name=row.text("config"),
        model=model,
        gpu_type=row.text("gpu_type"),
        gpus_per_replica=row.whole("gpus_per_replica", most=4096),
        tensor_parallel=row.whole("tensor_parallel"),
        pipeline_parallel=row.whole("pipeline_parallel"),
        data_parallel=row.whole("data_parallel"),
        expert_parallel=row.whole("expert_parallel"),
        precision=row.text("precision"),
        engine=row.text("engine"),
        max_kv_tokens=row.optional_number("max_kv_tokens", above=True),
        provenance=provenance(row),
        gpu_share=_share(row),
    )
    split = config.tensor_parallel * config.pipeline_parallel * config.data_parallel
    if split != config.gpus_per_replica:
        what = f"{config.gpus_per_replica} is not tensor x pipeline x data parallel = {split}"
        fix = "Expert parallelism reuses the same GPUs: do not multiply it in"
        raise row.fail("gpus_per_replica", what, fix)
    return config


def _share(row: Row) -> float:
    """The part of each GPU's compute, all of it where nothing is said."""
    share = row.optional_number(SHARE_COLUMN, above=True)
    if share is None:
        return 1.0
    if share > 1.0:
        fix = "Write the part of each GPU's compute as a fraction: 0.5 for an MPS percentage of 50"
        raise row.fail(SHARE_COLUMN, f"{share:g} is more than a whole GPU", fix)
    return share


def _read_profiles(
    folder: Path, file: str, configs: dict[str, ServingConfig], files: list[InputFile]
) -> Iterator[tuple[Candidate, Row]]:
    path = folder / file
    if not path.is_file():
        return
    rows, digest = read_table(path, PROFILE_COLUMNS[file], OPTIONAL_COLUMNS.get(file, PROVENANCE_COLUMNS))
    files.append(InputFile(f"{folder.name}/{file}", digest))

    def key(row: Row) -> tuple[str, str]:
        return row.text("config"), row.choice("role", ROLES) if file == "rates.csv" else file.removesuffix(".csv")

    for (name, role), group in groupby(sorted(rows, key=key), key=key):
        members = list(group)
        if name not in configs:
            what = f"'{name[:60]}' is not in configs.csv"
            raise members[0].fail("config", what, did_you_mean(name, configs))
        config = configs[name]
        yield Candidate(config, role, _profile(file, role, config, members)), members[0]  # type: ignore[arg-type]


def read_point(file: str, config: ServingConfig, row: Row) -> PrefillPoint | DecodePoint | AggregatedPoint | RatePoint:
    """The operating point in a row of one of the profile tables.

    Raises:
        InputError: a cell is empty or out of range.
    """
    if file == "prefill.csv":
        return _prefill_point(config, row)
    if file == "decode.csv":
        return _decode_point(row)
    return _aggregated_point(row) if file == "aggregated.csv" else _rate_point(row)


def read_provenance(config: ServingConfig, row: Row) -> Provenance:
    """The provenance that a row of a profile table states, else that of its config."""
    return provenance(row) if row.cells.get("evidence") else config.provenance


def _profile(file: str, role: Role, config: ServingConfig, rows: list[Row]) -> Profile:
    source = _common_provenance(config, rows)
    if file == "prefill.csv":
        points = _distinct(rows, lambda row: _prefill_point(config, row), lambda p: p.input_tokens)
        return PrefillProfile(points, source)
    if file == "decode.csv":
        return DecodeProfile(_distinct(rows, _decode_point, lambda p: (p.context_tokens, p.batch)), source)
    if file == "aggregated.csv":
        return AggregatedProfile(
            _distinct(rows, _aggregated_point, lambda p: (p.input_tokens, p.output_tokens, p.concurrency)), source
        )
    return RateProfile(role, _distinct(rows, _rate_point, str), source)


def _common_provenance(config: ServingConfig, rows: list[Row]) -> Provenance:
    """The provenance of a profile: its rows' own where they state one, else the config's; never a mixture."""
    found = {read_provenance(config, row) for row in rows}
    if len({p.evidence for p in found}) > 1:
        kinds = " and ".join(sorted({p.evidence for p in found}))
        fix = "Give the measured and the modelled rows a config each"
        raise rows[0].fail("evidence", f"mixes {kinds} rows in one profile", fix)
    return Provenance(next(iter(found)).evidence, "; ".join(sorted({p.source for p in found})))


def _distinct(rows: list[Row], make: Callable[[Row], Point], key: Callable[[Point], Any]) -> tuple[Point, ...]:
    """The points of rows, sorted by their coordinates, which may not repeat."""
    seen: dict[Any, tuple[Row, Point]] = {}
    for row in rows:
        point = make(row)
        if key(point) in seen:
            first = seen[key(point)][0].line
            raise row.fail("config", f"repeats the operating point of line {first}", "Keep one, or average them")
        seen[key(point)] = (row, point)
    return tuple(seen[k][1] for k in sorted(seen))


def _prefill_point(config: ServingConfig, row: Row) -> PrefillPoint:
    length = row.number("input_tokens", above=True)
    throughput = row.optional_number("tokens_per_s", above=True)
    latency_ms = row.optional_number("latency_ms", above=True)
    if throughput is None and latency_ms is None:
        raise row.fail("tokens_per_s", "is empty, and so is latency_ms", "Fill in one of the two")
    if latency_ms is None:
        assert throughput is not None
        return PrefillPoint(length, throughput)
    if throughput is not None:
        raise row.fail("latency_ms", "is filled in beside tokens_per_s", "Fill in one of the two")
    return PrefillPoint(length, config.data_parallel * length / (latency_ms / 1000.0))


def _decode_point(row: Row) -> DecodePoint:
    return DecodePoint(
        row.number("context_tokens", above=True),
        row.number("batch", above=True),
        row.number("tpot_ms", above=True) / 1000.0,
    )


def _aggregated_point(row: Row) -> AggregatedPoint:
    output_tokens = row.number("output_tokens", least=1)
    concurrency = row.number("concurrency", above=True)
    ttft_s = row.number("ttft_ms", above=True) / 1000.0
    tpot_s = row.number("tpot_ms", above=True) / 1000.0
    rate = row.optional_number("rate_rps", above=True)
    if rate is None:
        # Little's law: concurrency = rate x time in the system.
        rate = concurrency / (ttft_s + tpot_s * (output_tokens - 1))
    lengths = row.number("input_tokens", above=True), output_tokens
    return AggregatedPoint(*lengths, concurrency, rate, ttft_s, tpot_s, read_tails(row))


def _rate_point(row: Row) -> RatePoint:
    ttft, tpot = (_stated_latency(row, name) for name in ("ttft", "tpot"))
    return RatePoint(
        input_tokens=row.number("input_tokens", above=True),
        output_tokens=row.number("output_tokens", above=True),
        ttft_s=ttft.limit_s,
        ttft_percentile=ttft.percentile,
        tpot_s=tpot.limit_s,
        tpot_percentile=tpot.percentile,
        rate_rps=row.number("rate_rps", above=True),
    )


def _stated_latency(row: Row, name: str) -> Latency:
    milliseconds = row.optional_number(f"{name}_ms", above=True)
    if milliseconds is None:
        return Latency(math.inf)
    try:
        return latency(f"{milliseconds!r} ms at {row.text(f'{name}_at', 'mean')}")
    except ValueError as error:
        raise row.fail(f"{name}_at", str(error), "Write 'mean' or a percentile like 'p99'") from None
