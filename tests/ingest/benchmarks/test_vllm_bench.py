from __future__ import annotations

import json
from pathlib import Path

import pytest

from fleetopt.catalog.domain import AggregatedPoint, DecodePoint, PrefillPoint
from fleetopt.ingest.formats import read_profiles
from fleetopt.ingest.reading import Setup, Told
from tests.ingest.benchmarks.conftest import DATA, Read, Refused

APPEND, RATE, PREFILL = "vllm-0.33.0-append.json", "vllm-0.33.0-rate.json", "vllm-0.33.0-prefill.json"


def test_appended_runs_are_points_of_one_series(read: Read) -> None:
    """Three runs appended to one file become three points with the figures of the file, checked by hand."""
    found = read(APPEND)
    (series,) = found.series
    assert (found.format, series.role, series.evidence, found.flags) == ("vllm-bench", "aggregated", "measured", ())
    assert (series.setup, series.source) == (Setup(model="mock-llama"), f"vLLM bench, 2026-11-21, {APPEND}")
    first = series.points[0]
    assert isinstance(first, AggregatedPoint)
    assert (first.input_tokens, first.output_tokens) == (6144 / 24, 768 / 24)
    assert first.rate_rps == pytest.approx(24 / 3.775068843000554)
    assert first.concurrency == pytest.approx(24 / 3.775068843000554 * 0.15716527125050086)
    assert (first.ttft_s, first.tpot_s) == pytest.approx((0.025159030333346283, 0.004258265836022728))
    assert [tail.percentile for tail in first.tails] == [0.5, 0.9, 0.95, 0.99] * 2
    assert first.tails[3].latency_s == pytest.approx(0.025902476950122946)
    loads = [point.concurrency for point in series.points if isinstance(point, AggregatedPoint)]
    assert loads == pytest.approx([1, 4, 16], rel=0.01)


def test_what_was_understood_is_said(read: Read) -> None:
    """The user is told how many runs there are, what tokens/s counts and where concurrency comes from."""
    said = " | ".join(read(APPEND).understood)
    for words in ("3 runs, 3 of them used", "counts output tokens", "Little's law", "after the first"):
        assert words in said


def test_concurrency_without_end_to_end_latency(read: Read) -> None:
    """A file without `mean_e2el_ms` has its concurrency from TTFT and TPOT, and no percentile but those it has."""
    (series,) = read(RATE).series
    (point,) = series.points
    assert isinstance(point, AggregatedPoint)
    stay_s = 0.025408312025183477 + 31 * 0.004572939777416386
    assert point.concurrency == pytest.approx(40 / 4.159369861001323 * stay_s)
    assert [tail.percentile for tail in point.tails] == [0.5, 0.99] * 2


def test_detailed_arrays_change_nothing(read: Read) -> None:
    """A --save-detailed file is one run of 16 requests, whose arrays are left alone."""
    (series,) = read("vllm-0.33.0-detailed.json").series
    (point,) = series.points
    assert isinstance(point, AggregatedPoint)
    assert (point.input_tokens, point.output_tokens) == (128, 8)
    assert point.rate_rps == pytest.approx(16 / 0.22945629700006975)


def test_a_run_of_single_tokens_is_prefill(read: Read, refused: Refused) -> None:
    """One output token a request says nothing of aggregated serving, and as prefill it is input tokens/s."""
    assert "no TPOT (1 output tokens a request)" in refused(PREFILL).what
    assert "--role" in refused(PREFILL).fix
    (series,) = read(PREFILL, role="prefill").series
    (point,) = series.points
    assert isinstance(point, PrefillPoint)
    assert (point.input_tokens, point.tokens_per_s) == pytest.approx((1024, 40960 / 1.0445190780010307))


def test_decode_batch_is_what_was_decoding(read: Read, refused: Refused) -> None:
    """Told to be decode, a run is at the mean context of its decode, with the requests in it by Little's law."""
    point = read(APPEND, role="decode").series[0].points[2]
    assert isinstance(point, DecodePoint)
    assert (point.context_tokens, point.tpot_s) == pytest.approx((272, 8.048308829747153e-3))
    assert point.batch == pytest.approx(56.22902626571745 * 31 * 8.048308829747153e-3)
    assert "has no TPOT" in refused(PREFILL, role="decode").what
    assert "a prefill run has about 1" in refused(APPEND, role="prefill").what


