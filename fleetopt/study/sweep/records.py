"""What a sweep found, as records that are written and read: one run a variant, all in a stable schema.

Money is US dollars over the horizon, expected over the outlooks; power and nodes are means over time and outlooks, the
GPUs of a type the most that are in service at once. What a run has no plan for is null.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from fleetopt.plan.record import Record
from fleetopt.study.sweep.designs import Design

SCHEMA_VERSION: Literal["1"] = "1"

Status: TypeAlias = Literal[
    "OPTIMAL", "FEASIBLE", "INFEASIBLE", "NO_SOLUTION_FOUND", "BAD_INPUT", "FAILED_VERIFICATION", "FAILED"
]
BaseOrders: TypeAlias = Literal["KEPT", "IMPOSSIBLE", "NOT_KNOWN"]
PLANNED: tuple[Status, ...] = ("OPTIMAL", "FEASIBLE")


class Setting(Record):
    """What a variable is set to in a variant: as the expression says it, as it is written then, and as a number.

    `written` is null where the expression sets several fields or nothing is written; `value` where there is no number.
    It is a factor where several fields are multiplied. `unit` is the base unit of `value`, x that of factors.
    """

    path: str
    setting: str
    written: str | None
    value: float | None
    unit: str


class Outcome(Record):
    """What came of planning a variant. `cost_usd` is what is minimised; `capex_usd` and `opex_usd` are nominal."""

    status: Status
    cost_usd: float | None = None
    bound_usd: float | None = None
    gap: float | None = None
    expected_usd: float | None = None
    cvar_usd: float | None = None
    capex_usd: float | None = None
    opex_usd: float | None = None
    usd_per_million_tokens: float | None = None
    nodes: float | None = None
    power_kw: float | None = None
    regret_usd: float | None = Field(
        default=None, description="What keeping the orders of the scenario as it is costs beyond the variant's own plan"
    )
    base_orders: BaseOrders | None = Field(
        default=None, description="Whether those orders can be kept, if that is asked"
    )
    gpus: dict[str, int] = Field(default={}, description="By GPU type")
    message: str = Field(default="", description="Why there is no plan")
    seconds: float = Field(description="To find and verify the plan, on the machine that did")


class Run(Record):
    """A variant, numbered from one, and what came of it. `plan` is its plan's file in the folder of the sweep."""

    variant: int
    settings: tuple[Setting, ...]
    input_hash: str
    outcome: Outcome
    plan: str | None = None


class Question(Record):
    """What a sweep was asked: sweeps with the same question may go on where one another stopped."""

    scenario: str
    inputs: str = Field(description="Hash of everything that is read for the scenario as it is")
    vary: tuple[str, ...]
    design: Design
    samples: int
    seed: int
    gap_tolerance: float
    time_limit_s: float
    method: str
    plans: bool
    regret: bool = False
    fleetopt_version: str


class Sweep(Record):
    """A question and all its runs, in the order of the variants."""

    schema_version: Literal["1"] = SCHEMA_VERSION
    question: Question
    gpu_types: tuple[str, ...] = Field(description="That can be had in the scenario")
    runs: tuple[Run, ...]
