"""Scenarios by a few words: all that a test does not talk about is filled in. A node 'Ax8' has eight GPUs of type A."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

from fleetopt.catalog.domain import (
    Candidate,
    DecodePoint,
    DecodeProfile,
    GpuType,
    Llm,
    ModelCard,
    NodeType,
    Offer,
    OfferKind,
    PrefillPoint,
    PrefillProfile,
    Profile,
    Provenance,
    RatePoint,
    RateProfile,
    Role,
    ServingConfig,
)
from fleetopt.scenario.domain import Calendar, Margins, Outlook, Period, Risk, Scenario, Shortfall, Slot, Workload
from fleetopt.scenario.supply_domain import Quota, Stock, Supply, SupplyLine
from fleetopt.units import Latency

SOURCE = Provenance("assumed", "test")
INPUT, OUTPUT = 1000.0, 100.0
TTFT_S, TPOT_S = 1.0, 0.05

Time: TypeAlias = tuple[str, str, str]


def calendar(
    periods: int = 1,
    slots: tuple[float, ...] = (24.0,),
    outlooks: tuple[float, ...] = (1.0,),
    *,
    months: int = 3,
    days: int = 90,
) -> Calendar:
    """Periods t1.., slots h1.. of so many hours a day, outlooks o1.. of such probabilities."""
    return Calendar(
        tuple(Period(f"t{i + 1}", date(2027 + i, 1, 1), months, days) for i in range(periods)),
        tuple(Slot(f"h{i + 1}", hours) for i, hours in enumerate(slots)),
        tuple(Outlook(f"o{i + 1}", share) for i, share in enumerate(outlooks)),
    )


def times(over: Calendar) -> list[Time]:
    return [(t.name, h.name, o.name) for t in over.periods for h in over.slots for o in over.outlooks]


def workload(
    name: str = "chat",
    rps: float | Mapping[Time, float] = 1.0,
    *,
    over: Calendar | None = None,
    shortfall: tuple[float, float] = (0.0, 0.0),
    **changes: Any,
) -> Workload:
    """A workload of model m with a demand at every time of the calendar, or as tabled."""
    keys = times(over or calendar())
    base = Workload(
        name=name,
        model="m",
        input_tokens=INPUT,
        output_tokens=OUTPUT,
        demand_rps=dict(rps) if isinstance(rps, Mapping) else dict.fromkeys(keys, float(rps)),
        ttft=Latency(TTFT_S),
        tpot=Latency(TPOT_S),
        ttft_overhead_s=0.0,
        kv_transfer_s_per_token=0.0,
        prefix_cache_hit_rate=0.0,
        queue="mm1",
        decode_fit="pchip",
        headroom=0.0,
        shortfall=Shortfall(*shortfall),
        gpu_types=None,
        forbidden_gpu_types=(),
        roles=("prefill", "decode", "aggregated"),
    )
    return replace(base, **changes)


def candidate(profile: Profile, name: str, role: Role, *, gpus: int, gpu: str, model: str, precision: str) -> Candidate:
    config = ServingConfig(name, model, gpu, gpus, gpus, 1, 1, 1, precision, "vllm 1.0", 1e9, SOURCE)
    return Candidate(config, role, profile)


def rate(
    name: str,
    rps: float,
    role: Role = "aggregated",
    *,
    gpus: int = 1,
    gpu: str = "A",
    model: str = "m",
    precision: str = "fp8",
) -> Candidate:
    """A config of which somebody states that a replica carries so many requests/s within the SLO."""
    ttft_s, tpot_s = math.inf if role == "decode" else TTFT_S, math.inf if role == "prefill" else TPOT_S
    point = RatePoint(INPUT, OUTPUT, ttft_s, None, tpot_s, None, rps)
    profile = RateProfile(role, (point,), SOURCE)
    return candidate(profile, name, role, gpus=gpus, gpu=gpu, model=model, precision=precision)


def prefill(
    name: str, tokens_per_s: float, *, gpus: int = 1, gpu: str = "A", model: str = "m", precision: str = "fp8"
) -> Candidate:
    profile = PrefillProfile((PrefillPoint(INPUT, tokens_per_s),), SOURCE)
    return candidate(profile, name, "prefill", gpus=gpus, gpu=gpu, model=model, precision=precision)


def decode(
    name: str,
    *points: tuple[float, float],
    gpus: int = 1,
    gpu: str = "A",
    model: str = "m",
    precision: str = "fp8",
) -> Candidate:
    """A decode config from (batch, TPOT in s) points at the mean context."""
    context = INPUT + OUTPUT / 2.0
    profile = DecodeProfile(tuple(DecodePoint(context, *point) for point in points), SOURCE)
    return candidate(profile, name, "decode", gpus=gpus, gpu=gpu, model=model, precision=precision)


def line(
    name: str,
    node_type: str,
    usd: float = 1.0,
    *,
    kind: OfferKind = "on_demand",
    site: str = "main",
    max_nodes: int | None = None,
    upfront: float = 0.0,
    term: int | None = None,
    lead: int = 0,
) -> SupplyLine:
    offer = Offer(f"{name}-offer", node_type, kind, "p", "r", usd, upfront, term, lead, "2026-10", SOURCE)
    return SupplyLine(name, site, offer, max_nodes)


def scenario(
    workloads: Iterable[Workload],
    candidates: Iterable[Candidate],
    lines: Iterable[SupplyLine] = (),
    *,
    stock: Iterable[Stock] = (),
    quotas: Iterable[Quota] = (),
    over: Calendar | None = None,
    sites: tuple[str, ...] = ("main",),
    margins: Margins | None = None,
    discount: float = 0.0,
    risk: Risk | None = None,
    **limits: Any,
) -> Scenario:
    """The question that these parts ask; hardware follows from the names that they use."""
    found, lines, stock = list(candidates), tuple(lines), tuple(stock)
    names = dict.fromkeys([*(line.offer.node_type for line in lines), *(owned.node_type for owned in stock)])
    nodes = {n: NodeType(n, n.split("x")[0], int(n.split("x")[1]), None, SOURCE) for n in names}
    gpus = {node.gpu_type for node in nodes.values()} | {c.config.gpu_type for c in found}
    models = sorted({c.config.model for c in found} | {w.model for w in workloads})
    return Scenario(
        name="case",
        description="",
        path=Path(),
        calendar=over or calendar(),
        workloads=tuple(workloads),
        supply=Supply(sites, lines, stock, tuple(quotas), **limits),
        margins=margins or Margins(0.0, 0.0, 0.0),
        models={m: Llm(_card(m), tuple(c for c in found if c.config.model == m)) for m in models},
        gpu_types={g: GpuType(g, 100.0, 1000.0, 700.0, SOURCE) for g in sorted(gpus)},
        node_types=nodes,
        files=(),
        discount_rate=discount,
        risk=risk,
    )


def _card(name: str) -> ModelCard:
    return ModelCard(name, name, 7.0, 7.0, 32, 1e5, True, 100_000, ())
