"""Proves that a factor is what the points say, predicts with the error it states, and reaches the planner."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetopt.capacity.decode_curves import DecodeCurves
from fleetopt.capacity.prefill import PrefillCurve
from fleetopt.catalog.domain import Candidate, DecodePoint, DecodeProfile, Llm, PrefillPoint, PrefillProfile
from fleetopt.catalog.hardware import load_hardware
from fleetopt.catalog.models import load_model
from fleetopt.catalog.roots import shipped
from fleetopt.errors import InputError
from fleetopt.ingest import formats
from fleetopt.ingest.calibrate import Measured, fit, of_config
from fleetopt.ingest.reading import Point
from tests.cli.conftest import fleetopt
from tests.ingest.handmade import FakeFormat, write_fake

Run = Callable[..., subprocess.CompletedProcess[str]]
MODEL, CONFIG = "llama-3.1-8b", "h100-tp1-fp8-trtllm"
HARDWARE = load_hardware((shipped("models"),))[0]
LLM = load_model(MODEL, (shipped("models"),), HARDWARE.gpu_types)[0]
DECODE = next(c for c in LLM.candidates if c.name == f"{CONFIG}/decode")
PREFILL = next(c for c in LLM.candidates if c.name == f"{CONFIG}/prefill")
PLACES = [(768, 3), (1000, 8), (2000, 20), (3000, 40), (4352, 16), (6000, 9), (1280, 100), (900, 5), (1500, 60)]

__all__ = ["fleetopt"]


def tpot_s(context: float, batch: float) -> float:
    assert isinstance(DECODE.profile, DecodeProfile)
    return DecodeCurves.of(DECODE.profile).at(context, "pchip")[0].at(batch)


def decode(ratios: list[float]) -> Measured:
    points = tuple(DecodePoint(c, b, r * tpot_s(c, b)) for (c, b), r in zip(PLACES, ratios, strict=False))
    return measured(DECODE, points)


def measured(one: Candidate, points: tuple[Point, ...]) -> Measured:
    return Measured(replace(one.config, engine="trtllm 1.4.0"), one.role, points, "a run", "run.json")


def rows(root: Path, model: str = MODEL) -> Llm:
    return load_model(model, (root,), HARDWARE.gpu_types)[0]


@given(st.floats(0.25, 4.0))
@settings(max_examples=20, deadline=None)
def test_a_constant_ratio_is_found_exactly(ratio: float) -> None:
    """Proves that points which the model misses by one ratio give that ratio and no error."""
    (found,) = fit([decode([ratio] * 5)], LLM.candidates)
    assert found.calibration.factor == pytest.approx(ratio)
    assert found.calibration.error == pytest.approx(0.0, abs=1e-9)
    assert found.calibration.points == 5


def test_prefill_is_a_latency_factor_too() -> None:
    """Proves that less throughput is more latency: tokens/s divided by 1.25 give the factor 1.25."""
    assert isinstance(PREFILL.profile, PrefillProfile)
    curve = PrefillCurve.of(PREFILL.profile)
    points = tuple(PrefillPoint(n, curve.at(n)[0] / 1.25) for n in (700, 2000, 9000))
    (found,) = fit([measured(PREFILL, points)], LLM.candidates)
    assert found.calibration.factor == pytest.approx(1.25)


def test_one_wild_point_moves_nothing() -> None:
    """Proves robustness: with a mean of ratios, one run that took ten times as long would give 2.9, not 1.12."""
    (found,) = fit([decode([1.12, 1.11, 1.13, 1.12, 10.0])], LLM.candidates)
    assert found.calibration.factor == pytest.approx(1.12)
    assert found.calibration.error < 0.02
    assert found.p90_error > 5.0


def test_the_error_is_that_of_predicting_a_point_from_the_others() -> None:
    """Proves leave-one-out by hand: ratios 1, 2, 4 leave medians of logarithms between the other two."""
    (found,) = fit([decode([1.0, 2.0, 4.0])], LLM.candidates)
    by_hand = [abs(1 / math.sqrt(8) - 1), abs(2 / 2 - 1), abs(4 / math.sqrt(2) - 1)]
    assert [one.error for one in found.residuals] == pytest.approx(by_hand)
    assert found.calibration.error == pytest.approx(sorted(by_hand)[1])
    assert found.p90_error == pytest.approx(max(by_hand))


def test_fewer_than_three_points_are_flagged() -> None:
    """Proves that a factor without a test of itself says so."""
    (found,) = fit([decode([1.1, 1.2])], LLM.candidates)
    assert "rests on 2 points" in found.flags[0].what
    assert found.calibration.error == pytest.approx(0.0445, abs=1e-3)


def test_points_outside_are_left_out_and_none_inside_is_an_error() -> None:
    """Proves that the model is asked only between its points: no longer or shorter context, no other batch."""
    inside = decode([1.5]).points[0]
    outside = (DecodePoint(99999, 4, 0.01), DecodePoint(100, 4, 0.01), DecodePoint(768, 4000, 0.5))
    (found,) = fit([measured(DECODE, (inside, *outside))], LLM.candidates)
    assert found.calibration.points == 1
    assert [flag.done for flag in found.flags] == ["dropped"] * 3 + ["kept"]
    with pytest.raises(InputError, match="nowhere within the modelled range"):
        fit([measured(DECODE, outside)], LLM.candidates)
    with pytest.raises(InputError, match="nowhere"):
        fit([measured(PREFILL, (PrefillPoint(100, 1000.0), PrefillPoint(99999, 1000.0)))], LLM.candidates)


@pytest.mark.parametrize("ratio", [0.1, 7.0])
def test_a_wild_factor_needs_force(ratio: float) -> None:
    """Proves that a mistaken unit does not become a factor."""
    with pytest.raises(InputError, match="--force"):
        fit([decode([ratio] * 3)], LLM.candidates)
    assert fit([decode([ratio] * 3)], LLM.candidates, force=True)[0].calibration.factor == pytest.approx(ratio)


def test_only_the_same_build_is_compared() -> None:
    """Proves that another split, precision or engine has no model to be compared with."""
    one = decode([1.1] * 3)
    for change in ({"tensor_parallel": 3}, {"precision": "bf16"}, {"engine": "vllm"}, {"gpu_type": "V100"}):
        with pytest.raises(InputError, match="no modelled decode profile"):
            fit([replace(one, config=replace(one.config, **change))], LLM.candidates)


def test_modelled_points_calibrate_nothing() -> None:
    """Proves that a model is never corrected by a model, nor by aggregated serving."""
    with pytest.raises(InputError, match="is modelled"):
        of_config(CONFIG, LLM)
    with pytest.raises(InputError, match="neither a file nor a config"):
        of_config("nosuch", LLM)
    other = load_model("llama-3.1-70b", (shipped("models"),), HARDWARE.gpu_types)[0]
    with pytest.raises(InputError, match="neither prefill throughputs nor TPOTs"):
        of_config("h100-tp2-fp8-vllm-measured", other)


@pytest.fixture
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(formats, "FORMATS", (FakeFormat(),))
    monkeypatch.chdir(tmp_path)


SETUP = {"gpu_type": "H100", "gpus_per_replica": 1, "precision": "fp8", "engine": "trtllm 1.4.0"}


@pytest.mark.usefixtures("_here")
def test_the_verb_writes_once_and_the_planner_reads_it(fleetopt: Run, tmp_path: Path) -> None:
    """Proves the whole way: copy, fit, write, load scaled with what was done in the source, and nothing new after."""
    points = [[c, b, 1.12 * tpot_s(c, b)] for c, b in PLACES]
    file = write_fake(tmp_path / "run.json", points, setup=SETUP)
    assert "--copy" in fleetopt("ingest", "calibrate", MODEL, "--measured", file).stderr
    done = fleetopt("ingest", "calibrate", MODEL, "--measured", file, "--copy")
    assert done.returncode == 0
    assert "written: models/llama-3.1-8b/calibration.csv" in done.stdout
    now = {c.name: c for c in rows(tmp_path / "models").candidates}
    for old in LLM.candidates:
        new = now[old.name]
        if (old.config.gpu_type, old.role) != ("H100", "decode"):
            assert new.profile == old.profile
            continue
        assert isinstance(old.profile, DecodeProfile)
        assert isinstance(new.profile, DecodeProfile)
        assert new.profile.provenance.evidence == "modelled"
        assert "calibrated x1.12 on 9 measured points (error " in new.profile.provenance.source
        scaled = [a.tpot_s / b.tpot_s for a, b in zip(new.profile.points, old.profile.points, strict=True)]
        assert scaled == pytest.approx([1.12] * len(scaled))
    before = (tmp_path / "models" / MODEL / "calibration.csv").read_bytes()
    again = fleetopt("ingest", "calibrate", MODEL, "--measured", file)
    assert "nothing new" in again.stdout
    assert (tmp_path / "models" / MODEL / "calibration.csv").read_bytes() == before


@pytest.mark.usefixtures("_here")
def test_another_factor_needs_replace(fleetopt: Run, tmp_path: Path) -> None:
    """Proves that the old factor stays until somebody asks, that a margin is kept apart, and JSON has the residuals."""
    shutil.copytree(shipped("models") / MODEL, tmp_path / "models" / MODEL)
    asked = ("ingest", "calibrate", MODEL, "--measured")
    first = write_fake(tmp_path / "a.json", [[c, b, 1.1 * tpot_s(c, b)] for c, b in PLACES[:3]], setup=SETUP)
    second = write_fake(tmp_path / "b.json", [[c, b, 1.3 * tpot_s(c, b)] for c, b in PLACES[3:]], setup=SETUP)
    assert fleetopt(*asked, first, "--dry-run").returncode == 0
    assert not (tmp_path / "models" / MODEL / "calibration.csv").exists()
    assert fleetopt(*asked, first).returncode == 0
    refused = fleetopt(*asked, second)
    assert refused.returncode == 2
    assert "factor 1.1 on 3 points; the new one is 1.3 on 6" in refused.stderr
    done = json.loads(fleetopt(*asked, second, "--replace", "--margin", "10 %", "--json").stdout)
    assert done["factors"][0]["factor"] == pytest.approx(1.3)
    assert len(done["factors"][0]["residuals"]) == 6
    profile = next(c for c in rows(tmp_path / "models").candidates if c.name == DECODE.name).profile
    assert "with a margin of 10 %" in profile.provenance.source
    assert isinstance(profile, DecodeProfile)
    assert isinstance(DECODE.profile, DecodeProfile)
    assert profile.points[0].tpot_s == pytest.approx(1.43 * DECODE.profile.points[0].tpot_s)


HEADER = "gpu_type,engine,role,factor,error,points,evidence,source\n"


@pytest.mark.parametrize(
    "table",
    [
        HEADER + "H100,trtllm,aggregated,1.1,0.1,3,measured,me\n",
        HEADER + "H100,trtllm,decode,0,0.1,3,measured,me\n",
        HEADER + "H100,trtllm,decode,1000,0.1,3,measured,me\n",
        HEADER + "H100,trtllm,decode,nan,0.1,3,measured,me\n",
        HEADER + "H100,vllm,decode,1.1,0.1,3,measured,me\n",
        HEADER + "H100,trtllm,decode,1.1,0.1,3,measured,me\n" * 2,
        HEADER + "H100,trtllm,decode,1.1,0.1,0,measured,me\n",
        HEADER.replace("error,", "") + "H100,trtllm,decode,1.1,3,measured,me\n",
    ],
)
def test_a_malformed_table_is_one_clear_error(tmp_path: Path, table: str) -> None:
    """Proves that a factor which is unusable, repeated or for nothing stops the loading."""
    shutil.copytree(shipped("models") / MODEL, tmp_path / MODEL)
    (tmp_path / MODEL / "calibration.csv").write_text(table)
    with pytest.raises(InputError) as refused:
        rows(tmp_path)
    assert len(refused.value.issues) == 1
    assert "calibration.csv" in refused.value.issues[0].where
