"""Files that are not what they should be: one clear error each, and never a wait."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
Seed = Callable[..., Path]

BOMB = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(9)
)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "scenario.yaml: is empty"),
        (b"  \n\t\n", "scenario.yaml: is empty"),
        (b"# only a comment\n", "scenario.yaml:1: is not a mapping"),
        (b"- a\n- b\n", "scenario.yaml:1: is not a mapping"),
        (b"hello", "scenario.yaml:1: is not a mapping"),
        (b"name: x\n\x00\x01\x02", "scenario.yaml:2: holds binary data"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "holds binary data"),
        ("name: x\n".encode("utf-16"), "holds binary data"),
        ("name: x\nb: caf\xe9".encode("latin-1"), "scenario.yaml:2: is not UTF-8 (byte 0xe9)"),
        (b"name: a\x07b", "scenario.yaml:1: is not valid YAML"),
        (b"a: [1, 2", "is not valid YAML"),
        (b"a:\n\t- b", "scenario.yaml:2: is not valid YAML"),
        (BOMB.encode(), "expands to more than 200000 values"),
        (b"a: " + b"[" * 10_000 + b"]" * 10_000, "scenario.yaml:1: is nested more than 32 deep"),
        (b"a: 1\nb: 2\na: 3\n", "scenario.yaml:3: repeats the key 'a' of line 1"),
        (b"a: !!python/object/apply:os.system ['id']", "scenario.yaml:1: uses the tag"),
        (b"a: *b", "scenario.yaml:1: alias '*b' has no anchor"),
        (b"a: 1\n---\nb: 2\n", "scenario.yaml:2: holds more than one document"),
    ],
)
def test_an_unusable_file_is_one_error_with_its_line(fleetopt: Run, seed: Seed, content: bytes, told: str) -> None:
    (seed() / "scenario.yaml").write_bytes(content)
    answer = fleetopt("plan", "q3", "-o", "out")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.count("error: ") == 1
    assert told in answer.stderr
    assert not Path("out").exists()


def test_200_megabytes_are_refused_unread(fleetopt: Run, seed: Seed) -> None:
    path = seed("demand: 5 M tokens/min", "demand: {table: d.csv}")
    with (path / "d.csv").open("wb") as file:
        file.truncate(200_000_000)
    answer = fleetopt("check", path)
    assert (answer.returncode, answer.stderr.count("error: ")) == (2, 1)
    assert "q3/d.csv: is 190.7 MiB, over the limit of 64 MiB" in answer.stderr
    with (path / "scenario.yaml").open("ab") as file:
        file.truncate(200_000_000)
    assert "q3/scenario.yaml: is 190.7 MiB, over the limit of 4 MiB" in fleetopt("check", path).stderr


def test_a_scenario_that_is_a_folder_a_device_or_nothing(fleetopt: Run, seed: Seed, tmp_path: Path) -> None:
    seed()
    (tmp_path / "q4" / "scenario.yaml").mkdir(parents=True)
    (tmp_path / "q5").mkdir()
    for name, told in (
        ("q4", "q4/scenario.yaml: is a folder"),
        ("q5", "q5/scenario.yaml: does not exist"),
        ("/dev/null", "/dev/null: is not a plain file"),
        ("/dev/zero", "/dev/zero: is not a plain file"),
        ("none.yaml", "none.yaml: does not exist"),
    ):
        answer = fleetopt("check", name)
        assert answer.returncode == 2
        assert told in answer.stderr


def test_a_symlink_to_nothing_is_a_missing_file(fleetopt: Run, seed: Seed) -> None:
    (seed(folder="q6") / "scenario.yaml").unlink()
    Path("q6/scenario.yaml").symlink_to("/nonexistent")
    assert fleetopt("check", "q6").returncode == 2


def test_a_symlink_to_a_scenario_is_followed(fleetopt: Run, seed: Seed) -> None:
    Path("link").symlink_to(seed())
    assert fleetopt("check", "link").returncode == 0


def test_a_fifo_is_refused_without_waiting(process: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "scenario.yaml")
    child = process("check", "scenario.yaml")
    _, told = child.communicate(timeout=30)
    assert child.returncode == 2
    assert "is not a plain file" in told


def test_a_file_without_permission_says_so(fleetopt: Run, seed: Seed, monkeypatch: pytest.MonkeyPatch) -> None:
    seed()

    def refused(_path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied")

    # Permissions bind everybody but root, so the refusal itself is played.
    monkeypatch.setattr(Path, "read_bytes", refused)
    answer = fleetopt("check", "q3")
    assert answer.returncode == 2
    assert "Permission denied" in answer.stderr
