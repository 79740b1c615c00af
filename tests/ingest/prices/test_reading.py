"""Price lists become offers: dollars per node, names, dates and sources by hand; nothing is guessed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from fleetopt.catalog.hardware import load_hardware, offer_problem
from fleetopt.catalog.roots import shipped
from fleetopt.errors import InputError
from fleetopt.ingest.gpu_names import OURS, known_gpu, read_mapping
from fleetopt.ingest.prices.domain import PriceOptions, PriceReading
from fleetopt.ingest.prices.formats import read_prices
from fleetopt.ingest.prices.options import read_day, read_rates

NEBIUS = "nebius/vms.csv"
SKYPILOT = "skypilot_v8_gpu_rows.csv"
EPOCH = "epoch_hardware_prices_gpu.csv"


def _table(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "prices.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def _names(reading: PriceReading) -> list[str]:
    return [offer.name for offer in reading.offers]


def test_skypilots_own_layout(data: Path) -> None:
    """Eight H100 for 23.60 USD/h and 10.00 on the spot market; the folder says whose prices they are."""
    reading = read_prices(data / NEBIUS, PriceOptions())
    offers = {offer.name: offer for offer in reading.offers}
    eight = offers["nebius-8xh100-on-demand-eu-north1"]
    assert (eight.usd_per_node_h, eight.node_type, eight.provider) == (23.6, "8xH100", "nebius")
    assert offers["nebius-8xh100-spot-eu-north1"].usd_per_node_h == 10.0
    assert eight.price_date == "unknown"
    assert "instance gpu-h100-sxm_8gpu-128vcpu-1600gb" in eight.provenance.source
    assert reading.format == "skypilot"


def test_nodes_of_one_make_at_two_prices_are_told_apart_by_instance(data: Path) -> None:
    """One L40S with 16 or with 32 cores are two offers with two names."""
    names = [name for name in _names(read_prices(data / NEBIUS, PriceOptions())) if "l40s" in name]
    assert names == [
        "nebius-1xl40s-on-demand-eu-north1-gpu-l40s-d-1gpu-16vcpu-96gb",
        "nebius-1xl40s-on-demand-eu-north1-gpu-l40s-d-1gpu-32vcpu-192gb",
    ]


def test_the_tidy_rows_are_the_shipped_offers(data: Path) -> None:
    """60 of the 64 offers are in models/_hardware/offers.csv already, field for field; the rest are L40S variants."""
    shipped_offers = load_hardware((shipped("models"),))[0].offers
    reading = read_prices(data / SKYPILOT, PriceOptions())
    same = [offer for offer in reading.offers if shipped_offers.get(offer.name) == offer]
    assert (len(same), len(reading.offers)) == (60, 64)
    assert all("l40s" in offer.name for offer in reading.offers if offer not in same)


def test_unknown_gpu_types_are_listed_and_never_guessed(data: Path) -> None:
    """A100-40GB is not our A100; the flag says how to map it, and a mapped name is taken."""
    reading = read_prices(data / SKYPILOT, PriceOptions())
    assert "A100-40GB" in reading.unmapped
    assert any("--map 'A100-40GB=NAME'" in flag.what and flag.done == "dropped" for flag in reading.flags)
    mapped = read_prices(data / SKYPILOT, PriceOptions(mapped=read_mapping(("L40=L40-48G",))))
    assert "hyperstack-8xl40-48g-on-demand-canada-1" in _names(mapped)
    assert "L40" not in mapped.unmapped


def test_zones_of_a_region_are_one_price_or_each_its_own(tmp_path: Path) -> None:
    """The same price in two zones is one offer; two spot prices are one a zone."""
    header = "InstanceType,AcceleratorName,AcceleratorCount,Price,SpotPrice,Region,AvailabilityZone"
    rows = ("p5.48xlarge,H100,8,55,20,us-east-1,us-east-1a", "p5.48xlarge,H100,8,55,21,us-east-1,us-east-1b")
    reading = read_prices(_table(tmp_path, header, *rows), PriceOptions(provider="aws"))
    assert _names(reading) == [
        "aws-8xh100-on-demand-us-east-1",
        "aws-8xh100-spot-us-east-1a",
        "aws-8xh100-spot-us-east-1b",
    ]


def test_slices_and_misnamed_cards_are_no_nodes(tmp_path: Path) -> None:
    """Half a GPU is no node, and Azure's NC series are PCIe cards under an SXM name."""
    header = "InstanceType,AcceleratorName,AcceleratorCount,Price,SpotPrice,Region"
    rows = ("slice,H100,0.5,2,,r", "Standard_NC24ads_A100_v4,A100-80GB,1,3.67,,eastus", "ND96,A100-80GB,8,32,,eastus")
    reading = read_prices(_table(tmp_path, header, *rows), PriceOptions(provider="azure"))
    assert _names(reading) == ["azure-8xa100-80g-on-demand-eastus"]
    assert sum(flag.done == "dropped" for flag in reading.flags) == 2


