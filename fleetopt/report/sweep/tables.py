"""The runs of a sweep as one table: a row a variant, first what it is set to, then what came of it.

Each variable has four columns: PATH as the expression says it, PATH.written in the field's own units, and PATH.value in
the base unit that PATH.unit names. Each GPU type has one, `gpus.TYPE`. All other columns are the fields of an outcome.
"""

from __future__ import annotations

import csv
import io
from typing import Any

from fleetopt.documents import inert
from fleetopt.study.sweep.records import Sweep

_UNITS = {
    **dict.fromkeys(
        ("cost_usd", "bound_usd", "expected_usd", "cvar_usd", "capex_usd", "opex_usd", "regret_usd"), "USD"
    ),
    "gap": "fraction of the cost",
    "usd_per_million_tokens": "USD",
    "nodes": "nodes, mean over time",
    "power_kw": "kW, mean over time",
    "seconds": "s",
}
_FIGURES = (*_UNITS, "base_orders", "message")
_WORDS = ("status", "message", "input_hash", "plan")


def columns(found: Sweep) -> dict[str, str]:
    """The columns with their units, in order: the same for all sweeps over the same fields and GPU types.

    Values whose units are not all the same have none but that of their row.
    """
    settings: dict[str, str] = {}
    for index, one in enumerate(found.runs[0].settings):
        units = {run.settings[index].unit for run in found.runs if run.settings[index].value is not None}
        settings |= {f"{one.path}{part}": "" for part in ("", ".written", ".value", ".unit")}
        settings[f"{one.path}.value"] = units.pop() if len(units) == 1 else ""
    gpus = {f"gpus.{name}": "GPUs, most at once" for name in found.gpu_types}
    figures = {name: _UNITS.get(name, "") for name in _FIGURES}
    return {"variant": "", **settings, "status": "", **figures, **gpus, "plan": "", "input_hash": ""}


def rows(found: Sweep) -> list[dict[str, Any]]:
    """The rows, with None where there is nothing."""
    return [_row(found, number) for number in range(len(found.runs))]


def _row(found: Sweep, number: int) -> dict[str, Any]:
    run = found.runs[number]
    row: dict[str, Any] = {"variant": run.variant}
    for one in run.settings:
        parts = {"": one.setting, ".written": one.written, ".value": one.value, ".unit": one.unit}
        row |= {f"{one.path}{part}": value for part, value in parts.items()}
    outcome = run.outcome
    row |= {name: getattr(outcome, name) for name in ("status", *_FIGURES)}
    planned = outcome.cost_usd is not None
    row |= {f"gpus.{name}": outcome.gpus.get(name, 0) if planned else None for name in found.gpu_types}
    return row | {"plan": run.plan, "input_hash": run.input_hash}


def csv_text(found: Sweep) -> str:
    """The table as CSV. Text that a spreadsheet would run as a formula is quoted with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = list(columns(found))
    writer.writerow([inert(name) for name in names])
    writer.writerows([inert(row[name]) for name in names] for row in rows(found))
    return out.getvalue()


def parquet_bytes(found: Sweep) -> bytes:
    """The table as Parquet, each column's unit among its metadata; the same runs make the same bytes."""
    import pyarrow as pa
    from pyarrow import parquet

    values = rows(found)
    schema = pa.schema([pa.field(name, _type(name), metadata={"unit": unit}) for name, unit in columns(found).items()])
    table = pa.table([pa.array([row[f.name] for row in values], f.type) for f in schema], schema=schema)
    out = io.BytesIO()
    parquet.write_table(table, out)
    return out.getvalue()


def _type(name: str) -> Any:
    import pyarrow as pa

    if name == "variant" or name.startswith("gpus."):
        return pa.int64()
    return pa.float64() if name in _UNITS or name.endswith(".value") else pa.string()
