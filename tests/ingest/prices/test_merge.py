"""Merging offers into a catalog: the same again changes nothing, a new price replaces one row and is reported."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from fleetopt.catalog.hardware import load_hardware
from fleetopt.catalog.roots import shipped
from fleetopt.errors import InputError
from fleetopt.ingest.prices.domain import PriceOptions
from fleetopt.ingest.prices.formats import read_prices
from fleetopt.ingest.prices.merge import Change, merge_offers

FURTHER = (shipped("models"),)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped hardware."""
    shutil.copytree(shipped("models") / "_hardware", tmp_path / "models/_hardware")
    return tmp_path / "models"


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "_hardware").iterdir()}


def test_the_same_list_again_leaves_the_same_bytes(folder: Path, data: Path) -> None:
    """The second merge adds nothing, changes nothing and writes nothing; no file is left aside."""
    reading = read_prices(data / "skypilot_v8_gpu_rows.csv", PriceOptions())
    first = merge_offers(folder, reading.offers, reading.node_types, FURTHER)
    before = _bytes(folder)
    again = merge_offers(folder, reading.offers, reading.node_types, FURTHER)
    assert (len(first.added), len(first.same), first.changed) == (4, 60, ())
    assert (again.added, again.changed, len(again.same), again.new_nodes) == ((), (), 64, ())
    assert _bytes(folder) == before
    assert [path.name for path in folder.iterdir()] == ["_hardware"]


def test_lines_that_do_not_change_stay_as_they_are(folder: Path, data: Path) -> None:
    """Comments, order and every other row survive to the byte."""
    before = (folder / "_hardware/offers.csv").read_text(encoding="utf-8").splitlines()
    reading = read_prices(data / "skypilot_v8_gpu_rows.csv", PriceOptions())
    merge_offers(folder, reading.offers, reading.node_types, FURTHER)
    after = (folder / "_hardware/offers.csv").read_text(encoding="utf-8").splitlines()
    assert after[: len(before)] == before
    assert len(after) == len(before) + 4


def test_a_changed_price_replaces_its_row_and_is_reported(folder: Path, data: Path) -> None:
    """Old and new are named, the row stands where it stood, and the catalog reads the new price."""
    reading = read_prices(data / "nebius/vms.csv", PriceOptions())
    name = "nebius-8xh100-on-demand-eu-north1"
    offer = next(one for one in load_hardware(FURTHER)[0].offers.values() if one.name == name)
    dearer = replace(offer, usd_per_node_h=24.8)
    merge = merge_offers(folder, [dearer], reading.node_types, FURTHER)
    assert merge.changed == (Change(name, "usd_per_node_h", "23.6", "24.8"),)
    assert (merge.added, merge.same) == ((), ())
    assert load_hardware((folder,))[0].offers[name] == dearer
    lines = {path: path.read_text(encoding="utf-8").splitlines() for path in (folder / "_hardware").glob("offers.csv")}
    old = (shipped("models") / "_hardware/offers.csv").read_text(encoding="utf-8").splitlines()
    (new,) = lines.values()
    assert [n for n, (a, b) in enumerate(zip(old, new, strict=True)) if a != b] == [
        next(n for n, line in enumerate(old) if line.startswith(f"{name},"))
    ]


def test_an_empty_folder_becomes_a_catalog(tmp_path: Path, data: Path) -> None:
    """Offers alone are written where node types are shipped already, and all of it reads back."""
    reading = read_prices(data / "nebius/vms.csv", PriceOptions())
    merge = merge_offers(tmp_path / "mine", reading.offers, reading.node_types, FURTHER)
    assert merge.new_nodes == ()
    hardware, _ = load_hardware((tmp_path / "mine", *FURTHER))
    assert all(hardware.offers[offer.name] == offer for offer in reading.offers)
    assert [path.name for path in (tmp_path / "mine/_hardware").iterdir()] == ["offers.csv"]


def test_node_types_that_do_not_exist_are_written_too(tmp_path: Path, data: Path) -> None:
    """Sixteen H100 in a node are new; the node's power is unknown and its evidence assumed."""
    path = tmp_path / "prices.csv"
    path.write_text(
        "provider,gpu_type,gpus_per_node,currency,date,on_demand_per_gpu\nus,H100,16,USD,2027,2\n", encoding="utf-8"
    )
    reading = read_prices(path, PriceOptions())
    merge = merge_offers(tmp_path / "mine", reading.offers, reading.node_types, FURTHER)
    node = load_hardware((tmp_path / "mine", *FURTHER))[0].node_types["16xH100"]
    assert merge.new_nodes == ("16xH100",)
    assert (node.gpus_per_node, node.power_w, node.provenance.evidence) == (16, None, "assumed")


def test_a_gpu_type_that_is_nowhere_is_asked_for(tmp_path: Path, data: Path) -> None:
    """Memory and power are not in a price list, and are not made up."""
    reading = read_prices(data / "skypilot_v8_gpu_rows.csv", PriceOptions(mapped={"L40": "L40-48G"}))
    with pytest.raises(InputError, match="has no GPU type 'L40-48G'"):
        merge_offers(tmp_path / "mine", reading.offers, reading.node_types, FURTHER)
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"name,price\nx,1\n", b"", b'name,"'])
def test_a_file_that_cannot_be_read_is_never_clobbered(content: bytes, folder: Path, data: Path) -> None:
    """It stays as it is, and one error says what is wrong with it."""
    path = folder / "_hardware/offers.csv"
    path.write_bytes(content)
    reading = read_prices(data / "nebius/vms.csv", PriceOptions())
    with pytest.raises(InputError):
        merge_offers(folder, reading.offers, reading.node_types, FURTHER)
    assert path.read_bytes() == content


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path, data: Path) -> None:
    """A folder is asked for."""
    (tmp_path / "mine").write_text("x", encoding="utf-8")
    reading = read_prices(data / "nebius/vms.csv", PriceOptions())
    with pytest.raises(InputError, match="is a file"):
        merge_offers(tmp_path / "mine", reading.offers, reading.node_types, FURTHER)


@pytest.mark.parametrize(
    ("there", "comes", "wins"), [("2027-03", "2027-02-28", 0), ("2027", "2027-02", 1), ("unknown", "2020", 1)]
)
def test_an_older_price_does_not_replace_a_newer_one(
    there: str, comes: str, wins: int, tmp_path: Path, data: Path
) -> None:
    """Of two dated prices the older is left out and named, whichever way the dates are written."""
    reading = read_prices(data / "nebius/vms.csv", PriceOptions())
    first = replace(reading.offers[0], price_date=there)
    second = replace(first, price_date=comes, usd_per_node_h=1.5)
    merge_offers(tmp_path / "mine", [first], reading.node_types, FURTHER)
    merge = merge_offers(tmp_path / "mine", [second], reading.node_types, FURTHER)
    assert merge.older == (() if wins else (first.name,))
    assert load_hardware((tmp_path / "mine", *FURTHER))[0].offers[first.name] == (first, second)[wins]


def test_a_dry_run_writes_nothing(tmp_path: Path, data: Path) -> None:
    """It counts and names the files as the true run does, and leaves no folder behind."""
    reading = read_prices(data / "nebius/vms.csv", PriceOptions())
    dry = merge_offers(tmp_path / "mine", reading.offers, reading.node_types, FURTHER, dry_run=True)
    assert not (tmp_path / "mine").exists()
    assert dry == merge_offers(tmp_path / "mine", reading.offers, reading.node_types, FURTHER)
