"""Made-up planning questions of any size, drawn with a seed: shipped profiles and prices, invented demand and terms.

What is real: the profiles under models/, the hourly and purchase prices of the catalog where it lists them. What is
drawn: workloads (which model, lengths, SLO, how large a fleet), their day and growth, outlooks, discounts of
reservations, quotas, power. GPU types beyond those with profiles are hypothetical ones next to a real one
(`catalog.hypothetical`).
"""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fleetopt.capacity.table import derive
from fleetopt.scenario.load import load

MODELS = ("llama-3.1-8b", "qwen3-32b", "llama-3.1-70b", "gpt-oss-120b", "deepseek-v3")
RENT_USD = {
    "H100": ("8xH100", 23.6),
    "H200": ("8xH200", 28.0),
    "B200": ("8xB200", 44.0),
    "A100-80G": ("8xA100-80G", 17.6),
    "L40S": ("4xL40S", 9.1376),
    "RTX-PRO-6000": ("8xRTX-PRO-6000", 15.2),
    "GB200": ("4xGB200", 24.0),
}
"""By GPU type: a node and its rent per hour; of RTX PRO 6000 and GB200, which the catalog has no price for, assumed."""

BUY_USD = {"H100": 375_000.0, "H200": 312_667.0, "B200": 379_273.0, "A100-80G": 148_390.0}
HOURS_A_YEAR = 8766.0
SITES = ("north", "south")
GPUS = (2.0, 400.0)
"""Size of a workload's fleet at its base demand, were it all on the GPUs that carry most: log-uniform between these."""

KW_PER_GPU = 1.3
ROOM = 3.0
"""Power of the sites, as a multiple of what that many GPUs would draw: cheaper GPUs carry less and so are more."""

START = "2027-Q1"


@dataclass(frozen=True, slots=True)
class Size:
    """How large a question is."""

    name: str
    workloads: int
    gpu_types: int
    periods: int
    slots: int
    outlooks: int


SIZES = {
    size.name: size
    for size in (
        Size("S", 5, 4, 4, 3, 1),
        Size("M", 20, 8, 8, 6, 3),
        Size("L", 50, 12, 8, 12, 3),
        Size("XL", 200, 20, 12, 24, 9),
    )
}


def size_of(name: str) -> Size:
    """A size by its letter, or by its numbers: workloads x GPU types x periods x slots x outlooks, as 20x8x8x6x3."""
    if name in SIZES:
        return SIZES[name]
    numbers = [int(number) for number in name.split("x")]
    if len(numbers) != 5 or min(numbers) < 1:
        raise ValueError(f"{name}: a size is one of {', '.join(SIZES)}, or five numbers as 20x8x8x6x3")
    return Size(name, *numbers)


def write(folder: Path, size: Size, seed: int) -> Path:
    """Writes the scenario of a size and seed, and returns its folder. The same seed gives the same files."""
    draw = np.random.default_rng([seed, *map(ord, size.name)])
    gpu_types = _gpu_types(draw, size)
    folder.mkdir(parents=True, exist_ok=True)
    question = _question(draw, size, gpu_types)
    made_up = [[name, base, *ratios, "made up for a benchmark"] for name, (base, ratios) in gpu_types.items() if ratios]
    if made_up:
        _save_hardware(folder / "models/_hardware", made_up)
        question["catalog"] = ["models"]
    _save(folder, question)
    _scale(folder, question, draw)
    return folder


Ratios = tuple[float, ...]


def _gpu_types(draw: np.random.Generator, size: Size) -> dict[str, tuple[str, Ratios]]:
    """GPU types by name: real ones first, then hypothetical ones with their base and ratios."""
    real = [str(name) for name in draw.permutation(list(RENT_USD))][: size.gpu_types]
    if not {"H100", "H200", "B200"} & set(real):
        real[0] = "H200"
    found: dict[str, tuple[str, Ratios]] = {name: (name, ()) for name in real}
    while len(found) < size.gpu_types:
        base = str(draw.choice(real))
        compute, bandwidth = (round(float(r), 2) for r in draw.uniform(0.6, 1.5, 2))
        price = round(float(np.sqrt(compute * bandwidth) * draw.uniform(0.85, 1.15)), 2)
        found[f"{base}-V{len(found)}"] = base, (compute, bandwidth, 1.0, price, 1.0)
    return found


def _question(draw: np.random.Generator, size: Size, gpu_types: dict[str, tuple[str, Ratios]]) -> dict[str, Any]:
    outlooks = {f"o{i}": 0.0 for i in range(size.outlooks)}
    shares = draw.dirichlet(np.full(size.outlooks, 5.0)).round(3)
    shares[0] += 1.0 - shares.sum()
    outlooks = {name: round(float(share), 3) for name, share in zip(outlooks, shares, strict=True)}
    return {
        "name": f"made-{size.name}",
        "calendar": {
            "start": START,
            "periods": size.periods,
            "slots": {f"h{i}": f"{24 / size.slots:g} h" for i in range(size.slots)},
            "outlooks": outlooks,
        },
        "workloads": {f"w{i}": _workload(draw, size, list(outlooks)) for i in range(size.workloads)},
        "supply": _supply(draw, gpu_types),
        "margins": {"modelled": "25 %", "assumed": "25 %"},
    }


