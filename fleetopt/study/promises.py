"""Each promise and restriction of a scenario, with the scenario without it.

What is asked is always what a promise costs as the scenario stands: one is taken away, all others hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from fleetopt.catalog.domain import EVIDENCE, ROLES
from fleetopt.scenario.domain import Calendar, Margins, Scenario, Workload
from fleetopt.scenario.supply_domain import Terms
from fleetopt.scenario.work import Batch, at_any_time, most_rps
from fleetopt.study.fields import put
from fleetopt.units import Latency

LOSSES = ("site", "rack", "node")

LINKS = "links of "
"""How the promise about the links between the nodes of a site begins; any workload there may depend on them."""

LOOSE = 1000.0
"""How many times looser a latency is that is as good as not promised; a workload must promise at least one."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised, in words, the scenario where it is not, and the workload that it is of, if of one."""

    name: str
    without: Scenario
    workload: str = ""


def promises(scenario: Scenario) -> Iterator[Promise]:
    """The promises of a scenario: of its workloads, then of its supply, then the caution about profiles."""
    for index, workload in enumerate(scenario.workloads):
        for name, free in (*_of_workload(workload), *_of_work(workload, scenario.calendar)):
            workloads = (*scenario.workloads[:index], free, *scenario.workloads[index + 1 :])
            yield Promise(f"{workload.name}: {name}", replace(scenario, workloads=workloads), workload.name)
    for quota in scenario.supply.quotas:
        rest = tuple(other for other in scenario.supply.quotas if other.name != quota.name)
        name = f"quota {quota.name} of {quota.max_gpus} {quota.gpu_type}"
        yield Promise(name, replace(scenario, supply=replace(scenario.supply, quotas=rest)))
    for line in scenario.supply.lines:
        if line.max_nodes is not None:
            name = f"the limit of {line.max_nodes} nodes of {line.name}"
            yield Promise(name, put(scenario, ("supply", "lines", line.name, "max_nodes"), None))
    yield from _network(scenario)
    yield from _caution(scenario)
    if scenario.margins != Margins(0.0, 0.0, 0.0):
        named = {kind: getattr(scenario.margins, kind) for kind in EVIDENCE}
        said = ", ".join(f"{kind} {100 * margin:g} %" for kind, margin in named.items() if margin)
        yield Promise(f"the margin on profiles ({said})", replace(scenario, margins=Margins(0.0, 0.0, 0.0)))


def _network(scenario: Scenario) -> Iterator[Promise]:
    """Links between nodes as fast as anybody could wish, and no limit on what a site sends over all of them."""
    for fabric in scenario.supply.fabrics:
        place = ("supply", "fabrics", fabric.site)
        if fabric.between_bytes_per_s is not None:
            name = f"{LINKS}{8.0 * fabric.between_bytes_per_s / 1e9:g} Gbit/s between the nodes of {fabric.site}"
            faster = LOOSE * fabric.between_bytes_per_s
            yield Promise(name, put(scenario, (*place, "between_bytes_per_s"), faster))
        if fabric.total_gbit_s is not None:
            name = f"the limit of {fabric.total_gbit_s:g} Gbit/s on the network of {fabric.site}"
            yield Promise(name, put(scenario, (*place, "total_gbit_s"), None))


def _caution(scenario: Scenario) -> Iterator[Promise]:
    """Nodes that are not counted on, and deliveries that may be late."""
    supply = scenario.supply
    for line in supply.lines:
        if line.terms.availability < 1.0:
            name = f"counting on {100 * line.terms.availability:.4g} % of the nodes of {line.name}"
            yield Promise(name, put(scenario, ("supply", "lines", line.name, "terms", "availability"), 1.0))
    for stock in supply.stock:
        if stock.availability < 1.0:
            name = f"counting on {100 * stock.availability:.4g} % of the nodes of {stock.name}"
            yield Promise(name, put(scenario, ("supply", "stock", stock.name, "availability"), 1.0))
    for outlook in dict.fromkeys(outlook for line in supply.lines for outlook, _ in line.terms.slips):
        lines = tuple(replace(line, terms=_punctual(line.terms, outlook)) for line in supply.lines)
        name = f"late deliveries in outlook {outlook}"
        yield Promise(name, replace(scenario, supply=replace(supply, lines=lines)))


