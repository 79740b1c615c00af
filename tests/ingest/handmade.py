"""Readings made by hand, and a format that reads them from JSON, for tests of what happens after reading."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fleetopt.catalog.domain import AggregatedPoint, DecodePoint, Evidence, PrefillPoint, RatePoint, Role
from fleetopt.documents import read_record
from fleetopt.ingest.reading import Flag, Point, Reading, Series, Setup, Told

SETUP = Setup(
    model="llama-3.1-8b",
    gpu_type="H100",
    gpus_per_replica=2,
    precision="fp8",
    engine="vllm 0.24.0",
)

DECODE = (DecodePoint(768, 1, 0.008), DecodePoint(768, 8, 0.0095), DecodePoint(768, 32, 0.0123456789))
PREFILL = (PrefillPoint(512, 21000.25), PrefillPoint(2048, 24000), PrefillPoint(8192, 23000))
AGGREGATED = (AggregatedPoint(1024, 256, 4, 1.5, 0.08, 0.009), AggregatedPoint(1024, 256, 16, 4.5, 0.2, 0.0125))
RATES = (RatePoint(512, 128, 1.0, 0.9, 0.05, None, 3.25),)

_KINDS: dict[str, type[Any]] = {"prefill": PrefillPoint, "decode": DecodePoint, "aggregated": AggregatedPoint}


def series(
    points: tuple[Point, ...] = DECODE,
    role: Role = "decode",
    evidence: Evidence = "measured",
    source: str = "vllm bench 0.24.0, 2026-11-01, run.json",
    setup: Setup = SETUP,
) -> Series:
    return Series(setup, role, points, evidence, source, f"{role}.json")


class FakeFormat:
    """One series in a JSON object: setup, role, evidence, source and rows of figures."""

    name = "fake"
    title = "Made up"

    def recognises(self, path: Path, head: bytes) -> bool:
        return head.startswith(b'{"fake"')

    def read(self, path: Path, told: Told) -> Reading:
        record, digest = read_record(path)
        role = told.role or record.text("role")
        points = tuple(_KINDS[role](*values) for values in record.cells["points"])
        setup = Setup(**record.cells["setup"])
        one = Series(setup, role, points, record.cells["evidence"], record.text("source"), path.name)  # type: ignore[arg-type]
        flags = tuple(Flag(path.name, str(what), "kept") for what in record.cells["flags"])
        return Reading(self.name, path, digest, (one,), ("rows are what they are",), flags)


def write_fake(path: Path, points: list[list[float]], role: Role = "decode", **more: Any) -> Path:
    facts: dict[str, Any] = {
        "role": role,
        "points": points,
        "setup": {},
        "evidence": "measured",
        "source": "a run",
        "flags": [],
    }
    path.write_text(json.dumps({"fake": 1, **facts, **more}), encoding="utf-8")
    return path
