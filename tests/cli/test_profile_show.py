"""Proves that `fleetopt profile show` draws what the catalog holds, marks what was planned, and clobbers nothing."""

from __future__ import annotations

import csv
import io
import json
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetopt.catalog.roots import shipped

Run = Callable[..., subprocess.CompletedProcess[str]]
SMALL = "deepseek-v3.1-terminus"
QUICK = shipped("scenarios") / "quickstart"


def test_the_terminal_shows_every_chart_with_units_and_evidence(fleetopt: Run) -> None:
    """Proves that titles, axes, letters and evidence stand in plain text, without control characters."""
    done = fleetopt("profile", "show", "llama-3.1-70b", "--gpu", "H100")
    assert done.returncode == 0
    for words in ("input tokens/s", "TPOT (ms)", "mean TTFT (s)", "requests/s", "a 768 tokens of context, modelled"):
        assert words in done.stdout
    assert "8 more profiles are not shown" in done.stdout
    assert "\x1b" not in done.stdout


def test_the_points_are_the_catalogs(fleetopt: Run) -> None:
    """Proves that JSON and CSV hold the points of the tables, each with its source."""
    record = json.loads(fleetopt("profile", "show", SMALL, "--json").stdout)
    decode = [(p["x"], p["y"]) for p in record["points"] if p["chart"] == "decode"]
    assert decode[0] == (10, 12.8)
    assert decode[-1] == (60, pytest.approx(26.2))
    assert all("arXiv 2603.04716" in p["source"] and p["evidence"] == "measured" for p in record["points"])
    rows = list(csv.DictReader(io.StringIO(fleetopt("profile", "show", SMALL, "--csv").stdout)))
    assert [float(row["y"]) for row in rows] == [point["y"] for point in record["points"]]


def test_a_scenario_adds_promises_and_operating_points(fleetopt: Run) -> None:
    """Proves that the star stands where `fleetopt capacity` says, with what binds and on the planned curve."""
    asked = ("profile", "show", "llama-3.1-70b", "--scenario", QUICK, "--gpu", "H100", "--role", "decode")
    (spot,) = (p for p in json.loads(fleetopt(*asked, "--json").stdout)["points"] if p["what"] == "operating point")
    rows = json.loads(fleetopt("capacity", QUICK, "--json").stdout)["capacities"]
    (row,) = (r for r in rows if (r["workload"], r["config"], r["role"]) == ("chat", spot["config"], "decode"))
    assert spot["x"] == row["batch"]
    assert spot["y"] == pytest.approx(20.0)
    shown = fleetopt(*asked).stdout
    assert "promised: TPOT 20 ms" in shown
    assert "slowed by 25 %" in shown
    assert "bound by TPOT (20 ms)" in shown


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_picture_is_written_once(fleetopt: Run, tmp_path: Path, suffix: str) -> None:
    """Proves that a picture is whole, repeatable byte for byte, and replaced only with --force."""
    out = tmp_path / f"new/curves.{suffix}"
    assert fleetopt("profile", "show", SMALL, "-o", out).returncode == 0
    first = out.read_bytes()
    if suffix == "png":
        assert first.startswith(b"\x89PNG")
        assert min(struct.unpack(">II", first[16:24])) > 400
    else:
        text = " ".join(ET.fromstring(first).itertext())
        assert "TPOT (ms)" in text
        assert "measured point" in text
    again = fleetopt("profile", "show", SMALL, "-o", out)
    assert again.returncode == 2
    assert "exists" in again.stderr
    assert fleetopt("profile", "show", SMALL, "-o", out, "--force").returncode == 0
    assert out.read_bytes() == first
    assert [path.name for path in out.parent.iterdir()] == [out.name]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nosuch",), "no such model"),
        ((SMALL, "--gpu", "H1000"), "has no profile here"),
        ((SMALL, "--config", "x"), "has no profile here"),
        ((SMALL, "--role", "aggregated"), "no profile is left to draw"),
        ((SMALL, "--workload", "chat"), "Add --scenario"),
        ((SMALL, "--scenario", QUICK), "no workload of scenario"),
        (("llama-3.1-70b", "--scenario", QUICK, "--workload", "coding"), "is no workload of"),
        ((SMALL, "-o", "curves.gif"), "no kind of picture"),
        ((SMALL, "--folder", "nosuch"), "is no folder"),
        ((SMALL, "--folder", ".", "--scenario", QUICK), "beside --scenario"),
    ],
)
def test_what_cannot_be_drawn_is_said(fleetopt: Run, arguments: tuple[object, ...], told: str) -> None:
    """Proves that each mistake gets one sentence that names it."""
    done = fleetopt("profile", "show", *arguments)
    assert done.returncode == 2
    assert told in done.stderr


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=12), st.sampled_from(["MODEL", "--gpu", "--config", "--folder", "--scenario", "--workload"]))
def test_no_argument_breaks_it(fleetopt: Run, text: str, where: str) -> None:
    """Proves that any text as an argument ends in a chart or in one clear error."""
    words = ["--", text] if where == "MODEL" else [SMALL, f"{where}={text}"]
    assert fleetopt("profile", "show", *words).returncode in {0, 2}
