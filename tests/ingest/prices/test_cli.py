"""The command line of price lists: shown, merged, as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from fleetopt.cli.ingest import prices
from fleetopt.errors import InputError


def _run(*arguments: str) -> str:
    app = typer.Typer()
    app.command(prices.NAME)(prices.run)
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_a_list_is_shown_without_a_folder(data: Path) -> None:
    """Offers with their prices, and what looks wrong; nothing is written."""
    text = _run(str(data / "skypilot_v8_gpu_rows.csv"))
    assert "aws-8xh100-spot-us-east-1" in text
    assert "--map 'B300=NAME'" in text
    assert "Merged" not in text


def test_a_list_is_merged_and_counted(data: Path, tmp_path: Path) -> None:
    """The first time all are added, the second time all are the same, as JSON says."""
    arguments = (str(data / "nebius/vms.csv"), "--folder", str(tmp_path / "mine"), "--json")
    first, second = (json.loads(_run(*arguments))["merge"] for _ in range(2))
    assert (len(first["added"]), len(first["same"])) == (9, 0)
    assert (len(second["added"]), len(second["same"]), second["changed"]) == (0, 9, [])


def test_a_changed_price_is_shown_old_and_new(data: Path, tmp_path: Path) -> None:
    """After the list has changed, the table of changes names both."""
    cloud = tmp_path / "nebius"
    cloud.mkdir()
    text = (data / "nebius/vms.csv").read_text(encoding="utf-8")
    (cloud / "vms.csv").write_text(text, encoding="utf-8")
    _run(str(cloud / "vms.csv"), "--folder", str(tmp_path / "mine"))
    (cloud / "vms.csv").write_text(text.replace("23.60", "24.80"), encoding="utf-8")
    shown = _run(str(cloud / "vms.csv"), "--folder", str(tmp_path / "mine"))
    row = next(line for line in shown.splitlines() if "usd per node h" in line)
    assert row.split() == ["nebius-8xh100-on-demand-eu-north1", "usd", "per", "node", "h", "23.6", "24.8"]


def test_options_reach_the_reader(data: Path) -> None:
    """Whose prices, what a name means, how large a node is, and against which day prices are old."""
    text = _run(str(data / "epoch_hardware_prices_gpu.csv"), "--gpus-per-node", "8", "--today", "2030-01-01", "--json")
    assert any("months old on 2030-01-01" in flag["what"] for flag in json.loads(text)["flags"])
    mapped = json.loads(_run(str(data / "skypilot_v8_gpu_rows.csv"), "--map", "B300=B200", "--json"))
    assert "B300" not in mapped["unmapped_gpu_types"]


def test_a_missing_file_is_one_error(tmp_path: Path) -> None:
    """As everywhere."""
    with pytest.raises(InputError, match="does not exist"):
        _run(str(tmp_path / "none.csv"))
