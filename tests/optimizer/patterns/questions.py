"""Small random questions for every feature of the problem: each turns a drawn question into one that uses it.

A new feature needs a line in QUESTIONS; `test_features` fails until it has one whose questions change its program.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any, TypeAlias

import pytest

from fleetopt.capacity.table import derive
from fleetopt.optimizer.case import build_case
from fleetopt.optimizer.formulation import FEATURES, formulate
from fleetopt.optimizer.matrix import Flags, Ints, Matrix, compile_matrix
from fleetopt.optimizer.patterns.tied import Entries
from fleetopt.optimizer.solve import SolveOptions, solve
from fleetopt.scenario.domain import Scenario, Sharing, Shortfall, Workload
from fleetopt.scenario.supply_domain import Budget
from fleetopt.scenario.work import AMOUNT, Batch, Work, most_rps
from tests.oracle import brute_money, build, changing
from tests.oracle import wired as wired_site
from tests.oracle.draw import Draw
from tests.oracle.test_random_losses import with_losses
from tests.oracle.test_sharing import question


def tie_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes every workload for one of which more is said than the search knows."""
    tied = Entries.tied

    def all_of_them(entries: Entries, matrix: Matrix, time: Ints, replicas: Flags, *rest: Any) -> Flags:
        owner, odd = rest
        return tied(entries, matrix, time, replicas, owner, odd | replicas)

    monkeypatch.setattr(Entries, "tied", all_of_them)


Question: TypeAlias = Callable[[Random], Scenario]


def drawn(random: Random) -> Scenario:
    """Replicas, pools, spares, shortfall, rent, orders in lots, stock, quotas, power, outlooks, risk."""
    return Draw(random).scenario()


def with_workloads(scenario: Scenario, change: Callable[[Workload], Workload]) -> Scenario:
    return replace(scenario, workloads=tuple(change(workload) for workload in scenario.workloads))


def losses(random: Random) -> Scenario:
    return with_losses(drawn(random), random)


def least(random: Random) -> Scenario:
    roles = {role: random.choice((2, 3)) for role in ("prefill", "decode", "aggregated") if random.random() < 0.7}
    return with_workloads(drawn(random), lambda w: replace(w, least_replicas=tuple(roles.items())))  # type: ignore[arg-type]


def budgets(random: Random) -> Scenario:
    """About what the cheapest plan pays: some plans have to change, and some are none any more."""
    scenario = drawn(random)
    usd = solve(matrix_of(scenario), SolveOptions(gap=0.0)).objective or 0.0
    periods = [None, *(period.name for period in scenario.calendar.periods)]
    found = tuple(
        Budget(f"b{spending}", spending, random.choice(periods), max(0.0, usd) * random.choice((0.5, 0.9, 1.1)))
        for spending in ("all", "capex", "opex")
        if random.random() < 0.6
    )
    return replace(scenario, supply=replace(scenario.supply, budgets=found))


def variety(random: Random) -> Scenario:
    scenario = with_workloads(drawn(random), lambda w: replace(w, most_gpu_types=random.choice((None, 1))))
    sites = tuple((site, 1) for site in scenario.supply.sites if random.random() < 0.5)
    return replace(scenario, supply=replace(scenario.supply, most_gpu_types=sites))


def batch(random: Random) -> Scenario:
    """The last workload as work with a deadline, perhaps not all of it to be done."""
    scenario = drawn(random)
    over, last = scenario.calendar, scenario.workloads[-1]
    count, hours = len(over.periods), 24.0 * over.periods[0].days
    slots = random.choice(((over.slots[0].name,), tuple(slot.name for slot in over.slots)))

    def work(name: str, first: int, end: int) -> Work:
        return Work(name, first, end, {o.name: random.uniform(0.2, 1.5) * 3600.0 * hours for o in over.outlooks})

    daily = [work(period.name, place, place) for place, period in enumerate(over.periods)]
    asked = Batch(slots, tuple(daily if random.random() < 0.4 else [work(AMOUNT, 0, count - 1)]))
    shortfall = Shortfall(random.choice((0.0, 0.3, 1.0)), 0.0, random.uniform(0.1, 2.0) / 3600.0)
    bulk = replace(last, name="bulk", batch=asked, demand_rps=most_rps(asked, over), shortfall=shortfall, spares=())
    return replace(scenario, workloads=(*scenario.workloads[:-1], bulk))


