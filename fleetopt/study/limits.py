"""Limits of a scenario by the names that conflicts, bindings and repairs use, and how to move one.

    quota NAME      supply.quotas.NAME.max_gpus          GPUs
    offer NAME      supply.lines.NAME.max_nodes          nodes
    owned NAME      supply.stock.NAME.nodes              nodes
    budget NAME     supply.budgets.NAME.max_usd          USD
    power of SITE   supply.facilities.SITE.power_w       W
    rack units of SITE   supply.facilities.SITE.rack_units
    network of SITE   supply.fabrics.SITE.total_gbit_s   Gbit/s
    largest order of NAME   supply.lines.NAME.terms.max_order         nodes
    largest delivery of NAME   supply.lines.NAME.terms.max_delivery   nodes
    GPU types of NAME   workloads.NAME.most_gpu_types    GPU types
    changes per slot   changes.per_change_gpus           GPUs; so those per day
    carbon cap      supply.carbon.max_tonnes             t
    TTFT of NAME    workloads.NAME.ttft.limit_s          s
    TPOT of NAME    workloads.NAME.tpot.limit_s          s
    demand of NAME  workloads.NAME.shortfall.allowed     of its demand, the part that may go unserved
    site loss of NAME  workloads.NAME.survive.site       of its demand, the part that is kept; so rack and node
    deadline of NAME  workloads.NAME.batch.works.amount.last   periods, by whose number it is kept

A new kind of limit is a line in `KINDS`: what moves it, prices it and explains it reads that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from fleetopt.errors import Change, Repair
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.work import AMOUNT, most_rps
from fleetopt.study.fields import Path, get, put
from fleetopt.study.promises import LOSSES, promises, without

SHARE = "of its demand"

DEADLINE, PERIODS = "deadline of ", "periods"

LEFT_OUT = "left out"
"""The unit of a change that leaves a promise out, such as "chat: only at eu-north"; by how much means nothing."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of limit: how it is called, where its number stands ("" for its name), in which unit, and where it relaxes
    to: it rises, or, where it `falls`, comes down to zero.
    """

    prefix: str
    place: Path
    unit: str
    falls: bool = False


KINDS = (
    Kind("quota ", ("supply", "quotas", "", "max_gpus"), "GPUs"),
    Kind("offer ", ("supply", "lines", "", "max_nodes"), "nodes"),
    Kind("owned ", ("supply", "stock", "", "nodes"), "nodes"),
    Kind("budget ", ("supply", "budgets", "", "max_usd"), "USD"),
    Kind("power of ", ("supply", "facilities", "", "power_w"), "W"),
    Kind("rack units of ", ("supply", "facilities", "", "rack_units"), "rack units"),
    Kind("network of ", ("supply", "fabrics", "", "total_gbit_s"), "Gbit/s"),
    Kind("largest order of ", ("supply", "lines", "", "terms", "max_order"), "nodes"),
    Kind("largest delivery of ", ("supply", "lines", "", "terms", "max_delivery"), "nodes"),
    Kind("GPU types of ", ("workloads", "", "most_gpu_types"), "GPU types"),
    Kind("changes per slot", ("changes", "per_change_gpus"), "GPUs"),
    Kind("changes per day", ("changes", "per_day_gpus"), "GPUs"),
    Kind("carbon cap", ("supply", "carbon", "max_tonnes"), "t"),
    Kind("TTFT of ", ("workloads", "", "ttft", "limit_s"), "s"),
    Kind("TPOT of ", ("workloads", "", "tpot", "limit_s"), "s"),
    Kind(DEADLINE, ("workloads", "", "batch", "works", AMOUNT, "last"), PERIODS),
    Kind("demand of ", ("workloads", "", "shortfall", "allowed"), SHARE),
    *(Kind(f"{what} loss of ", ("workloads", "", "survive", what), SHARE, falls=True) for what in LOSSES),
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
    """The scenario with one limit raised: a share to at most all of the demand, a deadline to the last period.

    What is kept of a demand after a loss is lowered, and a promise that the change leaves out is gone.
    """
    if change.unit == LEFT_OUT:
        return without(scenario, change.limit)
    path = _path(scenario, change.limit)
    old = get(scenario, path)
    kind = kind_of(change.limit)
    if kind is not None and kind.falls:
        return put(scenario, path, max(0.0, old - change.by))
    new = old + change.by
    if change.limit.startswith(DEADLINE):
        return _put_off(put(scenario, path, min(round(new), len(scenario.calendar.periods) - 1)))
    if isinstance(old, int):
        return put(scenario, path, round(new))
    return put(scenario, path, min(1.0, new) if change.unit == SHARE else new)


def _put_off(scenario: Scenario) -> Scenario:
    """The scenario with the most that batch work can ask of each time set to the deadlines it has."""
    workloads = (
        w if w.batch is None else replace(w, demand_rps=most_rps(w.batch, scenario.calendar))
        for w in scenario.workloads
    )
    return replace(scenario, workloads=tuple(workloads))


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
