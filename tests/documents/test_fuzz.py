"""Whatever stands in a file, reading it and finding out what each replica carries ends in an answer or a refusal."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetopt import prices, units
from fleetopt.capacity.table import derive
from fleetopt.catalog.roots import shipped
from fleetopt.errors import Infeasible, InputError
from fleetopt.optimizer.case import build_case
from fleetopt.scenario.load import load
from fleetopt.study.reach import check_reach

MODEL = "deepseek-v3.1-terminus"
SEED = (shipped("scenarios") / "seed-paper" / "scenario.yaml").read_text(encoding="utf-8")
LINES = SEED.splitlines(keepends=True)
PREFILL = (shipped("models") / MODEL / "prefill.csv").read_text(encoding="utf-8")
TOKENS = [
    *("", "0", "-1", "1", ".nan", ".inf", "1e309", "1_0", "0x1f", "~", "true", "no", "1:30", "2027-01-01", "'"),
    *("[]", "{}", "[", "}", "- ", "? ", ": ", "#", "&a", "*a", "<<: *a", "!!str", "|", ">", "\t", "---", "...", "%"),
    *("2 s", "20 ms", "3 %", "5 M tokens/min", "1 requests/s", "1 USD/GPU/h", "p99", "all", "\u2028", "\ufeff", "\x85"),
]
PARSERS = (units.seconds, units.hours, units.rate, units.fraction, prices.node_price, prices.usd, units.latency)

fuzz = settings(derandomize=True, deadline=None, max_examples=150, database=None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A scenario beside a catalog of its own."""
    folder = tmp_path_factory.mktemp("fuzz")
    shutil.copytree(shipped("models") / MODEL, folder / "models" / MODEL)
    yield folder
    shutil.rmtree(folder)


def _answered(folder: Path) -> bool:
    """Whether the folder's scenario is sound; anything but the two refusals is an error of ours."""
    try:
        question = load(folder)
        capacities = derive(question)
        check_reach(question, capacities, build_case(question, capacities))
    except (InputError, Infeasible):
        return False
    return True


def _put(path: Path, content: bytes | str) -> None:
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "replace"))


@fuzz
@given(content=st.binary(max_size=300) | st.text(max_size=300))
def test_anything_as_a_scenario(folder: Path, content: bytes | str) -> None:
    _put(folder / "scenario.yaml", content)
    assert not _answered(folder)


@fuzz
@given(content=st.binary(max_size=300) | st.text(max_size=300), keep=st.booleans())
def test_anything_as_a_profile(folder: Path, content: bytes | str, keep: bool) -> None:
    _put(folder / "scenario.yaml", SEED)
    profile = folder / "models" / MODEL / "prefill.csv"
    data = content if isinstance(content, bytes) else content.encode("utf-8", "replace")
    _put(profile, PREFILL.encode() + data if keep else data)
    _answered(folder)
    _put(profile, PREFILL)


@st.composite
def _mutated_lines(draw: st.DrawFn) -> str:
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        what = draw(st.sampled_from(["delete", "double", "swap", "indent"]))
        if what == "delete" and len(lines) > 1:
            del lines[at]
        elif what == "double":
            lines.insert(at, lines[at])
        elif what == "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        else:
            lines[at] = " " * draw(st.integers(1, 4)) + lines[at]
    return "".join(lines)


@st.composite
def _mutated_tokens(draw: st.DrawFn) -> str:
    text = SEED
    for _ in range(draw(st.integers(1, 3))):
        words = text.split(" ")
        at = draw(st.integers(0, len(words) - 1))
        words[at] = draw(st.sampled_from(TOKENS) | st.text(max_size=6))
        text = " ".join(words)
    return text


@fuzz
@given(text=_mutated_lines() | _mutated_tokens())
def test_a_scenario_with_slips_of_the_keyboard(folder: Path, text: str) -> None:
    _put(folder / "scenario.yaml", text)
    _answered(folder)


def test_the_scenario_that_is_mutated_is_sound(folder: Path) -> None:
    """Otherwise every mutation would be refused for the same reason."""
    _put(folder / "scenario.yaml", SEED)
    assert _answered(folder)


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__name__)
@fuzz
@given(value=st.text(max_size=60) | st.from_regex(r"[-+0-9._eE]{1,12} ?[a-zA-Z/% ]{0,12}", fullmatch=True))
def test_any_text_is_a_quantity_or_a_value_error(parse: object, value: str) -> None:
    assert callable(parse)
    with contextlib.suppress(ValueError):
        parse(value)