def classes(random: Random) -> Scenario:
    """Two workloads of two classes that may lack something, where there is too little for both."""
    over = build.calendar(1, (8.0, 16.0), random.choice(((1.0,), (0.5, 0.5))))

    def one(name: str, priority: int) -> Workload:
        demand = {time: round(random.uniform(0.5, 3.0), 2) for time in build.times(over)}
        shortfall = Shortfall(random.choice((0.3, 0.6, 1.0)), 0.0, random.choice((1.0, 5.0, 15.0)) / 3600.0)
        return replace(build.workload(name, demand, over=over), priority=priority, shortfall=shortfall)

    candidates = [build.rate("c", random.choice((0.7, 1.0))), build.rate("d", 1.5, gpus=2)]
    lines = [build.line("rent", "Ax2", 2.0, max_nodes=random.choice((1, 2, 3)))]
    return build.scenario([one("high", 1), one("low", 2)], candidates, lines, over=over)


def buckets(sharing: Sharing) -> Question:
    def asked(random: Random) -> Scenario:
        count = random.choice((2, 3))
        demands = tuple(round(random.uniform(0.3, 4.0), 2) for _ in range(count))
        rates = tuple(tuple(round(random.uniform(0.5, 2.0) / (i + 1), 2) for i in range(count)) for _ in "AB")
        return question(demands, rates, (random.choice((1.0, 1.5)), random.choice((0.7, 2.0))), sharing)

    return asked


def wired(random: Random) -> Scenario:
    """A site whose fabric carries only so many KV caches at once."""
    scenario = wired_site.draw(random)
    (fabric,) = scenario.supply.fabrics
    speed = fabric.between_bytes_per_s or 4.0 * wired_site.REQUEST_BYTES
    total = 8.0 * random.choice((0.5, 1.0, 2.0)) * wired_site.REQUEST_BYTES / 1e9
    limited = replace(fabric, between_bytes_per_s=speed, total_gbit_s=total)
    return replace(scenario, supply=replace(scenario.supply, fabrics=(limited,)))


QUESTIONS: dict[str, Question] = {
    "Serving": drawn,
    "Pools": drawn,
    "Spares": drawn,
    "Survival": losses,
    "LeastReplicas": least,
    "SharingFeature": buckets("free"),
    "Slices": buckets("whole"),
    "ShortfallFeature": drawn,
    "Rentals": drawn,
    "Commitments": drawn,
    "OrderTerms": drawn,
    "StockFeature": drawn,
    "Sales": brute_money.drawn,
    "SlotChanges": changing.draw,
    "Upkeep": brute_money.drawn,
    "Fleet": drawn,
    "Quotas": drawn,
    "Facilities": drawn,
    "Traffic": wired,
    "Budgets": budgets,
    "Variety": variety,
    "Demand": drawn,
    "BatchWork": batch,
    "ServiceClasses": classes,
}
"""What asks for each feature, by the name of its class."""


def matrix_of(scenario: Scenario) -> Matrix:
    return compile_matrix(formulate(build_case(scenario, derive(scenario))))


def uses(scenario: Scenario, feature: str) -> bool:
    """Whether the program is another one without a feature; some leave none at all."""
    case = build_case(scenario, derive(scenario))
    whole = compile_matrix(formulate(case))
    try:
        less = compile_matrix(formulate(case, [one for one in FEATURES if type(one).__name__ != feature]))
    except (AttributeError, KeyError):
        return True
    return _said(whole) != _said(less)


def _said(matrix: Matrix) -> tuple[object, ...]:
    rows = matrix.rows
    arrays = (matrix.cost, matrix.row_lower, matrix.row_upper, rows.start, rows.column, rows.coefficient)
    return (matrix.offset, *(array.tobytes() for array in arrays))
