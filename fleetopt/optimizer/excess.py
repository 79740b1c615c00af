"""By how much limits would have to give, and what to change so that they need not."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from fleetopt.errors import Change, Repair
from fleetopt.optimizer.rules import Limit


@dataclass(frozen=True, slots=True)
class Excess:
    """What a limit is short of, in its unit."""

    limit: Limit
    amount: float


def raising(excess: Iterable[Excess]) -> Repair | None:
    """Limits of supply raised by as much as they are short of at worst; None where none is."""
    worst = _worst(excess)
    if not worst:
        return None
    raised = {group: math.ceil(item.limit.amount + item.amount - 1e-6) for group, item in worst.items()}
    details = tuple(
        f"{group} from {item.limit.amount:,.10g} to {raised[group]:,} {item.limit.unit}"
        for group, item in worst.items()
    )
    changes = tuple(
        Change(group, raised[group] - item.limit.amount, item.limit.unit, item.limit.where)
        for group, item in worst.items()
    )
    return Repair("Raise " + ("these limits" if len(details) > 1 else "this limit"), details, changes)


def accepting(excess: Iterable[Excess]) -> Repair | None:
    """Demand that goes unserved; None where all of it is served."""
    found = list(excess)
    if not found:
        return None
    details = tuple(
        f"{item.limit.group} in {item.limit.where}: {100 * _rounded_up(item.amount):g} % more unserved"
        for item in found
    )
    changes = tuple(
        Change(group, _rounded_up(item.amount), item.limit.unit, item.limit.where)
        for group, item in _worst(found).items()
    )
    return Repair("Accept a shortfall", details, changes)


def _worst(excess: Iterable[Excess]) -> dict[str, Excess]:
    """The largest excess of each group of limits."""
    worst: dict[str, Excess] = {}
    for item in excess:
        known = worst.get(item.limit.group)
        if known is None or item.amount > known.amount:
            worst[item.limit.group] = item
    return worst


def _rounded_up(fraction: float) -> float:
    """A fraction rounded up to a tenth of a percent, so that allowing it is enough."""
    return math.ceil(fraction * 1000 - 1e-6) / 1000
