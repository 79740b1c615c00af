"""The capacity table: per workload, config and role what one replica carries, and what binds."""

from __future__ import annotations

import csv
import io
import json

from fleetopt.capacity.domain import Capacity, CapacityTable
from fleetopt.documents import inert
from fleetopt.report.view import BINDS, View, known_to, number, percent, time, view
from fleetopt.scenario.domain import Scenario


def usd_per_gpu_hour(scenario: Scenario) -> dict[str, float]:
    """The cheapest hourly price of a GPU of each type in the supply; upfront money is left out."""
    cheapest: dict[str, float] = {}
    prices = [(line.offer.node_type, line.offer.usd_per_node_h) for line in scenario.supply.lines if line.offer.hourly]
    for node_type, usd in prices:
        node = scenario.node_types[node_type]
        price = usd / node.gpus_per_node
        cheapest[node.gpu_type] = min(price, cheapest.get(node.gpu_type, price))
    return cheapest


def record(row: Capacity, prices: dict[str, float]) -> dict[str, object]:
    """A row of the table as plain values."""
    config = row.candidate.config
    price = prices.get(config.gpu_type)
    tokens_per_h = 3600.0 * row.slo_tokens_per_s
    million = None if price is None or not tokens_per_h else price * config.gpus_per_replica / tokens_per_h * 1e6
    provenance = row.candidate.profile.provenance
    return {
        "workload": row.workload,
        "model": config.model,
        "config": config.name,
        "role": row.candidate.role,
        "gpu_type": config.gpu_type,
        "gpus_per_replica": config.gpus_per_replica,
        "raw_tokens_per_s": row.raw_tokens_per_s,
        "slo_tokens_per_s": row.slo_tokens_per_s,
        "utilization": row.utilization,
        "capacity_rps": row.capacity_rps,
        "capacity_error": row.error,
        "batch": row.batch,
        "binds": row.binds,
        "ttft_floor_s": row.ttft_floor_s,
        "usd_per_million_tokens": million,
        "evidence": provenance.evidence,
        "source": provenance.source,
        "reach": None if row.reach is None else str(row.reach),
        "assumptions": [*row.assumptions, *row.doubts()],
    }


def capacity_view(scenario: Scenario, capacities: CapacityTable, *, everything: bool) -> View:
    """The table; unless `everything`, only the config that is cheapest per token for each GPU type in the supply."""
    prices = usd_per_gpu_hour(scenario)
    owned = {scenario.node_types[stock.node_type].gpu_type for stock in scenario.supply.stock}
    rows = capacities.rows if everything else _best(capacities, prices, owned)
    titles = ["workload", "role", "config", "GPUs", "raw tok/s", "SLO tok/s", "of raw", "req/s", "known to", "batch"]
    titles += ["USD/M tok", "binds", "evidence"]
    shown = view("What one replica carries", titles, [_cells(row, prices) for row in rows], text=3, note=_NOTE)
    return View(shown.title, shown.columns, shown.rows, shown.numeric - {"binds", "evidence"}, shown.note)


_NOTE = (
    "tok/s: uncached input tokens for prefill, output tokens for decode, both for aggregated serving. "
    "Known to: each measured point of the curves foretold by the others, the error that 90 % of them keep. "
    "USD per million of the same tokens, at capacity and the cheapest hourly price."
)


def _best(capacities: CapacityTable, prices: dict[str, float], owned: set[str]) -> list[Capacity]:
    best: dict[tuple[str, str, str, str], Capacity] = {}
    for row in capacities.rows:
        config = row.candidate.config
        if config.gpu_type not in prices and config.gpu_type not in owned:
            continue
        key = (row.workload, row.candidate.role, config.gpu_type, str(row.reach))
        per_gpu = row.capacity_rps / config.gpus_per_replica
        known = best.get(key)
        if known is None or per_gpu > known.capacity_rps / known.candidate.config.gpus_per_replica:
            best[key] = row
    return list(best.values())


def _cells(row: Capacity, prices: dict[str, float]) -> list[str]:
    values = record(row, prices)
    million = values["usd_per_million_tokens"]
    return [
        row.workload,
        row.candidate.role if row.reach is None else f"{row.candidate.role}, {row.reach}",
        row.candidate.config.name,
        f"{row.candidate.config.gpus_per_replica} {row.candidate.config.gpu_type}",
        number(row.raw_tokens_per_s),
        number(row.slo_tokens_per_s),
        percent(row.utilization),
        number(row.capacity_rps),
        known_to(row.error),
        "-" if row.batch is None else number(row.batch),
        f"{million:.4f}" if isinstance(million, float) else "-",
        BINDS[row.binds],
        str(values["evidence"]),
    ]


def rejection_view(capacities: CapacityTable) -> View:
    """The configs ruled out, with their reasons."""
    rows = [[r.workload, r.candidate.name, time(r.floor_s), r.reason] for r in capacities.rejections]
    return view("Ruled out", ["workload", "config", "floor", "why"], rows, text=4)


def to_json(scenario: Scenario, capacities: CapacityTable) -> str:
    """Every row and every rejection."""
    prices = usd_per_gpu_hour(scenario)
    rejected: list[dict[str, object]] = [
        {
            "workload": r.workload,
            "config": r.candidate.config.name,
            "role": r.candidate.role,
            "code": r.code,
            "reason": r.reason,
            "floor_s": r.floor_s,
        }
        for r in capacities.rejections
    ]
    rows = [record(row, prices) for row in capacities.rows]
    return json.dumps({"schema_version": "1", "capacities": rows, "ruled_out": rejected}, indent=2) + "\n"


def to_csv(scenario: Scenario, capacities: CapacityTable) -> str:
    """Every row; assumptions joined by semicolons."""
    prices = usd_per_gpu_hour(scenario)
    out = io.StringIO()
    records = [record(row, prices) for row in capacities.rows]
    if records:
        writer = csv.DictWriter(out, fieldnames=list(records[0]), lineterminator="\n")
        writer.writeheader()
        for values in records:
            values["assumptions"] = "; ".join(str(a) for a in values["assumptions"])  # type: ignore[attr-defined]
            writer.writerow({key: inert(value) for key, value in values.items()})
    return out.getvalue()
