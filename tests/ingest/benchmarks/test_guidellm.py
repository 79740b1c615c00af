from __future__ import annotations

import pytest

from fleetopt.catalog.domain import AggregatedPoint
from fleetopt.errors import InputError
from tests.ingest.benchmarks.conftest import Read, Refused

OLDEST, OLD = "guidellm-0.3.1.json", "guidellm-0.5.4.json"
NEW, SWEEP = "guidellm-0.8.1-concurrent.json", "guidellm-0.8.1-sweep.json"
METRICS = "benchmarks/0/metrics"


def test_both_schemas_are_read(read: Read) -> None:
    """Schema 1 and schema 2 give the same kind of points, with the figures of their files."""
    old, new = read(OLD), read(NEW)
    assert (old.format, old.flags, new.format, new.flags) == ("guidellm", (), "guidellm", ())
    first, other = old.series[0].points[0], new.series[0].points[2]
    assert isinstance(first, AggregatedPoint)
    assert isinstance(other, AggregatedPoint)
    assert (first.output_tokens, other.output_tokens) == (32, 32)
    assert first.rate_rps == pytest.approx(30 / 4.818695306777954)
    assert first.concurrency == 0.9926839609158801
    assert (first.ttft_s, first.tpot_s) == pytest.approx((0.02733643849690755, 0.004248243762600807))
    assert (other.rate_rps, other.concurrency) == pytest.approx((47.80851081412483, 12.691830711550294))
    assert (other.ttft_s, other.tpot_s) == pytest.approx((0.033571279048919676, 0.007417036256482525))
    assert [tail.percentile for tail in other.tails] == [0.5, 0.9, 0.95, 0.99] * 2
    assert (old.series[0].source, new.series[0].setup.model) == (f"GuideLLM 0.5.4, {OLD}", "mock-llama")


def test_a_sweep_is_one_series(read: Read) -> None:
    """Synchronous, throughput and two constant rates are four points of one series."""
    found = read(SWEEP)
    (series,) = found.series
    rates = [point.rate_rps for point in series.points if isinstance(point, AggregatedPoint)]
    assert rates == pytest.approx([6.0, 50.0, 79 / 3, 139 / 3])
    assert "concurrency is the measured average" in found.understood


def test_a_newer_release_is_read_with_a_flag(read: Read) -> None:
    """A release that nobody has looked at is read by the same keys, and that is said; a patch is nothing to say."""
    found = read(NEW, {"metadata/guidellm_version": "0.9.2"})
    what = "written by guidellm 0.9.2, newer than any version known (0.8); the same keys were read"
    assert [(flag.where, flag.what, flag.done) for flag in found.flags] == [
        (f"{NEW} metadata.guidellm_version", what, "kept")
    ]
    assert read(NEW, {"metadata/guidellm_version": "0.8.7"}).flags == ()
    assert "schema 3" in read(NEW, {"metadata/version": 3}).flags[0].what


def test_a_newer_schema_without_a_key_is_refused(refused: Refused) -> None:
    """Where a needed key is gone, the refusal names it."""
    issue = refused(NEW, {"metadata/version": 3, f"{METRICS}/inter_token_latency_ms": "absent"})
    assert (issue.code, issue.where) == ("missing-key", f"{NEW} benchmarks[0].metrics.inter_token_latency_ms")


def test_a_report_from_before_schemas_is_read(read: Read) -> None:
    """GuideLLM 0.3 wrote no metadata, and its counts and its model in other places; all are found."""
    found = read(OLDEST)
    (series,) = found.series
    first = series.points[0]
    assert isinstance(first, AggregatedPoint)
    assert (found.flags, series.source, series.setup.model) == ((), f"GuideLLM, {OLDEST}", "mock-llama")
    assert first.rate_rps == pytest.approx(30 / 5.0880138874053955)
    assert first.concurrency == 0.9795101158224737
    assert (first.ttft_s, first.tpot_s) == pytest.approx((0.034545437494913735, 0.004237770777876659))
    failed = read(OLDEST, {"benchmarks/0/run_stats/requests_made/errored": 1})
    assert failed.flags[0].what == "has 1 failed requests of 31 (3.2%)"


@pytest.mark.parametrize(("incomplete", "done"), [(10, "kept"), (400, "dropped")])
def test_requests_cut_off_are_flagged(read: Read, incomplete: int, done: str) -> None:
    """A run whose clock stopped over many requests is flagged, and dropped where they outnumber the completed."""
    found = read(NEW, {f"{METRICS}/request_totals/incomplete": incomplete})
    assert (found.flags[0].done, found.flags[0].where) == (done, f"{NEW} benchmarks[0]")
    assert f"cut off {incomplete} of {40 + incomplete} requests" in found.flags[0].what
    assert len(found.series[0].points) == (3 if done == "kept" else 2)


def test_a_report_without_benchmarks_is_refused(read: Read) -> None:
    """An empty report is one clear error."""
    with pytest.raises(InputError, match=r"benchmarks: is empty"):
        read(NEW, {"benchmarks": [], "note": "generative_benchmark"})


def test_a_benchmark_in_which_all_failed_leaves_the_others(read: Read) -> None:
    """Proves: one rate of a sweep without a successful request is dropped with its errors; the other rates stay.
    Sensitivity: without it the whole sweep is refused for a successful of 0.
    """
    before = read(NEW)
    found = read(NEW, {f"{METRICS}/request_totals/successful": 0, f"{METRICS}/request_totals/errored": 7})
    assert len(found.series[0].points) == len(before.series[0].points) - 1
    assert found.flags[0].what == "completed none of its requests (7 failed)"
