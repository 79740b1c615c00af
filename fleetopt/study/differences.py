"""What is different: of two scenarios field by field, of two plans by fleet, orders, cost and workload."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

from fleetopt.plan.domain import Plan
from fleetopt.plan.record import Record
from fleetopt.scenario.domain import Scenario
from fleetopt.study.fields import Path, members

Section: TypeAlias = Literal["input", "fleet", "orders", "cost", "workload"]

NOT_COMPARED = {"path", "files", "supply.conversions"}
"""Where a scenario lies says nothing about what it asks; files and converted prices are compared by what is in them."""

PROFILE_DEPTH = 4
"""models.NAME.candidates.NAME: a profile is the same or another one, point by point is for `profile show`."""

NO_USD = 0.005


class Difference(Record):
    """One thing that is not the same; None where there is nothing of it."""

    section: Section
    about: str
    before: str | float | None
    after: str | float | None


def inputs(a: Scenario, b: Scenario) -> tuple[Difference, ...]:
    """The fields of two scenarios that differ, under their paths."""
    found = []
    for path, before, after in _unequal(a, b, ()):
        if not NOT_COMPARED & {path[0], ".".join(path)} and not _follows(a, b, path):
            found.append(Difference(section="input", about=".".join(path), before=_said(before), after=_said(after)))
    return tuple(found)


def _follows(a: Scenario, b: Scenario, path: Path) -> bool:
    """Whether a field only says again what another one does: the most that batch work can ask of a time."""
    works = [w.batch is not None for scenario in (a, b) for w in scenario.workloads if path[1:2] == (w.name,)]
    return path[0] == "workloads" and path[2:3] == ("demand_rps",) and bool(works) and all(works)


def outcomes(a: Plan, b: Plan) -> tuple[Difference, ...]:
    """What two plans do differently."""
    return (
        *_changed("fleet", _nodes(a), _nodes(b)),
        *_changed("orders", _ordered(a), _ordered(b)),
        *_changed("cost", _lines(a), _lines(b), NO_USD),
        *_changed("workload", _by_workload(a), _by_workload(b), NO_USD),
    )


def files(a: Plan, b: Plan) -> tuple[Difference, ...]:
    """Input files of two plans that are not the same bytes."""
    sums = [{item.name: item.sha256[:12] for item in plan.provenance.inputs} for plan in (a, b)]
    names = sorted({*sums[0], *sums[1]})
    return tuple(
        Difference(section="input", about=name, before=sums[0].get(name), after=sums[1].get(name))
        for name in names
        if sums[0].get(name) != sums[1].get(name)
    )


class _Nothing:
    """Where one of two scenarios has no such thing."""


def _unequal(a: Any, b: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    if a is b or a == b:
        return
    ours, theirs = dict(members(a)), dict(members(b))
    profile = path[:1] == ("models",) and len(path) == PROFILE_DEPTH
    if not ours or not theirs or profile:
        yield path, a, b
        return
    for name in dict.fromkeys([*ours, *theirs]):
        yield from _unequal(ours.get(name, _Nothing), theirs.get(name, _Nothing), (*path, name))


def _said(value: Any) -> str | float | None:
    """A value in a cell: numbers as they are, names and texts, and of larger things only that they are there."""
    if value is _Nothing or value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str | tuple):
        return str(value) if isinstance(value, bool) else getattr(value, "name", type(value).__name__.lower())
    if isinstance(value, tuple):
        return ", ".join(getattr(one, "name", str(one)) for one in value)[:200]
    return value


def _changed(
    section: Section, before: Mapping[str, float], after: Mapping[str, float], least: float = 0.0
) -> Iterator[Difference]:
    for about in dict.fromkeys([*before, *after]):
        was, now = before.get(about), after.get(about)
        if abs((now or 0.0) - (was or 0.0)) > least:
            yield Difference(section=section, about=about, before=was, after=now)


def _nodes(plan: Plan) -> dict[str, float]:
    """The most nodes in service of each supply line."""
    most: dict[str, float] = {}
    for line in plan.fleet:
        name = f"{line.supply} ({line.node_type})"
        most[name] = max(most.get(name, 0), line.nodes)
    return most


def _ordered(plan: Plan) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for order in plan.orders:
        found[f"{order.supply} in {order.order_by}"] += order.nodes
    for sale in plan.sales:
        found[f"sale of {sale.supply} in {sale.period}"] += sale.nodes
    return found


def _lines(plan: Plan) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for line in plan.costs:
        found[f"{line.line} {line.item}"] += line.usd * line.probability
    return found


def _by_workload(plan: Plan) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for cost in plan.workload_costs:
        found[cost.workload] += cost.usd
    return found
