"""Dynamo's profiles: every container gives the same points, and what contradicts itself is said."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fleetopt.catalog.domain import DecodePoint, PrefillPoint
from fleetopt.errors import InputError
from fleetopt.ingest.formats import read_profiles
from fleetopt.ingest.profilers.dynamo import DECODE, DECODE_CSV, PREFILL, PREFILL_CSV
from fleetopt.ingest.reading import Setup, Told

KV = 945029.0
TOLD = Told(Setup(gpus_per_replica=1, max_kv_tokens=KV))
NAMES = {"prefill": (PREFILL, PREFILL_CSV), "decode": (DECODE, DECODE_CSV)}


def _arrays(data: Path, phase: str) -> dict[str, list[float]]:
    """The file's numbers under the names that Dynamo saves them by."""
    with (data / f"dynamo/h200_tp1_{phase}.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    ours, theirs = NAMES[phase]
    arrays = {our: [float(row[their]) for row in rows] for our, their in zip(ours, theirs, strict=True)}
    return arrays | ({"max_kv_tokens": [KV]} if phase == "decode" else {})


@pytest.mark.parametrize("phase", ["prefill", "decode"])
@pytest.mark.parametrize("container", ["npz", "compressed npz", "json"])
def test_every_container_gives_the_same_points(phase: str, container: str, data: Path, tmp_path: Path) -> None:
    """raw_data.npz as the profiler saves it, the same compressed, and JSON of the same keys equal the CSV."""
    arrays = _arrays(data, phase)
    path = tmp_path / "raw_data"
    if container == "json":
        path.write_text(json.dumps(arrays), encoding="utf-8")
    else:
        with path.open("wb") as stream:
            save = np.savez if container == "npz" else np.savez_compressed
            save(stream, **{name: np.array(values) for name, values in arrays.items()})  # type: ignore[arg-type]
    reading = read_profiles(path, TOLD)
    table = read_profiles(data / f"dynamo/h200_tp1_{phase}.csv", TOLD)
    assert reading.format == table.format == "dynamo"
    assert reading.series[0].points == table.series[0].points
    assert [flag.what for flag in reading.flags] == [flag.what for flag in table.flags]


def test_a_sweep_of_estimates_is_modelled_where_the_user_says_so(data: Path) -> None:
    """Proves: AIConfigurator's estimates, which Dynamo saves in the same file, can be kept from measured ones.
    Sensitivity: left measured, they are planned without the margin for modelled profiles; and the doubt is said.
    """
    path = data / "dynamo/h200_tp1_prefill.csv"
    silent, said = read_profiles(path, TOLD), read_profiles(path, Told(TOLD.setup, modelled=True))
    assert (silent.series[0].evidence, said.series[0].evidence) == ("measured", "modelled")
    assert silent.series[0].points == said.series[0].points
    assert any("--modelled if the profiler asked AIConfigurator" in words for words in silent.understood)


def test_the_first_points_are_what_the_file_says_by_hand(data: Path) -> None:
    """Row one of each: 5121.58 tokens/s; 0.00037 x 945029 / 350 = 0.999 requests at 4.38 ms."""
    prefill = read_profiles(data / "dynamo/h200_tp1_prefill.csv", TOLD).series[0]
    decode = read_profiles(data / "dynamo/h200_tp1_decode.csv", TOLD).series[0]
    assert prefill.points[0] == PrefillPoint(100.0, 5121.5841)
    assert decode.points[0] == DecodePoint(350.0, pytest.approx(0.99903, abs=1e-5), pytest.approx(0.004379871))  # type: ignore[arg-type]
    assert decode.setup.max_kv_tokens == KV
    assert (prefill.role, decode.role, decode.evidence) == ("prefill", "decode", "measured")


def test_batches_that_did_not_run_at_once_are_taken_for_what_ran(data: Path) -> None:
    """Proves: above 0.39 of the KV cache at 350 tokens the throughput says 900, 788, 808 requests, the cache 1049 to
    1573: no point promises more tokens/s than the profiler measured.
    Sensitivity: at 1573 requests in 42.6 ms a replica would make 36 900 tokens/s, and 18 969 were measured.
    """
    reading = read_profiles(data / "dynamo/h200_tp1_decode.csv", TOLD)
    assert [flag.where.rsplit(":", 1)[1] for flag in reading.flags] == ["6", "7", "8"]
    assert all(flag.done == "corrected" for flag in reading.flags)
    assert "899.7 requests" in reading.flags[0].what
    assert len(reading.series[0].points) == 41
    points = [point for point in reading.series[0].points if isinstance(point, DecodePoint)]
    assert [round(point.batch) for point in points[4:7]] == [900, 788, 808]
    measured = _arrays(data, "decode")["z_thpt_per_gpu"]
    assert all(p.batch / p.tpot_s < 1.1 * made for p, made in zip(points, measured, strict=True))


def test_a_cache_of_another_size_is_one_flag_that_says_which(data: Path) -> None:
    """With --max-kv-tokens 100000 every point denies it; one line says so, and that about 930 000 would fit."""
    wrong = Told(Setup(gpus_per_replica=1, max_kv_tokens=100_000))
    (flag,) = read_profiles(data / "dynamo/h200_tp1_decode.csv", wrong).flags
    assert "at 41 of 41 points" in flag.what
    assert float(flag.what.split("looks like ")[1].split()[0]) == pytest.approx(KV, rel=0.03)


def test_tokens_per_gpu_are_multiplied_by_the_gpus_of_the_replica(data: Path) -> None:
    """The profiler divides by GPUs; a replica of four has four times the tokens/s."""
    four = Told(Setup(gpus_per_replica=4))
    reading = read_profiles(data / "dynamo/h200_tp1_prefill.csv", four)
    assert reading.series[0].points[0] == PrefillPoint(100.0, 4 * 5121.5841)


@pytest.mark.parametrize(
    ("phase", "told", "wanted"),
    [
        ("prefill", Told(), "--gpus"),
        ("decode", Told(Setup(gpus_per_replica=1)), "--max-kv-tokens"),
    ],
)
def test_what_the_file_leaves_out_is_asked_for(phase: str, told: Told, wanted: str, data: Path) -> None:
    """Neither the GPUs of a replica nor the size of its cache is guessed."""
    with pytest.raises(InputError) as refused:
        read_profiles(data / f"dynamo/h200_tp1_{phase}.csv", told)
    assert wanted in refused.value.issues[0].fix


def test_another_cache_than_the_file_says_is_a_contradiction(data: Path, tmp_path: Path) -> None:
    """The user may not overrule what the profiler recorded."""
    path = tmp_path / "raw_data.npz"
    np.savez(path, **{name: np.array(values) for name, values in _arrays(data, "decode").items()})  # type: ignore[arg-type]
    with pytest.raises(InputError, match="says max_kv_tokens"):
        read_profiles(path, Told(Setup(gpus_per_replica=1, max_kv_tokens=5.0)))


def _zip(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def _npy(values: object) -> bytes:
    out = io.BytesIO()
    np.save(out, np.array(values), allow_pickle=True)
    return out.getvalue()


BAD_ARRAYS = {
    "objects": _npy([{}, {}]),
    "words": _npy(["a", "b"]),
    "not a number": _npy([1.0, float("nan")]),
    "infinite": _npy([1.0, float("inf")]),
    "below zero": _npy([1.0, -1.0]),
    "two dimensions": _npy([[1.0], [2.0]]),
    "a header that promises more than there is": _npy([1.0, 2.0]).replace(b"(2,)", b"(9,)"),
    "nothing": b"",
    "not an array": b"hello world, hello world",
    "a bomb": b"\x93NUMPY" + bytes(17 * 1024 * 1024),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_an_array_that_is_none_of_plain_numbers_is_refused(case: str, tmp_path: Path) -> None:
    """Pickled objects are never built, sizes are bounded, and one error names the array."""
    path = tmp_path / "raw_data.npz"
    good = _npy([1.0, 2.0])
    members = {"prefill_isl.npy": BAD_ARRAYS[case], "prefill_ttft.npy": good, "prefill_thpt_per_gpu.npy": good}
    path.write_bytes(_zip(members))
    with pytest.raises(InputError) as refused:
        read_profiles(path, TOLD)
    (issue,) = refused.value.issues
    assert issue.where.endswith("prefill_isl")
    assert "16 MB" in issue.what if case == "a bomb" else "no list of finite numbers" in issue.what


def test_lists_of_different_lengths_are_refused(tmp_path: Path) -> None:
    """Points are never made of values that do not belong together."""
    path = tmp_path / "raw_data.json"
    path.write_text('{"prefill_isl": [1, 2], "prefill_ttft": [1], "prefill_thpt_per_gpu": [1, 2]}', encoding="utf-8")
    with pytest.raises(InputError, match="different lengths"):
        read_profiles(path, TOLD)