def _punctual(terms: Terms, outlook: str) -> Terms:
    return replace(terms, slips=tuple(slip for slip in terms.slips if slip[0] != outlook))


def without(scenario: Scenario, name: str) -> Scenario:
    """The scenario without the promise of a name.

    Raises:
        KeyError: it makes no such promise.
    """
    found = {promise.name: promise.without for promise in promises(scenario)}
    return found[name]


def _of_workload(workload: Workload) -> Iterator[tuple[str, Workload]]:
    for field, said, free in _CLAUSES:
        if workload.e2e and field in ("ttft", "further_ttft"):
            continue  # the end-to-end promise rests on it
        value = getattr(workload, field)
        if value and set(ROLES) != set(value if isinstance(value, tuple) else ()):
            yield said(value), replace(workload, **{field: free(value)})
    for what in LOSSES:
        share = getattr(workload.survive, what)
        if share:
            unprotected = replace(workload, survive=replace(workload.survive, **{what: 0.0}))
            yield f"{100 * share:g} % after the loss of a {what}", unprotected


def _of_work(workload: Workload, calendar: Calendar) -> Iterator[tuple[str, Workload]]:
    """Work that may take until the end of the horizon, and may run in every slot."""
    batch, last = workload.batch, len(calendar.periods) - 1
    if batch is None:
        return
    if any(work.last < last for work in batch.works):
        due = [calendar.periods[work.last].name for work in batch.works]
        said = f"done by the end of {due[0]}" if len(due) == 1 else "the work of each period done in that period"
        free = Batch(batch.slots, (at_any_time(batch, last),))
        yield said, replace(workload, batch=free, demand_rps=most_rps(free, calendar))
    if len(batch.slots) < len(calendar.slots):
        free = Batch(tuple(slot.name for slot in calendar.slots), batch.works)
        yield f"done only in {_listed(batch.slots)}", replace(workload, batch=free, demand_rps=most_rps(free, calendar))


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names)


def _limits(promises: tuple[Latency, ...]) -> str:
    return ", ".join(f"{1000 * one.limit_s:.6g} ms at {one.at}" for one in promises)


def _counted(counts: tuple[tuple[str, int], ...]) -> str:
    return ", ".join(f"{role} {count}" for role, count in counts)


_CLAUSES: tuple[tuple[str, Callable[[Any], str], Callable[[Any], Any]], ...] = (
    ("ttft", lambda v: f"TTFT {1000 * v.limit_s:.6g} ms at {v.at}", lambda v: replace(v, limit_s=LOOSE * v.limit_s)),
    ("tpot", lambda v: f"TPOT {1000 * v.limit_s:.6g} ms at {v.at}", lambda v: replace(v, limit_s=LOOSE * v.limit_s)),
    ("further_ttft", lambda v: f"TTFT {_limits(v)} as well", lambda _: ()),
    ("further_tpot", lambda v: f"TPOT {_limits(v)} as well", lambda _: ()),
    ("e2e", lambda v: f"end to end {_limits(v)}", lambda _: ()),
    ("headroom", lambda v: f"headroom of {100 * v:g} %", lambda _: 0.0),
    ("priority", lambda v: f"its place in service class {v}", lambda _: None),
    ("gpu_types", lambda v: f"only on {_listed(v)}", lambda _: None),
    ("forbidden_gpu_types", lambda v: f"not on {_listed(v)}", lambda _: ()),
    ("precisions", lambda v: f"only in {_listed(v)}", lambda _: None),
    ("spares", lambda v: f"spares ({_counted(v)})", lambda _: ()),
    ("roles", lambda v: f"only {_listed(v)}", lambda _: ROLES),
    ("sites", lambda v: f"only at {_listed(v)}", lambda _: None),
)
