"""What was found of aggregated against disaggregated serving, as records that are written, kept and read."""

from __future__ import annotations

from typing import Literal, TypeAlias

from fleetopt.plan.provenance import InputHash
from fleetopt.plan.record import Record
from fleetopt.study.styles.records import Came

Best: TypeAlias = Literal["aggregated", "disaggregated", "equal", "neither"]
"""Which costs less; `equal` where their gaps leave it open, `neither` where nothing can serve the workload."""


class Way(Record):
    """The best plan of a workload alone in one way, verified as such; without one, `why` says what came of it.

    No such plan costs less than `bound_usd`.
    """

    came: Came
    usd: float | None
    bound_usd: float | None
    gap: float | None
    why: str


class Priced(Record):
    """A workload with its limits times a factor; `best` is not known where `complete` is false: time ran out."""

    workload: str
    factor: float
    ttft_s: float | None
    tpot_s: float | None
    aggregated: Way
    disaggregated: Way
    mixed: Way
    best: Best | None
    complete: bool


class Crossover(Record):
    """`tighter` is best at the factor `low`, `looser` at `high`; both were planned, nothing is known in between."""

    workload: str
    low: float
    high: float
    tighter: Best
    looser: Best


class Tightness(Record):
    """The table, its workloads in the order of the scenario and factors rising, and where the best one changes.

    `halvings` are the factors that were tried between two of the table to find that.
    """

    schema_version: Literal["1"] = "1"
    scenario: str
    within: float
    rows: tuple[Priced, ...]
    halvings: tuple[Priced, ...]
    crossovers: tuple[Crossover, ...]
    solves: int
    complete: bool


class TightQuestion(Record):
    """Everything that a table depends on; `programs` is a hash of fleetopt's code and its solver."""

    schema_version: Literal["1"] = "1"
    scenario: str
    inputs: tuple[InputHash, ...]
    factors: tuple[float, ...]
    gap_tolerance: float
    time_limit_s: float
    programs: str


class KeptWay(Record):
    """A finished way as it is kept. `key` is the hash of all that it depends on; the rest says what it is."""

    key: str
    workload: str
    factor: float
    way: str
    found: Way
