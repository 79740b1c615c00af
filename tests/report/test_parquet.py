from __future__ import annotations

import io

import pytest
from pyarrow import parquet

from fleetopt.plan.domain import Plan
from fleetopt.report.files import TABLES
from fleetopt.report.frames import columns, rows
from fleetopt.report.parquet import parquet_bytes


@pytest.mark.parametrize("name", TABLES)
def test_parquet_holds_what_the_plan_holds(quarters: Plan, name: str) -> None:
    """Every row and value comes back, text unquoted, also in a table without rows."""
    for one in (quarters, quarters.model_copy(update={name: ()})):
        found = parquet.read_table(io.BytesIO(parquet_bytes(one, name)))
        assert found.column_names == columns(name)
        assert found.to_pylist() == rows(one, name)


def test_columns_have_the_types_of_the_records(quarters: Plan) -> None:
    """Numbers are numbers also where all of them happen to be whole or missing; names are text."""
    types = {
        field.name: str(field.type) for field in parquet.read_schema(io.BytesIO(parquet_bytes(quarters, "placements")))
    }
    assert types["workload"] == types["shared"] == "string"
    assert types["replicas"] == types["batch"] == types["capacity_error"] == "double"
    assert types["gpus_per_replica"] == "int64"


def test_the_same_plan_makes_the_same_parquet(quarters: Plan) -> None:
    """No clock is in the file."""
    assert parquet_bytes(quarters, "costs") == parquet_bytes(quarters, "costs")
