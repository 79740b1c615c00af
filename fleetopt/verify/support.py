"""What the evidence for a serving config says about a claim, in words common to all kinds of evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from fleetopt.catalog.domain import Candidate, GpuType, ModelCard
from fleetopt.scenario.domain import Workload
from fleetopt.units import Latency
from fleetopt.verify.tally import RELATIVE


class Finding(NamedTuple):
    """A comparison: slack as a fraction of the limit, what it may be short by, and what was compared."""

    slack: float
    allowed: float
    what: str


@dataclass(frozen=True, slots=True)
class Case:
    """A candidate asked to serve a workload; every latency is stretched by `slow` = 1 + margin."""

    candidate: Candidate
    workload: Workload
    card: ModelCard
    gpu: GpuType
    slow: float


class Support(Protocol):
    """One kind of evidence, read for one case."""

    @property
    def ttft_floor_s(self) -> float:
        """Below this no TTFT is possible, even without load."""

    @property
    def tpot_floor_s(self) -> float:
        """Below this no TPOT is possible, even without load."""

    @property
    def errors(self) -> tuple[float | None, ...]:
        """How well the curves behind a capacity are known, one figure for each set of points it may rest on."""

    def findings(self, capacity_rps: float, batch: float | None, replicas: int = 1) -> list[Finding]:
        """What the evidence says about one of `replicas` that is to carry `capacity_rps` at `batch`."""


def within(value: float, limit: float, what: str, allowed: float = RELATIVE) -> Finding:
    """How far `value` stays within `limit`."""
    slack = 1.0 - value / limit if limit > 0 else (0.0 if value <= limit else -1.0)
    return Finding(slack, allowed, f"{what} {value:.6g} of {limit:.6g}")


def reached(value: float, needed: float, what: str) -> Finding:
    """How far `value` is beyond what is needed."""
    slack = value / needed - 1.0 if needed > 0 else 0.0
    return Finding(slack, RELATIVE, f"{what} {value:.6g} for {needed:.6g}")


def stated(promise: Latency) -> str:
    return f"({promise.at}, s)"
