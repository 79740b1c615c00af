"""Promises as slow-downs against an idle reference, worked out from the shipped measurements of Llama 2 70B."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetopt.capacity.lengths import mean_context
from fleetopt.errors import Issue
from fleetopt.scenario.load import load
from fleetopt.scenario.slowdown import promise
from tests.properties.asked import PROOF

Folder = Callable[..., Path]
Find = Callable[[Path], tuple[Issue, ...]]

WORKLOAD = """\
    model: deepseek-v3.1-terminus
    demand: 10 requests/s
    input_tokens: 6144
    output_tokens: 512
    slo: {ttft: 2 s, tpot: 20 ms}
"""
MEANS = "input_tokens: 512\n    output_tokens: 128"
MIX = (
    "lengths:\n"
    "      - {input_tokens: 100, output_tokens: 128, share: 40 %}\n"
    "      - {input_tokens: 1024, output_tokens: 128, share: 40 %}\n"
    "      - {input_tokens: 3072, output_tokens: 128, share: 20 %}"
)


def written(slo: str, lengths: str = MEANS, more: str = "") -> str:
    return f"    model: llama2-70b\n    demand: 1 requests/s\n    {lengths}\n    slo: {slo}\n{more}"


@pytest.mark.parametrize(
    ("slo", "lengths", "limit_ms"),
    [
        ("2x of a100-tp8-fp16-splitwise", MEANS, 2 * 94.3101),
        ("2.5x of A100-80G at p90", MEANS, 2.5 * 94.3101),  # tp8 is the fastest at 512 tokens
        ("1x of A100-80G", MEANS.replace("512", "128"), 63.6538),  # and tp4 at 128
        ("1x of a100-tp8-fp16-splitwise at p50", MIX, 154.458),
        ("1x of a100-tp8-fp16-splitwise at p40", MIX, 65.3472),  # the time of 128, the shortest measured
        ("3x of a100-tp8-fp16-splitwise at p90", MIX, 3 * (274.222 + 661.222) / 2),  # half way from 2048 to 4096
        ("1x of a100-tp8-fp16-splitwise", MIX, 0.4 * 65.3472 + 0.4 * 154.458 + 0.2 * (274.222 + 661.222) / 2),
    ],
)
def test_ttft_is_a_multiple_of_the_prompt_alone(folder: Folder, slo: str, lengths: str, limit_ms: float) -> None:
    """Proves: factor times the measured time at the same percentile of the mix, or its mean, on straight lines between
    lengths. Sensitivity: the time of the mean length would be another number for every mix.
    """
    [workload] = load(folder(WORKLOAD, written(f"{{ttft: {slo}}}", lengths))).workloads
    assert workload.ttft is not None
    assert workload.ttft.limit_s == pytest.approx(limit_ms / 1000.0, rel=1e-5)
    assert workload.ttft.at == (slo.split(" at ")[1] if " at " in slo else "mean")


def test_a_cached_prefix_is_not_read_by_the_reference_either(folder: Folder) -> None:
    """Proves: with half of 2048 tokens cached the limit is that of 1024. Sensitivity: it would be 274 ms."""
    lengths = MEANS.replace("512", "2048")
    more = "    prefix_cache_hit_rate: 50 %\n"
    [workload] = load(folder(WORKLOAD, written("{ttft: 1x of a100-tp8-fp16-splitwise}", lengths, more))).workloads
    assert workload.ttft is not None
    assert workload.ttft.limit_s == pytest.approx(0.154458, rel=1e-5)


def test_tpot_is_a_multiple_of_the_smallest_batch(folder: Folder) -> None:
    """Proves: 1.25 times the time at batch 1. Sensitivity: at batch 64 it would be 89.5 ms."""
    [workload] = load(folder(WORKLOAD, written("{tpot: 1.25x of a100-tp8-fp16-splitwise at p50}"))).workloads
    assert workload.tpot is not None
    assert workload.tpot.limit_s == pytest.approx(1.25 * 0.0448523, rel=1e-5)
    assert workload.tpot.percentile == 0.5


def test_tpot_of_a_mix_is_at_the_context_that_capacity_decodes_at(folder: Folder) -> None:
    """Proves: of 600 + 50 and 6000 + 600 tokens, half each, the TPOT is that of one length whose context is the mean
    over the output tokens, 5863.5, and so it is in a limit from end to end. Sensitivity: the mean over requests is
    3462.5, and its TPOT another.
    """
    mix = "lengths:\n" + "".join(
        f"      - {{input_tokens: {one}, output_tokens: {made}, share: 50 %}}\n"
        for one, made in ((600, 50), (6000, 600))
    )
    one = "input_tokens: {:.12g}\n    output_tokens: 325"
    slo = "{{ttft: 1x of {0}, tpot: 1x of {0}, e2e: 3x of {0}}}".format("a100-tp8-bf16-trtllm")
    by_output = (50 * 625 + 600 * 6300) / 650
    asked = [
        written(slo, lengths.rstrip("\n")).replace("llama2-70b", "llama-3.1-70b")
        for lengths in (mix, one.format(by_output - 162.5), one.format(3462.5 - 162.5))
    ]
    mixed, same, other = (load(folder(WORKLOAD, text)).workloads[0] for text in asked)
    assert mean_context(mixed) == pytest.approx(by_output)
    assert mixed.ttft is not None
    assert mixed.tpot is not None
    assert same.tpot is not None
    assert other.tpot is not None
    assert mixed.tpot.limit_s == pytest.approx(same.tpot.limit_s, rel=1e-9)
    assert mixed.tpot.limit_s > 1.002 * other.tpot.limit_s
    assert mixed.e2e[0].limit_s == pytest.approx(3 * (mixed.ttft.limit_s + 324 * mixed.tpot.limit_s), rel=1e-9)


@pytest.mark.parametrize(
    ("slo", "lengths", "said"),
    [
        ("{ttft: 0.9x of A100-80G}", MEANS, "faster than the reference"),
        ("{ttft: 2x of A100-80}", MEANS, "Did you mean 'A100-80G'"),
        ("{tpot: 2x of B200}", MEANS, "'B200' is no config or GPU type that llama2-70b has such a profile on"),
        ("{ttft: 2x of A100-80G at p100}", MEANS, "p100"),
        ("{ttft: 2x of}", MEANS, "slo.ttft"),
        ("{ttft: 1e9x of A100-80G}", MEANS, "slo.ttft"),
        ("{ttft: 2x of A100-80G}", MEANS.replace("512", "8193"), "8193 tokens, beyond the 8192 that were measured"),
        ("{tpot: 2x of A100-80G}", MEANS.replace("512", "1000"), "1064 tokens, beyond the 576 that were measured"),
    ],
)
def test_a_wrong_slow_down_is_one_clear_error(folder: Folder, issues: Find, slo: str, lengths: str, said: str) -> None:
    """Proves: what is wrong is said once, at its field. Sensitivity: extrapolated, the limit would be invented."""
    [issue] = issues(folder(WORKLOAD, written(slo, lengths)))
    assert said in f"{issue.where} {issue.what} {issue.fix}"
    assert "scenario.yaml:" in issue.where


@PROOF
@given(st.one_of(st.text(max_size=40), st.from_regex(r"[0-9.]{1,9}x of \S{1,9}( at p[0-9]{1,3})?"), st.integers()))
def test_any_text_is_a_promise_or_a_value_error(text: object) -> None:
    """Proves: nothing but ValueError comes out, which readers turn into an issue. Sensitivity: float("1.2.3") shows."""
    try:
        promise(text)
    except ValueError:
        return
