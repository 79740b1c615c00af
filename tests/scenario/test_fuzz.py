"""Whatever is written into a scenario: it loads, or it is bad input with a place and a fix."""

from __future__ import annotations

import random
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetopt.catalog.roots import shipped
from fleetopt.errors import InputError, Issue
from fleetopt.scenario.load import load

TEXT = (shipped("scenarios") / "quickstart" / "scenario.yaml").read_text(encoding="utf-8")
TERMINUS = shipped("models") / "deepseek-v3.1-terminus"
WORDS = [
    *("", "0", "-1", "1e9", "1.5", ".nan", ".inf", "null", "true", "no", "[]", "{}", "[1, 2]", "{a: 1}", "''", "x"),
    *("100 %", "-5 %", "2 s", "2 s at p99", "1e300 h", "40 requests/s", "1 M tokens/min", "28 USD/node/h", "1 k USD"),
    *("../../x", "<script>", "=cmd()", "'\\e[31m'", "2027-Q1", "2027", "*a", "&a 1", "!!str 1", "!x 1", "- a", "a: b"),
]
TABLES = ("card.yaml", "configs.csv", "prefill.csv", "decode.csv")
OPTIONS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _loads_or_is_refused(folder: Path) -> None:
    issues: tuple[Issue, ...] = ()
    try:
        load(folder)
    except InputError as error:
        issues = error.issues or (Issue("", "", "", ""),)
    assert all(issue.where and issue.what for issue in issues)


def _mutate(text: str, seed: int, words: list[str]) -> str:
    """A few lines dropped, doubled, swapped, indented, or with a value replaced."""
    chance = random.Random(seed)
    lines = text.splitlines()
    for _ in range(chance.randint(1, 3)):
        at, to = chance.randrange(len(lines)), chance.randrange(len(lines))
        match chance.randrange(7):
            case 0:
                del lines[at]
            case 1:
                lines.insert(to, lines[at])
            case 2:
                lines[at], lines[to] = lines[to], lines[at]
            case 3:
                lines[at] = "  " + lines[at]
            case 4:
                cut = chance.randint(0, len(lines[at]))
                lines[at] = lines[at][:cut] + chance.choice(words) + lines[at][cut + 1 :]
            case _:
                mark = chance.choice([":", ","])
                head, found, _ = lines[at].rpartition(mark)
                lines[at] = f"{head}{found} {chance.choice(words)}" if found else chance.choice(words)
    return "\n".join(lines) + "\n"


@OPTIONS
@given(seed=st.integers(0, 10**9))
def test_a_mutated_scenario_loads_or_is_refused(seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "scenario.yaml").write_text(_mutate(TEXT, seed, WORDS), encoding="utf-8")
        _loads_or_is_refused(Path(folder))


@OPTIONS
@given(content=st.binary(max_size=300))
def test_random_bytes_are_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "scenario.yaml").write_bytes(content)
        _loads_or_is_refused(Path(folder))


@OPTIONS
@given(seed=st.integers(0, 10**9), name=st.sampled_from(TABLES))
def test_a_mutated_catalog_loads_or_is_refused(seed: int, name: str) -> None:
    words = ["", "0", "-1", "nan", "inf", "1e9", "1.5", "x", '"', ",", "#", "measured", "H200", "H999", "é", "8,8"]
    with tempfile.TemporaryDirectory() as folder:
        base = (shipped("scenarios") / "seed-paper" / "scenario.yaml").read_text(encoding="utf-8")
        (Path(folder) / "scenario.yaml").write_text(base, encoding="utf-8")
        own = Path(folder) / "models" / TERMINUS.name
        shutil.copytree(TERMINUS, own)
        text = (own / name).read_text(encoding="utf-8")
        (own / name).write_text(_mutate(text, seed, words), encoding="utf-8")
        _loads_or_is_refused(Path(folder))
