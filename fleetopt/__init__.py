"""fleetopt plans GPU fleets for LLM inference.

    >>> import fleetopt
    >>> scenario = fleetopt.load("seed-paper")
    >>> plan = fleetopt.optimize(scenario)
    >>> [(p.replicas, p.role) for p in plan.placements]
    [(3, 'prefill'), (4, 'decode')]
    >>> sorted(fleetopt.tables(plan))
    ['binding', 'changes', 'costs', 'fleet', 'orders', 'placements', 'sales', 'work', 'workload_costs', 'workloads']

`load` reads a scenario folder (or a shipped scenario by name), `capacities` says what one replica carries,
`optimize` returns a verified `Plan`, `tables` shows it as pandas DataFrames, `read_plan` and `write_plan` keep it.
Errors are `fleetopt.FleetoptError` and its kinds. Everything is imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fleetopt.capacity.table import derive as capacities
    from fleetopt.errors import FleetoptError, Infeasible, InputError, NoPlanWithinLimit, VerificationError
    from fleetopt.optimizer.solve import SolveOptions
    from fleetopt.plan.domain import Plan
    from fleetopt.plan.store import read_plan
    from fleetopt.report.files import write_plan
    from fleetopt.report.frames import tables
    from fleetopt.scenario.domain import Scenario
    from fleetopt.scenario.load import load
    from fleetopt.study.once import optimize

__all__ = [
    "FleetoptError",
    "Infeasible",
    "InputError",
    "NoPlanWithinLimit",
    "Plan",
    "Scenario",
    "SolveOptions",
    "VerificationError",
    "capacities",
    "load",
    "optimize",
    "read_plan",
    "tables",
    "write_plan",
]

_HOMES = {
    "FleetoptError": "errors",
    "Infeasible": "errors",
    "InputError": "errors",
    "NoPlanWithinLimit": "errors",
    "Plan": "plan.domain",
    "Scenario": "scenario.domain",
    "SolveOptions": "optimizer.solve",
    "VerificationError": "errors",
    "capacities": "capacity.table:derive",
    "load": "scenario.load",
    "optimize": "study.once",
    "read_plan": "plan.store",
    "tables": "report.frames",
    "write_plan": "report.files",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fleetopt' has no attribute '{name}'")
    module, _, attribute = _HOMES[name].partition(":")
    return getattr(import_module(f"fleetopt.{module}"), attribute or name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
