"""Whatever stands in a file, a format ends in points or in a refusal."""

from __future__ import annotations

import gzip
import math
import shutil
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetopt.errors import InputError
from fleetopt.ingest.formats import FORMATS, read_profiles
from fleetopt.ingest.profilers.llm_inferno import LlmInferno
from fleetopt.ingest.reading import Setup, Told

DATA = Path(__file__).parent / "data"
TOLD = Told(Setup(gpus_per_replica=1, max_kv_tokens=945029.0))
SEEDS = {
    "dynamo/h200_tp1_prefill.csv": "dynamo",
    "dynamo/h200_tp1_decode.csv": "dynamo",
    "aiconfigurator/silicon_sample.csv": "aiconfigurator",
    "aiconfigurator/agg_profile.csv": "aiconfigurator",
    "aiconfigurator/pareto-agg.csv": "aiconfigurator",
    "aiconfigurator/pareto-disagg.csv": "aiconfigurator",
    "aiconfigurator/grid-h100-tp1.csv.gz": "aiconfigurator",
    "splitwise/perf_model.csv": "splitwise",
    "distserve/profiler-a100-80g.distserve.json": "distserve",
}
TOKENS = [
    "",
    "0",
    "-1",
    "1",
    "nan",
    "inf",
    "1e309",
    "-0",
    "1e-300",
    "9" * 400,
    "=1+1",
    "tp8",
    "null",
    "true",
    "[]",
    "{}",
]
TOKENS += ['"', ",", "\n", "\x00", "\u2028", "\ufeff", "1_0", "0x1f", "\u0661"]

fuzz = settings(derandomize=True, deadline=None, max_examples=60, database=None)


def _answered(path: Path, name: str | None) -> None:
    """Reads a file; anything but points of sound numbers or a refusal is an error of ours."""
    try:
        reading = read_profiles(path, TOLD if name in ("dynamo", None) else Told(), name)
    except InputError:
        return
    for series in reading.series:
        assert series.points
        for point in series.points:
            values = [getattr(point, field.name) for field in fields(point)]
            assert all(math.isfinite(value) and value > 0 for value in values if isinstance(value, float | int))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A place to write to."""
    folder = tmp_path_factory.mktemp("fuzz")
    yield folder
    shutil.rmtree(folder)


@st.composite
def _mutated(draw: st.DrawFn, seed: bytes) -> bytes:
    """The seed with a few bytes, words or lines changed."""
    data = seed
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(["cut", "byte", "word", "double"]))
        if kind == "cut":
            data = data[:at] + data[at + draw(st.integers(1, 40)) :]
        elif kind == "byte":
            data = data[:at] + bytes([draw(st.integers(0, 255))]) + data[at + 1 :]
        elif kind == "double":
            data = data[:at] + data[max(at - 60, 0) :]
        else:
            end = next((i for i in range(at, len(data)) if data[i : i + 1] in b",\n:"), len(data))
            data = data[:at] + draw(st.sampled_from(TOKENS)).encode() + data[end:]
    return data


@pytest.mark.parametrize("seed", SEEDS)
@fuzz
@given(draw=st.data())
def test_a_damaged_real_file(folder: Path, seed: str, draw: st.DataObject) -> None:
    """Real files of every format with bytes, words and lines changed: points or a refusal."""
    path = folder / "damaged"
    content = (DATA / seed).read_bytes()
    if seed.endswith(".gz") and draw.draw(st.booleans()):
        content = gzip.decompress(content)
    if seed.endswith("perf_model.csv"):
        content = b"\n".join(content.split(b"\n")[:20])
    path.write_bytes(draw.draw(_mutated(content)))
    _answered(path, SEEDS[seed])


@pytest.mark.parametrize("name", [one.name for one in FORMATS])
@fuzz
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_anything_at_all(folder: Path, name: str, content: bytes) -> None:
    """Random bytes and text under the name of every format, and with none."""
    path = folder / "anything"
    path.write_bytes(content)
    _answered(path, name)
    _answered(path, None)


ROWS = {
    "role": st.sampled_from(["prefill", "decode", "aggregated", "", "x"]),
    "input_tokens": st.sampled_from(["1000", "1e12", *TOKENS]),
    "output_tokens": st.sampled_from(["100", "1", "1e12", *TOKENS]),
    "batch": st.sampled_from(["4", "1e12", *TOKENS]),
    "tpot_ms": st.sampled_from(["20", "1e12", "1e-9", *TOKENS]),
    "ttft_ms": st.sampled_from(["200", "1e12", "1e-9", *TOKENS]),
    "rate_rps": st.sampled_from(["2", "1e12", "1e-9", *TOKENS]),
    "tokens_per_s": st.sampled_from(["2000", "1e-9", *TOKENS]),
    "tokens_counted": st.sampled_from(["input", "output", "both", ""]),
    "gpus_per_replica": st.sampled_from(["8", "64", *TOKENS]),
    "tensor_parallel": st.sampled_from(["8", *TOKENS]),
    "expert_parallel": st.sampled_from(["8", *TOKENS]),
    "evidence": st.sampled_from(["measured", "guessed"]),
    "source": st.sampled_from(["us", ""]),
}


@fuzz
@given(row=st.fixed_dictionaries(ROWS))
def test_any_row_of_our_own_table(folder: Path, row: dict[str, str]) -> None:
    """Combinations of sound and unsound cells in every column."""
    path = folder / "table.csv"
    path.write_text(f"{','.join(row)}\n{','.join(row.values())}\n", encoding="utf-8", errors="replace")
    _answered(path, "table")


@settings(fuzz, max_examples=40)
@given(draw=st.data())
def test_a_damaged_folder_of_llm_inferno(folder: Path, draw: st.DataObject) -> None:
    """One file of the folder changed: rates or a refusal."""
    problem = folder / "problem"
    shutil.copytree(DATA / "llm-inferno-small", problem, dirs_exist_ok=True)
    name = draw.draw(st.sampled_from(["accelerator", "model", "server", "serviceclass", "capacity"]))
    path = problem / f"{name}-data.json"
    path.write_bytes(draw.draw(_mutated(path.read_bytes())))
    _answered(problem, LlmInferno.name)
