"""What one replica carries, as values: a `Capacity` or the reason that there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Concatenate, Literal, ParamSpec, Protocol, TypeAlias

from fleetopt.catalog.domain import Candidate
from fleetopt.scenario.domain import Workload
from fleetopt.units import Latency

Binds: TypeAlias = Literal["ttft", "tpot", "kv_memory", "throughput", "profile_end", "stated", "network", "bundle"]
RejectionCode: TypeAlias = Literal["ttft-floor", "tpot-floor", "outside-profile", "kv-memory", "context-limit"]


Hop: TypeAlias = Literal["inside", "between"]


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a prefill replica hands over its KV caches: at a site, inside its node or to other nodes."""

    site: str
    hop: Hop

    def __str__(self) -> str:
        return f"{'inside a node' if self.hop == 'inside' else 'between nodes'} at {self.site}"


@dataclass(frozen=True, slots=True)
class AtLoad:
    """Latencies (s) of a replica at a load, each at the statistic its SLO names, the mean where none is promised.

    None where the role does not decide the latency or the evidence does not tell it; infinite beyond what the
    replica can carry at all.
    """

    ttft_s: float | None
    tpot_s: float | None


class LoadModel(Protocol):
    """How the latencies of one replica follow its load in requests/s."""

    def at(self, rps: float, replicas: int = 1) -> AtLoad: ...


@dataclass(frozen=True, slots=True)
class PoolSize:
    """What each replica carries in a pool of `replicas` or more behind one queue."""

    replicas: int
    capacity_rps: float


@dataclass(frozen=True, slots=True)
class SharedRate:
    """What a replica carries of a length bucket for the share of its time that the bucket has.

    Shares add up to one; `latencies` hold whatever the other buckets of the family do with theirs.
    """

    capacity_rps: float
    latencies: AtLoad


@dataclass(frozen=True, slots=True)
class FurtherPromise:
    """A latency promised at another statistic than the first, and how it follows from a replica's load."""

    what: Literal["ttft", "tpot"]
    promise: Latency
    model: LoadModel


@dataclass(frozen=True, slots=True)
class Capacity:
    """The largest load that one replica of a candidate carries inside a workload's SLO.

    Tokens are uncached input tokens in the role prefill, output tokens in decode, and both in aggregated serving.
    `shared` is set where buckets of a family may share replicas. `pools` says how much more a replica carries in
    larger pools, by rising size from one on; empty where each has a queue of its own. `raw_tokens_per_s` is the largest
    the evidence shows without an SLO, slowed by the same margin.
    `batch` is the mean number of requests in the replica at capacity. `binds` says what keeps the capacity from being
    larger; `ttft_floor_s` is the TTFT (at the SLO's statistic) of a replica that serves almost nobody. `error` is the
    relative error of the curves behind the capacity (`left_out`), None where too few points tell. `reach` is set on
    prefill where sites state fabrics: the capacity holds for KV caches that go so far. `further` are the promises
    beside the first of each kind that the role has a part in. `doubts` are assumptions that take long to work out.
    """

    workload: str
    candidate: Candidate
    raw_tokens_per_s: float
    slo_tokens_per_s: float
    capacity_rps: float
    batch: float | None
    binds: Binds
    ttft_floor_s: float | None
    assumptions: tuple[str, ...]
    model: LoadModel = field(compare=False, repr=False)
    pools: tuple[PoolSize, ...] = ()
    shared: SharedRate | None = None
    error: float | None = None
    reach: Reach | None = None
    further: tuple[FurtherPromise, ...] = field(default=(), compare=False, repr=False)
    doubts: Callable[[], tuple[str, ...]] = field(default=tuple, compare=False, repr=False)

    @property
    def utilization(self) -> float:
        """The capacity as a share of the raw throughput, 0 to 1."""
        return min(1.0, self.slo_tokens_per_s / self.raw_tokens_per_s)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a candidate cannot serve a workload. `floor_s` is the latency that no number of replicas lowers.

    `reach` is as of Capacity; `promise` is the one that is too tight where it is not the workload's first.
    """

    workload: str
    candidate: Candidate
    code: RejectionCode
    reason: str
    floor_s: float | None
    reach: Reach | None = None
    promise: Latency | None = None


@dataclass(frozen=True, slots=True)
class CapacityTable:
    """Every allowed pair of workload and candidate, once: as a row or as a rejection.

    Prefill where sites state fabrics: once for each reach.
    """

    rows: tuple[Capacity, ...]
    rejections: tuple[Rejection, ...]

    def rows_of(self, workload: str) -> tuple[Capacity, ...]:
        return tuple(row for row in self.rows if row.workload == workload)

    def rejections_of(self, workload: str) -> tuple[Rejection, ...]:
        return tuple(rejection for rejection in self.rejections if rejection.workload == workload)

    def by_key(self) -> dict[tuple[str, str], Capacity]:
        """Rows by workload and candidate name; of several reaches the last."""
        return {(row.workload, row.candidate.name): row for row in self.rows}


def latency_at(capacity: Capacity, rps_per_replica: float, replicas: int = 1) -> AtLoad:
    """The latencies of one of `replicas` that each receive `rps_per_replica` >= 0, at the SLO's statistics."""
    if not rps_per_replica >= 0.0:
        raise ValueError(f"a replica's load is at least zero requests/s, not {rps_per_replica}")
    return capacity.model.at(rps_per_replica, replicas)


class NotCarriedError(Exception):
    """Inside capacity/ only: stops a derivation. `or_rejection` turns it into a Rejection."""

    def __init__(self, code: RejectionCode, reason: str, floor_s: float | None = None) -> None:
        self.code = code
        self.reason = reason
        self.floor_s = floor_s
        super().__init__(reason)


Rest = ParamSpec("Rest")


def or_rejection(
    carries: Callable[Concatenate[Workload, Candidate, Rest], Capacity],
) -> Callable[Concatenate[Workload, Candidate, Rest], Capacity | Rejection]:
    """Makes a derivation that stops with NotCarriedError into one that returns a Rejection."""

    @wraps(carries)
    def answer(
        workload: Workload, candidate: Candidate, /, *rest: Rest.args, **named: Rest.kwargs
    ) -> Capacity | Rejection:
        try:
            return carries(workload, candidate, *rest, **named)
        except NotCarriedError as stop:
            return Rejection(workload.name, candidate, stop.code, stop.reason, stop.floor_s)

    return answer
