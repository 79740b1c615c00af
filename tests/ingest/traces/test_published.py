"""The heads of the published traces are read for what they say."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fleetopt.ingest.traces.domain import TraceReading
from fleetopt.ingest.traces.options import TraceOptions
from fleetopt.ingest.traces.read import read_trace

HEADS = {
    "azure_2023_code_head.csv": "azure",
    "azure_2023_conv_head.csv": "azure",
    "burstgpt_head.csv": "burstgpt",
    "mooncake_conversation_head.jsonl": "mooncake",
    "servegen_10min_head.csv": "servegen",
    "servegen_hourly_head.csv": "servegen",
}


def _read(data: Path, name: str) -> TraceReading:
    return read_trace(data / name, TraceOptions())


@pytest.mark.parametrize("name", HEADS)
def test_every_head_is_recognised_and_hashed(data: Path, name: str) -> None:
    """Each published format is told by its header alone, and the file's hash is kept."""
    reading = _read(data, name)
    assert reading.format == HEADS[name]
    assert len(reading.sha256) == 64
    assert all(sum(slot.hours_per_day for slot in reading.slots) == 24 for _ in reading.traffic)


@pytest.mark.parametrize("kind", ["code", "conv"])
def test_azure_means_and_times_are_those_of_its_rows(data: Path, kind: str) -> None:
    """Mean lengths, counts and the hour agree with a plain reading of the same CSV."""
    path = data / f"azure_2023_{kind}_head.csv"
    with path.open() as stream:
        rows = list(csv.DictReader(stream))
    (traffic,) = _read(data, path.name).traffic
    assert traffic.requests == len(rows) == 300
    assert traffic.input_tokens == pytest.approx(sum(int(r["ContextTokens"]) for r in rows) / 300, rel=1e-12)
    assert traffic.output_tokens == pytest.approx(sum(int(r["GeneratedTokens"]) for r in rows) / 300, rel=1e-12)
    assert traffic.hours[0].start == datetime(2023, 11, 16, 18, tzinfo=UTC)


def test_the_azure_week_of_2024_carries_its_zone(file: Callable[..., Path]) -> None:
    """Times with +00:00 are read as they are written."""
    path = file("TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.009930+00:00,2162,5\n")
    path.write_text(path.read_text() + "2024-05-10 00:30:00+00:00,100,7\n2024-05-10 02:00:00.5+00:00,100,7\n")
    reading = read_trace(path, TraceOptions())
    assert reading.format == "azure"
    assert [hour.requests for hour in reading.traffic[0].hours[:3]] == [2, 0, 1]


def test_burstgpt_fails_are_flagged_and_models_kept_apart(data: Path) -> None:
    """The four requests with 0 tokens are left out with a flag; both models have their own rates."""
    reading = _read(data, "burstgpt_head.csv")
    assert {one.model: one.requests for one in reading.traffic} == {"ChatGPT": 29, "GPT-4": 9}
    (zero,) = [flag for flag in reading.flags if "no input or no output" in flag.what]
    assert zero.done == "dropped"
    assert "4 of 42 rows" in zero.what
    assert zero.where.endswith("row 21")


def test_burstgpt_fails_can_be_counted(data: Path) -> None:
    """Counted fails raise the rates and leave the lengths as they are."""
    dropped = _read(data, "burstgpt_head.csv").traffic
    counted = read_trace(data / "burstgpt_head.csv", TraceOptions(failed="count")).traffic
    assert sum(one.requests for one in counted) == 42
    assert [one.input_tokens for one in counted] == [one.input_tokens for one in dropped]


def test_mooncake_prefix_hits_are_the_shared_first_block(data: Path) -> None:
    """All prompts of the head share block 0 and nothing else: 30 hits of 512 tokens."""
    (traffic,) = _read(data, "mooncake_conversation_head.jsonl").traffic
    rows = [json.loads(line) for line in (data / "mooncake_conversation_head.jsonl").read_text().splitlines()]
    found = traffic.prefix_cache
    assert found is not None
    assert found.hit_ratio == pytest.approx(30 * 512 / sum(row["input_length"] for row in rows), rel=1e-12)
    assert found.distinct_blocks == len({block for row in rows for block in row["hash_ids"]})
    assert found.cache_tokens is None


def test_mooncake_ticks_of_three_seconds_hide_finer_bursts(data: Path) -> None:
    """No dispersion is claimed for windows below the clock's step of about 3 s."""
    (traffic,) = _read(data, "mooncake_conversation_head.jsonl").traffic
    assert traffic.burstiness is not None
    assert 2.9 < traffic.burstiness.tick_s < 3.1
    assert traffic.burstiness.dispersion[0].index is None


def _lines(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_qwen_bailian_counts_seconds_and_blocks_of_16_tokens(tmp_path: Path) -> None:
    """Proves: lines with a chat and its parent are an hour at 1 request/s, whose prompts share their first two blocks.
    Sensitivity: taken for Mooncake, as the lengths and hash ids alone would, the hour lasts 3.6 s, at a rate of 1000.
    """
    chat = {"parent_chat_id": -1, "input_length": 40, "output_length": 9, "type": "text", "turn": 1}
    rows = [{"chat_id": s, "timestamp": float(s), **chat, "hash_ids": [0, 1, 10 + s]} for s in range(3600)]
    reading = read_trace(_lines(tmp_path / "trace.jsonl", rows), TraceOptions())
    assert reading.format == "bailian"
    (traffic,) = reading.traffic
    assert [(hour.requests, hour.rps) for hour in traffic.hours] == [(3600, 1.0)]
    assert traffic.prefix_cache is not None
    assert traffic.prefix_cache.hit_ratio == pytest.approx(3599 * 32 / (3600 * 40), rel=1e-12)


def test_blocks_of_another_size_give_no_prefix_hits(tmp_path: Path) -> None:
    """Proves: where hash ids do not stand for 512 tokens each, no hit ratio is claimed, and that is said.
    Sensitivity: with 512 tokens a block, one shared block of 64 would hit all of the 130 tokens.
    """
    rows = [
        {"timestamp": 60_000 * m, "input_length": 130, "output_length": 9, "hash_ids": [0, 3 * m + 1, 3 * m + 2]}
        for m in range(60)
    ]
    reading = read_trace(_lines(tmp_path / "trace.jsonl", rows), TraceOptions())
    assert reading.format == "mooncake"
    assert reading.traffic[0].prefix_cache is None
    assert "3 hash ids for 130 input tokens are no blocks of 512" in " | ".join(reading.understood)


def test_servegen_tables_of_both_steps_agree(data: Path) -> None:
    """The hourly table is the ten-minute one averaged: the first three days have the same hours."""
    fine, hourly = (_read(data, f"servegen_{step}_head.csv").traffic[0] for step in ("10min", "hourly"))
    assert len(fine.hours) == 72
    assert len(hourly.hours) == 336
    assert [h.rps for h in fine.hours] == pytest.approx([h.rps for h in hourly.hours[:72]], rel=1e-6)
    assert fine.lengths == ()
    assert fine.burstiness is None
    assert fine.input_tokens is None


def test_servegen_mean_of_two_weeks_is_the_published_one(data: Path) -> None:
    """ServeGen's own summary says 195.8439 requests/s for this model."""
    (traffic,) = _read(data, "servegen_hourly_head.csv").traffic
    assert traffic.mean_rps == pytest.approx(195.8439, abs=1e-4)
    assert {hour.days for hour in traffic.profile} == {14}
