"""Splitwise's runs and DistServe's coefficients, point by point."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleetopt.catalog.domain import DecodePoint, PrefillPoint
from fleetopt.catalog.hardware import load_hardware
from fleetopt.catalog.models import load_model
from fleetopt.catalog.roots import shipped
from fleetopt.ingest.formats import read_profiles
from fleetopt.ingest.profilers.distserve import kv_bytes
from fleetopt.ingest.reading import Setup, Told


def test_splitwise_is_the_shipped_catalog(data: Path) -> None:
    """The runs of Llama2-70B on A100 give every prefill and decode point of models/llama2-70b, to its 6 digits."""
    roots = (shipped("models"),)
    llm, _ = load_model("llama2-70b", roots, load_hardware(roots)[0].gpu_types)
    reading = read_profiles(data / "splitwise/perf_model.csv", Told())
    mine = {(one.setup.gpus_per_replica, one.role): one for one in reading.series}
    compared = 0
    for candidate in llm.candidates:
        if candidate.config.gpu_type != "A100-80G":
            continue
        points = mine[candidate.config.gpus_per_replica, candidate.role].points
        for theirs in candidate.profile.points:
            if isinstance(theirs, DecodePoint):
                ours = next(p.tpot_s for p in points if isinstance(p, DecodePoint) and p.batch == theirs.batch)
                assert ours == pytest.approx(theirs.tpot_s, rel=1e-5)
            elif isinstance(theirs, PrefillPoint):
                ours = next(
                    p.tokens_per_s
                    for p in points
                    if isinstance(p, PrefillPoint) and p.input_tokens == theirs.input_tokens
                )
                assert ours == pytest.approx(theirs.tokens_per_s, rel=1e-5)
            compared += 1
    assert compared == 41


def test_a_batch_that_ran_out_of_memory_is_dropped(data: Path) -> None:
    """64 prompts on two A100 'take' 794 ms where 32 take 6633: flagged, and no point of batch 64 on two GPUs."""
    reading = read_profiles(data / "splitwise/perf_model.csv", Told())
    dropped = [flag for flag in reading.flags if flag.done == "dropped"]
    assert len(dropped) == 1
    assert "794 ms of 64 prompts, 6633 ms of fewer" in dropped[0].what
    batches = {
        gpus: {
            p.batch
            for one in reading.series
            for p in one.points
            if isinstance(p, DecodePoint) and one.setup.gpus_per_replica == gpus
        }
        for gpus in (2, 4)
    }
    assert 64 not in batches[2]
    assert 64 in batches[4]


def test_one_prompt_length_is_one_prefill_point(data: Path) -> None:
    """512 tokens were run with many output lengths; a curve holds one throughput at each length."""
    for one in read_profiles(data / "splitwise/perf_model.csv", Told()).series:
        lengths = [point.input_tokens for point in one.points if isinstance(point, PrefillPoint)]
        assert len(lengths) == len(set(lengths))


def test_splitwise_says_its_power(data: Path) -> None:
    """Fractions of TDP are noted, not lost."""
    understood = read_profiles(data / "splitwise/perf_model.csv", Told()).understood
    assert any("fraction of the machine's TDP" in line for line in understood)


def test_distserve_points_are_its_formulas_by_hand(data: Path) -> None:
    """OPT-13B, tp1: prefill of 512 = 18.1025 + 0.1019123 x 512 + 7.12226e-6 x 512^2 ms; steps below and above 95."""
    told = Told(Setup(gpu_type="A100-80G"))
    reading = read_profiles(data / "distserve/profiler-a100-80g.distserve.json", told)
    prefill, decode = reading.series[:2]
    ms = 18.10254647486372 + 0.1019122572698738 * 512 + 7.122264314252114e-06 * 512**2
    assert PrefillPoint(512, pytest.approx(512_000 / ms)) in prefill.points  # type: ignore[arg-type]
    small = 19.934702624895458 + 0.0006269356524350583 * 64 * 1024 + 0.03850697740828398 * 64
    large = 7.1661889468253595 + 0.0005798000403396046 * 128 * 1024 + 0.15831096191764046 * 128
    assert DecodePoint(1024, 64, pytest.approx(small / 1000)) in decode.points  # type: ignore[arg-type]
    assert DecodePoint(1024, 128, pytest.approx(large / 1000)) in decode.points  # type: ignore[arg-type]
    assert decode.evidence == "modelled"
    assert decode.setup.gpu_type == "A100-80G"


def test_distserve_takes_the_kv_cache_from_beside_the_file(data: Path) -> None:
    """66144 tokens for OPT-13B on one GPU, 11600 for OPT-66B on two."""
    reading = read_profiles(data / "distserve/profiler-a100-80g.distserve.json", Told())
    tokens = {(one.setup.model, one.setup.gpus_per_replica): one.setup.max_kv_tokens for one in reading.series}
    assert tokens["facebook/opt-13b", 1] == 66144
    assert tokens["facebook/opt-66b", 2] == 11600


def test_distserve_without_the_kv_file_leaves_it_unknown(data: Path, tmp_path: Path) -> None:
    """Nothing is made up for a file that is not there."""
    name = "profiler-a100-80g.distserve.json"
    (tmp_path / name).write_bytes((data / "distserve" / name).read_bytes())
    reading = read_profiles(tmp_path / name, Told())
    assert {one.setup.max_kv_tokens for one in reading.series} == {None}


def test_the_kv_cache_of_512_tokens_of_opt_66b_is_the_papers() -> None:
    """DistServe (OSDI'24): 1.13 GB, with 2 bytes, 64 layers and hidden size 9216."""
    assert kv_bytes(512, layers=64, hidden=9216) / 2**30 == pytest.approx(1.13, abs=0.006)