def test_cards_under_the_name_of_a_faster_make_are_no_such_nodes(tmp_path: Path) -> None:
    """Proves: RunPod's A100-80GB that GpuInfo calls PCIe, and Lambda's H100 of an instance named pcie, are left out.
    Sensitivity: by the accelerator's name alone, the cheaper card would be the price of the SXM one.
    """
    header = "InstanceType,AcceleratorName,AcceleratorCount,Price,SpotPrice,Region,AvailabilityZone,GpuInfo"
    info = "\"{'Gpus': [{'Name': '%s', 'Count': 8}]}\""
    reading = read_prices(
        _table(
            tmp_path,
            header,
            f"8x_A100-80GB_SECURE,A100-80GB,8.0,11.12,,CA,CA-MTL-1,{info % 'A100 PCIe'}",
            f"8x_A100-80GB_SECURE,A100-80GB,8.0,11.12,,CA,CA-MTL-2,{info % 'A100 PCIe'}",
            f"gpu_1x_h100_pcie,H100,1.0,3.29,,us-west-3,,{info % 'H100'}",
            f"8x_A100-80GB-SXM_SECURE,A100-80GB-SXM,8.0,12.72,,US,US-MO-1,{info % 'A100 SXM'}",
            f"8x_H200_NVL,H200,8.0,20,,US,US-MO-1,{info % 'H200 NVL'}",
        ),
        PriceOptions(provider="runpod"),
    )
    assert _names(reading) == ["runpod-8xa100-80g-on-demand-us"]
    assert [flag.what for flag in reading.flags if flag.done == "dropped"] == [
        "8x_A100-80GB_SECURE has PCIe cards, not A100-80GB SXM",
        "gpu_1x_h100_pcie has PCIe cards, not H100 SXM",
        "8x_H200_NVL has NVL cards, not H200 SXM",
    ]


def test_whose_prices_they_are_is_asked_for(tmp_path: Path) -> None:
    """A vms.csv in a folder of any name does not say."""
    header = "InstanceType,AcceleratorName,AcceleratorCount,Price,SpotPrice,Region"
    with pytest.raises(InputError) as refused:
        read_prices(_table(tmp_path, header, "a,H100,8,1,,r"), PriceOptions())
    assert "--provider" in refused.value.issues[0].fix


def test_epoch_gives_the_latest_price_of_each_kind(data: Path) -> None:
    """a3-highgpu-1g of 2025-03-17: 7.67 and 4.86 USD per chip-hour for one and three years, as the catalog has it."""
    reading = read_prices(data / EPOCH, PriceOptions())
    reserved = {offer.term_months: offer for offer in reading.offers if offer.name.startswith("google-1xh100-reserved")}
    assert (reserved[12].usd_per_node_h, reserved[36].usd_per_node_h) == (7.67, 4.86)
    assert reserved[12].price_date == "2025-03-17"
    assert len(_names(reading)) == len(set(_names(reading)))
    assert all(offer_problem(offer) is None for offer in reading.offers)


def test_epoch_counts_by_date_and_not_by_place(tmp_path: Path) -> None:
    """The later of two rows wins though it stands first, and a dated row wins over one without a date."""
    header = "price_source,price_date,hardware,vendor,location,usd_per_chip_hr_on_demand,usd_per_chip_hr_1yr_commit"
    header += ",usd_per_chip_hr_3yr_commit,usd_per_chip_purchase,num_gpus"
    rows = [f"s,{day},NVIDIA H200,us,,{price},,,,8" for day, price in (("2025-02-01", 3), ("2024-02-01", 4), ("", 5))]
    (offer,) = read_prices(_table(tmp_path, header, *rows), PriceOptions()).offers
    assert (offer.usd_per_node_h, offer.price_date) == (24.0, "2025-02-01")


