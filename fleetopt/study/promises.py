"""Each promise and restriction of a scenario, with the scenario without it.

What is asked is always what a promise costs as the scenario stands: one is taken away, all others hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from fleetopt.catalog.domain import EVIDENCE, ROLES
from fleetopt.scenario.domain import Margins, Scenario, Workload
from fleetopt.study.fields import put

LOOSE = 1000.0
"""How many times looser a latency is that is as good as not promised; a workload must promise at least one."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised, in words, and the scenario where it is not."""

    name: str
    without: Scenario


def promises(scenario: Scenario) -> Iterator[Promise]:
    """The promises of a scenario: of its workloads, then of its supply, then the caution about profiles."""
    for index, workload in enumerate(scenario.workloads):
        for name, free in _of_workload(workload):
            workloads = (*scenario.workloads[:index], free, *scenario.workloads[index + 1 :])
            yield Promise(f"{workload.name}: {name}", replace(scenario, workloads=workloads))
    for quota in scenario.supply.quotas:
        rest = tuple(other for other in scenario.supply.quotas if other.name != quota.name)
        name = f"quota {quota.name} of {quota.max_gpus} {quota.gpu_type}"
        yield Promise(name, replace(scenario, supply=replace(scenario.supply, quotas=rest)))
    for line in scenario.supply.lines:
        if line.max_nodes is not None:
            name = f"the limit of {line.max_nodes} nodes of {line.name}"
            yield Promise(name, put(scenario, ("supply", "lines", line.name, "max_nodes"), None))
    if scenario.margins != Margins(0.0, 0.0, 0.0):
        named = {kind: getattr(scenario.margins, kind) for kind in EVIDENCE}
        said = ", ".join(f"{kind} {100 * margin:g} %" for kind, margin in named.items() if margin)
        yield Promise(f"the margin on profiles ({said})", replace(scenario, margins=Margins(0.0, 0.0, 0.0)))


def without(scenario: Scenario, name: str) -> Scenario:
    """The scenario without the promise of a name.

    Raises:
        KeyError: it makes no such promise.
    """
    found = {promise.name: promise.without for promise in promises(scenario)}
    return found[name]


def _of_workload(workload: Workload) -> Iterator[tuple[str, Workload]]:
    for field, said, free in _CLAUSES:
        value = getattr(workload, field)
        if value and set(ROLES) != set(value if isinstance(value, tuple) else ()):
            yield said(value), replace(workload, **{field: free(value)})


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names)


_CLAUSES: tuple[tuple[str, Callable[[Any], str], Callable[[Any], Any]], ...] = (
    ("ttft", lambda v: f"TTFT {1000 * v.limit_s:.6g} ms at {v.at}", lambda v: replace(v, limit_s=LOOSE * v.limit_s)),
    ("tpot", lambda v: f"TPOT {1000 * v.limit_s:.6g} ms at {v.at}", lambda v: replace(v, limit_s=LOOSE * v.limit_s)),
    ("headroom", lambda v: f"headroom of {100 * v:g} %", lambda _: 0.0),
    ("gpu_types", lambda v: f"only on {_listed(v)}", lambda _: None),
    ("forbidden_gpu_types", lambda v: f"not on {_listed(v)}", lambda _: ()),
    ("precisions", lambda v: f"only in {_listed(v)}", lambda _: None),
    ("roles", lambda v: f"only {_listed(v)}", lambda _: ROLES),
    ("sites", lambda v: f"only at {_listed(v)}", lambda _: None),
)
