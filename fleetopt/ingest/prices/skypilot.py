"""SkyPilot's catalog: vms.csv of one cloud, and our tidied rows of several.

Prices are USD per hour of the whole instance; the catalog has no dates. AcceleratorCount is the GPUs of the instance.
A price that is the same in all zones of a region is one price; where zones differ, each is a region of its own. The
name of an accelerator may be that of a faster make: RunPod's A100-80GB are PCIe cards, which only GpuInfo says.
Source: skypilot-org/skypilot-catalog, `catalogs/v8/*/vms.csv`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from fleetopt.catalog.domain import OfferKind
from fleetopt.documents import Row
from fleetopt.errors import InputError, Issue
from fleetopt.ingest.prices.domain import Price, PriceOptions, Prices
from fleetopt.ingest.profilers.tabular import read_columns
from fleetopt.ingest.reading import Flag

RAW = ("InstanceType", "AcceleratorName", "AcceleratorCount", "Price", "SpotPrice", "Region")
TIDY = (
    *("provider", "instance", "gpu", "gpus", "region", "on_demand_usd_per_hr", "spot_usd_per_hr"),
    *("source_repo", "source_path", "source_commit"),
)
CLOUDS = frozenset(
    (
        *("aws", "azure", "cudo", "daytona", "do", "fluidstack", "gcp", "hyperbolic", "hyperstack", "ibm"),
        *("jarvislabs", "lambda", "lium", "mithril", "nebius", "oci", "paperspace", "primeintellect", "runpod", "scp"),
        *("seeweb", "shadeform", "spheron", "vast", "verda", "vsphere", "yotta"),
    )
)
_EVERYWHERE = re.compile(r"all \((\d+) regions, same price\)")
_SXM_TOO = re.compile(r"[AH][12]00(-80GB)?", re.IGNORECASE)
_CARD = re.compile(r"pcie|nvl(?!ink)", re.IGNORECASE)
_CARD_NAME = re.compile(r"'Name': '([^']{1,60})'")
_AZURE_NC = re.compile(r"Standard_NC\d+\w*_[AH]100_v\d+")
UNDERSTOOD = ("USD per hour of the whole instance; no dates in the file, so price_date is 'unknown'",)


class SkyPilot:
    name = "skypilot"
    title = "SkyPilot catalog (vms.csv of one cloud)"

    def recognises(self, path: Path, header: frozenset[str]) -> bool:  # noqa: ARG002 - the columns say it all
        return header.issuperset(RAW) or header.issuperset(TIDY)

    def read(self, path: Path, options: PriceOptions) -> Prices:
        rows, digest = read_columns(path, ())
        flags: list[Flag] = []
        if TIDY[0] in rows[0].cells:
            rows, digest = read_columns(path, TIDY)
            found = [price for row in rows for price in _tidy(row)]
        else:
            rows, digest = read_columns(path, RAW)
            cloud = _cloud(path, options)
            found = [price for row in rows for price in _raw(row, cloud, path, flags)]
        kept = [price for price in found if _is_what_it_says(price, flags)]
        return Prices(tuple(_by_zone(kept)), digest, UNDERSTOOD, tuple(flags))


def _cloud(path: Path, options: PriceOptions) -> str:
    """Whose prices they are: as the user says, or by the folder's name in SkyPilot's own layout."""
    cloud = options.provider or path.resolve().parent.name.lower()
    if options.provider is None and cloud not in CLOUDS:
        fix = "Say it with --provider, or keep the file in a folder like aws/"
        raise InputError([Issue("missing-fact", str(path.name), "does not say whose prices it holds", fix)])
    return cloud


@dataclass(frozen=True, slots=True)
class _Node:
    """An instance on the list, and where it is priced."""

    provider: str
    gpu: str
    gpus: int
    region: str
    zone: str
    instance: str
    source: str


def _raw(row: Row, cloud: str, path: Path, flags: list[Flag]) -> Iterator[Price]:
    if not row.cells["AcceleratorName"]:
        return
    gpus = row.number("AcceleratorCount", above=True, most=1024)
    if gpus != int(gpus):
        flags.append(Flag(row.where("AcceleratorCount"), f"a slice of {gpus:g} GPUs is no node", "dropped"))
        return
    instance = row.text("InstanceType", "no instance type")
    card = _other_card(row, instance)
    if card:
        what = f"{instance} has {card} cards, not {row.text('AcceleratorName')} SXM"
        if what not in {flag.what for flag in flags}:
            flags.append(Flag(row.where("AcceleratorName"), what, "dropped"))
        return
    source = f"list price, SkyPilot catalog {path.name} of {cloud}, instance {instance}"
    region, zone = row.text("Region", "any"), row.cells.get("AvailabilityZone", "")
    node = _Node(cloud, row.text("AcceleratorName"), int(gpus), region, zone, instance, source)
    yield from _prices(row, node, ("Price", "SpotPrice"))


def _other_card(row: Row, instance: str) -> str | None:
    """PCIe or NVL, where an instance or its GpuInfo says it of an accelerator with the name of an SXM one."""
    if _SXM_TOO.fullmatch(row.text("AcceleratorName")) is None:
        return None
    info = _CARD_NAME.search(row.cells.get("GpuInfo", ""))
    found = _CARD.search(f"{info[1] if info else ''} {instance}")
    return None if found is None else "NVL" if found[0].lower() == "nvl" else "PCIe"


def _tidy(row: Row) -> Iterator[Price]:
    everywhere = _EVERYWHERE.fullmatch(row.text("region"))
    region, instance = "any" if everywhere else row.text("region"), row.text("instance")
    origin = f"{row.text('source_repo')} {row.text('source_path')} commit {row.text('source_commit')[:7]}"
    source = f"list price, {origin}, instance {instance}"
    source += f"; same price in {everywhere[1]} regions" if everywhere else ""
    gpus = row.whole("gpus", most=1024)
    node = _Node(row.text("provider"), row.text("gpu"), gpus, region, "", instance, source)
    yield from _prices(row, node, ("on_demand_usd_per_hr", "spot_usd_per_hr"))


def _prices(row: Row, node: _Node, columns: tuple[str, str]) -> Iterator[Price]:
    kinds: tuple[OfferKind, OfferKind] = ("on_demand", "spot")
    for kind, column in zip(kinds, columns, strict=True):
        amount = row.optional_number(column, most=1e6)
        if amount:
            yield Price(
                provider=node.provider,
                gpu=node.gpu,
                gpus=node.gpus,
                kind=kind,
                amount=amount,
                per_gpu=False,
                currency="USD",
                region=node.region,
                zone=node.zone,
                instance=node.instance,
                term_months=None,
                date="unknown",
                evidence="measured",
                source=node.source,
                where=row.where(column),
            )


def _is_what_it_says(price: Price, flags: list[Flag]) -> bool:
    """Azure's NC series are PCIe and NVL cards, which the catalog calls by the names of the faster SXM ones."""
    if _AZURE_NC.fullmatch(price.instance) is None:
        return True
    flags.append(Flag(price.where, f"{price.instance} has PCIe or NVL cards, not {price.gpu} SXM", "dropped"))
    return False


def _by_zone(prices: list[Price]) -> Iterator[Price]:
    """One price a region, or one a zone where the zones of a region differ."""
    regions: dict[tuple[str, str, str, str, int | None, str], list[Price]] = {}
    for one in prices:
        key = (one.provider, one.region, one.instance, one.gpu, one.gpus, one.kind)
        regions.setdefault(key, []).append(one)
    for group in regions.values():
        if len({one.amount for one in group}) == 1:
            yield group[0]
        else:
            yield from (replace(one, region=one.zone or one.region) for one in group)
