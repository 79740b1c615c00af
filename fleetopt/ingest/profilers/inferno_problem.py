"""A problem of llm-inferno as values: accelerators, performance, service classes, stock and demand.

Its files hold ms, cents per hour and requests per minute; the values here are in our units.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fleetopt.documents import Record, read_record, shown, stands
from fleetopt.errors import InputError, Issue, did_you_mean
from fleetopt.ingest.profilers.inferno_queue import LARGEST_BATCH, Parameters, Targets

FILES = ("accelerator-data.json", "model-data.json", "serviceclass-data.json", "server-data.json")
STOCK = "capacity-data.json"
LIMIT_BYTES = 16 * 1024 * 1024

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Accelerator:
    """Units of one GPU type that work as one: '4xA100' is four."""

    name: str
    gpu_type: str
    gpus: int
    memory_gib: float
    memory_bandwidth_gb_s: float
    power_w: float
    usd_per_h: float


@dataclass(frozen=True, slots=True)
class Performance:
    """A model on an accelerator: how many of it one replica takes, and how long iterations last."""

    model: str
    accelerator: str
    accelerators: int
    largest_batch: int
    at_tokens: int
    parameters: Parameters
    where: str


@dataclass(frozen=True, slots=True)
class Server:
    """A model served to a service class, with its demand and its promises."""

    name: str
    service_class: str
    priority: int
    model: str
    rate_rps: float
    input_tokens: float
    output_tokens: float
    targets: Targets


@dataclass(frozen=True, slots=True)
class Problem:
    """All that the folder asks. `stock` is GPUs by type, empty where nothing is limited."""

    accelerators: dict[str, Accelerator]
    performance: tuple[Performance, ...]
    servers: tuple[Server, ...]
    stock: dict[str, int]
    sha256: str


def read_problem(folder: Path) -> Problem:
    """The problem that a folder of llm-inferno holds.

    Raises:
        InputError: a file is missing or malformed, repeats a name, or refers to one that does not exist.
    """
    if not stands(folder, "folder"):
        raise InputError([Issue("missing-folder", shown(folder), "is no folder", "Name a folder of llm-inferno files")])
    names = (*FILES, STOCK) if stands(folder / STOCK, "file") else FILES
    records = {name: read_record(folder / name, LIMIT_BYTES) for name in names}
    digest = hashlib.sha256("".join(found[1] for found in records.values()).encode()).hexdigest()
    accelerators, models, classes, servers = (records[name][0] for name in FILES)
    known = _by_name(accelerators.records("accelerators"), _accelerator)
    targets = _targets(classes)
    stock = _by_name(records[STOCK][0].records("count"), _count, "type") if STOCK in records else {}
    return Problem(
        accelerators=known,
        performance=tuple(_performance(record, known) for record in models.records("models")),
        servers=tuple(_by_name(servers.records("servers"), lambda one: _server(one, targets)).values()),
        stock=stock,
        sha256=digest,
    )


def _by_name(records: list[Record], make: Callable[[Record], Item], key: str = "name") -> dict[str, Item]:
    items: dict[str, Item] = {}
    for record in records:
        name = record.text(key)
        if name in items:
            raise record.fail(key, f"repeats '{name[:60]}'", "Give every entry its own name")
        items[name] = make(record)
    return items


def _accelerator(record: Record) -> Accelerator:
    return Accelerator(
        name=record.text("name"),
        gpu_type=record.text("type"),
        gpus=record.whole("multiplicity", most=1024),
        memory_gib=record.number("memSize", above=True),
        memory_bandwidth_gb_s=record.number("memBW", above=True),
        power_w=record.record("power").number("full", above=True),
        usd_per_h=record.number("cost") / 100.0,
    )


def _count(record: Record) -> int:
    return record.whole("count", least=0)


def _performance(record: Record, accelerators: dict[str, Accelerator]) -> Performance:
    name = record.text("acc")
    if name not in accelerators:
        raise record.fail("acc", f"'{name[:60]}' is no accelerator", did_you_mean(name, accelerators), "unknown-name")
    parameters = record.record("perfParms")
    return Performance(
        model=record.text("name"),
        accelerator=name,
        accelerators=record.whole("accCount", most=1024),
        largest_batch=record.whole("maxBatchSize", most=LARGEST_BATCH),
        at_tokens=record.whole("atTokens"),
        parameters=Parameters(
            alpha_ms=parameters.number("alpha", above=True),
            beta_ms=parameters.number("beta"),
            gamma_ms=parameters.number("gamma"),
        ),
        where=record.where(),
    )


def _targets(classes: Record) -> dict[tuple[str, str], tuple[int, Targets]]:
    """Priority and promises by service class and model."""
    found: dict[tuple[str, str], tuple[int, Targets]] = {}
    for one in classes.records("serviceClasses"):
        priority = one.whole("priority", least=0)
        for target in one.records("modelTargets"):
            key = (one.text("name"), target.text("model"))
            if key in found:
                raise target.fail("model", f"repeats '{key[1][:60]}' of the class", "Keep one of the two")
            found[key] = (priority, _promises(target))
    return found


def _promises(target: Record) -> Targets:
    ttft, itl, tps = (target.optional_number(f"slo-{name}") or None for name in ("ttft", "itl", "tps"))
    return Targets(ttft, itl, tps)


def _server(record: Record, targets: dict[tuple[str, str], tuple[int, Targets]]) -> Server:
    service_class, model = record.text("class"), record.text("model")
    if (service_class, model) not in targets:
        what = f"class '{service_class[:60]}' promises nothing for '{model[:60]}'"
        fix = "Add it to serviceclass-data.json, or correct the names"
        raise record.fail("class", what, fix, "unknown-name")
    priority, promises = targets[service_class, model]
    load = _either_case(record.record("currentAlloc").record("load"))
    return Server(
        name=record.text("name"),
        service_class=service_class,
        priority=priority,
        model=model,
        rate_rps=load.number("arrivalrate") / 60.0,
        input_tokens=load.number("avgintokens", most=1e8),
        output_tokens=load.number("avgouttokens", least=1, most=1e8),
        targets=promises,
    )


def _either_case(record: Record) -> Record:
    """The record with lower-case keys: the tool's own files write both AvgInTokens and avgInTokens."""
    return Record(record.path, {key.lower(): value for key, value in record.cells.items()}, record.line, record.key)
