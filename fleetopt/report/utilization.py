"""How busy the fleet is, by part of the day.

    busy GPUs    =  replicas x GPUs per replica x utilization, over the replicas on a GPU type
    utilization  =  busy GPUs / GPUs in service, expected over outlooks

GPUs in service that no replica uses count as idle. A scenario says how long a slot is and not at which hour of the
clock it begins, so over a day slots stand end to end in the scenario's order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from fleetopt.plan.domain import FleetLine, Placement, Plan
from fleetopt.report.money import periods_of
from fleetopt.scenario.domain import Scenario

EVERYTHING = "all GPUs"


@dataclass(frozen=True, slots=True)
class Busy:
    """A row of the heat table: a GPU type in a slot, with its utilization by period, None where it has no GPUs.

    `first` is the GPU type's first row.
    """

    gpu_type: str
    slot: str
    hours: float
    first: bool
    shares: tuple[float | None, ...]


def busy_rows(plan: Plan, scenario: Scenario) -> list[Busy]:
    """All GPUs first, then each GPU type; every slot of the day."""
    periods = periods_of(plan)
    weight = {outlook.name: outlook.probability for outlook in scenario.calendar.outlooks}
    held: dict[tuple[str, str, str], float] = defaultdict(float)
    busy: dict[tuple[str, str, str], float] = defaultdict(float)
    for line in plan.fleet:
        _post(held, line, weight[line.outlook] * line.gpus)
    for p in plan.placements:
        _post(busy, p, weight[p.outlook] * p.replicas * p.gpus_per_replica * p.utilization)
    types = [EVERYTHING, *dict.fromkeys(line.gpu_type for line in plan.fleet)]
    slots = scenario.calendar.slots
    return [
        Busy(gpu, slot.name, slot.hours_per_day, slot is slots[0], _shares(busy, held, gpu, slot.name, periods))
        for gpu in (types if len(types) > 2 else types[1:])
        for slot in slots
    ]


def busy_by_hour(plan: Plan, scenario: Scenario) -> tuple[list[float], dict[str, list[float]]]:
    """Where slots begin and end in the day, and the share of each GPU type that is busy in each, all periods together.

    A GPU type that has none in service in a slot is idle there.
    """
    slots, days = scenario.calendar.slots, {period.name: period.days for period in scenario.calendar.periods}
    weight = {outlook.name: outlook.probability for outlook in scenario.calendar.outlooks}
    place = {slot.name: index for index, slot in enumerate(slots)}
    held: dict[str, list[float]] = defaultdict(lambda: [0.0] * len(slots))
    busy: dict[str, list[float]] = defaultdict(lambda: [0.0] * len(slots))
    for line in plan.fleet:
        held[line.gpu_type][place[line.slot]] += weight[line.outlook] * days[line.period] * line.gpus
    for p in plan.placements:
        gpus = p.replicas * p.gpus_per_replica * p.utilization
        busy[p.gpu_type][place[p.slot]] += weight[p.outlook] * days[p.period] * gpus
    edges = [0.0, *accumulate(slot.hours_per_day for slot in slots)]
    shares = {name: [b / h if h else 0.0 for b, h in zip(busy[name], row, strict=True)] for name, row in held.items()}
    return edges, dict(sorted(shares.items(), key=lambda pair: -sum(held[pair[0]])))


def gpus_by(plan: Plan, scenario: Scenario, key: Callable[[FleetLine], str]) -> dict[str, list[float]]:
    """GPUs in service by what `key` says of a fleet line, and period: the mean over the hours of the day, expected."""
    share = {slot.name: slot.hours_per_day / 24.0 for slot in scenario.calendar.slots}
    weight = {outlook.name: outlook.probability for outlook in scenario.calendar.outlooks}
    place = {name: index for index, name in enumerate(periods_of(plan))}
    found: dict[str, list[float]] = {}
    for line in plan.fleet:
        row = found.setdefault(key(line), [0.0] * len(place))
        row[place[line.period]] += line.gpus * share[line.slot] * weight[line.outlook]
    return found


def _post(ledger: dict[tuple[str, str, str], float], record: FleetLine | Placement, gpus: float) -> None:
    for name in (EVERYTHING, record.gpu_type):
        ledger[name, record.slot, record.period] += gpus


def _shares(
    busy: dict[tuple[str, str, str], float],
    held: dict[tuple[str, str, str], float],
    gpu_type: str,
    slot: str,
    periods: Sequence[str],
) -> tuple[float | None, ...]:
    keys = [(gpu_type, slot, period) for period in periods]
    return tuple(busy[key] / held[key] if held[key] else None for key in keys)
