"""Lengths, buckets, links and drafts: what a workload may say about its requests, and how it can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fleetopt.errors import Issue
from fleetopt.scenario.load import load

MEANS = "    input_tokens: 6144\n    output_tokens: 512\n"
TABLE = "input_tokens,output_tokens,share\n1000,100,0.25\n5000,300,0.75\n"
LISTED = (
    "    lengths:\n      - {input_tokens: 1000, output_tokens: 100, share: 25 %}\n"
    "      - {input_tokens: 5000, output_tokens: 300, share: 75 %}\n"
)
Folder = Callable[..., Path]
Find = Callable[[Path], tuple[Issue, ...]]


@pytest.mark.parametrize("written", ["    lengths: lengths.csv\n", LISTED])
def test_a_mix_gives_the_means_and_the_queue(folder: Folder, written: str) -> None:
    """Proves that a table and a list are the same: means 4000 and 250, M/G/1 unless another queue is named."""
    scenario = load(folder(MEANS, written, {"lengths.csv": TABLE}))
    [workload] = scenario.workloads
    assert (workload.input_tokens, workload.output_tokens) == (4000.0, 250.0)
    assert [one.share for one in workload.lengths] == [0.25, 0.75]
    assert workload.queue == "mg1"
    assert ("lengths.csv" in {file.name for file in scenario.files}) is ("csv" in written)


def test_buckets_cut_demand_and_lengths(folder: Folder) -> None:
    """Proves the cut: a quarter of 10 requests/s is below 2000 tokens, the rest above, one family of both."""
    scenario = load(folder(MEANS, f"{LISTED}    buckets: {{input_edges: [2000]}}\n"))
    short, long = scenario.workloads
    assert (short.name, long.name) == ("chat (0-2000 in)", "chat (2000+ in)")
    assert [set(one.demand_rps.values()) for one in (short, long)] == [{2.5}, {7.5}]
    assert (short.input_tokens, long.output_tokens) == (1000.0, 300.0)
    assert short.family == long.family
    assert short.family is not None
    assert short.family.sharing == "free"


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("{kv_link: 400 Gbit/s}", 70_272 / 50e9),
        ("{kv_link: 50 GB/s, kv_overlap: 90 %}", 0.1 * 70_272 / 50e9),
        ("{kv_link: 400 Gbit/s, kv_overlap: layerwise}", 70_272 / 50e9 / 61),
    ],
)
def test_a_link_gives_the_transfer_of_a_token(folder: Folder, written: str, seconds: float) -> None:
    """Proves bytes / bandwidth x what is not hidden; layer by layer only one of 61 layers is seen."""
    [workload] = load(folder("    slo:", f"    ttft_overhead: {written}\n    slo:")).workloads
    assert workload.kv_transfer_s_per_token == pytest.approx(seconds, rel=1e-12)


def test_opt_66b_sends_as_much_as_distserve_says() -> None:
    """Proves the size of a KV cache against DistServe (OSDI'24): 2 x 64 layers x 9216 x 2 bytes x 512 tokens.

    They write 1.13 GB, which is 1.125 GiB, and 90 Gb/s at 10 requests/s, which is what that comes to in units of 2^30.
    """
    cache = 2 * 64 * 9216 * 2 * 512
    assert round(cache / 2**30, 3) == 1.125
    assert 10 * 8 * cache / 2**30 == 90.0


@pytest.mark.parametrize(
    ("written", "where", "words"),
    [
        ("    input_tokens: 6144\n", "output_tokens", "says nothing"),
        (f"{MEANS}    lengths: lengths.csv\n", "lengths", "beside input_tokens"),
        ("    lengths: none.csv\n", "", "does not exist"),
        ("    lengths: /lengths.csv\n", "lengths", "not a relative path"),
        (LISTED.replace("75", "74"), "lengths", "add up to 99 %"),
        (f"{MEANS}    buckets: {{input_edges: [2000]}}\n", "buckets", "lengths that are not given"),
        (f"{LISTED}    buckets: {{}}\n", "buckets", "has no edges"),
        (f"{LISTED}    buckets: {{input_edges: [2000, 2000]}}\n", "buckets.input_edges", "does not rise"),
        (f"{LISTED}    buckets: {{input_edges: [2000]}}\n    pooled: true\n", "buckets", "pooled"),
        (f"{MEANS}    ttft_overhead: {{kv_overlap: 5 %}}\n", "ttft_overhead.kv_overlap", "without a kv_link"),
        (f"{MEANS}    ttft_overhead: {{kv_link: 400 Gb/h}}\n", "ttft_overhead.kv_link", "400 Gbit/s"),
        (
            f"{MEANS}    ttft_overhead: {{kv_link: 1 GB/s, kv_transfer_per_token: 1 us}}\n",
            "ttft_overhead.kv_link",
            "beside kv_transfer_per_token",
        ),
        (f"{MEANS}    speculation: {{draft_tokens: 0, acceptance: 1}}\n", "speculation.draft_tokens", ""),
        (f"{MEANS}    speculation: {{draft_tokens: 2, acceptance: 120 %}}\n", "speculation.acceptance", "100 %"),
    ],
)
def test_each_mistake_is_one_error(folder: Folder, issues: Find, written: str, where: str, words: str) -> None:
    """Proves that whoever writes one of these reads which field it was."""
    [issue] = issues(folder(MEANS, written, {"lengths.csv": TABLE}))
    assert words in str(issue)
    assert issue.where.endswith(f"workloads.chat.{where}" if where else "none.csv")


@pytest.mark.parametrize(
    ("row", "column"),
    [("1000,100,x", "share"), ("0,100,1", "input_tokens"), ("9,1,1.1", "share"), ("9,,1", "output_tokens")],
)
def test_a_bad_row_of_lengths_is_one_error(folder: Folder, issues: Find, row: str, column: str) -> None:
    """Proves that a bad cell is named with its line."""
    files = {"lengths.csv": f"input_tokens,output_tokens,share\n{row}\n"}
    [issue] = issues(folder(MEANS, "    lengths: lengths.csv\n", files))
    assert issue.where == f"lengths.csv:2 {column}"
