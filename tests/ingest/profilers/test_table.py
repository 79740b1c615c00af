"""Our own table: every way to state a point gives the same point, and contradictions are errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleetopt.catalog.domain import AggregatedPoint, DecodePoint, PrefillPoint
from fleetopt.errors import InputError
from fleetopt.ingest.formats import read_profiles
from fleetopt.ingest.reading import Reading, Told

TAIL = {"evidence": "measured", "source": "our own bench"}
AGG = {"role": "aggregated", "input_tokens": "1000", "output_tokens": "101", "ttft_ms": "500", "tpot_ms": "20"}


def _read(tmp_path: Path, cells: dict[str, str], told: Told | None = None) -> Reading:
    path = tmp_path / "points.csv"
    whole = {**cells, **TAIL}
    path.write_text(f"{','.join(whole)}\n{','.join(whole.values())}\n", encoding="utf-8")
    reading = read_profiles(path, told or Told())
    assert reading.format == "table"
    return reading


@pytest.mark.parametrize(
    "stated",
    [
        {"rate_rps": "4"},
        {"rate_per_minute": "240"},
        {"concurrency": "10"},
        {"tokens_per_s": "404", "tokens_counted": "output"},
        {"tokens_per_s": "4000", "tokens_counted": "input"},
        {"tokens_per_s": "4404", "tokens_counted": "both"},
        {"rate_rps": "4", "rate_per_minute": "240", "concurrency": "10"},
    ],
    ids=lambda stated: "+".join(stated) + str(stated.get("tokens_counted", "")),
)
def test_every_statement_of_a_rate_is_the_same_point(stated: dict[str, str], tmp_path: Path) -> None:
    """4 requests/s, each 0.5 + 100 x 0.02 = 2.5 s in the system, are 10 at once."""
    reading = _read(tmp_path, AGG | stated)
    assert reading.series[0].points == (AggregatedPoint(1000.0, 101.0, 10.0, 4.0, 0.5, 0.02),)


def test_seconds_and_milliseconds_are_told_apart_by_the_column(tmp_path: Path) -> None:
    """0.5 in ttft_s is 500 in ttft_ms."""
    cells = {name: value for name, value in AGG.items() if not name.endswith("_ms")}
    cells |= {"ttft_s": "0.5", "tpot_s": "0.02", "rate_rps": "4"}
    assert _read(tmp_path, cells).series[0].points == (AggregatedPoint(1000.0, 101.0, 10.0, 4.0, 0.5, 0.02),)


@pytest.mark.parametrize(
    ("stated", "tokens_per_s"),
    [
        ({"ttft_ms": "100"}, 80_000.0),
        ({"tokens_per_s": "80000", "tokens_counted": "input"}, 80_000.0),
        ({"tokens_per_s": "100000", "tokens_counted": "both", "output_tokens": "250"}, 80_000.0),
    ],
)
def test_prefill_from_a_throughput_or_a_ttft(stated: dict[str, str], tokens_per_s: float, tmp_path: Path) -> None:
    """A TTFT of 100 ms is that of one prompt of 1000 in each of eight groups: 80 000 tokens/s."""
    cells = {"role": "prefill", "input_tokens": "1000", "tensor_parallel": "1", "data_parallel": "8"} | stated
    series = _read(tmp_path, cells).series[0]
    assert series.points == (PrefillPoint(1000.0, pytest.approx(tokens_per_s)),)  # type: ignore[arg-type]
    assert series.setup.gpus_per_replica == 8


@pytest.mark.parametrize(
    "stated",
    [
        {"context_tokens": "1050", "tpot_ms": "25"},
        {"input_tokens": "1000", "output_tokens": "100", "tpot_s": "0.025"},
        {"context_tokens": "1050", "tokens_per_s": "400", "tokens_counted": "output"},
        {"context_tokens": "1050", "tokens_per_s": "400", "tokens_counted": "output", "tpot_ms": "25"},
    ],
)
def test_decode_from_a_tpot_or_a_throughput(stated: dict[str, str], tmp_path: Path) -> None:
    """Ten requests that each get a token every 25 ms are 400 tokens/s."""
    reading = _read(tmp_path, {"role": "decode", "batch": "10"} | stated)
    assert reading.series[0].points == (DecodePoint(1050.0, 10.0, pytest.approx(0.025)),)  # type: ignore[arg-type]


def test_the_role_may_come_from_the_user(tmp_path: Path) -> None:
    """A table of one benchmark need not repeat its role in every row."""
    cells = {"batch": "10", "context_tokens": "1050", "tpot_ms": "25"}
    assert _read(tmp_path, cells, Told(role="decode")).series[0].role == "decode"


def test_gpus_as_tensor_times_expert_are_corrected(tmp_path: Path) -> None:
    """tp 8 with ep 8 said to be 64 GPUs is 8."""
    cells = AGG | {"rate_rps": "4", "gpus_per_replica": "64", "tensor_parallel": "8", "expert_parallel": "8"}
    reading = _read(tmp_path, cells)
    assert reading.series[0].setup.gpus_per_replica == 8
    assert [flag.done for flag in reading.flags] == ["corrected"]


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (AGG | {"rate_rps": "4", "rate_per_minute": "4"}, "contradicts another column"),
        (AGG | {"rate_rps": "4", "tokens_per_s": "4404", "tokens_counted": "output"}, "contradicts another column"),
        (AGG | {"tokens_per_s": "400"}, "is empty"),
        (AGG, "so is the concurrency"),
        (AGG | {"rate_rps": "4", "ttft_s": "0.5"}, "is filled in beside"),
        (AGG | {"rate_rps": "4", "gpus_per_replica": "6", "tensor_parallel": "4"}, "4 x 1 x 1 = 4 GPUs"),
        (AGG | {"rate_rps": "nan"}, "is not a finite number"),
        (AGG | {"rate_rps": "-4"}, "is out of range"),
        (AGG | {"rate_rps": "4", "role": "both"}, "is not one of"),
        ({"role": "prefill", "input_tokens": "9", "tokens_per_s": "9", "tokens_counted": "output"}, "input tokens/s"),
        ({"role": "prefill", "input_tokens": "9"}, "so is the TTFT"),
        ({"role": "decode", "batch": "9", "context_tokens": "9"}, "so are tpot_s"),
        (
            {"role": "decode", "batch": "9", "context_tokens": "9", "tpot_ms": "9"}
            | {"tokens_per_s": "9", "tokens_counted": "output"},
            "batch / TPOT",
        ),
    ],
)
def test_a_row_that_contradicts_itself_or_lacks_something_is_refused(
    cells: dict[str, str], wanted: str, tmp_path: Path
) -> None:
    """One error, at the line and column."""
    with pytest.raises(InputError, match=wanted) as refused:
        _read(tmp_path, cells)
    (issue,) = refused.value.issues
    assert "points.csv:2" in issue.where
    assert issue.fix


def test_a_column_that_is_nearly_right_is_suggested(tmp_path: Path) -> None:
    """With the format named, an unknown column is an error with a suggestion."""
    path = tmp_path / "points.csv"
    path.write_text("role,ttft,evidence,source\naggregated,5,measured,us\n", encoding="utf-8")
    with pytest.raises(InputError, match="unknown column 'ttft'") as refused:
        read_profiles(path, Told(), "table")
    assert "ttft" in refused.value.issues[0].fix


def test_percentiles_come_with_the_means(tmp_path: Path) -> None:
    """The columns of the catalog's own percentiles are read, and one that falls is refused."""
    cells = AGG | {"rate_rps": "4", "ttft_p50_ms": "450", "ttft_p99_ms": "900"}
    (point,) = _read(tmp_path, cells).series[0].points
    assert isinstance(point, AggregatedPoint)
    assert [(tail.what, tail.percentile, tail.latency_s) for tail in point.tails] == [
        ("ttft", 0.5, 0.45),
        ("ttft", 0.99, 0.9),
    ]
    with pytest.raises(InputError, match="ttft_p99_ms"):
        _read(tmp_path, cells | {"ttft_p99_ms": "400"})


