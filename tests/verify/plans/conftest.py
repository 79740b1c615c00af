"""Two planning questions with their right answers.

`seed` is the published case of 3 prefill and 4 decode replicas (arXiv 2603.04716). `rich` has two sites, both
ways of serving, owned, rented, reserved and bought nodes, a quota, two slots and two outlooks. Their plans are
written down as decisions; `complete` posts the figures that follow from decisions, in code of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq

from fleetopt.catalog.domain import (
    AggregatedPoint,
    AggregatedProfile,
    Candidate,
    DecodePoint,
    DecodeProfile,
    GpuType,
    Llm,
    ModelCard,
    NodeType,
    Offer,
    PrefillPoint,
    PrefillProfile,
    Profile,
    Provenance,
    RatePoint,
    RateProfile,
    Role,
    ServingConfig,
)
from fleetopt.plan import domain as plans
from fleetopt.plan import provenance
from fleetopt.plan.domain import FleetLine, Order, Placement, Plan
from fleetopt.scenario.domain import Calendar, Margins, Outlook, Period, Scenario, Shortfall, Slot, Workload
from fleetopt.scenario.supply_domain import Quota, Stock, Supply, SupplyLine
from fleetopt.units import Latency

MEASURED = Provenance("measured", "a bench")
ASSUMED = Provenance("assumed", "a person")
H200 = GpuType("H200", 141.0, 4800.0, 700.0, MEASURED)
HGX = NodeType("hgx", "H200", 8, 10000.0, MEASURED)
Q1 = Period("2027-Q1", date(2027, 1, 1), 3, 90)
Q2 = Period("2027-Q2", date(2027, 4, 1), 3, 91)


def candidate(model: str, name: str, role: Role, profile: Profile, gpus: int = 8) -> Candidate:
    config = ServingConfig(name, model, "H200", gpus, gpus, 1, 1, 1, "fp8", "engine", 1e6, profile.provenance)
    return Candidate(config, role, profile)


def llm(name: str, *candidates: Candidate) -> Llm:
    return Llm(ModelCard(name, name, 70.0, 70.0, 80, 1e5, False, 131072, ()), candidates)


def workload(name: str, model: str, lengths: tuple[float, float], demand: dict[Any, float], **more: Any) -> Workload:
    usual = {
        "ttft": Latency(1.0), "tpot": Latency(0.05), "ttft_overhead_s": 0.0, "kv_transfer_s_per_token": 0.0,
        "prefix_cache_hit_rate": 0.0, "queue": "mm1", "decode_fit": "pchip", "headroom": 0.0,
        "shortfall": Shortfall(0.0, 0.0), "gpu_types": None, "forbidden_gpu_types": (),
        "roles": ("prefill", "decode", "aggregated"),
    }  # fmt: skip
    asked: dict[str, Any] = usual | more
    return Workload(name, model, *lengths, demand_rps=demand, **asked)


def offer(name: str, kind: Any, hourly: float, **more: Any) -> Offer:
    usual: dict[str, Any] = {"upfront_usd_per_node": 0.0, "term_months": None, "lead_time_months": 0}
    return Offer(
        name, "hgx", kind, "cloud", "here", hourly, price_date="2026-11-01", provenance=MEASURED, **usual | more
    )


def scenario(name: str, calendar: Calendar, workloads: tuple[Workload, ...], supply: Supply, *llms: Llm) -> Scenario:
    models = {each.card.name: each for each in llms}
    margins = Margins(0.0, 0.1, 0.25)
    types = {"H200": H200}, {"hgx": HGX}
    return Scenario(name, "", Path("scenarios") / name, calendar, workloads, supply, margins, models, *types, ())


def placement(
    of: Workload, at: Candidate, site: str, time: tuple[str, str, str], replicas: int, **more: Any
) -> Placement:
    config = at.config
    latencies: dict[str, Any] = {"batch": None, "ttft_s": None, "tpot_s": None} | more
    return Placement(
        workload=of.name, model=of.model, role=at.role, config=config.name, gpu_type="H200", node_type="hgx",
        site=site, period=time[0], slot=time[1], outlook=time[2], replicas=replicas,
        gpus_per_replica=config.gpus_per_replica, node_gpus_per_replica=config.gpus_per_replica, load_rps=0.0,
        utilization=0.0, binds="", evidence=at.profile.provenance.evidence, **latencies,
    )  # fmt: skip


def fleet(source: SupplyLine | Stock, time: tuple[str, str, str], nodes: int) -> FleetLine:
    kind: Any = "owned"
    provider = ""
    if isinstance(source, Stock):
        price = source.usd_per_node_h
    else:
        kind, provider, price = source.offer.kind, source.offer.provider, source.offer.usd_per_node_h
    return FleetLine(
        supply=source.name, kind=kind, provider=provider,
        gpu_type="H200", node_type="hgx", site=source.site, period=time[0], slot=time[1], outlook=time[2],
        nodes=nodes, gpus=8 * nodes, usd_per_node_h=price,
    )  # fmt: skip


def order(line: SupplyLine, order_by: Period, in_service: Period, nodes: int) -> Order:
    deal = line.offer
    return Order(
        supply=line.name, offer=deal.name, kind=deal.kind, provider="cloud", gpu_type="H200", node_type="hgx",
        site=line.site, order_by=order_by.name, in_service=in_service.name, last_period=Q2.name, nodes=nodes,
        gpus=8 * nodes, upfront_usd=nodes * deal.upfront_usd_per_node, usd_per_node_h=deal.usd_per_node_h,
    )  # fmt: skip


def decided(name: str, rows: list[Placement], nodes: list[FleetLine], orders: tuple[Order, ...] = ()) -> Plan:
    solver = provenance.Solver(
        name="s", version="1", method="m", gap_tolerance=1e-4, time_limit_s=60, rows=1, columns=1, integers=1
    )
    return Plan(
        scenario=name, status="FEASIBLE", objective_usd=0.0, bound_usd=None, gap=None, workloads=(), costs=(),
        verdict=plans.Verdict(passed=False, checks=()), fleet=tuple(nodes), orders=orders, placements=tuple(rows),
        workload_costs=(), binding=(), provenance=provenance.Provenance(
            fleetopt_version="0", inputs=(), solver=solver, evidence=(), assumptions=()),
    )  # fmt: skip


@pytest.fixture
def seed(complete: Callable[[Plan, Scenario], Plan]) -> tuple[Plan, Scenario]:
    time = (Q1.name, "day", "base")
    batches, tpots = [10, 20, 30, 40, 50, 60], [0.0128, 0.0164, 0.0188, 0.0216, 0.0239, 0.0262]
    points = tuple(DecodePoint(6400.0, float(b), s) for b, s in zip(batches, tpots, strict=True))
    prefill = candidate("ds", "8xh200", "prefill", PrefillProfile((PrefillPoint(6144.0, 28300.0),), MEASURED))
    decode = candidate("ds", "8xh200", "decode", DecodeProfile(points, MEASURED))
    chat = workload(
        "chat", "ds", (6144.0, 512.0), {time: 5e6 / 60 / 6656}, ttft=Latency(2.0), tpot=Latency(0.02),
        ttft_overhead_s=0.1, shortfall=Shortfall(0.03, 2.0),
    )  # fmt: skip
    line = SupplyLine("rent", "east", offer("od", "on_demand", 28.0), None)
    calendar = Calendar((Q1,), (Slot("day", 24.0),), (Outlook("base", 1.0),))
    asked = scenario("seed", calendar, (chat,), Supply(("east",), (line,), (), ()), llm("ds", prefill, decode))
    batch = float(brentq(lambda b: float(PchipInterpolator(batches, tpots)(b)) - 0.02, 30, 40, xtol=1e-12))
    rows = [
        placement(chat, prefill, "east", time, 3, capacity_rps=28300 / 6144 - 1 / 1.9, ttft_s=2.0),
        placement(chat, decode, "east", time, 4, capacity_rps=batch / 0.02 / 512, batch=batch, tpot_s=0.0195),
    ]
    return complete(decided("seed", rows, [fleet(line, time, 7)]), asked), asked


@pytest.fixture
def rich(complete: Callable[[Plan, Scenario], Plan]) -> tuple[Plan, Scenario]:
    calendar = Calendar(
        (Q1, Q2), (Slot("day", 16.0), Slot("night", 8.0)), (Outlook("low", 0.25), Outlook("high", 0.75))
    )
    times = [(p.name, s.name, o.name) for p, s, o in product(calendar.periods, calendar.slots, calendar.outlooks)]
    peak = (Q1.name, "day", "high")
    grid = ((1000.0, 10.0, 0.02), (1000.0, 50.0, 0.05), (1100.0, 10.0, 0.02), (1100.0, 50.0, 0.05))
    points = tuple(DecodePoint(*point) for point in grid)
    series = tuple(
        AggregatedPoint(1000.0, 100.0, c, r, ttft, tpot)
        for c, r, ttft, tpot in ((8.0, 4.0, 0.2, 0.02), (16.0, 7.0, 0.4, 0.03), (32.0, 9.0, 0.9, 0.06))
    )
    prefill = candidate("big", "split", "prefill", PrefillProfile((PrefillPoint(1000.0, 32000.0),), MEASURED))
    decode = candidate("big", "split", "decode", DecodeProfile(points, MEASURED))
    mixed = candidate("big", "mixed", "aggregated", AggregatedProfile(series, MEASURED))
    rates = RateProfile("aggregated", (RatePoint(2000.0, 200.0, 3.0, 0.95, 0.05, None, 2.0),), ASSUMED)
    half = candidate("small", "half", "aggregated", rates, gpus=4)
    demand = {time: 16.0 if time[2] == "high" else 12.0 for time in times}
    chat = workload("chat", "big", (1000.0, 100.0), demand, headroom=0.05)
    docs = workload(
        "docs", "small", (1500.0, 200.0), {t: 4.5 if t == peak else 3.0 for t in times}, ttft=Latency(3.0, 0.9)
    )
    rent = SupplyLine("rent", "east", offer("od", "on_demand", 10.0), 4)
    yearly = offer("1y", "reserved", 6.0, upfront_usd_per_node=100.0, term_months=12, lead_time_months=2)
    reserve = SupplyLine("reserve", "east", yearly, 2)
    bought = offer("own-it", "purchase", 3.0, upfront_usd_per_node=36500.0, term_months=36)
    buy = SupplyLine("buy", "west", bought, None)
    own = Stock("own", "west", "hgx", 2, 2.0)
    quotas = Quota("power", "H200", "east", None, 16), Quota("any", "H200", None, Q2.name, 24)
    supply = Supply(("east", "west"), (rent, reserve, buy), (own,), quotas)
    asked = scenario("rich", calendar, (chat, docs), supply, llm("big", prefill, decode, mixed), llm("small", half))
    rows, nodes = [], []
    for time in times:
        rows += [
            placement(chat, prefill, "east", time, 1, capacity_rps=31.0, ttft_s=0.05),
            placement(chat, decode, "east", time, 1, capacity_rps=10.0, batch=50.0, tpot_s=0.04),
            placement(chat, mixed, "west", time, 1, capacity_rps=7.0, ttft_s=0.35, tpot_s=0.028),
            placement(docs, half, "west", time, 3 if time == peak else 2, capacity_rps=1.6),
        ]
        nodes += [fleet(rent if time[0] == Q1.name else reserve, time, 2), fleet(buy, time, 1)]
        nodes.append(fleet(own, time, 2 if time == peak else 1))
    orders = order(reserve, Q1, Q2, 2), order(buy, Q1, Q1, 1)
    return complete(decided("rich", rows, nodes, orders), asked), asked
