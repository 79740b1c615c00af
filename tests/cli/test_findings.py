"""What adversarial use once broke, kept from breaking again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import ENTRY, SEED, Run

LONG = "z" * 300


def scenario(folder: Path, text: str) -> Path:
    path = folder / "scenario.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_included_files_are_counted_by_reading_not_by_name(fleetopt: Run, tmp_path: Path) -> None:
    """Nineteen files that each include the next one twice would be read half a million times."""
    for n in range(18):
        (tmp_path / f"{n}.yaml").write_text(f"include: [{n + 1}.yaml, {n + 1}.yaml]\n")
    (tmp_path / "18.yaml").write_text("margins: {}\n")
    answer = fleetopt("check", scenario(tmp_path, f"include: [0.yaml]\n{SEED}"))
    assert (answer.returncode, "more than 32 files" in answer.stderr) == (2, True)


@pytest.mark.parametrize(
    "line",
    ['include: ["a\\0b"]', f"include: [{LONG}]", f"catalog: [{LONG}]", "include: [list.yaml]"],
    ids=["nul", "long include", "long catalog", "list"],
)
def test_names_that_no_file_can_have_are_bad_input(fleetopt: Run, tmp_path: Path, line: str) -> None:
    """The file system's own refusals used to come out as bugs of ours."""
    (tmp_path / "list.yaml").write_text("- 1\n")
    answer = fleetopt("check", scenario(tmp_path, f"{line}\n{SEED}"))
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "bug" not in answer.stderr


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: seed", 'name: "a\\x1b[31mb"'),
        ("  chat:", '  "ch\\u202eat":'),
        ("  chat:", '  "ch\\x9bat":'),
        ("  chat:", '  "(unused)":'),
        ("6144", "6144\n    headroom: 10"),
        ("ttft: 2 s", "ttft: 1e307 h"),
        ("5 M tokens/min", "1e-300 requests/s"),
        ("5 M tokens/min", "{base: 1 requests/s, periods: {2027-Q1: 1e300}}"),
        ("nebius-8xh200-on-demand-eu-north1}", "nebius-8xh200-on-demand-eu-north1, price: 1e12 USD/node/h}"),
    ],
)
def test_what_no_plan_could_carry_is_refused(fleetopt: Run, tmp_path: Path, old: str, new: str) -> None:
    """Escape sequences, hidden characters, reserved names and numbers past all sense never reach the solver."""
    assert old in SEED
    answer = fleetopt("plan", scenario(tmp_path, SEED.replace(old, new)))
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "\x1b" not in answer.stderr
    assert "\u202e" not in answer.stderr


def test_a_year_may_be_written_as_a_number(fleetopt: Run, tmp_path: Path) -> None:
    """The fix of a wrong start says to write 2027, so 2027 has to work."""
    assert fleetopt("check", scenario(tmp_path, SEED.replace("2027-Q1", "2027"))).returncode == 0


def test_a_log_file_that_exists_is_kept(fleetopt: Run, tmp_path: Path) -> None:
    """The solver appends to its log; what stood in the file before would be spoilt."""
    log = tmp_path / "precious"
    log.write_text("mine")
    answer = fleetopt("plan", scenario(tmp_path, SEED), "--solver-log", log)
    assert (answer.returncode, log.read_text()) == (2, "mine")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_output_that_cannot_be_written_is_no_bug() -> None:
    """A full disk under a redirected output is told in one line."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", ENTRY, "schema"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, "cannot be written" in done.stderr, "Traceback" in done.stderr) == (2, True, False)


@pytest.mark.parametrize("stream", [1, 2])
def test_closed_streams_do_no_harm(stream: int) -> None:
    """A caller may close either stream; the plan is made all the same. Both used to exit 1 as bugs of ours."""
    command = [sys.executable, "-c", ENTRY, "plan", "seed-paper"]
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" "$@" {stream}>&-', *command], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
