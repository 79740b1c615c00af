"""The shape of the supply in scenario.yaml: offers with their terms, owned nodes, and what limits them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fleetopt import prices
from fleetopt.catalog.domain import OfferKind
from fleetopt.scenario.availability import EVERY_NODE, Availability
from fleetopt.scenario.fields import (
    Bandwidth,
    Block,
    CarbonPrice,
    Change,
    EnergyPrice,
    Fraction,
    Intensity,
    Lot,
    MonthOfKw,
    MonthOfUnit,
    Name,
    NodePrice,
    Nodes,
    Once,
    Power,
    Support,
    Text,
    Tonnes,
    Usd,
)
from fleetopt.scenario.supply_domain import Spending


class BreakFile(Block):
    """A price for larger orders: on every node of an order of at least so many."""

    nodes: Annotated[int, Field(ge=2, le=10_000_000, strict=True)]
    price: Change


class TermsFile(Block):
    """When and in what quantities an offer may be taken, and how its price changes."""

    first: Annotated[Name | None, Field(description="First period in which it can be rented or ordered")] = None
    last: Annotated[Name | None, Field(description="Last such period")] = None
    min_order: Annotated[Lot | None, Field(description="Nodes of the smallest order")] = None
    max_order: Annotated[Lot | None, Field(description="Nodes of the largest order in a period")] = None
    max_delivery: Annotated[Lot | None, Field(description="Most nodes that enter service in a period")] = None
    price_changes: Annotated[
        dict[Name, Change], Field(description="By period: the change against the stated price from then on")
    ] = {}
    availability: Availability = EVERY_NODE
    volume: Annotated[list[BreakFile], Field(description="Prices for larger orders")] = []


class OfferFile(Block):
    """An offer of the catalog by name, or one written out here; with where and how much may be had."""

    offer: Annotated[str | None, Field(description="An offer of the catalog", examples=["nebius-8xh200-on-demand"])] = (
        None
    )
    node_type: str | None = None
    kind: OfferKind | None = None
    price: NodePrice | None = None
    upfront: Annotated[Once | None, Field(description="Per node, at the order")] = None
    term_months: Annotated[int | None, Field(ge=1, le=240)] = None
    lead_time_months: Annotated[int | None, Field(ge=0, le=60)] = None
    provider: Text | None = None
    source: Annotated[Text | None, Field(description="Where the price comes from")] = None
    sites: Annotated[list[Name] | None, Field(min_length=1)] = None
    max_nodes: Nodes | None = None
    support: Annotated[Support | None, Field(description="By the year, of leased and purchased nodes")] = None
    terms: TermsFile = TermsFile()


class SaleFile(Block):
    """What somebody pays for owned nodes, and when."""

    price: Annotated[Once, Field(description="For a node, at the start of the period; zero to retire it")]
    first: Annotated[Name | None, Field(description="First period at whose start nodes can be sold")] = None
    last: Annotated[Name | None, Field(description="Last such period")] = None
    price_changes: Annotated[
        dict[Name, Change], Field(description="By period: the change against the stated price from then on")
    ] = {}
    value_at_end: Annotated[
        Once | None, Field(description="What a node is worth that is kept through the horizon; nothing if not said")
    ] = None


class OwnedFile(Block):
    """Nodes that are already there."""

    node_type: str
    site: Name | None = None
    nodes: Nodes
    price: Annotated[NodePrice, Field(description="What an hour of running one costs")] = prices.Price(0.0)
    support: Annotated[Support | None, Field(description="By the year, of each node that is there")] = None
    last: Annotated[Name | None, Field(description="Last period in which they are there")] = None
    sale: Annotated[SaleFile | None, Field(description="What they can be sold for before that")] = None
    committed: Annotated[
        bool, Field(strict=True, description="Paid for at every hour, used or not: a reservation that runs on")
    ] = False
    availability: Availability = EVERY_NODE


class QuotaFile(Block):
    """A limit on the GPUs of one type in service at once, at a site (or each) in a period (or each)."""

    gpu_type: str
    site: Name | None = None
    period: Name | None = None
    provider: Annotated[Text | None, Field(description="Only nodes under its offers, over all sites or at one")] = None
    max_gpus: Nodes


class BudgetFile(Block):
    """The most that is paid in a period, or over the horizon, in any outlook."""

    spending: Annotated[Spending, Field(description="capex: purchases upfront; opex: all other payments")] = "all"
    period: Name | None = None
    max: Usd


class ColocationFile(Block):
    """What room costs: for each month of each owned, leased and purchased node that is held, used or not."""

    power: Annotated[MonthOfKw | None, Field(description="Per kW of nameplate")] = None
    rack_units: Annotated[MonthOfUnit | None, Field(description="Per rack unit")] = None


class FacilityFile(Block):
    """What a site has room for, and what electricity and its carbon come to there."""

    power: Annotated[Power | None, Field(description="Most nameplate power of the nodes in service")] = None
    rack_units: Annotated[float | None, Field(gt=0, lt=1e9)] = None
    nodes_per_rack: Annotated[
        int | None, Field(ge=1, le=200, strict=True, description="Nodes of any type that are lost together with a rack")
    ] = None
    pue: Annotated[float, Field(ge=1, le=5, description="Power of the site over that of its nodes")] = 1.0
    load: Annotated[Fraction, Field(description="Mean draw of a node in service, of its nameplate")] = 1.0
    electricity: Annotated[EnergyPrice, Field(description="Paid for owned, leased and purchased nodes")] = 0.0
    carbon: Annotated[Intensity, Field(description="Of the site's electricity")] = 0.0
    colocation: ColocationFile = ColocationFile()


class FabricFile(Block):
    """How fast KV caches get from prefill to decode at a site: inside a node, and from node to node."""

    inside: Annotated[Bandwidth | None, Field(description="Between GPUs of a node; left out, no node pairs both")] = (
        None
    )
    between: Annotated[
        Bandwidth | None, Field(description="Link of a node to the others, each way; left out, all pairs share a node")
    ] = None
    fill: Annotated[Fraction, Field(description="Part of either that KV caches may fill, on average")] = 1.0
    total: Annotated[
        Bandwidth | None,
        Field(description="Most that the prefill replicas of the site may send to other nodes at once"),
    ] = None


class CarbonFile(Block):
    """What carbon dioxide costs, and how much of it there may be over the horizon."""

    price: CarbonPrice = 0.0
    max: Tonnes | None = None


class SupplyFile(Block):
    """What can be had, and where."""

    sites: Annotated[list[Name], Field(min_length=1)] = ["main"]
    offers: dict[Name, OfferFile] = {}
    owned: dict[Name, OwnedFile] = {}
    quotas: dict[Name, QuotaFile] = {}
    budgets: dict[Name, BudgetFile] = {}
    facilities: Annotated[dict[Name, FacilityFile], Field(description="By site")] = {}
    fabrics: Annotated[dict[Name, FabricFile], Field(description="By site; at every site, or at none")] = {}
    carbon: CarbonFile = CarbonFile()
    most_gpu_types: Annotated[
        dict[Name, Lot], Field(description="By site: GPU types in service, over the horizon")
    ] = {}
