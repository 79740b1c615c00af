"""plan.json both ways; what comes from outside is read with suspicion."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetopt.errors import InputError
from fleetopt.plan.domain import Plan
from fleetopt.plan.store import LIMIT_BYTES, read_plan, to_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every path into a JSON value."""
    items: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [path, *(deeper for key, item in items for deeper in _paths(item, (*path, key)))]


def _put(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return new
    inside = value
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = new
    return value


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | bytes], Path]:
    monkeypatch.chdir(tmp_path)

    def write(content: str | bytes) -> Path:
        (tmp_path / "plan.json").write_bytes(content.encode() if isinstance(content, str) else content)
        return Path("plan.json")

    return write


def test_a_plan_is_read_as_it_was_written(plan: Plan, store: Callable[[str | bytes], Path]) -> None:
    path = store(to_json(plan))
    assert read_plan(path) == plan
    assert read_plan(path.parent) == plan
    assert to_json(read_plan(path)) == to_json(plan)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"hello", "Invalid JSON"),
        (bytes(range(256)), "Invalid JSON"),
        (b"[]", "plan.json: "),
        (b"null", "plan.json: "),
        (b"{}", "plan.json fleet: "),
        (b"[" * 1_000_000, "recursion limit"),
        (b'{"a":' * 100_000, "recursion limit"),
        (b'{"scenario": "\xff"}', "Invalid JSON"),
        (b'{"scenario": "\\ud800"}', "Invalid JSON"),
        (b'{"objective_usd": 1' + b"0" * 100_000 + b"}", "plan.json"),
    ],
)
def test_what_is_no_plan_is_refused(store: Callable[[str | bytes], Path], content: bytes, told: str) -> None:
    with pytest.raises(InputError) as refused:
        read_plan(store(content))
    assert told in str(refused.value)
    assert len(refused.value.issues) <= 20


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("objective_usd",), float("nan")),
        (("objective_usd",), float("inf")),
        (("objective_usd",), "much"),
        (("objective_usd",), None),
        (("schema_version",), "2"),
        (("status",), "BEST"),
        (("extra",), 1),
        (("fleet",), {}),
        (("fleet", 0), 7),
        (("fleet", 0, "nodes"), -1),
        (("fleet", 0, "nodes"), 6.5),
        (("fleet", 0, "extra"), 1),
        (("placements", 0, "role"), "both"),
        (("placements", 0, "ttft_s"), float("-inf")),
        (("provenance", "solver", "rows"), -1),
        (("verdict", "checks"), None),
    ],
)
def test_a_wrong_value_is_named_with_its_place(
    plan: Plan, store: Callable[[str | bytes], Path], path: tuple[str | int, ...], value: object
) -> None:
    content = json.dumps(_put(json.loads(to_json(plan)), path, value))
    with pytest.raises(InputError) as refused:
        read_plan(store(content))
    assert refused.value.issues[0].where == f"plan.json {'.'.join(map(str, path))}"


def test_a_missing_or_huge_plan_is_refused(store: Callable[[str | bytes], Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_plan(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        read_plan("nowhere")
    with store(b"{").open("ab") as file:
        file.truncate(LIMIT_BYTES + 1)
    with pytest.raises(InputError, match="over the limit"):
        read_plan("plan.json")


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "plan.json")
    with pytest.raises(InputError, match="not a plain file"):
        read_plan(tmp_path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_plan_with_anything_anywhere_is_read_or_refused(
    plan: Plan, store: Callable[[str | bytes], Path], data: st.DataObject
) -> None:
    value = json.loads(to_json(plan))
    changed = _put(value, data.draw(st.sampled_from(_paths(value))), data.draw(JSON))
    path = store(json.dumps(changed))
    with contextlib.suppress(InputError):
        read_plan(path)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_random_bytes_are_no_plan(store: Callable[[str | bytes], Path], content: bytes) -> None:
    with pytest.raises(InputError):
        read_plan(store(content))
