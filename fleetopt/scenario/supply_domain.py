"""The supply to plan over, as values: offers with their terms, nodes that are there, and what limits them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from fleetopt.catalog.domain import Offer

Spending: TypeAlias = Literal["all", "capex", "opex"]


@dataclass(frozen=True, slots=True)
class Terms:
    """When and in what quantities an offer may be taken, and at what change of its price.

    `first` and `last` are the periods in which nodes can be rented or ordered, both included (None: no bound).
    An order is of none or of `min_order` to `max_order` nodes; `max_delivery` nodes at most enter service in a
    period. `price_factors` holds from the period named on: for hourly nodes the price of that time, for ordered
    ones that of the order, hourly and upfront. `availability` is the fraction of the nodes that can be counted on at
    any time: the rest is interrupted, or under repair; `availability_from` is the formula it follows from, if any.
    `slips` are the outlooks in which ordered nodes enter service later, with the number of periods.
    """

    first: str | None = None
    last: str | None = None
    min_order: int = 0
    max_order: int | None = None
    max_delivery: int | None = None
    price_factors: tuple[tuple[str, float], ...] = ()
    availability: float = 1.0
    availability_from: str = ""
    slips: tuple[tuple[str, int], ...] = ()

    def late(self, outlook: str) -> int:
        """Periods by which ordered nodes are late in an outlook."""
        return dict(self.slips).get(outlook, 0)


@dataclass(frozen=True, slots=True)
class SupplyLine:
    """An offer at a site, with the most nodes that may be held under it at a time (None: no limit).

    A volume price is a line of its own, a further lot of the line that `lot_of` names. All lots together share the
    limits of that first one: `max_nodes`, and the `max_order` and `max_delivery` of its terms.
    """

    name: str
    site: str
    offer: Offer
    max_nodes: int | None
    terms: Terms = Terms()
    lot_of: str | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """What a node in stock fetches at the start of a period from `first` to `last` (None: no bound).

    `price_factors` holds from the period named on. One that is kept is worth `end_usd_per_node` when the horizon ends,
    unless it leaves before or then.
    """

    usd_per_node: float
    first: str | None = None
    last: str | None = None
    price_factors: tuple[tuple[str, float], ...] = ()
    end_usd_per_node: float = 0.0


@dataclass(frozen=True, slots=True)
class Stock:
    """Nodes that are there already: owned, or committed to before the horizon.

    They can be used up to the period `last` (None: through the horizon), each for `usd_per_node_h` while it runs,
    or, where they are `committed`, paid for at every hour whether used or not: a reservation, hosted by its provider.
    Others stand in one's own racks; each costs `support_usd_per_node_year` while it is there. `availability` is as of
    Terms.
    """

    name: str
    site: str
    node_type: str
    nodes: int
    usd_per_node_h: float
    last: str | None = None
    committed: bool = False
    support_usd_per_node_year: float = 0.0
    sale: Sale | None = None
    availability: float = 1.0
    availability_from: str = ""

    @property
    def hosted(self) -> bool:
        """Whether nodes stand in one's own racks, so that power and room are paid for besides."""
        return not self.committed


@dataclass(frozen=True, slots=True)
class Quota:
    """No more than `max_gpus` GPUs of a type in service at once; None for site or period means each one.

    A quota of a `provider` counts only nodes under its offers, and over all its sites where it names none.
    """

    name: str
    gpu_type: str
    site: str | None
    period: str | None
    max_gpus: int
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """No more than `max_usd` paid in a period, or over the horizon where it names none, in any outlook.

    Capex is the upfront price of purchases. Opex is all else that is paid; neither the value left at the end of the
    horizon nor the price of a shortfall is a payment. What nodes are sold for makes no budget larger.
    """

    name: str
    spending: Spending
    period: str | None
    max_usd: float


@dataclass(frozen=True, slots=True)
class Facility:
    """What a site has for nodes, and what they draw there; None is no limit.

    Nodes in service draw `load` of their nameplate on average, times `pue`; the limit of power is on the nameplate.
    Electricity is paid for owned, leased and purchased nodes only: the price of others includes it. So is colocation,
    by the month, for each of them that is held, used or not. A rack holds `nodes_per_rack` nodes of any type, which are
    lost together.
    """

    site: str
    power_w: float | None = None
    rack_units: float | None = None
    pue: float = 1.0
    load: float = 1.0
    usd_per_kwh: float = 0.0
    carbon_g_per_kwh: float = 0.0
    colocation_usd_per_kw_month: float = 0.0
    colocation_usd_per_unit_month: float = 0.0
    nodes_per_rack: int | None = None

    @property
    def name(self) -> str:
        """A facility goes by its site."""
        return self.site


@dataclass(frozen=True, slots=True)
class Fabric:
    """How fast the KV cache of a prompt gets from prefill to decode at a site.

    `inside_bytes_per_s` is the speed between GPUs of a node, `between_bytes_per_s` that of a node's link to the others,
    each way; None where nothing may be handed over so. KV caches may fill `fill` of either. All that the site's
    prefill replicas can send to other nodes at once is at most `total_gbit_s` Gbit/s (None: no limit).
    """

    site: str
    inside_bytes_per_s: float | None = None
    between_bytes_per_s: float | None = None
    fill: float = 1.0
    total_gbit_s: float | None = None

    @property
    def name(self) -> str:
        """A fabric goes by its site."""
        return self.site


@dataclass(frozen=True, slots=True)
class Carbon:
    """The price of a tonne of carbon dioxide, and the most tonnes over the horizon in any outlook."""

    usd_per_tonne: float = 0.0
    max_tonnes: float | None = None


@dataclass(frozen=True, slots=True)
class Supply:
    """Everything there is to plan with; `conversions` say which prices were in another currency, and at what rate."""

    sites: tuple[str, ...]
    lines: tuple[SupplyLine, ...]
    stock: tuple[Stock, ...]
    quotas: tuple[Quota, ...]
    budgets: tuple[Budget, ...] = ()
    facilities: tuple[Facility, ...] = ()
    carbon: Carbon = Carbon()
    most_gpu_types: tuple[tuple[str, int], ...] = ()
    conversions: tuple[str, ...] = ()
    fabrics: tuple[Fabric, ...] = ()
