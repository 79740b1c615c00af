"""Capacities that are kept are those that would be derived again."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from fleetopt.capacity.domain import CapacityTable
from fleetopt.capacity.table import Derivation, asked_of_a_replica, derive
from fleetopt.scenario.domain import Margins, Scenario, Shortfall, Workload
from fleetopt.scenario.load import load
from fleetopt.units import Latency

FLEET_WIDE = {"demand_rps", "headroom", "shortfall", "sites", "least_replicas", "spares", "most_gpu_types"}


def each(scenario: Scenario, **changes: object) -> Scenario:
    return replace(scenario, workloads=tuple(replace(w, **changes) for w in scenario.workloads))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load("quickstart")


@pytest.fixture(scope="module")
def table(scenario: Scenario) -> CapacityTable:
    return derive(scenario)


def test_the_same_question_is_derived_once(scenario: Scenario, table: CapacityTable) -> None:
    """Proves: what a fleet is asked for does not derive a replica's capacity anew, and the table is the same.
    Sensitivity: a sweep over demand would spend its time on curves.
    """
    kept = Derivation()
    first = kept.table(scenario)
    doubled = each(scenario, demand_rps={("t", "h", "o"): 7.0}, headroom=0.5, spares=(("decode", 2),))
    again = kept.table(replace(doubled, discount_rate=0.1))
    assert first == table
    assert all(one is other for one, other in zip(first.rows, again.rows, strict=True))


CHANGES: dict[str, dict[str, object]] = {
    "tpot": {"tpot": Latency(0.05)},
    "ttft": {"ttft": Latency(1.0, 0.99)},
    "tokens": {"input_tokens": 1500.0},
    "queue": {"queue": "md1"},
    "roles": {"roles": ("aggregated",)},
    "types": {"forbidden_gpu_types": ("H100",)},
    "cache": {"prefix_cache_hit_rate": 0.25},
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_replica_is_asked_for_is_derived_anew(scenario: Scenario, table: CapacityTable, change: str) -> None:
    """Proves: after a change of anything that capacity rests on, the kept table is the one derived from nothing.
    Sensitivity: a variant would be planned with another variant's capacities.
    """
    kept = Derivation()
    kept.table(scenario)
    changed = each(scenario, **CHANGES[change])
    assert kept.table(changed) == derive(changed)
    assert kept.table(changed) != table
    assert kept.table(scenario) == table


def test_margins_and_pools_are_part_of_the_question(scenario: Scenario, table: CapacityTable) -> None:
    """Proves: margins change every curve, and the demand of a pool changes its sizes.
    Sensitivity: pooled workloads would be planned for the demand of the first variant.
    """
    kept = Derivation()
    kept.table(scenario)
    slower = replace(scenario, margins=Margins(0.5, 0.5, 0.5))
    assert kept.table(slower) == derive(slower) != table
    pooled = each(scenario, pooled=True)
    more = replace(
        pooled,
        workloads=tuple(
            replace(w, demand_rps={time: 9 * rps for time, rps in w.demand_rps.items()}) for w in pooled.workloads
        ),
    )
    assert kept.table(pooled) == derive(pooled)
    assert kept.table(more) == derive(more) != derive(pooled)


def test_all_else_of_a_workload_stays_part_of_it(scenario: Scenario) -> None:
    """Proves: only what is listed here is taken out of the question; a new field is part of it until somebody decides.
    Sensitivity: a new kind of promise would be forgotten between variants.
    """
    workload = replace(
        scenario.workloads[0],
        shortfall=Shortfall(0.1, 1.0),
        sites=("main",),
        least_replicas=(("decode", 1),),
        spares=(("decode", 1),),
        most_gpu_types=2,
    )
    asked = asked_of_a_replica(workload)
    changed = {f.name for f in fields(Workload) if getattr(asked, f.name) != getattr(workload, f.name)}
    assert changed == FLEET_WIDE
