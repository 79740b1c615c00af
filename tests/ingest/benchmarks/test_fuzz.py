"""Whatever stands in a file, a reading has finite figures or there is an InputError: never anything else."""

from __future__ import annotations

import copy
import functools
import json
import math
import random
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetopt.catalog.domain import Role
from fleetopt.errors import InputError
from fleetopt.ingest.formats import read_profiles
from fleetopt.ingest.reading import Reading, Told
from tests.ingest.benchmarks.conftest import DATA

FILES = {
    "vllm-bench": ("vllm-0.33.0-detailed.json", "vllm-0.33.0-rate.json"),
    "sglang-bench": ("sglang-0.5.23.jsonl",),
    "guidellm": ("guidellm-0.3.1.json", "guidellm-0.5.4.json"),
    "aiperf": ("aiperf-0.13.0-c8.json", "genai-perf-0.0.16-c4.json"),
}
CASES = [(form, name) for form, names in FILES.items() for name in names]
JUNK: list[Any] = [
    None, True, "", "x", "\x00\n", "=1+1", "99", -1, 0, 1, 0.5, -0.0, 1e-12, 1e-300, 1e308, 10**400, 2**63, math.nan,
    math.inf, -math.inf, [], {}, [1], [{}], {"mean": 0, "unit": "ms", "avg": -1}, [[[[]]]], "9" * 5000,
]  # fmt: skip
ROLES: tuple[Role | None, ...] = (None, "prefill", "decode", "aggregated")


@functools.cache
def _text(name: str) -> str:
    return (DATA / name).read_text(encoding="utf-8")


def _reading(path: Path, form: str, role: Role | None) -> Reading | None:
    """What a file holds; None where it is refused with issues that are fit to print."""
    try:
        return read_profiles(path, Told(role=role), form)
    except InputError as error:
        return None if error.issues and str(error).replace("\n", "").isprintable() else pytest.fail(repr(error))


def _survives(content: bytes, form: str, role: Role | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        found = _reading(path, form, role)
    if found is None:
        return
    assert found.series
    for point in (point for series in found.series for point in series.points):
        figures = [getattr(point, field.name) for field in fields(point) if field.name != "tails"]
        assert all(math.isfinite(figure) and figure > 0 for figure in figures), point


def _change(value: Any, dice: random.Random) -> None:
    """Puts junk somewhere into a JSON value, more likely near its top, or takes something out."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = dice.choice(keys)
        inner = value[key]
        if isinstance(inner, dict | list) and inner and dice.random() < 0.85:
            value = inner
            continue
        if dice.random() < 0.2:
            del value[key]
        else:
            value[key] = copy.deepcopy(dice.choice(JUNK))
        return


@pytest.mark.parametrize(("form", "name"), CASES)
@given(seed=st.integers(0, 2**32), changes=st.integers(1, 4), role=st.sampled_from(ROLES))
@settings(max_examples=60, deadline=None)
def test_changed_values_give_points_or_one_error(
    form: str, name: str, seed: int, changes: int, role: Role | None
) -> None:
    """Junk in place of values of a real file, in any role, gives sound points or an InputError."""
    dice = random.Random(seed)
    content = json.JSONDecoder().raw_decode(_text(name))[0]
    for _ in range(changes):
        if content:
            _change(content, dice)
    _survives(json.dumps(content).encode(), form, role)


@pytest.mark.parametrize(("form", "name"), CASES)
@given(where=st.floats(0, 1), junk=st.binary(min_size=1, max_size=12), cut=st.booleans())
@settings(max_examples=30, deadline=None)
def test_changed_bytes_give_points_or_one_error(form: str, name: str, where: float, junk: bytes, cut: bool) -> None:
    """Bytes overwritten in a real file, or the file cut short there, give sound points or an InputError."""
    data = _text(name).encode()
    at = int(where * len(data))
    _survives(data[:at] + junk + (b"" if cut else data[at + len(junk) :]), form, None)


@pytest.mark.parametrize("form", list(FILES))
@given(data=st.binary(max_size=200))
@settings(max_examples=40, deadline=None)
def test_random_bytes_are_refused(form: str, data: bytes) -> None:
    """Random bytes under any format's name are an InputError."""
    _survives(data, form, None)


@pytest.mark.parametrize("form", list(FILES))
@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 50_000, "[]", "{}\n{}", "[1]", "{}\n[]", '{"benchmarks": [{}]}']
)
def test_hostile_shapes_are_refused(form: str, text: str) -> None:
    """Deep nesting, no runs, and runs that are no objects are one InputError each."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError):
            read_profiles(path, Told(), form)


@pytest.mark.parametrize(("form", "name"), CASES)
def test_a_real_file_is_told_from_the_others(form: str, name: str) -> None:
    """Every real file is recognised without its format's name."""
    assert read_profiles(DATA / name, Told()).format == form
