"""Whatever stands in a price list, it ends in sound offers or in a refusal."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetopt.catalog.hardware import load_hardware, offer_problem
from fleetopt.catalog.roots import shipped
from fleetopt.errors import InputError
from fleetopt.ingest.prices.domain import PriceOptions
from fleetopt.ingest.prices.formats import PRICE_FORMATS, read_prices
from fleetopt.ingest.prices.merge import merge_offers

DATA = Path(__file__).parent / "data"
SEEDS = {
    "nebius/vms.csv": "skypilot",
    "skypilot_v8_gpu_rows.csv": "skypilot",
    "epoch_hardware_prices_gpu.csv": "epoch",
}
TOKENS = ["", "0", "-1", "nan", "inf", "1e309", "1e6", "9" * 400, "=1+1", "H100", "\x00", '"', "\n", ",", "\u2028"]
TOKENS += ["2025-02-30", "9999", "0000", "unknown", "any", "\u00e9" * 80, "--", "all (1 regions, same price)"]
OPTIONS = PriceOptions(provider="us", gpus_per_node=8, usd_per={"EUR": 1.08})

fuzz = settings(derandomize=True, deadline=None, max_examples=60, database=None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A place to write to."""
    folder = tmp_path_factory.mktemp("fuzz")
    yield folder
    shutil.rmtree(folder)


def _answered(path: Path, name: str | None, catalog: Path | None = None) -> None:
    """Reads a list; offers must be sound, of distinct names, and mergeable into a catalog that still loads."""
    try:
        reading = read_prices(path, OPTIONS, name)
    except InputError:
        return
    names = [offer.name for offer in reading.offers]
    assert len(names) == len(set(names))
    for offer in reading.offers:
        assert offer_problem(offer) is None
        assert math.isfinite(offer.usd_per_node_h + offer.upfront_usd_per_node)
    if catalog is not None and reading.offers:
        try:
            merge_offers(catalog, reading.offers, reading.node_types, (shipped("models"),))
        except InputError:
            return
        load_hardware((catalog, shipped("models")))


@st.composite
def _mutated(draw: st.DrawFn, seed: bytes) -> bytes:
    """The seed's header and a few of its rows, some cells of which are changed."""
    header, *rows = seed.split(b"\n")
    start = draw(st.integers(0, max(len(rows) - 12, 0)))
    lines = [header, *rows[start : start + 12]]
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        cells = lines[at].split(b",")
        cells[draw(st.integers(0, len(cells) - 1))] = draw(st.sampled_from(TOKENS)).encode()
        lines[at] = b",".join(cells)
    return b"\n".join(lines)


@pytest.mark.parametrize("seed", SEEDS)
@fuzz
@given(draw=st.data())
def test_a_damaged_real_list(folder: Path, seed: str, draw: st.DataObject) -> None:
    """Cells of real lists changed: offers that merge, or a refusal."""
    path = folder / "list.csv"
    path.write_bytes(draw.draw(_mutated((DATA / seed).read_bytes())))
    catalog = folder / "catalog"
    shutil.rmtree(catalog, ignore_errors=True)
    _answered(path, SEEDS[seed], catalog)


@pytest.mark.parametrize("name", [one.name for one in PRICE_FORMATS])
@fuzz
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_anything_at_all(folder: Path, name: str, content: bytes) -> None:
    """Random bytes and text under the name of every format, and with none."""
    path = folder / "anything.csv"
    path.write_bytes(content)
    _answered(path, name)
    _answered(path, None)


CELLS = {
    "provider": st.sampled_from(["us", *TOKENS]),
    "gpu_type": st.sampled_from(["H100", "B200", *TOKENS]),
    "gpus_per_node": st.sampled_from(["8", *TOKENS]),
    "currency": st.sampled_from(["USD", "EUR", "YEN", ""]),
    "date": st.sampled_from(["2027-01", *TOKENS]),
    "region": st.sampled_from(["west", *TOKENS]),
    "per": st.sampled_from(["gpu", "node", ""]),
    "on_demand": st.sampled_from(["2", *TOKENS]),
    "purchase": st.sampled_from(["300000", "1e9", *TOKENS]),
}


@fuzz
@given(row=st.fixed_dictionaries(CELLS))
def test_any_row_of_our_own_table(folder: Path, row: dict[str, str]) -> None:
    """Combinations of sound and unsound cells in every column."""
    path = folder / "table.csv"
    path.write_text(f"{','.join(row)}\n{','.join(row.values())}\n", encoding="utf-8", errors="replace")
    catalog = folder / "catalog"
    shutil.rmtree(catalog, ignore_errors=True)
    _answered(path, "table", catalog)
