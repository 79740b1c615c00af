"""Contradictions in real files: each is put in by changing one figure, and is then flagged."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from fleetopt.errors import InputError
from fleetopt.ingest.formats import read_profiles
from fleetopt.ingest.reading import Setup, Told
from tests.ingest.benchmarks.conftest import DATA, Read, Refused

RUN = "vllm-0.33.0-rate.json"


def test_failures_of_a_true_run_are_flagged(read: Read) -> None:
    """A run against a server that fails every ninth request is kept, with the failed ones counted."""
    (flag,) = read("vllm-0.33.0-failed.json").flags
    assert (flag.where.split("/")[-1], flag.done) == ("vllm-0.33.0-failed.json", "kept")
    assert flag.what == "has 4 failed requests of 40 (10.0%)"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"request_rate": 30.0}, "asked for 30 requests/s and completed 9.617: overload"),
        ({"request_throughput": 577.0}, "says requests/s 577, and 40 completed over the duration gives 9.617"),
        ({"output_throughput": 2769.65}, "says output tokens/s 2770, and rate x output tokens gives 307.7"),
        ({"input_throughput": 1.0}, "says input tokens/s 1, and rate x input tokens gives 2462"),
        ({"max_concurrency": 1}, "has concurrency 1.608 by rate and latency, over the limit of 1"),
        ({"mean_e2el_ms": 900.0}, "says concurrency 8.655, and Little's law gives 1.608"),
    ],
)
def test_a_contradiction_is_flagged_and_the_run_kept(read: Read, changes: dict[str, float], what: str) -> None:
    """Figures that disagree are shown beside each other; the point stands on those that are used."""
    found = read(RUN, changes)
    assert len(found.series[0].points) == 1
    (flag,) = found.flags
    assert what in flag.what
    assert (flag.where, flag.done) == (RUN, "kept")


def test_a_run_of_few_requests_is_flagged(read: Read) -> None:
    """Eight requests are too few to have settled."""
    found = read(RUN, {"completed": 8, "num_prompts": 8, "failed": 0, "duration": 0.83, "total_input_tokens": 2048,
                       "total_output_tokens": 256})  # fmt: skip
    assert [flag.what for flag in found.flags] == ["completed 8 requests at concurrency 1.611: too few to have settled"]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"duration": 4.159 / 60, "max_concurrency": 2}, "the rate looks per minute"),
        ({"failed": 5}, "has 5 failed requests of 45 (11.1%)"),
        ({"mean_ttft_ms": 0.0}, "has no TTFT: its answers were not streamed"),
        ({"mean_tpot_ms": 0.0}, "has no TPOT"),
        ({"total_input_tokens": 0}, "has no input tokens"),
    ],
)
def test_a_file_whose_only_run_is_dropped_is_refused(refused: Refused, changes: dict[str, float], what: str) -> None:
    """A run that measured something else is dropped; where none is left, the file is refused for it."""
    issue = refused(RUN, changes)
    assert (issue.code, issue.where) == ("no-runs", RUN)
    assert what in issue.what


def test_tpot_that_falls_in_a_file_is_flagged(read: Read) -> None:
    """In a report of several loads, a TPOT below that of the load before is flagged at the later run."""
    name, place = "guidellm-0.8.1-concurrent.json", "benchmarks/1/metrics/inter_token_latency_ms/successful/mean"
    flag = read(name, {place: 3.5}).flags[-1]
    assert (flag.where, flag.done) == (f"{name} benchmarks[1]", "kept")
    assert "has TPOT 3.5 ms at concurrency 3.707, below 4.222 ms at 0.9614" in flag.what


def test_gpus_that_the_user_counts_twice_are_flagged(read: Read) -> None:
    """tp x ep given as GPUs is flagged once for the serving config."""
    told = Setup(gpus_per_replica=64, tensor_parallel=8, expert_parallel=8)
    found = read(RUN, told=told)
    (flag,) = found.flags
    assert "experts share the GPUs" in flag.what
    assert found.understood[-1] == "GPUs per replica: 64"
    assert read(RUN).understood[-1] == "GPUs per replica: not said"


def test_a_compressed_result_is_to_be_unpacked(tmp_path: Path) -> None:
    """Proves: a result in gzip is refused for that, with what to do.
    Sensitivity: asked for its format, the user names it and is told that the bytes are no text.
    """
    path = tmp_path / "run.json.gz"
    path.write_bytes(gzip.compress((DATA / RUN).read_bytes()))
    with pytest.raises(InputError) as refused:
        read_profiles(path, Told())
    assert (refused.value.issues[0].what, "Unpack" in refused.value.issues[0].fix) == ("is compressed", True)