def test_a_concurrency_that_rate_and_latency_deny_is_flagged(tmp_path: Path) -> None:
    """4 requests/s of 2.5 s each are 10 at once, not 30: kept, and said with both figures."""
    reading = _read(tmp_path, AGG | {"rate_rps": "4", "concurrency": "30"})
    (flag,) = reading.flags
    assert (flag.done, len(reading.series[0].points)) == ("kept", 1)
    assert "says concurrency 30, and Little's law gives 10" in flag.what


def test_a_rate_per_minute_in_the_column_per_second_is_no_point(tmp_path: Path) -> None:
    """240 'per second' at 10 at once is 60 times too much: dropped, and where nothing is left an error says why."""
    with pytest.raises(InputError, match="the rate looks per minute; no point is left"):
        _read(tmp_path, AGG | {"rate_rps": "240", "concurrency": "10"})


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("gpu_type,precision,engine,role,batch,tpot,evidence,source", "unknown column 'tpot'. Did you mean 'tpot_ms'"),
        ("GPU_Type,precision,engine,role,batch,tpot_ms,evidence,source", "unknown column 'GPU_Type'"),
        ("gpu_type,precision,engine,role,batch,tpot_ms,source", "no column 'evidence'"),
        ("gpu_type;precision;engine;role;batch;tpot_ms;evidence;source", "cells with semicolons"),
        ("time,cpu,batch,source", "in no format that fleetopt knows"),
    ],
)
def test_a_table_that_is_nearly_ours_is_told_its_column(columns: str, said: str, tmp_path: Path) -> None:
    """One wrong column used to make it a file in no known format; what has little of ours still is."""
    path = tmp_path / "points.csv"
    path.write_text(f"{columns}\n{','.join('1' for _ in columns.split(','))}\n", encoding="utf-8")
    with pytest.raises(InputError) as stop:
        read_profiles(path, Told())
    assert said in str(stop.value)
