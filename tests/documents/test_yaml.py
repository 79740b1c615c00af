from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fleetopt.documents import read_yaml
from fleetopt.documents.markup import DEPTH_LIMIT, YAML_LIMIT_BYTES
from fleetopt.errors import InputError, Issue

Write = Callable[[str | bytes], Path]
Find = Callable[..., Issue]

WORDS = st.text(alphabet="abcxyz :-#'\"{}[]&*!|>%@`,?\n\té\u2028", max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(alphabet="abc xyz-é", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet="abcdef", min_size=1), inner, max_size=3)
    ),
    max_leaves=12,
)


def read(content: str | bytes) -> Any:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
        file.flush()
        return read_yaml(Path(file.name))[0].value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("1:30", "1:30"),
        ("2027-01", "2027-01"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("true", True),
        ("~", None),
        ("null", None),
        ("12", 12),
        ("-1.5e3", -1500.0),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("a b: c", {"a b": "c"}),
        ("a: &x [1, 2]\nb: *x", {"a": [1, 2], "b": [1, 2]}),
        ("1: a", {"1": "a"}),
        ("\ufeffa: 1", {"a": 1}),
        ("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    assert read(text) == value


def test_an_alias_is_a_copy() -> None:
    value = read("a: &x [1]\nb: *x")
    assert value["a"] is not value["b"]


def test_every_key_knows_its_line(file: Write) -> None:
    document, digest = read_yaml(file("a:\n  b: 1\n  c:\n    - x\n    - y\n"))
    assert document.where(("a", "c", 1)) == "file:5 a.c.1"
    assert document.where(("a", "b", "deeper")) == "file:2 a.b.deeper"
    assert document.where() == "file:1"
    assert len(digest) == 64


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("a: 1\nb: 2\na: 3", "file:3", "repeats the key 'a' of line 1"),
        ("a:\n  b: 1\n  b: 2", "file:3", "repeats the key 'b' of line 2"),
        ("a: !!python/object:os.system x", "file:1", "uses the tag"),
        ("a: !!int 1", "file:1", "uses the tag"),
        ("!!map {a: 1}", "file:1", "uses the tag"),
        ("a: *b", "file:1", "alias '*b' has no anchor"),
        ("a: &a [*a]", "file:1", "alias '*a' has no anchor"),
        ("a: 1\n---\nb: 1", "file:2", "more than one document"),
        ("[a]: 1", "file:1", "key that is not a word"),
        ("a: [1, 2\n", "file:2", "not valid YAML"),
        ("a: 1\n\tb: 2", "file:2", "not valid YAML"),
        ("a: b: c", "file:1", "not valid YAML"),
        ("%YAML 9.9\n---\na: 1", "file:1", "not valid YAML"),
        ('a: "\\ud800"', "file:1", "not valid YAML"),
        ("ok: 1\na: \x07", "file:2", "not valid YAML"),
    ],
)
def test_what_is_refused_is_named_with_its_line(file: Write, issue: Find, text: str, where: str, what: str) -> None:
    found = issue(read_yaml, file(text))
    assert found.where == where
    assert what in found.what
    assert found.fix


def test_a_billion_laughs_stop_at_the_limit(file: Write, issue: Find) -> None:
    lines = [f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]" for i in range(12)]
    found = issue(read_yaml, file("\n".join(["a: &a [1]", *lines])))
    assert "expands to more than" in found.what


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, "\n".join(" " * i + "a:" for i in range(1000))])
def test_nesting_is_bounded(file: Write, issue: Find, text: str) -> None:
    assert f"nested more than {DEPTH_LIMIT} deep" in issue(read_yaml, file(text)).what


def test_an_alias_does_not_nest_deeper_than_the_limit(file: Write, issue: Find) -> None:
    lines = ["a0: &a0 [1]", *(f"a{i}: &a{i} [[[*a{i - 1}]]]" for i in range(1, 20))]
    assert "nested more than" in issue(read_yaml, file("\n".join(lines))).what


def test_a_large_file_is_not_read(file: Write, issue: Find) -> None:
    path = file("a: 1")
    with path.open("ab") as opened:
        opened.truncate(YAML_LIMIT_BYTES + 1)
    assert "over the limit of 4 MiB" in issue(read_yaml, path).what


@given(content=st.binary(max_size=200))
def test_random_bytes_are_read_or_refused(content: bytes) -> None:
    with contextlib.suppress(InputError):
        read(content)


@given(parts=st.lists(WORDS, max_size=12))
def test_random_yaml_is_read_or_refused(parts: list[str]) -> None:
    with contextlib.suppress(InputError):
        read("".join(parts))


@given(value=st.dictionaries(st.text(alphabet="abcdef", min_size=1), VALUES, min_size=1, max_size=4))
def test_what_yaml_writes_is_read_back(value: dict[str, object]) -> None:
    assert read(yaml.safe_dump(value, allow_unicode=True)) == value


def test_a_merge_key_is_named_for_what_it_is(tmp_path: Path) -> None:
    """It used to come out as six unknown keys under a field called '<<'."""
    path = tmp_path / "a.yaml"
    path.write_text("base: &base {a: 1}\nb:\n  <<: *base\n")
    with pytest.raises(InputError, match=r"a\.yaml:3: uses a merge key"):
        read_yaml(path)