def _workload(draw: np.random.Generator, size: Size, outlooks: list[str]) -> dict[str, Any]:
    """A workload of one request per second; how many there are is set once its capacities are known."""
    model = str(draw.choice(MODELS))
    inputs = int(np.clip(draw.lognormal(7.4, 0.7), 520, 8000))
    outputs = int(np.clip(draw.lognormal(6.0, 0.6), 100, 1500))
    peak_hour, depth = draw.uniform(0, 24), draw.uniform(0.2, 0.8)
    hours = (np.arange(size.slots) + 0.5) * 24 / size.slots
    day = 1 - depth / 2 * (1 - np.cos((hours - peak_hour) / 24 * 2 * np.pi))
    growth = draw.normal(0.06, 0.08)
    ahead = np.exp(growth * np.arange(size.periods))
    spread = draw.uniform(0.05, 0.4)
    future = np.exp(spread * np.sort(draw.standard_normal(len(outlooks))))
    calendar = [f"{2027 + i // 4}-Q{i % 4 + 1}" for i in range(size.periods)]
    return {
        "model": model,
        "demand": {
            "base": "1 requests/s",
            "slots": {f"h{i}": round(float(x), 4) for i, x in enumerate(day)},
            "periods": {name: round(float(x), 4) for name, x in zip(calendar, ahead, strict=True)},
            "outlooks": {name: round(float(x), 4) for name, x in zip(outlooks, future, strict=True)},
        },
        "input_tokens": inputs,
        "output_tokens": outputs,
        "slo": {
            "ttft": f"{draw.uniform(2, 5):.2f} s" + str(draw.choice(["", " at p90"])),
            "tpot": f"{draw.uniform(25, 70):.0f} ms",
        },
        "ttft_overhead": {"fixed": "20 ms", "kv_transfer_per_token": "10 us"},
        "headroom": "10 %",
    }


def _supply(draw: np.random.Generator, gpu_types: dict[str, tuple[str, Ratios]]) -> dict[str, Any]:
    """Rent everywhere; reservations for most types, purchases for some, quotas on the newest."""
    offers: dict[str, Any] = {}
    quotas: dict[str, Any] = {}
    for index, (name, (base, ratios)) in enumerate(gpu_types.items()):
        node, rent = RENT_USD[base]
        node = node.replace(base, name)
        price = ratios[3] if ratios else 1.0
        sites = list(SITES) if draw.random() < 0.4 else [SITES[index % 2]]
        offers[f"{name}-rent"] = _offer(node, "on_demand", rent * price, sites)
        if draw.random() < 0.8:
            off = draw.uniform(0.25, 0.45)
            lead = int(draw.choice([0, 3]))
            offers[f"{name}-year"] = _offer(
                node, "reserved", rent * price * (1 - off), sites, term_months=12, lead_time_months=lead
            )
        if base in BUY_USD and draw.random() < 0.7:
            run = 0.16 * rent * price
            offers[f"{name}-buy"] = _offer(
                node, "purchase", run, sites[:1], term_months=60, lead_time_months=int(draw.choice([3, 6])),
                upfront=f"{BUY_USD[base] * price:.0f} USD",
            )  # fmt: skip
    return {"sites": list(SITES), "offers": offers, "quotas": quotas}


def _offer(node: str, kind: str, usd_per_h: float, sites: list[str], **more: Any) -> dict[str, Any]:
    price = f"{usd_per_h:.4f} USD/node/h"
    return {
        "node_type": node,
        "kind": kind,
        "price": price,
        "provider": "made up",
        "source": "made up",
        "sites": sites,
        **more,
    }


def _scale(folder: Path, question: dict[str, Any], draw: np.random.Generator) -> None:
    """Sets demand so that each workload needs a fleet of a drawn size, then quotas and power that bind a little."""
    scenario = load(folder)
    table = derive(scenario)
    gpus = 0.0
    for workload in scenario.workloads:
        per_role: dict[str, float] = {}
        for row in table.rows_of(workload.name):
            if row.candidate.role != "aggregated":
                per_rps = row.candidate.config.gpus_per_replica / row.capacity_rps
                per_role[row.candidate.role] = min(per_role.get(row.candidate.role, np.inf), per_rps)
        size = float(np.exp(draw.uniform(*np.log(GPUS))))
        rps = size / sum(per_role.values())
        question["workloads"][workload.name]["demand"]["base"] = f"{rps:.4f} requests/s"
        gpus += size * max(workload.demand_rps.values())
    supply = question["supply"]
    rare = [line.offer.node_type for line in scenario.supply.lines if line.offer.kind == "purchase"]
    for node in dict.fromkeys(rare[: len(rare) // 2]):
        gpu_type = scenario.node_types[node].gpu_type
        supply["quotas"][f"{gpu_type}-quota"] = {"gpu_type": gpu_type, "max_gpus": 8 * math.ceil(0.2 * gpus / 8)}
    power = f"{KW_PER_GPU * ROOM * gpus / len(SITES):.0f} kW"
    supply["facilities"] = {site: {"power": power, "pue": 1.3, "electricity": "0.08 USD/kWh"} for site in SITES}
    _save(folder, question)


def _save_hardware(folder: Path, rows: list[list[Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "hypothetical.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["name", "based_on", "compute", "bandwidth", "memory", "price", "power", "source"])
        out.writerows(rows)


def _save(folder: Path, question: dict[str, Any]) -> None:
    (folder / "scenario.yaml").write_text(json.dumps(question, indent=1))
