"""The shape of a workload in scenario.yaml."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from fleetopt.catalog.domain import Role
from fleetopt.scenario.domain import DecodeFit, Queue, Sharing
from fleetopt.scenario.fields import (
    Bandwidth,
    Block,
    Duration,
    Factor,
    Fraction,
    Lot,
    Markup,
    Name,
    Promises,
    Rate,
    Tokens,
    WorkAmount,
    period_name,
)

PeriodName = Annotated[str, BeforeValidator(period_name)]


class DemandFile(Block):
    """A base rate with factors by slot, period and outlook (1 where none is given), or a table of rates."""

    base: Rate | None = None
    factor: Annotated[Factor, Field(description="On all of it, also on the rates of a table")] = 1.0
    slots: dict[Name, Factor] = {}
    periods: dict[Name, Factor] = {}
    outlooks: dict[Name, Factor] = {}
    table: Annotated[
        str | None,
        Field(description="CSV with columns workload, period, slot, outlook and requests_per_s or tokens_per_s"),
    ] = None


class BatchFile(Block):
    """Batch or offline work: an amount that is done when it suits, in place of requests that arrive at a rate."""

    work: Annotated[WorkAmount, Field(description="One amount for all of from to by, or one of every day")]
    first: Annotated[
        PeriodName | None, Field(alias="from", description="Period from which the work is there; the first if left out")
    ] = None
    by: Annotated[
        PeriodName | None, Field(description="Period by whose end it is done; the last of the calendar if left out")
    ] = None
    slots: Annotated[list[Name], Field(description="Slots in which it may run; all of them if left out")] = []
    periods: Annotated[dict[Name, Factor], Field(description="Factors on the work of every day")] = {}
    outlooks: dict[Name, Factor] = {}


class SloFile(Block):
    """What each request is promised. Leave one out where nothing is promised."""

    ttft: Annotated[Promises | None, Field(description="Time to first token")] = None
    tpot: Annotated[Promises | None, Field(description="Time per output token after the first")] = None
    e2e: Annotated[
        Promises | None,
        Field(
            description="Time to the last token; rests on a ttft at a higher percentile, or, at the mean, at the mean"
        ),
    ] = None


class OverheadFile(Block):
    """Time in a TTFT that is not prefill: network and, for disaggregated serving, the KV-cache transfer.

    The transfer is stated per input token, or follows from the model's KV bytes and the link.
    """

    fixed: Duration = 0.0
    kv_transfer_per_token: Duration = 0.0
    kv_link: Annotated[
        Bandwidth | None, Field(description="Link over which a prefill replica sends the KV cache of a prompt")
    ] = None
    kv_overlap: Annotated[
        Fraction | Literal["layerwise"],
        Field(description="Share of the transfer hidden behind prefill; layerwise leaves that of one layer"),
    ] = 0.0


class LengthFile(Block):
    """A share of the requests that are taken as equally long."""

    input_tokens: Tokens
    output_tokens: Tokens
    share: Fraction


class SlotLengthsFile(Block):
    """The lengths of the requests of one slot of the day."""

    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    lengths: Annotated[
        str | list[LengthFile] | None, Field(description="The mix of lengths, as that of the workload")
    ] = None


class BucketsFile(Block):
    """Length buckets, each of which may be served by other GPU types: the edges between them, in tokens."""

    input_edges: list[Tokens] = []
    output_edges: list[Tokens] = []
    sharing: Annotated[
        Sharing,
        Field(description="free: buckets share replicas and are spread at will; whole: each on one config; none"),
    ] = "free"


class SpeculationFile(Block):
    """Multi-token prediction or speculative decoding, on top of profiles that were taken without it."""

    draft_tokens: Annotated[int, Field(ge=1, le=64, strict=True, description="Tokens guessed in a step")]
    acceptance: Annotated[Fraction, Field(description="Probability that a guess is kept, given those before it were")]
    step_overhead: Annotated[Markup, Field(description="By how much drafting and checking lengthen a step")] = 0.0


class ShortfallFile(Block):
    """Demand that may go unserved, and its price. Both are zero unless stated."""

    allowed: Fraction
    usd_per_million_tokens: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    usd_per_request: Annotated[float, Field(ge=0, le=1e6, description="The price by request instead of by token")] = 0.0


class SurviveFile(Block):
    """What is still served after a loss, as a fraction of the demand without its headroom; zero promises nothing."""

    site: Annotated[Fraction, Field(description="When any one site is lost")] = 0.0
    rack: Annotated[
        Fraction, Field(description="When any one rack is lost; facilities say how many nodes it holds")
    ] = 0.0
    node: Annotated[Fraction, Field(description="When any one node is lost, however replicas are packed")] = 0.0


class ChoiceFile(Block):
    """Which GPU types may be used: only the allowed ones if any are listed, and none of the forbidden ones."""

    allow: Annotated[list[str] | None, Field(min_length=1)] = None
    forbid: list[str] = []


def _demand(value: Any) -> Any:
    return value if isinstance(value, dict) else {"base": value}


class WorkloadFile(Block):
    """A model, a request mix and an SLO, with an arrival rate or with work to be done."""

    model: Annotated[str, Field(description="A model of the catalog", examples=["llama-3.1-70b"])]
    demand: Annotated[
        DemandFile | None,
        BeforeValidator(_demand, json_schema_input_type=Rate | DemandFile),
        Field(description="Requests that arrive; left out where batch says what is to be done"),
    ] = None
    batch: Annotated[BatchFile | None, Field(description="Work that is done by a deadline, in place of demand")] = None
    input_tokens: Annotated[
        Tokens | None, Field(description="Mean input tokens per request; left out where lengths say it")
    ] = None
    output_tokens: Annotated[
        Tokens | None, Field(description="Mean output tokens per request; left out where lengths say it")
    ] = None
    lengths: Annotated[
        str | list[LengthFile] | None,
        Field(description="The mix of lengths: a CSV with columns input_tokens, output_tokens, share, or a list"),
    ] = None
    by_slot: Annotated[
        dict[Name, SlotLengthsFile], Field(description="Slots of the day whose requests have other lengths")
    ] = {}
    slo: Annotated[SloFile, Field(description="At least one promise; none is needed for batch work")] = SloFile()
    ttft_overhead: OverheadFile = OverheadFile()
    prefix_cache_hit_rate: Annotated[Fraction, Field(description="Input tokens that need no prefill")] = 0.0
    buckets: BucketsFile | None = None
    queue: Annotated[Queue | None, Field(description="Queue model of prefill; mg1 if lengths are given, else mm1")] = (
        None
    )
    pooled: Annotated[
        bool, Field(strict=True, description="One queue feeds all prefill replicas of a config at a site")
    ] = False
    speculation: SpeculationFile | None = None
    decode_fit: Annotated[DecodeFit, Field(description="Curve through the measured TPOT points")] = "pchip"
    headroom: Annotated[Markup, Field(description="Capacity beyond the demand")] = 0.0
    shortfall: ShortfallFile = ShortfallFile(allowed=0.0)
    priority: Annotated[
        int | None,
        Field(ge=1, le=100, strict=True, description="Service class, 1 the highest: the last to go short"),
    ] = None
    gpu_types: ChoiceFile = ChoiceFile()
    precisions: Annotated[
        list[str] | None,
        Field(min_length=1, description="Weight precisions that may serve it, like fp8; all if left out"),
    ] = None
    isolation: Annotated[bool, Field(strict=True, description="Shares no group of GPUs with another workload")] = False
    roles: Annotated[list[Role], Field(min_length=1)] = ["prefill", "decode", "aggregated"]
    sites: Annotated[
        list[Name] | None, Field(min_length=1, description="Where it may be served (data residency); everywhere if not")
    ] = None
    most_gpu_types: Annotated[Lot | None, Field(description="GPU types it is spread over, over the horizon")] = None
    least_replicas: Annotated[
        dict[Role, Lot], Field(description="Replicas of a role that there are at least, at any time it is used")
    ] = {}
    spares: Annotated[
        dict[Role, Lot], Field(description="N+k: replicas beyond the need, of each config at each site")
    ] = {}
    survive: SurviveFile = SurviveFile()
