"""What the catalog holds, as records and as a view."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fleetopt.catalog.domain import GpuType, NodeType, Offer
from fleetopt.catalog.hardware import load_hardware
from fleetopt.catalog.models import load_model
from fleetopt.catalog.roots import model_names
from fleetopt.report.view import View

_WORDS = {"name", "title", "gpu_types", "roles", "evidence", "source", "gpu_type", "node_type", "kind", "provider"}
_WORDS |= {"region", "price_date"}
_TITLES = {"models": "Models", "gpus": "GPU types", "nodes": "Node types", "offers": "Offers"}
_SHOWN = {
    "models": ("name", "title", "parameters_b", "context_limit", "configs", "gpu_types", "roles", "evidence"),
    "gpus": ("name", "memory_gib", "memory_bandwidth_gb_s", "power_w", "evidence", "source"),
    "nodes": ("name", "gpu_type", "gpus_per_node", "power_w", "evidence"),
    "offers": (
        *("name", "node_type", "kind", "provider", "region"),
        *("usd_per_node_h", "upfront_usd_per_node", "term_months", "price_date"),
    ),
}


def catalog_records(what: str, roots: tuple[Path, ...]) -> list[dict[str, Any]]:
    """The records of one part of the catalog: 'models', 'gpus', 'nodes' or 'offers'.

    Raises:
        InputError: a catalog file is malformed.
    """
    hardware, _ = load_hardware(roots)
    if what == "models":
        return [_model(name, roots, hardware.gpu_types) for name in model_names(roots)]
    parts: dict[str, Iterable[GpuType | NodeType | Offer]] = {
        "gpus": hardware.gpu_types.values(),
        "nodes": hardware.node_types.values(),
        "offers": hardware.offers.values(),
    }
    return [_flat(asdict(item)) for item in parts[what]]


def _model(name: str, roots: tuple[Path, ...], gpu_types: dict[str, GpuType]) -> dict[str, Any]:
    llm, _ = load_model(name, roots, gpu_types)
    card = llm.card
    return {
        "name": name,
        "title": card.title,
        "parameters_b": card.parameters_b,
        "context_limit": card.context_limit,
        "configs": len({c.config.name for c in llm.candidates}),
        "gpu_types": sorted({c.config.gpu_type for c in llm.candidates}),
        "roles": sorted({c.role for c in llm.candidates}),
        "evidence": sorted({c.profile.provenance.evidence for c in llm.candidates}),
        "sources": list(card.sources),
    }


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    provenance = record.pop("provenance")
    return {**record, **provenance}


def catalog_view(what: str, records: list[dict[str, Any]]) -> View:
    """The records as a table."""
    columns = _SHOWN[what]
    rows = [tuple(_cell(record[column]) for column in columns) for record in records]
    titles = tuple(column.replace("_", " ") for column in columns)
    numeric = frozenset(t for c, t in zip(columns, titles, strict=True) if c not in _WORDS)
    return View(_TITLES[what], titles, tuple(rows), numeric)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return f"{value:,g}" if isinstance(value, float) and abs(value) < 1e6 else str(value)
