"""Where a plan comes from: inputs, solver, evidence, and the earlier plan that its search began from."""

from __future__ import annotations

from typing import Literal

from fleetopt.catalog.domain import Evidence, Role
from fleetopt.plan.record import Count, Record, Share

Decision = Literal["replicas", "nodes ordered", "nodes rented", "nodes sold"]


class InputHash(Record):
    name: str
    sha256: str


class Solver(Record):
    """Which program found the plan, under which tolerances, and how large the problem was."""

    name: str
    version: str
    method: str
    gap_tolerance: float
    time_limit_s: float
    rows: Count
    columns: Count
    integers: Count


class EvidenceLine(Record):
    """A capacity that the plan leans on, and where it comes from."""

    model: str
    config: str
    role: Role
    evidence: Evidence
    source: str


class Carried(Record):
    """Of a kind of decision of an earlier plan: how much it had, what had a place in the program, what the start kept.

    Replicas and rented nodes are added up over all times.
    """

    decision: Decision
    last: Share
    placed: Share
    kept: Share


class Began(Record):
    """The plan that the search began from. `start_usd` is what the start made of it costs in this scenario.

    `held` says what of it was held while the rest was completed; of nothing there is no start, and no cost of it.
    """

    scenario: str
    sha256: str
    last_usd: float
    start_usd: float | None
    held: Literal["everything", "replicas", "orders", "nothing"]
    carried: tuple[Carried, ...]


class Provenance(Record):
    """What the plan was made from and with."""

    fleetopt_version: str
    inputs: tuple[InputHash, ...]
    solver: Solver
    evidence: tuple[EvidenceLine, ...]
    assumptions: tuple[str, ...]
