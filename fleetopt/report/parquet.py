"""A plan's tables as Parquet: the columns of the CSV files, with types, and text as it is."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any, get_args

from pydantic import BaseModel

from fleetopt.plan.domain import Plan
from fleetopt.report.frames import RECORDS, columns, rows


def parquet_bytes(plan: Plan, name: str) -> bytes:
    """A table of the plan as a Parquet file; the same plan makes the same bytes."""
    return parquet_of(RECORDS[name], columns(name), rows(plan, name))


def parquet_of(record: type[BaseModel], names: Iterable[str], rows: Sequence[dict[str, Any]]) -> bytes:
    """Some fields of records as a Parquet file, typed as they are in the record."""
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema([(name, _type(record.model_fields[name].annotation)) for name in names])
    out = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(list(rows), schema=schema), out)
    return out.getvalue()


def _type(annotation: Any) -> Any:
    """Whole numbers where a field has nothing else, floats where it may have them, text for all other fields."""
    import pyarrow as pa

    parts = set(_leaves(annotation))
    if float in parts:
        return pa.float64()
    return pa.int64() if int in parts else pa.string()


def _leaves(annotation: Any) -> list[Any]:
    """The plain types in a union, with what is annotated stripped off."""
    inner = get_args(annotation)
    return [leaf for one in inner for leaf in _leaves(one)] if inner else [annotation]
