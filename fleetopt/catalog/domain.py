"""What exists, as values: hardware, offers, LLMs and the evidence about how fast they run.

`Evidence` is part of every number's provenance: *measured* on the hardware, *modelled* by a tool, or
*assumed* by a person. The plan carries it to the page on which somebody decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Evidence: TypeAlias = Literal["measured", "modelled", "assumed"]
Role: TypeAlias = Literal["prefill", "decode", "aggregated"]
OfferKind: TypeAlias = Literal["on_demand", "spot", "reserved", "lease", "purchase"]

EVIDENCE: tuple[Evidence, ...] = ("measured", "modelled", "assumed")
ROLES: tuple[Role, ...] = ("prefill", "decode", "aggregated")
OFFER_KINDS: tuple[OfferKind, ...] = ("on_demand", "spot", "reserved", "lease", "purchase")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a number comes from."""

    evidence: Evidence
    source: str


@dataclass(frozen=True, slots=True)
class Ratios:
    """How a hypothetical GPU type compares to the one it is based on: 1.0 is the same."""

    compute: float
    bandwidth: float
    memory: float
    price: float
    power: float


@dataclass(frozen=True, slots=True)
class GpuType:
    """A kind of accelerator. Memory in GiB, bandwidth in GB/s, board power in W.

    A hypothetical one names the GPU type it is based on, and by which ratios.
    """

    name: str
    memory_gib: float
    memory_bandwidth_gb_s: float
    power_w: float
    provenance: Provenance
    hypothesis: tuple[GpuType, Ratios] | None = None


@dataclass(frozen=True, slots=True)
class NodeType:
    """A host with `gpus_per_node` GPUs of one type; nameplate draw and rack units where known."""

    name: str
    gpu_type: str
    gpus_per_node: int
    power_w: float | None
    provenance: Provenance
    rack_units: float | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A way to acquire nodes of one type.

    `usd_per_node_h` is paid for each hour a node is held, `upfront_usd_per_node` once per order. On-demand and
    spot nodes are held hour by hour; reserved, leased and purchased ones for `term_months` from the period of
    delivery (a purchase's term is its useful life), `lead_time_months` after the order. Leased nodes stand in one's own
    racks as purchased ones do, and go back at the end. `support_usd_per_node_year` is paid for both while held.
    """

    name: str
    node_type: str
    kind: OfferKind
    provider: str
    region: str
    usd_per_node_h: float
    upfront_usd_per_node: float
    term_months: int | None
    lead_time_months: int
    price_date: str
    provenance: Provenance
    support_usd_per_node_year: float = 0.0

    @property
    def hourly(self) -> bool:
        """Whether nodes are rented by the hour, with nothing committed."""
        return self.kind in ("on_demand", "spot")

    @property
    def hosted(self) -> bool:
        """Whether nodes stand in one's own racks, so that power and room are paid for besides."""
        return self.kind in ("lease", "purchase")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Public facts about an LLM. `kv_bytes_per_token` is for one token over all layers, on one copy."""

    name: str
    title: str
    parameters_b: float
    active_parameters_b: float
    layers: int
    kv_bytes_per_token: float
    kv_replicated_per_gpu: bool
    context_limit: int
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServingConfig:
    """How one replica runs: on which GPUs, split how, at what precision, under which engine.

    `data_parallel` counts the groups inside the replica that each serve their own requests.
    `max_kv_tokens` is the KV memory of the whole replica in tokens, None where nobody stated it. `gpu_share` is
    the part of each GPU's compute that its profiles were measured on (CUDA MPS: active threads), 1 for all of it.
    """

    name: str
    model: str
    gpu_type: str
    gpus_per_replica: int
    tensor_parallel: int
    pipeline_parallel: int
    data_parallel: int
    expert_parallel: int
    precision: str
    engine: str
    max_kv_tokens: float | None
    provenance: Provenance
    gpu_share: float = 1.0

    @property
    def kv_format(self) -> str:
        """What prefill and decode must have in common for one to hand its KV cache to the other.

        The engine without its version, and the precision: a bf16 prefill cannot feed an fp8 decode, nor one
        engine another (docs/decisions/0009).
        """
        return f"{self.engine.split()[0]} {self.precision}"


@dataclass(frozen=True, slots=True)
class PrefillPoint:
    """Largest prefill throughput of a replica (input tokens/s) at a prompt length, without queueing."""

    input_tokens: float
    tokens_per_s: float


@dataclass(frozen=True, slots=True)
class DecodePoint:
    """Mean time per output token (s) of a replica with `batch` requests of mean context `context_tokens`."""

    context_tokens: float
    batch: float
    tpot_s: float


@dataclass(frozen=True, slots=True)
class Tail:
    """A latency (s) that the fraction `percentile` of requests kept; TTFT, or the mean TPOT of each request."""

    what: Literal["ttft", "tpot"]
    percentile: float
    latency_s: float


@dataclass(frozen=True, slots=True)
class AggregatedPoint:
    """An operating point of aggregated serving: mean TTFT and TPOT (s) at a request rate of one replica.

    `tails` are the percentiles that were measured beside the means, none where only means are known.
    """

    input_tokens: float
    output_tokens: float
    concurrency: float
    rate_rps: float
    ttft_s: float
    tpot_s: float
    tails: tuple[Tail, ...] = ()


@dataclass(frozen=True, slots=True)
class RatePoint:
    """A rate that somebody states one replica carries inside an SLO, at given lengths.

    `ttft_percentile` and `tpot_percentile` are None for a mean. Latencies a role does not have are infinite.
    """

    input_tokens: float
    output_tokens: float
    ttft_s: float
    ttft_percentile: float | None
    tpot_s: float
    tpot_percentile: float | None
    rate_rps: float


@dataclass(frozen=True, slots=True)
class PrefillProfile:
    points: tuple[PrefillPoint, ...]
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class DecodeProfile:
    points: tuple[DecodePoint, ...]
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class AggregatedProfile:
    points: tuple[AggregatedPoint, ...]
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class RateProfile:
    role: Role
    points: tuple[RatePoint, ...]
    provenance: Provenance


Profile: TypeAlias = PrefillProfile | DecodeProfile | AggregatedProfile | RateProfile


@dataclass(frozen=True, slots=True)
class Candidate:
    """A serving config in a role, with the profile that says how fast it is."""

    config: ServingConfig
    role: Role
    profile: Profile

    @property
    def name(self) -> str:
        """Unique within a model."""
        return f"{self.config.name}/{self.role}"


@dataclass(frozen=True, slots=True)
class Llm:
    """An LLM: its card and every candidate way to run it."""

    card: ModelCard
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Hardware:
    """GPU types, node types and offers, by name."""

    gpu_types: dict[str, GpuType]
    node_types: dict[str, NodeType]
    offers: dict[str, Offer]


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that was read, by the name under which the plan records its SHA-256."""

    name: str
    sha256: str
