"""What is asked, as values: calendar, workloads with their SLOs, and the supply to plan over.

A Scenario is complete: every name in it is resolved, every number is in the base unit its name carries, and
nothing in it changes. Periods, slots and outlooks always exist, of length one when the question is static.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, TypeAlias

from fleetopt.catalog.domain import GpuType, InputFile, Llm, NodeType, Offer, Role, ServingConfig
from fleetopt.units import Latency

Queue: TypeAlias = Literal["mm1", "md1", "mg1"]
Spending: TypeAlias = Literal["all", "capex", "opex"]
Sharing: TypeAlias = Literal["free", "whole", "none"]
DecodeFit: TypeAlias = Literal["pchip", "quadratic"]


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of calendar time in which the committed fleet is fixed, usually a quarter."""

    name: str
    start: date
    months: int
    days: int


@dataclass(frozen=True, slots=True)
class Slot:
    """A representative part of the day; the slots of a calendar add up to 24 hours."""

    name: str
    hours_per_day: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """An uncertain future; the probabilities of a calendar's outlooks add up to one.

    Rent costs `price_factor` times the price, and every replica carries `capacity_factor` (at most one) times what its
    profile promises.
    """

    name: str
    probability: float
    price_factor: float = 1.0
    capacity_factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Calendar:
    periods: tuple[Period, ...]
    slots: tuple[Slot, ...]
    outlooks: tuple[Outlook, ...]


@dataclass(frozen=True, slots=True)
class Shortfall:
    """How much of a workload's demand may go unserved, and what each million unserved tokens costs."""

    allowed: float
    usd_per_million_tokens: float


@dataclass(frozen=True, slots=True)
class LengthBin:
    """Requests of a mix that are taken as equally long; the shares of a mix add up to one."""

    input_tokens: float
    output_tokens: float
    share: float

    @property
    def tokens(self) -> float:
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Family:
    """Workloads that are the length buckets of one: they may share replicas.

    `free` lets every bucket be spread over serving configs as is cheapest, `whole` keeps each on one, and `none`
    gives each bucket replicas of its own. `mix` is that of all buckets together.
    """

    name: str
    sharing: Sharing
    mix: tuple[LengthBin, ...]


@dataclass(frozen=True, slots=True)
class Speculation:
    """Draft tokens that decode guesses in a step and mostly keeps (multi-token prediction, speculative decoding).

    `acceptance` is the probability that a guess is kept, given that those before it were; `step_overhead` is by what
    fraction drafting and checking lengthen a step.
    """

    draft_tokens: int
    acceptance: float
    step_overhead: float


@dataclass(frozen=True, slots=True)
class Workload:
    """A model, a request mix and an SLO, with an arrival rate.

    Tokens are means per request; `lengths` is their distribution, empty where every request is taken as the mean.
    `family` is set on a workload that is one length bucket of what the scenario wrote. `pooled` requests wait in one
    queue before all prefill replicas of a config at a site, others before each data-parallel group. `demand_rps` is
    keyed by (period, slot, outlook). The TTFT of a disaggregated request includes `ttft_overhead_s` and
    `kv_transfer_s_per_token` for each input token; an aggregated one only the former. `prefix_cache_hit_rate` is the
    fraction of input tokens that need no prefill. A latency of None is not promised. `sites` are those it may stand
    at (None: all). A role that is used at a time has `least_replicas`; each group of replicas of one config at one site
    has `spares` beyond what the demand needs.
    """

    name: str
    model: str
    input_tokens: float
    output_tokens: float
    demand_rps: dict[tuple[str, str, str], float]
    ttft: Latency | None
    tpot: Latency | None
    ttft_overhead_s: float
    kv_transfer_s_per_token: float
    prefix_cache_hit_rate: float
    queue: Queue
    decode_fit: DecodeFit
    headroom: float
    shortfall: Shortfall
    gpu_types: tuple[str, ...] | None
    forbidden_gpu_types: tuple[str, ...]
    roles: tuple[Role, ...]
    precisions: tuple[str, ...] | None = None
    lengths: tuple[LengthBin, ...] = ()
    pooled: bool = False
    speculation: Speculation | None = None
    family: Family | None = None
    sites: tuple[str, ...] | None = None
    least_replicas: tuple[tuple[Role, int], ...] = ()
    spares: tuple[tuple[Role, int], ...] = ()
    most_gpu_types: int | None = None

    @property
    def mix(self) -> tuple[LengthBin, ...]:
        """The distribution of lengths, of one bin where every request is taken as the mean."""
        return self.lengths or (LengthBin(self.input_tokens, self.output_tokens, 1.0),)

    @property
    def longest_tokens(self) -> float:
        """Input and output tokens of the longest requests of the mix."""
        return max(one.tokens for one in self.mix)

    @property
    def tokens_per_request(self) -> float:
        """Input and output tokens of a mean request."""
        return self.input_tokens + self.output_tokens

    def allows(self, config: ServingConfig, role: Role) -> bool:
        """Whether the workload may run in `role` under a serving config."""
        on_list = self.gpu_types is None or config.gpu_type in self.gpu_types
        precise = self.precisions is None or config.precision in self.precisions
        return on_list and precise and config.gpu_type not in self.forbidden_gpu_types and role in self.roles


