"""The optional percentile columns of aggregated.csv."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetopt.catalog.domain import Tail
from fleetopt.catalog.tails import TAIL_COLUMNS, read_tails, tail_cells
from fleetopt.documents import Row
from fleetopt.errors import InputError

RISING = st.lists(st.one_of(st.none(), st.floats(0.0, 50.0)), min_size=4, max_size=4)


def _row(cells: dict[str, str]) -> Row:
    return Row(Path("aggregated.csv"), 7, cells)


@settings(max_examples=50, deadline=None)
@given(RISING, RISING)
def test_tails_survive_a_round_trip(ttft: list[float | None], tpot: list[float | None]) -> None:
    """Proves that what is written is read back, empty cells included."""
    tails = []
    for what, steps in (("ttft", ttft), ("tpot", tpot)):
        ms = 1.0
        for percentile, step in zip((0.50, 0.90, 0.95, 0.99), steps, strict=True):
            if step is not None:
                ms += step
                tails.append(Tail(what, percentile, ms / 1000.0))  # type: ignore[arg-type]
    cells = dict.fromkeys(TAIL_COLUMNS, "") | {name: repr(ms) for name, ms in tail_cells(tuple(tails)).items()}
    back = read_tails(_row(cells))
    assert [(t.what, t.percentile) for t in back] == [(t.what, t.percentile) for t in tails]
    assert [t.latency_s for t in back] == pytest.approx([t.latency_s for t in tails])


def test_a_table_without_the_columns_has_no_tails() -> None:
    """Proves that tables from before there were tails are read as they were."""
    assert read_tails(_row({"ttft_ms": "100"})) == ()


@pytest.mark.parametrize(
    ("cells", "where", "what"),
    [
        ({"ttft_p50_ms": "200", "ttft_p99_ms": "100"}, "aggregated.csv:7 ttft_p99_ms", "100 is below ttft_p50_ms"),
        ({"tpot_p90_ms": "20", "tpot_p95_ms": "19"}, "aggregated.csv:7 tpot_p95_ms", "19 is below tpot_p90_ms"),
        ({"tpot_p90_ms": "0"}, "aggregated.csv:7 tpot_p90_ms", "0 is out of range"),
        ({"tpot_p90_ms": "nan"}, "aggregated.csv:7 tpot_p90_ms", "not a finite number"),
    ],
)
def test_a_bad_tail_is_named_with_its_cell(cells: dict[str, str], where: str, what: str) -> None:
    """Proves one clear error with file, line, column and value."""
    with pytest.raises(InputError) as failure:
        read_tails(_row(cells))
    (issue,) = failure.value.issues
    assert where in issue.where
    assert what in issue.what
