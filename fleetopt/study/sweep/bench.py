"""Runs of a sweep, one at a time, wherever they are run: a task in, an answer out, and never an exception.

What all variants have in common goes to a worker once; a task is a scenario without it. No run sees what another found:
a warm start would make a plan depend on which runs came before it, and on which worker.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

from fleetopt.capacity.domain import CapacityTable
from fleetopt.capacity.table import Derivation
from fleetopt.catalog.domain import GpuType, Llm, NodeType
from fleetopt.errors import FleetoptError, Infeasible, InputError, NoPlanWithinLimit, VerificationError
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.attribution import owners_usd
from fleetopt.plan.domain import Plan
from fleetopt.plan.money import Kind, kind_of
from fleetopt.plan.store import to_json
from fleetopt.scenario.domain import Scenario
from fleetopt.study.holding import Decided
from fleetopt.study.measures import measures
from fleetopt.study.once import optimize
from fleetopt.study.sweep.records import Outcome, Status
from fleetopt.study.sweep.regret import regretted

LONGEST_MESSAGE = 500

_STATUS: dict[type[FleetoptError], Status] = {
    InputError: "BAD_INPUT",
    Infeasible: "INFEASIBLE",
    NoPlanWithinLimit: "NO_SOLUTION_FOUND",
    VerificationError: "FAILED_VERIFICATION",
}


@dataclass(frozen=True, slots=True)
class Shared:
    """What all variants have in common, and how they are solved. `plans` is whether their plans are wanted; `base` what
    the plan of the scenario as it is orders and sells, where regret is asked for.
    """

    models: dict[str, Llm]
    gpu_types: dict[str, GpuType]
    node_types: dict[str, NodeType]
    options: SolveOptions
    plans: bool
    base: Decided | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A variant without what is shared. `key` is the hash of everything that its run depends on."""

    key: str
    scenario: Scenario

    @classmethod
    def of(cls, key: str, scenario: Scenario) -> Task:
        return cls(key, replace(scenario, models={}, gpu_types={}, node_types={}))

    def whole(self, shared: Shared) -> Scenario:
        models = {w.model: shared.models[w.model] for w in self.scenario.workloads}
        return replace(self.scenario, models=models, gpu_types=shared.gpu_types, node_types=shared.node_types)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a task, and its plan as it is stored, where that is wanted."""

    key: str
    outcome: Outcome
    plan: str | None = None


@dataclass(frozen=True, slots=True)
class Bench:
    """Runs tasks one after another, deriving each capacity once."""

    shared: Shared
    _derivation: Derivation = field(default_factory=Derivation)

    def run(self, task: Task) -> Answer:
        start = perf_counter()
        try:
            scenario = task.whole(self.shared)
            capacities = self._derivation.table(scenario)
            plan = optimize(scenario, self.shared.options, capacities=capacities)
            regret = self._regret(scenario, plan, capacities)
        except Exception as error:  # noqa: BLE001 - one variant that fails must not take the others with it
            return Answer(task.key, _failure(error, perf_counter() - start))
        outcome = _figures(scenario, plan, perf_counter() - start).model_copy(update=regret)
        return Answer(task.key, outcome, to_json(plan) if self.shared.plans else None)

    def _regret(self, scenario: Scenario, plan: Plan, capacities: CapacityTable) -> dict[str, Any]:
        base = self.shared.base
        return {} if base is None else regretted(scenario, plan, base, self.shared.options, capacities)


def lost(key: str, why: str) -> Answer:
    """The answer to a task that no worker lived to give."""
    return Answer(key, Outcome(status="FAILED", message=why, seconds=0.0))


def _failure(error: Exception, seconds: float) -> Outcome:
    status = _STATUS.get(type(error)) if isinstance(error, FleetoptError) else None
    said = " ".join(str(error).split()) if status else f"{type(error).__name__}: {error}"
    bound = error.bound_usd if isinstance(error, NoPlanWithinLimit) else None
    return Outcome(
        status=status or "FAILED", bound_usd=bound, message=said[:LONGEST_MESSAGE], seconds=round(seconds, 3)
    )


def _figures(scenario: Scenario, plan: Plan, seconds: float) -> Outcome:
    found, money = measures(scenario, plan), _by_kind(plan)
    tokens = sum(one.million_tokens for one in plan.workload_costs)
    served_usd = sum(one.usd for one in plan.workload_costs) - sum(owners_usd(plan).values())
    return Outcome(
        status=plan.status,
        cost_usd=plan.objective_usd,
        bound_usd=plan.bound_usd,
        gap=plan.gap,
        expected_usd=plan.objective_usd if plan.expected_usd is None else plan.expected_usd,
        cvar_usd=plan.cvar_usd,
        capex_usd=money["capex"],
        opex_usd=money["opex"],
        usd_per_million_tokens=served_usd / tokens if tokens else None,
        nodes=found.nodes,
        power_kw=found.power_kw,
        gpus=_most_gpus(plan),
        seconds=round(seconds, 3),
    )


def _by_kind(plan: Plan) -> dict[Kind, float]:
    bought = {order.supply for order in plan.orders if order.kind == "purchase"}
    found: dict[Kind, float] = {"capex": 0.0, "opex": 0.0, "unpaid": 0.0}
    for cost in plan.costs:
        found[kind_of(cost, bought)] += cost.usd * cost.probability
    return found


def _most_gpus(plan: Plan) -> dict[str, int]:
    """By GPU type, the most that are in service at once."""
    at: dict[tuple[str, str, str, str], int] = defaultdict(int)
    for line in plan.fleet:
        at[line.gpu_type, line.period, line.slot, line.outlook] += line.gpus
    most: dict[str, int] = {}
    for (name, *_), gpus in sorted(at.items()):
        most[name] = max(most.get(name, 0), gpus)
    return most
