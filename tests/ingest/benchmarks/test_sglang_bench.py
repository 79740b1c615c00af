from __future__ import annotations

import math

import pytest

from fleetopt.catalog.domain import AggregatedPoint
from fleetopt.ingest.facts import complete
from fleetopt.ingest.reading import Setup
from tests.ingest.benchmarks.conftest import Read, Refused

RUNS = "sglang-0.5.23.jsonl"


def test_each_line_is_a_run(read: Read) -> None:
    """Four lines become four points; concurrency is SGLang's own, and Infinity as request rate is no obstacle."""
    found = read(RUNS)
    (series,) = found.series
    assert (found.format, len(series.points), found.flags) == ("sglang-bench", 4, ())
    first = series.points[0]
    assert isinstance(first, AggregatedPoint)
    assert (first.input_tokens, first.output_tokens) == (256, 32)
    assert first.rate_rps == pytest.approx(24 / 3.819441599000129)
    assert first.concurrency == 0.9958830589246956
    assert (first.ttft_s, first.tpot_s) == pytest.approx((0.026823428874953, 0.004247251196233343))
    assert [tail.percentile for tail in first.tails] == [0.5, 0.9, 0.95, 0.99] * 2
    said = " | ".join(found.understood)
    assert "measured average" in said
    assert "does not say how many requests failed" in said


@pytest.mark.parametrize(("attention", "gpus", "tensor"), [(False, 16, 8), (True, 8, 4)])
def test_the_server_says_how_it_runs(read: Read, attention: bool, gpus: int, tensor: int) -> None:
    """Proves: data-parallel copies multiply the GPUs, and groups of attention divide them; either makes a config.
    Sensitivity: a tensor parallel of 8 left beside two groups of attention is no split of 8 GPUs, and is refused.
    """
    server = {"model_path": "org/llm", "version": "0.5.23", "tp_size": 8, "pp_size": 1, "dp_size": 2, "ep_size": 8}
    server |= {"enable_dp_attention": attention, "quantization": "fp8", "max_total_num_tokens": 10**6}
    (series,) = read(RUNS, {"server_info": server, "backend": "sglang"}).series
    assert series.setup == Setup(
        model="org/llm", engine="sglang 0.5.23", gpus_per_replica=gpus, tensor_parallel=tensor, pipeline_parallel=1,
        data_parallel=2, expert_parallel=8, precision="fp8",
    )  # fmt: skip
    assert complete(series)[0].gpus_per_replica == gpus


def test_groups_of_attention_divide_the_gpus(refused: Refused) -> None:
    """Proves: a server whose groups of attention could not divide its GPUs is refused with both figures.
    Sensitivity: rounding 8 GPUs down to two for each of 3 groups would lose GPUs in silence.
    """
    issue = refused(RUNS, {"server_info": {"tp_size": 8, "dp_size": 3, "enable_dp_attention": True}})
    assert issue.what == "8 GPUs are no whole number for each of 3 groups of attention"


def test_the_user_may_not_contradict_the_server(refused: Refused) -> None:
    """A split told to be another than the server's is refused with both figures."""
    issue = refused(RUNS, {"server_info": {"tp_size": 8}}, told=Setup(tensor_parallel=4))
    assert "says tensor_parallel 8, and 4 was given" in issue.what


def test_detailed_errors_are_counted(read: Read) -> None:
    """In the detailed output every error text is a failed request."""
    found = read(RUNS, {"errors": ["", "timeout", ""]})
    assert found.flags[0].what == "has 1 failed requests of 25 (4.0%)"
    assert "does not say" not in " ".join(found.understood)


def test_infinity_is_no_latency(refused: Refused) -> None:
    """What is let in as a request rate is still refused as a figure."""
    issue = refused(RUNS, {"mean_ttft_ms": math.inf})
    assert (issue.where, issue.what) == (f"{RUNS} mean_ttft_ms", "'inf' is not a finite number")


def test_a_run_in_which_all_failed_says_so(refused: Refused) -> None:
    """Proves: a run without a completed request is refused for that, with what failed where the file knows.
    Sensitivity: read on, it is refused for a concurrency of 0, which tells nobody what happened.
    """
    issue = refused(RUNS, {"completed": 0, "concurrency": 0.0, "errors": ["timeout"] * 3})
    assert issue.what == "completed none of its requests (3 failed); no run of the file is left"