@dataclass(frozen=True, slots=True)
class Terms:
    """When and in what quantities an offer may be taken, and at what change of its price.

    `first` and `last` are the periods in which nodes can be rented or ordered, both included (None: no bound).
    An order is of none or of `min_order` to `max_order` nodes; `max_delivery` nodes at most enter service in a
    period. `price_factors` holds from the period named on: for hourly nodes the price of that time, for ordered
    ones that of the order, hourly and upfront. `availability` is the fraction of the nodes that can be counted on at
    any time: the rest is interrupted, or under repair.
    """

    first: str | None = None
    last: str | None = None
    min_order: int = 0
    max_order: int | None = None
    max_delivery: int | None = None
    price_factors: tuple[tuple[str, float], ...] = ()
    availability: float = 1.0


@dataclass(frozen=True, slots=True)
class SupplyLine:
    """An offer at a site, with the most nodes that may be held under it at a time (None: no limit)."""

    name: str
    site: str
    offer: Offer
    max_nodes: int | None
    terms: Terms = Terms()


@dataclass(frozen=True, slots=True)
class Stock:
    """Nodes that are there already: owned, or committed to before the horizon.

    They can be used up to the period `last` (None: through the horizon), each for `usd_per_node_h` while it runs,
    or, where they are `committed`, paid for at every hour whether used or not.
    """

    name: str
    site: str
    node_type: str
    nodes: int
    usd_per_node_h: float
    last: str | None = None
    committed: bool = False


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
    horizon nor the price of a shortfall is a payment.
    """

    name: str
    spending: Spending
    period: str | None
    max_usd: float


@dataclass(frozen=True, slots=True)
class Facility:
    """What a site has for nodes, and what they draw there; None is no limit.

    Nodes in service draw `load` of their nameplate on average, times `pue`; the limit of power is on the nameplate.
    Electricity is paid for owned and purchased nodes only: the price of others includes it.
    """

    site: str
    power_w: float | None = None
    rack_units: float | None = None
    pue: float = 1.0
    load: float = 1.0
    usd_per_kwh: float = 0.0
    carbon_g_per_kwh: float = 0.0


@dataclass(frozen=True, slots=True)
class Carbon:
    """The price of a tonne of carbon dioxide, and the most tonnes over the horizon in any outlook."""

    usd_per_tonne: float = 0.0
    max_tonnes: float | None = None


@dataclass(frozen=True, slots=True)
class Supply:
    sites: tuple[str, ...]
    lines: tuple[SupplyLine, ...]
    stock: tuple[Stock, ...]
    quotas: tuple[Quota, ...]
    budgets: tuple[Budget, ...] = ()
    facilities: tuple[Facility, ...] = ()
    carbon: Carbon = Carbon()
    most_gpu_types: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Margins:
    """By how much profiles are slowed down before they are used, as a fraction, per kind of evidence."""

    measured: float
    modelled: float
    assumed: float


@dataclass(frozen=True, slots=True)
class Risk:
    """How much the dear futures weigh: (1 - weight) x expected cost + weight x CVaR at `level`.

    CVaR is the mean cost of the worst 1 - `level` of all futures (Rockafellar and Uryasev 2000).
    """

    level: float
    weight: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """One planning question, complete. `discount_rate` is per year."""

    name: str
    description: str
    path: Path
    calendar: Calendar
    workloads: tuple[Workload, ...]
    supply: Supply
    margins: Margins
    models: dict[str, Llm]
    gpu_types: dict[str, GpuType]
    node_types: dict[str, NodeType]
    files: tuple[InputFile, ...]
    discount_rate: float = 0.0
    risk: Risk | None = None
