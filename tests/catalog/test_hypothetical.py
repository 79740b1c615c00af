"""Hypothetical hardware: ratios carried over by a roofline, always marked assumed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fleetopt.catalog.domain import (
    Candidate,
    DecodePoint,
    DecodeProfile,
    GpuType,
    ModelCard,
    PrefillPoint,
    PrefillProfile,
    Provenance,
    Ratios,
    ServingConfig,
)
from fleetopt.catalog.hardware import load_hardware
from fleetopt.catalog.hypothetical import Hypothesis, carried_over
from fleetopt.catalog.models import load_model
from fleetopt.catalog.roots import shipped
from fleetopt.errors import InputError, Issue

HEADER = "name,based_on,compute,bandwidth,memory,price,power,source\n"
HERE = Provenance("measured", "test")
BASE = GpuType("G", 100.0, 1000.0, 500.0, HERE)
CARD = ModelCard("m", "M", 100.0, 100.0, 10, 1e6, False, 100_000, ())
CONFIG = ServingConfig("c", "m", "G", 2, 2, 1, 1, 1, "fp8", "e", 10_000.0, HERE)


def on(ratios: Ratios) -> GpuType:
    return Hypothesis("H", BASE, ratios, "a paper").gpu_type()


def test_a_decode_step_by_hand() -> None:
    """Proves the roofline: 100 GB of weights and 20 x 1000 tokens of 1 MB, over 2 TB/s, are 60 of a step's 100 ms.

    Twice the bandwidth halves those, half the compute doubles the other 40: 30 + 80 = 110 ms.
    """
    profile = DecodeProfile((DecodePoint(1000.0, 20.0, 0.100),), HERE)
    moved = carried_over(Candidate(CONFIG, "decode", profile), CARD, on(Ratios(0.5, 2.0, 1.0, 1.0, 1.0)))
    assert moved is not None
    assert isinstance(moved.profile, DecodeProfile)
    assert moved.profile.points[0].tpot_s == pytest.approx(0.110)


def test_a_prompt_by_hand() -> None:
    """Proves prefill: 1000 tokens at 5000 tokens/s take 200 ms, 50 of them for weights; at half speed of both 400."""
    profile = PrefillProfile((PrefillPoint(1000.0, 5000.0),), HERE)
    halved = carried_over(Candidate(CONFIG, "prefill", profile), CARD, on(Ratios(0.5, 0.5, 1.0, 1.0, 1.0)))
    compute = carried_over(Candidate(CONFIG, "prefill", profile), CARD, on(Ratios(1.5, 1.0, 1.0, 1.0, 1.0)))
    assert halved is not None
    assert compute is not None
    assert isinstance(halved.profile, PrefillProfile)
    assert isinstance(compute.profile, PrefillProfile)
    assert halved.profile.points[0].tokens_per_s == pytest.approx(2500.0)
    assert compute.profile.points[0].tokens_per_s == pytest.approx(1000.0 / (0.05 + 0.15 / 1.5))


def test_more_memory_holds_more_context() -> None:
    """Proves KV memory: half as much again on 2 GPUs is 0.9 x 100 GiB more, at 1 MB a token 96 637 tokens."""
    profile = DecodeProfile((DecodePoint(1000.0, 20.0, 0.100),), HERE)
    moved = carried_over(Candidate(CONFIG, "decode", profile), CARD, on(Ratios(1.0, 1.0, 1.5, 1.0, 1.0)))
    assert moved is not None
    assert moved.config.max_kv_tokens == pytest.approx(10_000 + 0.9 * 100 * 2**30 / 1e6)


def test_everything_of_the_base_is_there_and_assumed() -> None:
    """Proves the whole way: GPU type, nodes, offers at their price, and every split config of a shipped model."""
    roots = (shipped("scenarios") / "spad" / "models", shipped("models"))
    hardware, files = load_hardware(roots)
    chip = hardware.gpu_types["SPAD-prefill"]
    assert (chip.memory_gib, chip.provenance.evidence) == (64.0, "assumed")
    real, made = (
        hardware.offers["nebius-8xh100-on-demand-eu-north1"],
        "nebius-8xh100-on-demand-eu-north1-as-spad-prefill",
    )
    assert hardware.offers[made].usd_per_node_h == pytest.approx(0.48 * real.usd_per_node_h)
    assert hardware.offers[made].provenance.evidence == "assumed"
    assert "models/_hardware/hypothetical.csv" in {file.name for file in files}
    llm, _ = load_model("llama-3.1-70b", roots, hardware.gpu_types)
    base = {c.name for c in llm.candidates if c.config.gpu_type == "H100" and c.role != "aggregated"}
    carried = [c for c in llm.candidates if c.config.gpu_type == "SPAD-prefill"]
    assert {c.name.replace("-as-spad-prefill", "") for c in carried} == base
    assert {c.profile.provenance.evidence for c in carried} == {"assumed"}


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        ("X,H10,1,1,1,1,1,s", "based_on", "'H10' is no GPU type that exists"),
        ("H200,H100,1,1,1,1,1,s", "name", "'H200' exists"),
        ("X,H100,0,1,1,1,1,s", "compute", "out of range"),
        ("X,H100,1,1,1,1,1,", "source", "is empty"),
    ],
)
def test_a_bad_hypothesis_is_one_error(
    root: Callable[..., Path], issues: Callable[[Path], tuple[Issue, ...]], row: str, column: str, words: str
) -> None:
    """Proves that a ratio or a base that cannot be is named with its line."""
    [issue] = issues(root(("_hardware/hypothetical.csv", None, HEADER + row + "\n")))
    assert issue.where == f"_hardware/hypothetical.csv:2 {column}"
    assert words in issue.what


def test_a_hypothesis_is_not_based_on_another(root: Callable[..., Path]) -> None:
    """Proves that assumptions are not stacked: the base must have been built."""
    folder = root(("_hardware/hypothetical.csv", None, HEADER + "X,H100,1,1,1,1,1,s\nY,X,1,1,1,1,1,s\n"))
    with pytest.raises(InputError, match="'X' is no GPU type that exists"):
        load_hardware((folder, shipped("models")))
