"""The folder of one model as it stands: its tables as sheets, its configs, and the rows of each operating point."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from fleetopt.catalog.domain import ROLES, Role, ServingConfig
from fleetopt.catalog.models import (
    CONFIG_COLUMNS,
    PROFILE_COLUMNS,
    PROVENANCE_COLUMNS,
    SHARE_COLUMN,
    read_config,
    read_point,
)
from fleetopt.catalog.tails import TAIL_COLUMNS
from fleetopt.documents import Row
from fleetopt.ingest.points import key_of
from fleetopt.ingest.reading import Point
from fleetopt.ingest.sheets import Sheet

CONFIGS = "configs.csv"
COMMENTS = {
    CONFIGS: "max_kv_tokens is for the whole replica. gpus_per_replica is the true count of GPUs.",
    "prefill.csv": "tokens_per_s: largest prefill throughput of the replica. latency_ms: one prompt in every group.",
    "decode.csv": "batch is per replica. context_tokens is the mean context over the decode.",
    "aggregated.csv": "Closed loop, or concurrency by the law of Little; ttft_ms and tpot_ms are means.",
    "rates.csv": "The largest rate of one replica within the limits that stand beside it.",
}

Place: TypeAlias = tuple[str, Role, tuple[float, ...]]
"""Config, role and key of an operating point in one table."""


@dataclass(frozen=True, slots=True)
class Book:
    """A model's folder. `configs` have their rows in `config_rows`; both grow while an import is placed."""

    model: str
    folder: Path
    sheets: dict[str, Sheet]
    configs: dict[str, ServingConfig]
    config_rows: dict[str, Row] = field(default_factory=dict)

    @classmethod
    def read(cls, model: str, folder: Path) -> Book:
        """The tables of a folder, empty ones where there is nothing yet.

        Raises:
            InputError: a table is malformed.
        """
        sheets = {CONFIGS: Sheet.read(folder / CONFIGS, CONFIG_COLUMNS, (SHARE_COLUMN,), COMMENTS[CONFIGS])}
        for file, columns in PROFILE_COLUMNS.items():
            tails = [c for c in TAIL_COLUMNS if file == "aggregated.csv" and c not in columns]
            sheets[file] = Sheet.read(folder / file, columns, (*tails, *PROVENANCE_COLUMNS), COMMENTS[file])
        rows = {row.text("config"): row for row in sheets[CONFIGS].rows}
        return cls(model, folder, sheets, {name: read_config(model, row) for name, row in rows.items()}, rows)

    def points(self, file: str, configs: set[str]) -> dict[Place, tuple[Row, Point]]:
        """The operating points that a table holds of some configs, with their rows."""
        found: dict[Place, tuple[Row, Point]] = {}
        for row in self.sheets[file].rows:
            name = row.text("config")
            if name in configs and name in self.config_rows:
                point = read_point(file, self.configs[name], row)
                found[name, role_of(file, row), key_of(point)] = (row, point)
        return found


def role_of(file: str, row: Row) -> Role:
    """The role that a row of a profile table is about."""
    return row.choice("role", ROLES) if file == "rates.csv" else file.removesuffix(".csv")  # type: ignore[return-value]
