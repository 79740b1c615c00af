"""Lengths that differ by next to nothing become one curve, the same one every time."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from fleetopt.catalog.domain import AggregatedPoint
from fleetopt.ingest.filing import merge_all, write_change
from fleetopt.ingest.formats import read_profiles
from fleetopt.ingest.lengths import levelled
from fleetopt.ingest.reading import Setup, Told

DATA = Path(__file__).parent / "benchmarks/data"
TOLD = Told(Setup("llama-3.1-8b", None, "H100", 1, precision="fp8", engine="vllm 0.33.0"))


def test_a_true_sweep_is_one_curve_however_often_it_is_imported(tmp_path: Path) -> None:
    """Proves that GuideLLM's four runs at 253.72 to 253.81 tokens share one length, and come back unchanged."""
    many = read_profiles(DATA / "guidellm-0.8.1-sweep.json", TOLD).series
    (first,) = merge_all(many, tmp_path / "models")
    write_change(first)
    rows = first.texts["aggregated.csv"].splitlines()[2:]
    assert len(rows) == 4
    assert {row.split(",")[1] for row in rows} == {"253.813"}
    assert any("lengths within 1% of 253.813 + 32 tokens" in said for said in first.said)
    (second,) = merge_all(many, tmp_path / "models")
    assert second.texts == {}


@given(st.lists(st.tuples(st.floats(10, 1e5), st.floats(2, 1e4)), min_size=1, max_size=12))
def test_no_length_moves_by_more_than_the_tolerance(lengths: list[tuple[float, float]]) -> None:
    """Proves order kept, at most 1 % of the curve's length moved, and that levelling what is level changes nothing."""
    points = [AggregatedPoint(i, o, 1.0 + n, 1.0, 0.1, 0.01) for n, (i, o) in enumerate(lengths)]
    level, _ = levelled(points, ())
    assert [point.concurrency for point in level] == [point.concurrency for point in points]
    for old, new in zip(points, level, strict=True):
        assert abs(old.input_tokens - new.input_tokens) <= 0.01 * new.input_tokens
        assert abs(old.output_tokens - new.output_tokens) <= 0.01 * new.output_tokens
    assert levelled(points, [(p.input_tokens, p.output_tokens) for p in level])[0] == level
