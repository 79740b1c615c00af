"""Measured percentiles of aggregated serving, as optional columns beside the means."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from fleetopt.catalog.domain import Tail
from fleetopt.documents import Row

_WHATS: tuple[Literal["ttft", "tpot"], ...] = ("ttft", "tpot")
TAIL_PERCENTILES = (0.50, 0.90, 0.95, 0.99)
"""Those that have a column."""


def _column(what: str, percentile: float) -> str:
    return f"{what}_p{100 * percentile:.0f}_ms"


TAIL_COLUMNS = tuple(_column(what, percentile) for what in _WHATS for percentile in TAIL_PERCENTILES)


def read_tails(row: Row) -> tuple[Tail, ...]:
    """The percentiles that a row of aggregated.csv states.

    Raises:
        InputError: a higher percentile is smaller than a lower one.
    """
    return tuple(tail for what in _WHATS for tail in _tails_of(row, what))


def tail_cells(tails: tuple[Tail, ...]) -> dict[str, float]:
    """The cells (ms) that `read_tails` reads back, for the percentiles that have a column."""
    cells = {_column(tail.what, tail.percentile): 1000.0 * tail.latency_s for tail in tails}
    return {column: cells[column] for column in TAIL_COLUMNS if column in cells}


def _tails_of(row: Row, what: Literal["ttft", "tpot"]) -> list[Tail]:
    stated = (
        (percentile, row.optional_number(_column(what, percentile), above=True)) for percentile in TAIL_PERCENTILES
    )
    tails = [Tail(what, percentile, ms / 1000.0) for percentile, ms in stated if ms is not None]
    for lower, higher in pairwise(tails):
        if higher.latency_s < lower.latency_s:
            column = _column(what, higher.percentile)
            said = f"{row.cells[column][:40]} is below {_column(what, lower.percentile)}"
            raise row.fail(column, said, "A higher percentile is never smaller; check which column is which")
    return tails