def test_epochs_purchases_are_servers_paid_once(data: Path) -> None:
    """Per chip times the chips of the node; a single card is no server."""
    reading = read_prices(data / EPOCH, PriceOptions())
    purchases = [offer for offer in reading.offers if offer.kind == "purchase"]
    assert {offer.term_months for offer in purchases} == {60}
    assert all(offer.usd_per_node_h == 0 and offer.upfront_usd_per_node > 50_000 for offer in purchases)
    assert any("single card" in flag.what and flag.done == "dropped" for flag in reading.flags)
    assert any("bare baseboard" in flag.what and flag.done == "kept" for flag in reading.flags)


def test_epochs_azure_cards_are_not_taken_for_sxm_ones(data: Path) -> None:
    """NC24ads A100 v4 is a PCIe card, although its row says SXM4."""
    reading = read_prices(data / EPOCH, PriceOptions())
    assert any("Azure's NC series" in flag.what for flag in reading.flags)
    assert not any(name.startswith("azure-1xa100-80g") for name in _names(reading))


def test_a_node_of_unknown_size_is_dropped_unless_the_user_says_it(data: Path) -> None:
    """Prices per GPU without a count: left out with a flag, or assumed and said so in the source."""
    silent = read_prices(data / EPOCH, PriceOptions())
    said = read_prices(data / EPOCH, PriceOptions(gpus_per_node=8))
    assert any("--gpus-per-node" in flag.what for flag in silent.flags)
    assert not any("--gpus-per-node" in flag.what for flag in said.flags)
    added = [offer for offer in said.offers if "assumed" in offer.provenance.source and offer.kind != "purchase"]
    assert added
    assert all(offer.provenance.evidence == "assumed" for offer in added)


def test_old_prices_are_flagged_against_a_day_or_the_newest_row(data: Path) -> None:
    """Against their own newest row of 2025-03, prices of 2023 are stale; against a far day, all are."""
    reading = read_prices(data / EPOCH, PriceOptions())
    stale = {flag.where for flag in reading.flags if "months old" in flag.what}
    assert "lambda-8xa100-80g-on-demand" in stale
    assert "google-1xh100-reserved-12m-us-central1" not in stale
    later = read_prices(data / EPOCH, PriceOptions(today=date(2030, 1, 1)))
    assert sum("months old" in flag.what for flag in later.flags) == len(later.offers)


HEADER = "provider,gpu_type,gpus_per_node,currency,date,region"


@pytest.mark.parametrize(
    ("column", "cell", "name", "paid"),
    [
        ("on_demand_per_gpu", "2.5", "us-8xh100-on-demand-west", (20.0, 0.0)),
        ("on_demand_per_node", "20", "us-8xh100-on-demand-west", (20.0, 0.0)),
        ("spot_per_gpu", "1.25", "us-8xh100-spot-west", (10.0, 0.0)),
        ("one_year_per_gpu", "2", "us-8xh100-reserved-12m-west", (16.0, 0.0)),
        ("three_year_per_node", "12", "us-8xh100-reserved-36m-west", (12.0, 0.0)),
        ("lease_three_year_per_gpu", "1.5", "us-8xh100-lease-36m-west", (12.0, 0.0)),
        ("purchase_per_gpu", "30000", "us-8xh100-purchase-west", (0.0, 240_000.0)),
        ("purchase_per_node", "250000", "us-8xh100-purchase-west", (0.0, 250_000.0)),
    ],
)
def test_our_own_table_tells_gpus_from_nodes_by_the_column(
    column: str, cell: str, name: str, paid: tuple[float, float], tmp_path: Path
) -> None:
    """Every kind of price, per GPU and per node of eight: USD per node and hour, and USD per node once."""
    path = _table(tmp_path, f"{HEADER},{column}", f"us,H100,8,USD,2027-01-15,west,{cell}")
    (offer,) = read_prices(path, PriceOptions()).offers
    assert (offer.name, (offer.usd_per_node_h, offer.upfront_usd_per_node)) == (name, paid)
    assert offer.price_date == "2027-01-15"
    assert offer_problem(offer) is None


def test_per_may_stand_in_a_column_of_its_own(tmp_path: Path) -> None:
    """`per` is gpu for one row and node for the next."""
    rows = ("us,H100,8,USD,2027,west,gpu,2.5", "us,H200,8,USD,2027,west,node,28")
    path = _table(tmp_path, f"{HEADER},per,on_demand", *rows)
    assert [offer.usd_per_node_h for offer in read_prices(path, PriceOptions()).offers] == [20.0, 28.0]


