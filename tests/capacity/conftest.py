"""Factories of workloads, candidates and profiles; the defaults are the case study of arXiv 2603.04716."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fleetopt.capacity.domain import Capacity, Rejection
from fleetopt.capacity.table import evidence
from fleetopt.catalog.domain import (
    AggregatedPoint,
    AggregatedProfile,
    Candidate,
    DecodePoint,
    DecodeProfile,
    Evidence,
    GpuType,
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
from fleetopt.scenario.domain import Calendar, Margins, Scenario, Shortfall, Workload
from fleetopt.scenario.supply_domain import Supply
from fleetopt.units import Latency

MakeWorkload = Callable[..., Workload]
MakeCandidate = Callable[..., Candidate]
MakeProfile = Callable[..., Any]
Answer = Callable[..., Capacity | Rejection]
Carry = Callable[..., Capacity]
Refuse = Callable[..., Rejection]

SEED_DECODE = ((10, 12.8), (20, 16.4), (30, 18.8), (40, 21.6), (50, 23.9), (60, 26.2))
GPU = GpuType("H200", 131.0, 4800.0, 700.0, Provenance("assumed", "test"))
CARD = ModelCard("deepseek", "DeepSeek", 671.0, 37.0, 61, 70_272.0, True, 131_072, ())
ROLE_OF: dict[type, Role] = {PrefillProfile: "prefill", DecodeProfile: "decode", AggregatedProfile: "aggregated"}


@pytest.fixture(scope="session")
def workload() -> MakeWorkload:
    """A workload; keyword arguments replace the seed paper's, `ttft=None` leaves a latency unpromised."""
    base = Workload(
        name="chat",
        model="deepseek",
        input_tokens=6144.0,
        output_tokens=512.0,
        demand_rps={},
        ttft=Latency(2.0),
        tpot=Latency(0.020),
        ttft_overhead_s=0.1,
        kv_transfer_s_per_token=0.0,
        prefix_cache_hit_rate=0.0,
        queue="mm1",
        decode_fit="pchip",
        headroom=0.0,
        shortfall=Shortfall(0.0, 0.0),
        gpu_types=None,
        forbidden_gpu_types=(),
        roles=("prefill", "decode", "aggregated"),
    )
    return lambda **changes: replace(base, **changes)


@pytest.fixture(scope="session")
def prefill_profile() -> MakeProfile:
    def make(*points: tuple[float, float], kind: Evidence = "measured") -> PrefillProfile:
        pairs = points or ((6144.0, 28_300.0),)
        return PrefillProfile(tuple(PrefillPoint(*pair) for pair in pairs), Provenance(kind, "test"))

    return make


@pytest.fixture(scope="session")
def decode_profile() -> MakeProfile:
    """A decode profile from {context: ((batch, TPOT in ms), ...)}."""

    def make(
        curves: dict[float, Sequence[tuple[float, float]]] | None = None, kind: Evidence = "measured"
    ) -> DecodeProfile:
        chosen = {6400.0: SEED_DECODE} if curves is None else curves
        points = tuple(DecodePoint(c, batch, ms / 1e3) for c, curve in chosen.items() for batch, ms in curve)
        return DecodeProfile(points, Provenance(kind, "test"))

    return make


@pytest.fixture(scope="session")
def aggregated_profile() -> MakeProfile:
    """An aggregated profile from {(input, output): ((concurrency, rate, TTFT in s, TPOT in s), ...)}."""

    def make(series: dict[tuple[float, float], Sequence[tuple[float, float, float, float]]]) -> AggregatedProfile:
        points = tuple(AggregatedPoint(*lengths, *row) for lengths, rows in series.items() for row in rows)
        return AggregatedProfile(points, Provenance("measured", "test"))

    return make


@pytest.fixture(scope="session")
def rate_profile() -> MakeProfile:
    def make(role: Role, *points: RatePoint) -> RateProfile:
        return RateProfile(role, points, Provenance("assumed", "test"))

    return make


@pytest.fixture(scope="session")
def candidate() -> MakeCandidate:
    """A candidate on 8 H200 with a profile; keyword arguments replace fields of its serving config."""

    def make(profile: Profile, **changes: Any) -> Candidate:
        groups = changes.get("data_parallel", 1)
        base = ServingConfig(
            name="h200x8",
            model="deepseek",
            gpu_type="H200",
            gpus_per_replica=8,
            tensor_parallel=8 // groups,
            pipeline_parallel=1,
            data_parallel=1,
            expert_parallel=1,
            precision="fp8",
            engine="sglang",
            max_kv_tokens=None,
            provenance=Provenance("measured", "test"),
        )
        role = profile.role if isinstance(profile, RateProfile) else ROLE_OF[type(profile)]
        return Candidate(replace(base, **changes), role, profile)

    return make


@pytest.fixture(scope="session")
def answer() -> Answer:
    """What a candidate answers a workload, through the same door as the table."""

    def ask(asked: Workload, one: Candidate, slowdown: float = 0.0, card: ModelCard = CARD) -> Capacity | Rejection:
        return evidence(one, card, GPU, Margins(slowdown, slowdown, slowdown)).carries(asked)

    return ask


@pytest.fixture(scope="session")
def carry(answer: Answer) -> Carry:
    def ask(*args: Any, **named: Any) -> Capacity:
        capacity = answer(*args, **named)
        assert isinstance(capacity, Capacity), capacity
        return capacity

    return ask


@pytest.fixture(scope="session")
def refuse(answer: Answer) -> Refuse:
    def ask(*args: Any, **named: Any) -> Rejection:
        rejection = answer(*args, **named)
        assert isinstance(rejection, Rejection), rejection
        return rejection

    return ask


@pytest.fixture
def scenario(workload: MakeWorkload, candidate: MakeCandidate, prefill_profile: MakeProfile) -> Callable[..., Scenario]:
    def make(workloads: tuple[Workload, ...], candidates: tuple[Candidate, ...], margins: Margins) -> Scenario:
        return Scenario(
            name="test",
            description="",
            path=Path(),
            calendar=Calendar((), (), ()),
            workloads=workloads,
            supply=Supply((), (), (), ()),
            margins=margins,
            models={"deepseek": Llm(CARD, candidates)},
            gpu_types={"H200": GPU},
            node_types={},
            files=(),
        )

    return make
