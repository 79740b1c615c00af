"""Several promises about one latency, and end-to-end promises: read as written, and every mistake named once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetopt.errors import Issue
from fleetopt.scenario.load import load
from fleetopt.scenario.slowdown import promises
from fleetopt.units import Latency
from tests.properties.asked import PROOF
from tests.scenario.test_slowdown import MIX, WORKLOAD, written

Folder = Callable[..., Path]
Find = Callable[[Path], tuple[Issue, ...]]
REFERENCE = "a100-tp8-fp16-splitwise"


def test_a_list_is_read_in_its_order(folder: Folder) -> None:
    """Proves the way of lists into values: the first is the one that plans tell, all others are further promises."""
    slo = f"{{ttft: [2x of {REFERENCE} at p50, 300 ms at p90, 1 s], tpot: [60 ms at p50, 90 ms at p99]}}"
    [workload] = load(folder(WORKLOAD, written(slo))).workloads
    assert workload.ttft is not None
    assert workload.ttft.at == "p50"
    assert workload.ttft.limit_s == pytest.approx(2 * 0.0943101, rel=1e-5)
    assert workload.further_ttft == (Latency(0.3, 0.9), Latency(1.0))
    assert (workload.tpot, workload.further_tpot) == (Latency(0.06, 0.5), (Latency(0.09, 0.99),))


def test_one_promise_is_a_list_of_one(folder: Folder) -> None:
    """Proves that nothing changes for one promise, written either way."""
    plain, listed = (
        load(folder(WORKLOAD, written(slo))).workloads[0] for slo in ("{ttft: 1 s at p90}", "{ttft: [1 s at p90]}")
    )
    assert (plain.ttft, plain.further_ttft, plain.e2e) == (Latency(1.0, 0.9), (), ())
    assert (listed.ttft, listed.further_ttft) == (plain.ttft, ())


@pytest.mark.parametrize(("factor", "mean"), [("1.25x", ""), ("5x", " at mean")])
def test_end_to_end_is_a_multiple_of_the_whole_request(folder: Folder, factor: str, mean: str) -> None:
    """Proves: prefill of 512 tokens and 127 steps at the smallest batch, of one config, times the factor."""
    slo = f"{{ttft: 150 ms, e2e: {factor} of {REFERENCE}{mean}}}"
    [workload] = load(folder(WORKLOAD, written(slo))).workloads
    [whole] = workload.e2e
    assert whole.limit_s == pytest.approx(float(factor[:-1]) * (0.0943101 + 127 * 0.0448523), rel=1e-5)
    assert whole.percentile is None


@pytest.mark.parametrize(
    ("slo", "lengths", "said"),
    [
        ("{ttft: []}", None, ("slo.ttft", "list of 0")),
        (f"{{ttft: [{', '.join(9 * ['1 s'])}]}}", None, ("slo.ttft", "list of 9")),
        ("{ttft: [1 s at p90, 2 s at p90]}", None, ("slo.ttft", "p90 more than once")),
        ("{ttft: [1 s, 2 s]}", None, ("slo.ttft", "the mean more than once")),
        ("{ttft: [1 s, 2]}", None, ("slo.ttft", "number 2 of the list")),
        ("{ttft: [[1 s]]}", None, ("slo.ttft", "number 1 of the list")),
        ("{ttft: {p50: 1 s}}", None, ("slo.ttft", "unit")),
        ("{ttft: [1 s at p50, 2x of nowhere at p90]}", None, ("slo.ttft", "no config or GPU type")),
        ("{tpot: [40 ms, .nan]}", None, ("slo.tpot", "number 2 of the list")),
        ("{e2e: 5 s}", None, ("slo.e2e", "Add ttft at the mean")),
        ("{ttft: 1 s at p90, e2e: 5 s}", None, ("slo.e2e", "Add ttft at the mean")),
        ("{ttft: 1 s, e2e: 5 s at p90}", None, ("slo.e2e", "Add ttft at a percentile above p90")),
        ("{ttft: 1 s at p90, e2e: 5 s at p90}", None, ("slo.e2e", "above p90")),
        ("{ttft: 5 s, e2e: 5 s}", None, ("slo.e2e", "well below 5 s")),
        ("{ttft: 1 s at p99, e2e: 9 s at p90}", MIX, ("slo.e2e", "not worked out for a mix of lengths")),
        ("{ttft: 1 s, e2e: 5 s}", "input_tokens: 512\n    output_tokens: 1", ("slo.e2e", "no token after the first")),
        ("{ttft: 1 s, e2e: 2x of H200}", None, ("slo.e2e", "no config or GPU type")),
        ("{ttft: 1 s, e2e: 0.5x of A100-80G}", None, ("slo.e2e", "faster than the reference")),
    ],
)  # fmt: skip
def test_a_mistake_is_one_issue_with_its_place(
    folder: Folder, issues: Find, slo: str, lengths: str | None, said: tuple[str, str]
) -> None:
    """Proves that what cannot be meant, or cannot be kept, is refused once at its field."""
    text = written(slo) if lengths is None else written(slo, lengths)
    [issue] = issues(folder(WORKLOAD, text))
    assert issue.where.endswith(f"workloads.chat.{said[0]}")
    assert said[1] in f"{issue.what} {issue.fix}"


@PROOF
@given(st.recursive(st.one_of(st.text(max_size=12), st.integers(), st.none()), lambda one: st.lists(one, max_size=3)))
def test_any_value_is_promises_or_a_value_error(value: object) -> None:
    """Proves that nothing but ValueError comes out, which readers turn into an issue."""
    try:
        assert promises(value)
    except ValueError:
        return
