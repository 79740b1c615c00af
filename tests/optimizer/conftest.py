"""Questions in a few words.

A node 'Ax8' has eight GPUs of type A. Unless a test says otherwise a period is one day of one slot, so that a node
at 1 USD/h costs 24 USD; a request has 1000 input and 100 output tokens, a mean TTFT of 1 s and a mean TPOT of 50 ms.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from fleetopt.capacity.table import derive
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
from fleetopt.optimizer.case import PlanningCase, build_case
from fleetopt.scenario.demand import time_keys
from fleetopt.scenario.domain import Calendar, Margins, Outlook, Period, Scenario, Shortfall, Slot, Workload
from fleetopt.scenario.supply_domain import Quota, Stock, Supply, SupplyLine
from fleetopt.units import Latency

Time: TypeAlias = tuple[str, str, str]
ASSUMED = Provenance("assumed", "test")
ROLES: tuple[Role, ...] = ("prefill", "decode", "aggregated")


class Build:
    """Factories; what a test does not talk about is filled in."""

    @staticmethod
    def calendar(
        periods: int = 1, slots: tuple[float, ...] = (24.0,), outlooks: tuple[float, ...] = (1.0,), *, months: int = 1
    ) -> Calendar:
        """Periods t1.., slots h1.. of so many hours a day, outlooks o1.. of such probabilities."""
        return Calendar(
            tuple(Period(f"t{i + 1}", date(2027, i + 1, 1), months, 1) for i in range(periods)),
            tuple(Slot(f"h{i + 1}", hours) for i, hours in enumerate(slots)),
            tuple(Outlook(f"o{i + 1}", share) for i, share in enumerate(outlooks)),
        )

    @classmethod
    def workload(
        cls,
        name: str = "chat",
        rps: float | Mapping[Time, float] = 1.0,
        *,
        over: Calendar | None = None,
        ttft_s: float = 1.0,
        tpot_s: float = 0.05,
        **changes: Any,
    ) -> Workload:
        """A workload of model m with one demand at every time of the calendar, or as tabled."""
        keys = time_keys(over or cls.calendar())
        base = Workload(
            name=name,
            model="m",
            input_tokens=1000.0,
            output_tokens=100.0,
            demand_rps=dict(rps) if isinstance(rps, Mapping) else dict.fromkeys(keys, float(rps)),
            ttft=Latency(ttft_s),
            tpot=Latency(tpot_s),
            ttft_overhead_s=0.0,
            kv_transfer_s_per_token=0.0,
            prefix_cache_hit_rate=0.0,
            queue="mm1",
            decode_fit="pchip",
            headroom=0.0,
            shortfall=Shortfall(0.0, 0.0),
            gpu_types=None,
            forbidden_gpu_types=(),
            roles=ROLES,
        )
        return replace(base, **changes)

    @staticmethod
    def candidate(
        name: str,
        role: Role,
        profile: Profile,
        *,
        gpu: str = "A",
        gpus: int = 1,
        precision: str = "fp8",
        engine: str = "vllm 1.0",
    ) -> Candidate:
        config = ServingConfig(name, "m", gpu, gpus, gpus, 1, 1, 1, precision, engine, 1e9, ASSUMED)
        return Candidate(config, role, profile)

    @classmethod
    def rate(cls, name: str, rps: float, role: Role = "aggregated", **config: Any) -> Candidate:
        """A config of which somebody states that a replica carries so many requests/s within any SLO of a test."""
        ttft_s, tpot_s = math.inf if role == "decode" else 0.01, math.inf if role == "prefill" else 0.001
        point = RatePoint(1000.0, 100.0, ttft_s, None, tpot_s, None, rps)
        return cls.candidate(name, role, RateProfile(role, (point,), ASSUMED), **config)

    @classmethod
    def prefill(cls, name: str, tokens_per_s: float, **config: Any) -> Candidate:
        profile = PrefillProfile((PrefillPoint(1000.0, tokens_per_s),), ASSUMED)
        return cls.candidate(name, "prefill", profile, **config)

    @classmethod
    def decode(cls, name: str, *points: tuple[float, float], **config: Any) -> Candidate:
        """A decode config from (batch, TPOT in s) points at the mean context."""
        profile = DecodeProfile(tuple(DecodePoint(1050.0, *point) for point in points), ASSUMED)
        return cls.candidate(name, "decode", profile, **config)

    @staticmethod
    def line(
        name: str,
        node_type: str,
        usd: float = 1.0,
        *,
        kind: OfferKind = "on_demand",
        site: str = "east",
        max_nodes: int | None = None,
        upfront: float = 0.0,
        term: int | None = None,
        lead: int = 0,
    ) -> SupplyLine:
        offer = Offer(f"{name}-offer", node_type, kind, "p", "r", usd, upfront, term, lead, "2026-10", ASSUMED)
        return SupplyLine(name, site, offer, max_nodes)

    @staticmethod
    def stock(name: str, node_type: str, nodes: int, usd: float = 0.0, site: str = "east") -> Stock:
        return Stock(name, site, node_type, nodes, usd)

    @staticmethod
    def quota(max_gpus: int, *, gpu: str = "A", site: str | None = None, period: str | None = None) -> Quota:
        return Quota("q", gpu, site, period, max_gpus)

    @classmethod
    def scenario(
        cls,
        workloads: Workload | Iterable[Workload],
        candidates: Iterable[Candidate],
        lines: Iterable[SupplyLine] = (),
        *,
        stock: Iterable[Stock] = (),
        quotas: Iterable[Quota] = (),
        over: Calendar | None = None,
        sites: tuple[str, ...] = ("east",),
    ) -> Scenario:
        """The question that these parts ask; hardware follows from the names that they use."""
        found, lines, stock = tuple(candidates), tuple(lines), tuple(stock)
        names = dict.fromkeys([*(line.offer.node_type for line in lines), *(owned.node_type for owned in stock)])
        nodes = {n: NodeType(n, n.split("x")[0], int(n.split("x")[1]), None, ASSUMED) for n in names}
        gpus = {node.gpu_type for node in nodes.values()} | {c.config.gpu_type for c in found}
        card = ModelCard("m", "M", 7.0, 7.0, 32, 1e5, True, 100_000, ())
        return Scenario(
            name="case",
            description="",
            path=Path(),
            calendar=over or cls.calendar(),
            workloads=(workloads,) if isinstance(workloads, Workload) else tuple(workloads),
            supply=Supply(sites, lines, stock, tuple(quotas)),
            margins=Margins(0.0, 0.0, 0.0),
            models={"m": Llm(card, found)},
            gpu_types={g: GpuType(g, 100.0, 1000.0, 700.0, ASSUMED) for g in sorted(gpus)},
            node_types=nodes,
            files=(),
        )

    @staticmethod
    def case(scenario: Scenario) -> PlanningCase:
        return build_case(scenario, derive(scenario))


@pytest.fixture(scope="session")
def build() -> Build:
    return Build()
