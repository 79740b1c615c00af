"""What is asked, as values: calendar, workloads with their SLOs, and how money and futures weigh.

A Scenario is complete: every name in it is resolved, every number is in the base unit its name carries, and
nothing in it changes. Periods, slots and outlooks always exist, of length one when the question is static.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, TypeAlias

from fleetopt.catalog.domain import GpuType, InputFile, Llm, NodeType, Role, ServingConfig
from fleetopt.scenario.bundling import Bundling
from fleetopt.scenario.changing import Changes
from fleetopt.scenario.supply_domain import Supply
from fleetopt.scenario.work import Batch
from fleetopt.units import Latency

Queue: TypeAlias = Literal["mm1", "md1", "md1-pipeline", "mg1"]
Sharing: TypeAlias = Literal["free", "whole", "none"]
DecodeFit: TypeAlias = Literal["pchip", "quadratic"]
Aim: TypeAlias = Literal["power", "gpus", "nodes", "gpu_types", "upfront", "carbon", "regret"]


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
    """How much of a workload's demand may go unserved, and what each million unserved tokens or each request costs."""

    allowed: float
    usd_per_million_tokens: float
    usd_per_request: float = 0.0


@dataclass(frozen=True, slots=True)
class LengthBin:
    """Requests of a mix that are taken as equally long; the shares of a mix add up to one."""

    input_tokens: float
    output_tokens: float
    share: float

    @property
    def tokens(self) -> float:
        return self.input_tokens + self.output_tokens

    @property
    def half_way_tokens(self) -> float:
        """Tokens in the KV cache when half of the output is made."""
        return self.input_tokens + self.output_tokens / 2.0


def mean_in_decode(mix: Sequence[LengthBin], tokens: Callable[[LengthBin], float]) -> float:
    """The mean of something over the requests in decode, each found in proportion to its output.

    >>> round(mean_in_decode([LengthBin(600, 50, 0.5), LengthBin(6000, 600, 0.5)], lambda one: one.half_way_tokens), 1)
    5863.5
    """
    staying = sum(one.share * one.output_tokens for one in mix)
    return sum(one.share * one.output_tokens * tokens(one) for one in mix) / staying


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
class Survive:
    """The fraction of the demand, without its headroom, that is served when any one site, rack or node is lost.

    Nothing is started anew elsewhere: what stands on the rest goes on serving. Zero promises nothing.
    """

    site: float = 0.0
    rack: float = 0.0
    node: float = 0.0


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
    has `spares` beyond what the demand needs. `survive` is what is left when something larger is lost. With `batch`
    nothing arrives: the work is done when it suits, and `demand_rps` is the most of it that one time can be given.
    `priority` is its service class, 1 the highest: who goes short last where not all is served. Where the supply states
    fabrics the transfer follows from them, and `kv_seen` is the part of it that is not hidden behind prefill. With
    `isolation` it shares GPUs with no other model. `part_of` names the workload of which it is what some slots of the
    day ask for, with lengths of their own: parts of one are asked for at different times. `further_ttft` and
    `further_tpot` are promises of the same latency at other statistics, and `e2e` of the whole request: all of them
    hold. Plans tell latencies at the first.
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
    survive: Survive = Survive()
    batch: Batch | None = None
    priority: int | None = None
    kv_seen: float = 1.0
    isolation: bool = False
    part_of: str | None = None
    further_ttft: tuple[Latency, ...] = ()
    further_tpot: tuple[Latency, ...] = ()
    e2e: tuple[Latency, ...] = ()

    @property
    def whole(self) -> str:
        """The name under which its replicas stand over the slots of a day."""
        return self.part_of or self.name

    @property
    def written_as(self) -> str:
        """The name that the scenario file has for it."""
        return self.whole if self.family is None else self.family.name

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

    @property
    def usd_per_unserved_request(self) -> float:
        """What a mean request that goes unserved costs."""
        by_token = self.tokens_per_request / 1e6 * self.shortfall.usd_per_million_tokens
        return by_token + self.shortfall.usd_per_request

    def may_use(self, gpu_type: str, site: str) -> bool:
        """Whether the workload may stand on GPUs of a type at a site, if it runs on them at all."""
        on_list = self.gpu_types is None or gpu_type in self.gpu_types
        return on_list and gpu_type not in self.forbidden_gpu_types and (self.sites is None or site in self.sites)

    def allows(self, config: ServingConfig, role: Role) -> bool:
        """Whether the workload may run in `role` under a serving config."""
        on_list = self.gpu_types is None or config.gpu_type in self.gpu_types
        precise = self.precisions is None or config.precision in self.precisions
        return on_list and precise and config.gpu_type not in self.forbidden_gpu_types and role in self.roles


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
class Objective:
    """What to have as little of as can be, one after the other, before cost.

    No plan may cost more than `at_most` above the cheapest, as a fraction of it (None: whatever it takes).
    """

    aims: tuple[Aim, ...]
    at_most: float | None = None


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
    objective: Objective | None = None
    bundles: Bundling | None = None
    changes: Changes | None = None
