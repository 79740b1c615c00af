"""Limits of a scenario by the names that conflicts, bindings and repairs use, and how to move one.

    quota NAME      supply.quotas.NAME.max_gpus          GPUs
    offer NAME      supply.lines.NAME.max_nodes          nodes
    owned NAME      supply.stock.NAME.nodes              nodes
    budget NAME     supply.budgets.NAME.max_usd          USD
    power of SITE   supply.facilities.SITE.power_w       W
    rack units of SITE   supply.facilities.SITE.rack_units
    carbon cap      supply.carbon.max_tonnes             t
    TTFT of NAME    workloads.NAME.ttft.limit_s          s
    TPOT of NAME    workloads.NAME.tpot.limit_s          s
    demand of NAME  workloads.NAME.shortfall.allowed     of its demand, the part that may go unserved

A new kind of limit is a line in `KINDS`: what moves it, prices it and explains it reads that.
"""

from __future__ import annotations

from dataclasses import dataclass

from fleetopt.errors import Change, Repair
from fleetopt.scenario.domain import Scenario
from fleetopt.study.fields import Path, get, put
from fleetopt.study.promises import promises, without

SHARE = "of its demand"

LEFT_OUT = "left out"
"""The unit of a change that leaves a promise out, such as "chat: only at eu-north"; by how much means nothing."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of limit: how it is called, where its number stands ("" for its name), and in which unit."""

    prefix: str
    place: Path
    unit: str


KINDS = (
    Kind("quota ", ("supply", "quotas", "", "max_gpus"), "GPUs"),
    Kind("offer ", ("supply", "lines", "", "max_nodes"), "nodes"),
    Kind("owned ", ("supply", "stock", "", "nodes"), "nodes"),
    Kind("budget ", ("supply", "budgets", "", "max_usd"), "USD"),
    Kind("power of ", ("supply", "facilities", "", "power_w"), "W"),
    Kind("rack units of ", ("supply", "facilities", "", "rack_units"), "rack units"),
    Kind("carbon cap", ("supply", "carbon", "max_tonnes"), "t"),
    Kind("TTFT of ", ("workloads", "", "ttft", "limit_s"), "s"),
    Kind("TPOT of ", ("workloads", "", "tpot", "limit_s"), "s"),
    Kind("demand of ", ("workloads", "", "shortfall", "allowed"), SHARE),
)


def path_of(scenario: Scenario, limit: str) -> Path | None:
    """Where in the scenario a limit stands; None for one that is no single number of it."""
    kind = kind_of(limit)
    if kind is None:
        return None
    path = tuple(part or limit.removeprefix(kind.prefix) for part in kind.place)
    try:
        return path if isinstance(get(scenario, path), int | float) else None
    except KeyError:
        return None


def kind_of(limit: str) -> Kind | None:
    """The kind of a limit, by its name."""
    return next((kind for kind in KINDS if limit.startswith(kind.prefix)), None)


def amount_of(scenario: Scenario, limit: str) -> float:
    """What a limit is now, a whole number where only those make sense."""
    amount = get(scenario, _path(scenario, limit))
    assert isinstance(amount, int | float)
    return amount


def moved(scenario: Scenario, change: Change) -> Scenario:
    """The scenario with one limit raised, a share to at most all of the demand; or without a promise."""
    if change.unit == LEFT_OUT:
        return without(scenario, change.limit)
    path = _path(scenario, change.limit)
    old = get(scenario, path)
    new = old + change.by
    if isinstance(old, int):
        return put(scenario, path, round(new))
    return put(scenario, path, min(1.0, new) if change.unit == SHARE else new)


def movable(scenario: Scenario, change: Change) -> bool:
    """Whether the scenario has the limit or promise of a change."""
    if change.unit == LEFT_OUT:
        return any(promise.name == change.limit for promise in promises(scenario))
    return path_of(scenario, change.limit) is not None


def apply(scenario: Scenario, repair: Repair) -> Scenario:
    """The scenario with a repair made.

    Raises:
        ValueError: the repair does not say how, or names a limit that the scenario does not have.
    """
    if not repair.changes:
        raise ValueError(f"'{repair.action}' does not say what to change by how much")
    for change in repair.changes:
        scenario = moved(scenario, change)
    return scenario


def _path(scenario: Scenario, limit: str) -> Path:
    path = path_of(scenario, limit)
    if path is None:
        raise ValueError(f"'{limit}' is no limit of {scenario.name}")
    return path
