"""Ledgers: the open sums through which features of the problem speak to each other.

A feature posts terms under a key; another reads the total of the key. Neither knows the other's name, so a new
feature is a new file and one line in the formulation. A ledger is sealed once all have posted; posting after
that is a bug, because whoever read the total would have missed the term.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from fleetopt.optimizer.options import Pool
from fleetopt.plan.domain import ALL

Term: TypeAlias = Any
"""A linear Pyomo expression, a variable or a number."""


class CostKey(NamedTuple):
    """Where a dollar is posted: what for, when, in which future, where, and for which supply line or workload."""

    line: str
    period: str
    slot: str
    outlook: str
    site: str
    item: str


class ServedKey(NamedTuple):
    workload: str
    period: str
    slot: str
    outlook: str


class WorkKey(NamedTuple):
    workload: str
    work: str
    outlook: str


class RunningKey(NamedTuple):
    workload: str
    option: str
    period: str
    slot: str
    outlook: str


class CarriedKey(NamedTuple):
    workload: str
    role: str
    site: str
    kv_format: str
    period: str
    slot: str
    outlook: str


class PoolKey(NamedTuple):
    pool: Pool
    period: str
    slot: str
    outlook: str


class OrderKey(NamedTuple):
    supply: str
    period: str


class HeldKey(NamedTuple):
    """Nodes held in a period; by outlook only where deliveries are late in one of them."""

    supply: str
    period: str
    outlook: str = ALL


class SupplyKey(NamedTuple):
    supply: str
    period: str
    slot: str
    outlook: str


class SiteKey(NamedTuple):
    site: str
    period: str
    slot: str
    outlook: str


class Ledger:
    """An open sum with one unit."""

    def __init__(self, name: str, unit: str) -> None:
        self.name = name
        self.unit = unit
        self._terms: dict[Any, list[Term]] = {}
        self._sealed = False

    def post(self, key: Any, term: Term) -> None:
        """Adds a term under a key."""
        if self._sealed:
            raise RuntimeError(f"ledger '{self.name}' is sealed: post in declare or price")
        self._terms.setdefault(key, []).append(term)

    def seal(self) -> None:
        """Closes the sum: from here on it is only read."""
        self._sealed = True

    def posted(self, key: Any) -> tuple[Term, ...]:
        """What has been posted under a key before anything is priced; every quantity has been by then."""
        return tuple(self._terms.get(key, ()))

    def total(self, key: Any) -> Term:
        """The sum under a key, zero where nothing was posted."""
        self._must_be_sealed()
        return _sum(self._terms.get(key, []))

    def entries(self) -> Iterator[tuple[Any, Term]]:
        """Every key with its sum, in the order the keys were first posted."""
        self._must_be_sealed()
        return ((key, _sum(terms)) for key, terms in self._terms.items())

    def _must_be_sealed(self) -> None:
        if not self._sealed:
            raise RuntimeError(f"ledger '{self.name}' is open: read it in constrain")


def _sum(terms: list[Term]) -> Term:
    from pyomo.core import quicksum

    return quicksum(terms) if terms else 0.0


@dataclass(frozen=True, slots=True)
class Ledgers:
    """The ledgers of a problem, each with its key and unit."""

    served: Ledger = field(default_factory=lambda: Ledger("served", "requests/s by workload and time"))
    excused: Ledger = field(default_factory=lambda: Ledger("excused", "unserved requests/s by workload and time"))
    undone: Ledger = field(default_factory=lambda: Ledger("undone", "share of a work by workload, work and outlook"))
    carried: Ledger = field(default_factory=lambda: Ledger("carried", "requests/s by workload, role, link and time"))
    running: Ledger = field(default_factory=lambda: Ledger("running", "replicas by workload, option and time"))
    standing: Ledger = field(
        default_factory=lambda: Ledger("standing", "whole shared replicas by owner, option and time")
    )
    away: Ledger = field(
        default_factory=lambda: Ledger("away", "shared replicas that start, by owner, option and time")
    )
    gpus_used: Ledger = field(default_factory=lambda: Ledger("gpus_used", "GPUs set aside by pool and time"))
    sent: Ledger = field(default_factory=lambda: Ledger("sent", "Gbit/s of KV caches between nodes by site and time"))
    ordered: Ledger = field(default_factory=lambda: Ledger("ordered", "nodes ordered by supply and period"))
    held: Ledger = field(default_factory=lambda: Ledger("held", "nodes held, used or not, by supply and period"))
    fielded: Ledger = field(default_factory=lambda: Ledger("fielded", "nodes in service by supply and time"))
    cost: Ledger = field(default_factory=lambda: Ledger("cost", "USD by line, time, site and item"))

    def all(self) -> tuple[Ledger, ...]:
        return (
            self.served,
            self.excused,
            self.undone,
            self.carried,
            self.running,
            self.standing,
            self.away,
            self.gpus_used,
            self.sent,
            self.ordered,
            self.held,
            self.fielded,
            self.cost,
        )
