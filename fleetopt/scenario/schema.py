"""The shape of scenario.yaml: what may be written, in which units, with which defaults.

These models are the published JSON Schema (`fleetopt schema scenario`). They check one field at a time;
`build` checks what concerns several. Unknown keys are refused everywhere.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from fleetopt import units
from fleetopt.catalog.domain import OfferKind, Role
from fleetopt.scenario.domain import DecodeFit, Queue, Sharing

NAME_PATTERN = r"^[^\s/\\.,:*\x00-\x1f][^/\\.,:*\x00-\x1f]{0,79}$"

# Beyond these a unit has surely been mistaken, and numbers lose their digits to one another.
MOST_USD_PER_H = 1e6
MOST_USD = 1e9
MOST_FACTOR = 1000.0

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_SEEN = "\n\t\u200d"


def _text(description: str, *examples: str, pattern: str | None = None) -> WithJsonSchema:
    schema: dict[str, Any] = {"type": "string", "description": description, "examples": list(examples)}
    return WithJsonSchema(schema | ({"pattern": pattern} if pattern else {}))


def _not_negative(value: float) -> float:
    if value < 0:
        raise ValueError("is negative; write zero or more")
    return value


def _at_most_one(value: float) -> float:
    if value > 1:
        raise ValueError("is more than 100 %; write a fraction of the whole, like '30 %'")
    return value


def _factor(value: float) -> float:
    if value > MOST_FACTOR:
        raise ValueError(f"is too large a factor; write at most {MOST_FACTOR:g}")
    return _not_negative(value)


def _markup(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 1:
        raise ValueError(f"would be {100 * value:g} %; write '{value:g} %' if that is what is meant")
    return _factor(units.fraction(value))


def _money(value: float) -> float:
    if value > MOST_USD:
        raise ValueError("is more than a billion dollars; check the unit")
    return _not_negative(value)


def _visible(value: str) -> str:
    if any(unicodedata.category(c) in _HIDDEN and c not in _SEEN for c in value):
        raise ValueError("holds characters that cannot be seen; take them out")
    return value


def _period_name(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _rate_not_negative(value: units.Rate) -> units.Rate:
    _not_negative(value.per_s)
    return value


def _price_not_negative(value: units.NodePrice) -> units.NodePrice:
    _not_negative(value.usd_per_h)
    if value.usd_per_h > MOST_USD_PER_H:
        raise ValueError("is more than a million dollars an hour; check the unit")
    return value


def _name(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or re.fullmatch(NAME_PATTERN, value) is None:
        raise ValueError("is no name; use up to 80 characters without / \\ . , : * or line breaks, not starting blank")
    return _visible(value)


_FRACTION = WithJsonSchema(
    {
        "description": "A fraction of one, as a number or a percentage",
        "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": "%\\s*$"}],
        "examples": ["10 %", 0.1],
    }
)
_FACTOR = WithJsonSchema(
    {
        "description": "A factor on the base demand, as a number or a percentage",
        "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": "%\\s*$"}],
        "examples": [1.2, "120 %"],
    }
)
_DURATION = _text("A time with its unit: us, ms, s, min or h", "20 ms", "2 s")
_LATENCY = _text("A latency limit, at the mean unless a percentile is named", "2 s", "250 ms at p99")
_RATE = _text(
    "A rate: requests, or tokens (input and output together), per s, min or h", "40 requests/s", "5 M tokens/min"
)
_PRICE = _text("An hourly price, per node or per GPU", "31.92 USD/node/h", "3.99 USD/GPU/h")
_BANDWIDTH = _text("The speed of a link, in bits or bytes", "400 Gbit/s", "50 GB/s")
_MONEY = _text("US dollars", "310000 USD", "310 k USD")

Name = Annotated[str, BeforeValidator(_name), _text("A name", "chat", pattern=NAME_PATTERN)]
Duration = Annotated[float, BeforeValidator(units.seconds), AfterValidator(_not_negative), _DURATION]
Hours = Annotated[float, BeforeValidator(units.hours), AfterValidator(_not_negative), _text("Hours", "8 h", "90 min")]
Factor = Annotated[float, BeforeValidator(units.fraction), AfterValidator(_factor), _FACTOR]
Markup = Annotated[float, BeforeValidator(_markup), _FRACTION]
Fraction = Annotated[
    float, BeforeValidator(units.fraction), AfterValidator(_not_negative), AfterValidator(_at_most_one), _FRACTION
]
Latency = Annotated[units.Latency, BeforeValidator(units.latency), _LATENCY]
Rate = Annotated[units.Rate, BeforeValidator(units.rate), AfterValidator(_rate_not_negative), _RATE]
Bandwidth = Annotated[float, BeforeValidator(units.bandwidth), _BANDWIDTH]
NodePrice = Annotated[units.NodePrice, BeforeValidator(units.node_price), AfterValidator(_price_not_negative), _PRICE]
Usd = Annotated[float, BeforeValidator(units.usd), AfterValidator(_money), _MONEY]
Text = Annotated[str, AfterValidator(_visible)]
Tokens = Annotated[float, Field(gt=0, lt=1e9, allow_inf_nan=False)]
Nodes = Annotated[int, Field(ge=0, le=10_000_000, strict=True)]


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class CalendarFile(_Block):
    """When: periods from a start, representative parts of the day, and uncertain futures."""

    start: Annotated[
        str,
        BeforeValidator(_period_name),
        Field(description="First period: a quarter, month or year", examples=["2027-Q1", "2027-01"]),
    ]
    periods: Annotated[int, Field(ge=1, le=80, strict=True, description="How many periods")] = 1
    slots: Annotated[
        dict[Name, Hours], Field(min_length=1, description="Parts of the day and their hours; they add up to 24 h")
    ] = Field(default={"day": 24.0}, validate_default=False)
    outlooks: Annotated[
        dict[Name, Fraction], Field(min_length=1, description="Futures and their probabilities; they add up to 100 %")
    ] = Field(default={"base": 1.0}, validate_default=False)


class DemandFile(_Block):
    """A base rate with factors by slot, period and outlook (1 where none is given), or a table of rates."""

    base: Rate | None = None
    slots: dict[Name, Factor] = {}
    periods: dict[Name, Factor] = {}
    outlooks: dict[Name, Factor] = {}
    table: Annotated[
        str | None,
        Field(description="CSV with columns workload, period, slot, outlook and requests_per_s or tokens_per_s"),
    ] = None


class SloFile(_Block):
    """What each request is promised. Leave one out where nothing is promised."""

    ttft: Annotated[Latency | None, Field(description="Time to first token")] = None
    tpot: Annotated[Latency | None, Field(description="Time per output token after the first")] = None


class OverheadFile(_Block):
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


class LengthFile(_Block):
    """A share of the requests that are taken as equally long."""

    input_tokens: Tokens
    output_tokens: Tokens
    share: Fraction


class BucketsFile(_Block):
    """Length buckets, each of which may be served by other GPU types: the edges between them, in tokens."""

    input_edges: list[Tokens] = []
    output_edges: list[Tokens] = []
    sharing: Annotated[
        Sharing,
        Field(description="free: buckets share replicas and are spread at will; whole: each on one config; none"),
    ] = "free"


class SpeculationFile(_Block):
    """Multi-token prediction or speculative decoding, on top of profiles that were taken without it."""

    draft_tokens: Annotated[int, Field(ge=1, le=64, strict=True, description="Tokens guessed in a step")]
    acceptance: Annotated[Fraction, Field(description="Probability that a guess is kept, given those before it were")]
    step_overhead: Annotated[Markup, Field(description="By how much drafting and checking lengthen a step")] = 0.0


class ShortfallFile(_Block):
    """Demand that may go unserved, and its price. Both are zero unless stated."""

    allowed: Fraction
    usd_per_million_tokens: Annotated[float, Field(ge=0, le=1e6)] = 0.0


class ChoiceFile(_Block):
    """Which GPU types may be used: only the allowed ones if any are listed, and none of the forbidden ones."""

    allow: Annotated[list[str] | None, Field(min_length=1)] = None
    forbid: list[str] = []


def _demand(value: Any) -> Any:
    return value if isinstance(value, dict) else {"base": value}


class WorkloadFile(_Block):
    """A model, a request mix and an SLO, with an arrival rate."""

    model: Annotated[str, Field(description="A model of the catalog", examples=["llama-3.1-70b"])]
    demand: Annotated[DemandFile, BeforeValidator(_demand, json_schema_input_type=Rate | DemandFile)]
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
    slo: SloFile
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
    gpu_types: ChoiceFile = ChoiceFile()
    precisions: Annotated[
        list[str] | None,
        Field(min_length=1, description="Weight precisions that may serve it, like fp8; all if left out"),
    ] = None
    roles: Annotated[list[Role], Field(min_length=1)] = ["prefill", "decode", "aggregated"]


def _change(value: Any) -> float:
    """A relative change, from '-10 %' or -0.1, as a factor."""
    change = units.fraction(value)
    if not -1 < change <= MOST_FACTOR:
        raise ValueError("leaves no price, or is too large a change; write it like '-10 %'")
    return 1.0 + change


Change = Annotated[float, BeforeValidator(_change), _text("A relative change of a price", "-10 %", "5 %")]
Lot = Annotated[int, Field(ge=1, le=10_000_000, strict=True)]


class BreakFile(_Block):
    """A price for larger orders: on every node of an order of at least so many."""

    nodes: Annotated[int, Field(ge=2, le=10_000_000, strict=True)]
    price: Change


class TermsFile(_Block):
    """When and in what quantities an offer may be taken, and how its price changes."""

    first: Annotated[Name | None, Field(description="First period in which it can be rented or ordered")] = None
    last: Annotated[Name | None, Field(description="Last such period")] = None
    min_order: Annotated[Lot | None, Field(description="Nodes of the smallest order")] = None
    max_order: Annotated[Lot | None, Field(description="Nodes of the largest order in a period")] = None
    max_delivery: Annotated[Lot | None, Field(description="Most nodes that enter service in a period")] = None
    price_changes: Annotated[
        dict[Name, Change], Field(description="By period: the change against the stated price from then on")
    ] = {}
    volume: Annotated[list[BreakFile], Field(description="Prices for larger orders")] = []


class OfferFile(_Block):
    """An offer of the catalog by name, or one written out here; with where and how much may be had."""

    offer: Annotated[str | None, Field(description="An offer of the catalog", examples=["nebius-8xh200-on-demand"])] = (
        None
    )
    node_type: str | None = None
    kind: OfferKind | None = None
    price: NodePrice | None = None
    upfront: Annotated[Usd | None, Field(description="Per node, at the order")] = None
    term_months: Annotated[int | None, Field(ge=1, le=240)] = None
    lead_time_months: Annotated[int | None, Field(ge=0, le=60)] = None
    provider: Text | None = None
    source: Annotated[Text | None, Field(description="Where the price comes from")] = None
    sites: Annotated[list[Name] | None, Field(min_length=1)] = None
    max_nodes: Nodes | None = None
    terms: TermsFile = TermsFile()


class OwnedFile(_Block):
    """Nodes that are already there."""

    node_type: str
    site: Name | None = None
    nodes: Nodes
    price: Annotated[NodePrice, Field(description="What an hour of running one costs")] = units.NodePrice(0.0, "node")
    last: Annotated[Name | None, Field(description="Last period in which they are there")] = None
    committed: Annotated[
        bool, Field(strict=True, description="Paid for at every hour, used or not: a reservation that runs on")
    ] = False


class QuotaFile(_Block):
    """A limit on the GPUs of one type in service at once, at a site (or each) in a period (or each)."""

    gpu_type: str
    site: Name | None = None
    period: Name | None = None
    max_gpus: Nodes


class SupplyFile(_Block):
    """What can be had, and where."""

    sites: Annotated[list[Name], Field(min_length=1)] = ["main"]
    offers: dict[Name, OfferFile] = {}
    owned: dict[Name, OwnedFile] = {}
    quotas: dict[Name, QuotaFile] = {}


class MarginsFile(_Block):
    """By how much to slow profiles down before they are used, by the kind of their evidence."""

    measured: Markup = 0.0
    modelled: Markup = 0.0
    assumed: Markup = 0.0


class ScenarioFile(_Block):
    """A planning question for fleetopt."""

    model_config = ConfigDict(title="fleetopt scenario")

    schema_version: Literal[1] = 1
    name: Annotated[Text, Field(min_length=1, max_length=200)]
    description: Annotated[Text, Field(max_length=10_000)] = ""
    include: Annotated[list[str], Field(description="Other YAML files whose keys are merged into this one")] = []
    catalog: Annotated[list[str], Field(description="Folders of models to look in before the shipped ones")] = []
    calendar: CalendarFile
    workloads: Annotated[dict[Name, WorkloadFile], Field(min_length=1)]
    supply: SupplyFile
    margins: MarginsFile = MarginsFile()