def test_another_currency_needs_the_users_rate_and_keeps_it_in_the_source(tmp_path: Path) -> None:
    """20 EUR at 1.08 are 21.60 USD, and the source says both; without a rate it is an error."""
    path = _table(tmp_path, f"{HEADER},on_demand_per_node", "us,H100,8,EUR,2027-01,west,20")
    with pytest.raises(InputError) as refused:
        read_prices(path, PriceOptions())
    assert "--usd-per EUR=" in refused.value.issues[0].fix
    (offer,) = read_prices(path, PriceOptions(usd_per=read_rates(("EUR=1.08",)))).offers
    assert offer.usd_per_node_h == pytest.approx(21.6)
    assert "20 EUR at 1.08 USD per EUR" in offer.provenance.source


BAD = {
    "per what": (f"{HEADER},on_demand", "us,H100,8,USD,2027,west,20", "per GPU or per node"),
    "twice": (
        f"{HEADER},on_demand_per_gpu,on_demand_per_node",
        "us,H100,8,USD,2027,west,2,16",
        "stated twice",
    ),
    "no currency": (f"{HEADER},on_demand_per_gpu", "us,H100,8,dollars,2027,west,2", "is no currency"),
    "no date": (f"{HEADER},on_demand_per_gpu", "us,H100,8,USD,yesterday,west,2", "of 'yesterday', which is no date"),
    "no such day": (f"{HEADER},on_demand_per_gpu", "us,H100,8,USD,2027-02-30,west,2", "is no date"),
    "below zero": (f"{HEADER},on_demand_per_gpu", "us,H100,8,USD,2027,west,-2", "out of range"),
    "no GPUs": (f"{HEADER},on_demand_per_gpu", "us,H100,0,USD,2027,west,2", "out of range"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_price_that_cannot_be_understood_is_refused(case: str, tmp_path: Path) -> None:
    """One error, with the line and what to do."""
    header, row, wanted = BAD[case]
    with pytest.raises(InputError, match=wanted) as refused:
        read_prices(_table(tmp_path, header, row), PriceOptions(), "table")
    assert "prices.csv:2" in refused.value.issues[0].where
    assert refused.value.issues[0].fix


def test_two_prices_for_one_thing_are_refused(tmp_path: Path) -> None:
    """Which of the two holds is the user's to say."""
    rows = ("us,H100,8,USD,2027,west,2", "us,H100,8,USD,2027,west,3")
    with pytest.raises(InputError, match="a second time"):
        read_prices(_table(tmp_path, f"{HEADER},on_demand_per_gpu", *rows), PriceOptions())


def test_no_cell_becomes_a_formula(tmp_path: Path) -> None:
    """A provider that a spreadsheet would run is read as the words it is."""
    path = _table(tmp_path, f"{HEADER},on_demand_per_gpu", "=cmd(),H100,8,USD,2027,@west,2")
    (offer,) = read_prices(path, PriceOptions()).offers
    assert (offer.provider, offer.region) == ("cmd()", "west")


@pytest.mark.parametrize("option", ["L4", "=L4", "L4=", "L4==x", "L4=a b"])
def test_a_mapping_that_is_none_is_refused(option: str) -> None:
    """It says how to write one."""
    with pytest.raises(InputError, match="--map"):
        read_mapping((option,))


@pytest.mark.parametrize("option", ["EUR", "EUR=", "eur=1", "EUR=0", "EUR=nan", "EUR=-1"])
def test_a_rate_that_is_none_is_refused(option: str) -> None:
    """It says how to write one."""
    with pytest.raises(InputError, match="--usd-per"):
        read_rates((option,))


def test_a_day_that_is_none_is_refused() -> None:
    """It says how to write one."""
    assert read_day("2027-03-17") == date(2027, 3, 17)
    with pytest.raises(InputError, match="--today"):
        read_day("today")


def test_every_name_of_ours_is_a_gpu_type_and_no_alias_means_two() -> None:
    """The table of names leads to the shipped catalog, one way only."""
    gpu_types = load_hardware((shipped("models"),))[0].gpu_types
    aliases = [alias.lower() for name, names in OURS.items() for alias in {name.lower(), *map(str.lower, names)}]
    assert set(OURS) <= set(gpu_types)
    assert len(aliases) == len(set(aliases))
    assert known_gpu("A100") is None
