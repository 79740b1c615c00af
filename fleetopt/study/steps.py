"""From one scenario to another in steps: each takes one group of inputs from B, whatever the others did before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from fleetopt.scenario.domain import Scenario, Workload
from fleetopt.scenario.supply_domain import Terms

Step: TypeAlias = Callable[[Scenario, Scenario], Scenario]
"""From a scenario between A and B, and B: the scenario with one more group of inputs as in B."""


_TOGETHER = "calendar, demand and workloads"


def with_names_of(a: Scenario, b: Scenario) -> Scenario:
    """A with what only B's catalog has, which A never asks for, so that a step may name it."""
    return replace(
        a,
        models={**b.models, **a.models},
        gpu_types={**b.gpu_types, **a.gpu_types},
        node_types={**b.node_types, **a.node_types},
    )


def steps_between(a: Scenario, b: Scenario) -> list[tuple[str, Step]]:
    """The groups that change anything, by name; after the last one B is asked."""
    found: list[tuple[str, Step]] = []
    at = a
    for group, step in _STEPS:
        following = step(at, b)
        if _asks(following, b) != _asks(at, b):
            found.append((_TOGETHER if step is _demand and a.calendar != b.calendar else group, step))
        at = following
    return found


def _asks(at: Scenario, b: Scenario) -> Scenario:
    """What is asked, without how it is called, where it lies and what only A's catalog has."""
    return replace(
        at,
        name="",
        description="",
        path=b.path,
        files=(),
        models={name: at.models[name] for name in b.models},
        gpu_types={name: at.gpu_types[name] for name in b.gpu_types},
        node_types={name: at.node_types[name] for name in b.node_types},
    )


def _demand(at: Scenario, b: Scenario) -> Scenario:
    """Calendar and demand. Under another calendar the other workloads have no demand, so they go and come with it."""
    theirs = {workload.name: workload for workload in b.workloads}
    if at.calendar != b.calendar:
        at = _workloads(_within(replace(at, calendar=b.calendar)), b)
    demanded = (_demanding(w, theirs[w.name]) if w.name in theirs else w for w in at.workloads)
    return replace(at, workloads=tuple(demanded))


def _demanding(workload: Workload, like: Workload) -> Workload:
    """The workload with what another one asks: what arrives, or what is to be done by when."""
    return replace(workload, demand_rps=like.demand_rps, batch=like.batch)


def _within(at: Scenario) -> Scenario:
    """The scenario without dates of its supply that its calendar does not have; with B's supply come B's dates."""
    known = {period.name for period in at.calendar.periods}

    def date(period: str | None) -> str | None:
        return period if period in known else None

    def dated(terms: Terms) -> Terms:
        factors = tuple(change for change in terms.price_factors if change[0] in known)
        return replace(terms, first=date(terms.first), last=date(terms.last), price_factors=factors)

    lines = tuple(replace(line, terms=dated(line.terms)) for line in at.supply.lines)
    stock = tuple(replace(one, last=date(one.last)) for one in at.supply.stock)
    return replace(at, supply=replace(at.supply, lines=lines, stock=stock))


def _workloads(at: Scenario, b: Scenario) -> Scenario:
    ours = {workload.name: workload for workload in at.workloads}
    return replace(at, workloads=tuple(ours.get(workload.name, workload) for workload in b.workloads))


def _slos(at: Scenario, b: Scenario) -> Scenario:
    return _each(at, b, _promising)


def _promising(workload: Workload, like: Workload) -> Workload:
    """The workload with the latencies that another one promises."""
    first = replace(workload, ttft=like.ttft, tpot=like.tpot)
    return replace(first, further_ttft=like.further_ttft, further_tpot=like.further_tpot, e2e=like.e2e)


def _promises(at: Scenario, b: Scenario) -> Scenario:
    return _each(at, b, lambda ours, theirs: _demanding(theirs, ours))


def _each(at: Scenario, b: Scenario, change: Callable[[Workload, Workload], Workload]) -> Scenario:
    theirs = {workload.name: workload for workload in b.workloads}
    changed = (change(w, theirs[w.name]) if w.name in theirs else w for w in at.workloads)
    return replace(at, workloads=tuple(changed))


def _evidence(at: Scenario, b: Scenario) -> Scenario:
    return replace(
        at,
        models={**at.models, **b.models},
        gpu_types={**at.gpu_types, **b.gpu_types},
        node_types={**at.node_types, **b.node_types},
        margins=b.margins,
    )


def _prices(at: Scenario, b: Scenario) -> Scenario:
    offers = {line.name: line.offer for line in b.supply.lines}
    lines = tuple(replace(line, offer=offers.get(line.name, line.offer)) for line in at.supply.lines)
    return replace(at, supply=replace(at.supply, lines=lines))


def _supply(at: Scenario, b: Scenario) -> Scenario:
    return _within(replace(at, supply=b.supply))


def _rest(at: Scenario, b: Scenario) -> Scenario:
    """What no other step takes from B."""
    return replace(
        b,
        calendar=at.calendar,
        workloads=at.workloads,
        supply=at.supply,
        margins=at.margins,
        models=at.models,
        gpu_types=at.gpu_types,
        node_types=at.node_types,
    )


_STEPS: tuple[tuple[str, Step], ...] = (
    ("calendar and demand", _demand),
    ("workloads added or taken out", _workloads),
    ("SLOs", _slos),
    ("other promises of workloads", _promises),
    ("profiles, hardware and margins", _evidence),
    ("offers and prices", _prices),
    ("what else there is to have", _supply),
    ("everything else", _rest),
)