def test_the_largest_prefill_throughput_of_a_length_counts(tmp_path: Path) -> None:
    """Of two prefill runs at one input length only the faster is a point; a sweep's list and its split are read."""
    slow = json.loads((DATA / PREFILL).read_text(encoding="utf-8")) | {"tensor_parallel_size": 2}
    fast = slow | {"duration": 0.5, "request_throughput": 80.0, "output_throughput": 80.0, "tensor_parallel_size": "2"}
    path = tmp_path / "summary.json"
    path.write_text(json.dumps([slow, fast], indent=4), encoding="utf-8")
    (series,) = read_profiles(path, Told(role="prefill")).series
    assert series.points == (PrefillPoint(1024.0, 81_920.0),)
    assert series.setup.tensor_parallel == 2


def test_older_files_and_engines(read: Read) -> None:
    """Without `failed`, the prompts that did not complete failed; a backend that names an engine is the engine."""
    found = read(APPEND, {"failed": "absent", "num_prompts": 25, "backend": "vllm", "max_concurrency": None})
    assert found.series[0].setup.engine == "vllm"
    assert [(flag.what, flag.done) for flag in found.flags] == [("has 1 failed requests of 25 (4.0%)", "kept")]


def test_what_the_user_says_is_filled_in(read: Read) -> None:
    """GPUs, which no file says, come from the user; so does our name for the model."""
    told = Setup(model="llama-3.1-8b", gpu_type="H100", gpus_per_replica=1)
    assert read(RATE, told=told).series[0].setup == told


@pytest.mark.parametrize("key", ["completed", "duration", "total_input_tokens", "mean_ttft_ms", "mean_tpot_ms"])
def test_a_missing_key_is_named(refused: Refused, key: str) -> None:
    """A file of some other schema is refused by the first key that it lacks."""
    issue = refused(RATE, {key: None})
    assert (issue.code, issue.where) == ("missing-key", f"{RATE} {key}")


@pytest.mark.parametrize("failed", [{"failed": 24}, {"failed": None, "num_prompts": 24}])
def test_a_run_in_which_all_failed_leaves_the_others(tmp_path: Path, failed: dict[str, int | None]) -> None:
    """Proves: of appended runs, one that completed nothing is dropped with the count of its failures; two stay.
    Sensitivity: without it the whole file is refused for a completed of 0, as every rate beyond overload has it.
    """
    lines = (DATA / APPEND).read_text(encoding="utf-8").splitlines()
    empty = {"completed": 0, "total_input_tokens": 0, "total_output_tokens": 0, "mean_ttft_ms": 0.0}
    lines[2] = json.dumps({**json.loads(lines[2]), **empty, "mean_tpot_ms": 0.0, **failed})
    path = tmp_path / "sweep.json"
    path.write_text("\n".join(lines), encoding="utf-8")
    found = read_profiles(path, Told())
    assert len(found.series[0].points) == 2
    assert [(flag.what, flag.done) for flag in found.flags] == [
        ("completed none of its requests (24 failed)", "dropped")
    ]


def test_a_run_that_ramps_up_is_no_operating_point(refused: Refused) -> None:
    """Proves: means over a rate that rose from 1 to 20 requests/s are refused as a point, and both rates are named.
    Sensitivity: read like any run, its mean latency would be that of the mean rate.
    """
    issue = refused(RATE, {"ramp_up_strategy": "linear", "ramp_up_start_rps": 1, "ramp_up_end_rps": 20})
    assert "raised its rate from 1 to 20 requests/s while it ran" in issue.what


def test_tensorrt_llms_copy_of_the_benchmark_is_named(read: Read) -> None:
    """Proves: a result with TensorRT-LLM's own keys, and without `failed`, is its, in the same figures.
    Sensitivity: by the shared keys alone its points would stand in the catalog as measured by vLLM's tool.
    """
    extra = {"user_throughput": 120.0, "request_goodput:": None, "avg_decoded_tokens_per_iter": {"mean": 1.0}}
    found = read(RATE, {**extra, "failed": "absent"})
    assert found.series[0].source == f"TensorRT-LLM benchmark_serving, 2026-11-21, {RATE}"
    assert found.series[0].points == read(RATE).series[0].points
