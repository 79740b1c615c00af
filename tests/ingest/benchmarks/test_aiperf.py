from __future__ import annotations

import json
from pathlib import Path

import pytest

from fleetopt.catalog.domain import AggregatedPoint
from fleetopt.ingest.formats import read_profiles
from fleetopt.ingest.reading import Told
from tests.ingest.benchmarks.conftest import DATA, Read, Refused

ONE, EIGHT, GENAI = "aiperf-0.13.0-c1.json", "aiperf-0.13.0-c8.json", "genai-perf-0.0.16-c4.json"
METRICS = (
    *("request_throughput", "request_latency", "request_count", "inter_token_latency", "effective_concurrency"),
    *("output_sequence_length", "input_sequence_length", "output_token_throughput", "input_token_throughput"),
)


def test_an_export_is_one_point(read: Read) -> None:
    """Each export is one run with the averages that stand in it, and the concurrency that AIPerf measured."""
    found = read(EIGHT)
    (series,) = found.series
    (point,) = series.points
    assert isinstance(point, AggregatedPoint)
    assert (found.format, found.flags, series.setup.model) == ("aiperf", (), "mock-llama")
    assert series.source == f"AIPerf 0.13.0, 2026-11-21, {EIGHT}"
    assert (point.input_tokens, point.output_tokens) == (256, 32)
    assert (point.rate_rps, point.concurrency) == (34.91126965668565, 7.500181873755483)
    assert (point.ttft_s, point.tpot_s) == pytest.approx((0.030394406274999997, 0.005946175028629032))
    assert [tail.percentile for tail in point.tails] == [0.5, 0.9, 0.95, 0.99] * 2


def test_an_older_export_has_concurrency_by_littles_law(read: Read) -> None:
    """Without the measured concurrency it is rate x latency; the limit stood under `loadgen` then."""
    asked = {"endpoint": {"model_names": ["org/llm"]}, "loadgen": {"concurrency": 1, "request_rate": None}}
    found = read(ONE, {"effective_concurrency": "absent", "schema_version": "absent", "input_config": asked})
    (point,) = found.series[0].points
    assert isinstance(point, AggregatedPoint)
    assert point.concurrency == pytest.approx(6.252371236214659 * 0.15686619, rel=2e-3)
    assert (found.series[0].setup.model, found.flags) == ("org/llm", ())


def test_the_first_exports_kept_their_metrics_under_records(tmp_path: Path) -> None:
    """Proves: an export of the first AIPerf, with `records` and `ttft`, is the same point as today's; errors count.
    Sensitivity: looked for at the top alone, every metric is missing and the file is refused.
    """
    new = json.loads((DATA / ONE).read_text(encoding="utf-8"))
    metrics = {key: new[key] for key in METRICS} | {"ttft": new["time_to_first_token"]}
    errors = [{"error_details": {"code": 500, "message": "no"}, "count": 2}]
    path = tmp_path / "profile_export_aiperf.json"
    asked = {"endpoint": {"model_names": ["org/llm"]}, "loadgen": {"concurrency": 1}}
    path.write_text(json.dumps({"records": metrics, "input_config": asked, "error_summary": errors}), encoding="utf-8")
    found = read_profiles(path, Told())
    (point,), (today,) = found.series[0].points, read_profiles(DATA / ONE, Told()).series[0].points
    assert point == today
    assert found.series[0].setup.model == "org/llm"
    assert [flag.what for flag in found.flags] == ["has 2 failed requests of 26 (7.7%)"]


def test_a_genai_perf_export_has_the_same_metrics(read: Read) -> None:
    """The forerunner's export gives its point; concurrency is rate x latency, not the 4 that were asked for."""
    found = read(GENAI)
    (series,) = found.series
    (point,) = series.points
    assert isinstance(point, AggregatedPoint)
    assert (found.format, found.flags, series.setup.model) == ("aiperf", (), "mock-llama")
    assert series.source == f"AIPerf or GenAI-Perf, {GENAI}"
    assert point.concurrency == pytest.approx(21.726371693852258 * 0.18288568594999998)
    assert (point.ttft_s, point.tpot_s) == pytest.approx((0.02985383985, 0.004936511175))
    assert (point.rate_rps, point.output_tokens, len(point.tails)) == (21.726371693852258, 32, 8)


def test_a_latency_in_seconds_is_read_as_such(read: Read) -> None:
    """The unit that stands beside a latency counts, for the mean and for percentiles."""
    (point,) = read(ONE, {"time_to_first_token": {"unit": "sec", "avg": 0.0256, "p99": 0.03}}).series[0].points
    assert isinstance(point, AggregatedPoint)
    assert (point.ttft_s, point.tails[0].latency_s) == pytest.approx((0.0256, 0.03))


def test_failed_requests_newer_versions_and_cancelled_runs_are_flagged(read: Read) -> None:
    """An error count, a newer release and a run that was cancelled are said."""
    errors = {"unit": "requests", "avg": 2.0}
    found = read(ONE, {"error_request_count": errors, "aiperf_version": "0.20.1", "schema_version": "2.0"})
    said = [flag.what for flag in found.flags]
    cancelled = read(ONE, {"was_cancelled": True}).flags
    assert [(flag.where, flag.what) for flag in cancelled] == [(f"{ONE} was_cancelled", "was cancelled before its end")]
    assert said[0] == "written by aiperf 0.20.1, newer than any version known (0.13); the same keys were read"
    assert "schema 2.0" in said[1]
    assert said[2] == "has 2 failed requests of 26 (7.7%)"


@pytest.mark.parametrize("key", ["request_count", "request_latency", "input_sequence_length", "output_sequence_length"])
def test_a_missing_metric_is_named(refused: Refused, key: str) -> None:
    """A file of some other schema is refused by the metric that it lacks."""
    issue = refused(ONE, {key: "absent", "effective_concurrency": "absent"})
    assert (issue.code, issue.where) == ("missing-key", f"{ONE} {key}")


def test_a_unit_that_is_no_time_is_refused(refused: Refused) -> None:
    """Latencies in an unknown unit are not guessed at."""
    issue = refused(ONE, {"time_to_first_token/unit": "requests"})
    assert (issue.where, issue.what) == (f"{ONE} time_to_first_token.unit", "'requests' is no unit of time")


def test_the_rate_of_a_phase_is_what_was_asked(read: Read, refused: Refused) -> None:
    """Proves: a phase's `rate` shows overload as `request_rate` did before, and a series of rates is no point.
    Sensitivity: by the older key alone no export of today could be in overload, whatever its queue did.
    """
    phase = {"name": "profiling", "kind": "profiling", "type": "poisson", "rate": 100.0, "requests": 80}
    (flag,) = read(EIGHT, {"input_config/phases": [phase]}).flags
    assert "asked for 100 requests/s and completed 34.91: overload" in flag.what
    series = {**phase, "rate": None, "rate_series": {"points": [[0, 1], [60, 20]]}}
    assert "a series of rates" in refused(EIGHT, {"input_config/phases": [series]}).what
