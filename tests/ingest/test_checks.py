"""Every check gives a flag where figures contradict each other, and none where they agree."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleetopt.catalog.domain import AggregatedPoint, DecodePoint
from fleetopt.ingest import checks
from fleetopt.ingest.reading import Flag, Setup

SOUND = AggregatedPoint(1000.0, 101.0, concurrency=10.0, rate_rps=5.0, ttft_s=0.5, tpot_s=0.015)
"""5 requests/s of 0.5 s + 100 x 0.015 s = 2 s each: 10 in the system."""


def test_littles_law_holds_within_its_tolerance() -> None:
    """A concurrency within 15 % of rate x time passes, one beyond it is flagged with both figures."""
    assert checks.littles_law(SOUND, "f") is None
    assert checks.littles_law(replace(SOUND, concurrency=8.6), "f") is None
    what = "says concurrency 8, and Little's law gives 10 (5 requests/s x 2 s)"
    assert checks.littles_law(replace(SOUND, concurrency=8.0), "f") == Flag("f", what, "kept")


def test_a_rate_per_minute_is_told_from_a_rate_per_second() -> None:
    """A rate 60 times too large is dropped as per minute, and is not flagged a second time by Little's law."""
    wrong = replace(SOUND, rate_rps=300.0)
    found = checks.per_minute(wrong, "f")
    assert found is not None
    assert (found.done, "60 times the concurrency of 10" in found.what) == ("dropped", True)
    assert checks.littles_law(wrong, "f") is None
    assert checks.per_minute(SOUND, "f") is None
    assert checks.per_minute(replace(wrong, concurrency=600.0), "f", limit=10.0) is not None


def test_the_limit_that_was_asked_for_is_kept() -> None:
    """More requests in the system than were allowed is a contradiction; no limit is none."""
    assert checks.over_limit(10.0, None, "f") is None
    assert checks.over_limit(10.5, 10.0, "f") is None
    found = checks.over_limit(20.0, 10.0, "f")
    assert found is not None
    assert "concurrency 20 by rate and latency, over the limit of 10" in found.what


def test_figures_said_twice_must_agree() -> None:
    """A stated throughput 2 % off what the others make of it passes, more is flagged, none is no matter."""
    assert checks.same_figure("tokens/s", None, 500.0, "rate x tokens", "f") is None
    assert checks.same_figure("tokens/s", 505.0, 500.0, "rate x tokens", "f") is None
    found = checks.same_figure("tokens/s", 5500.0, 500.0, "rate x tokens", "f")
    assert found == Flag("f", "says tokens/s 5500, and rate x tokens gives 500, which was used", "kept")


@pytest.mark.parametrize(("failed", "done"), [(0, None), (10, "kept"), (11, "dropped")])
def test_many_failures_drop_a_run(failed: int, done: str | None) -> None:
    """Up to 10 % of failed requests a run is kept with a flag, above it is dropped."""
    found = checks.failures(100 - failed, failed, "f")
    assert (found and found.done) == done


@pytest.mark.parametrize(("incomplete", "done"), [(11, None), (12, "kept"), (101, "dropped")])
def test_many_cut_off_requests_drop_a_run(incomplete: int, done: str | None) -> None:
    """Over 10 % of requests cut off is flagged; where they outnumber the completed, the run is dropped."""
    found = checks.cut_off(100, incomplete, "f")
    assert (found and found.done) == done


def test_overload_is_flagged() -> None:
    """A rate asked for that is more than a fifth above the one completed is an overload; no rate is none."""
    assert checks.overload(5.0, None, "f") is None
    assert checks.overload(5.0, 5.9, "f") is None
    found = checks.overload(5.0, 20.0, "f")
    assert found is not None
    assert "asked for 20 requests/s and completed 5" in found.what


@pytest.mark.parametrize(("completed", "concurrency", "short"), [(9, 1.0, True), (10, 1.0, False), (31, 16.0, True)])
def test_short_runs_are_flagged(completed: int, concurrency: float, short: bool) -> None:
    """Fewer than 10 requests, or fewer than two rounds of the concurrency, are too few."""
    assert (checks.too_short(completed, concurrency, "f") is not None) == short


def test_tpot_that_falls_with_load_is_flagged() -> None:
    """Within one pair of lengths TPOT may fall by 5 % at most as concurrency rises; other lengths do not matter."""
    low, high = replace(SOUND, concurrency=4.0, tpot_s=0.010), replace(SOUND, concurrency=8.0, tpot_s=0.009)
    assert checks.tpot_falls([(low, "a"), (replace(high, tpot_s=0.0096), "b")]) == []
    assert checks.tpot_falls([(low, "a"), (replace(high, input_tokens=50.0), "b")]) == []
    (found,) = checks.tpot_falls([(high, "b"), (low, "a")])
    assert found == Flag("b", "has TPOT 9 ms at concurrency 8, below 10 ms at 4", "kept")


def test_tpot_of_decode_that_falls_with_the_batch_is_flagged() -> None:
    """A batch of 8 that takes half as long as a batch of one was measured in other units, or by somebody else."""
    points = [
        (DecodePoint(768.0, batch, tpot_s), f"{batch}") for batch, tpot_s in ((1, 0.007), (8, 0.0031), (32, 0.009))
    ]
    (found,) = checks.tpot_falls(points)
    assert found == Flag("8", "has TPOT 3.1 ms at batch 8, below 7 ms at 1", "kept")
    assert checks.tpot_falls([(points[0][0], "a"), (replace(points[1][0], context_tokens=9.0), "b")]) == []


def test_a_token_a_second_looks_like_milliseconds() -> None:
    assert checks.slow_tokens(DecodePoint(768.0, 1, 1.0), "f") is None
    found = checks.slow_tokens(DecodePoint(768.0, 1, 7.07), "f")
    assert found == Flag("f", "has TPOT 7.07 s; check that it is not in milliseconds", "kept")


def test_gpus_given_as_tensor_times_expert_parallel() -> None:
    """8 tensor- and 8 expert-parallel ranks on '64 GPUs' are 8 GPUs; a true count is left alone."""
    wrong = Setup(gpus_per_replica=64, tensor_parallel=8, expert_parallel=8)
    found = checks.gpus_flag(wrong, "f")
    assert found is not None
    assert "tensor parallel 8 x expert parallel 8; experts share the GPUs, so it may be 8" in found.what
    assert checks.gpus_flag(replace(wrong, gpus_per_replica=8), "f") is None
    assert checks.gpus_flag(replace(wrong, data_parallel=8), "f") is None
    assert checks.gpus_flag(replace(wrong, tensor_parallel=None), "f") is None


def test_only_a_newer_release_is_new() -> None:
    """Patches and older releases pass; a version that is no version passes too."""
    for version in ("0.8", "0.8.9", "0.5.4", "x"):
        assert checks.newer("tool", version, "0.8", "f") is None
    assert checks.newer("tool", "1.0", "0.8", "f") is not None
