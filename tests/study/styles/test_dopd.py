"""DOPD static against dynamic against everything allowed, on a day that was worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleetopt.optimizer.solve import SolveOptions
from fleetopt.scenario.changing import Changes
from fleetopt.scenario.domain import Scenario
from fleetopt.study.resolve import Resolver
from fleetopt.study.styles.comparison import compare_styles
from fleetopt.study.styles.dopd import DYNAMIC_RATIO, STATIC_RATIO
from tests.oracle import build
from tests.oracle.bundled import bundling, question
from tests.oracle.test_changes import two_and_three


def compared(scenario: Scenario) -> dict[str, float | None]:
    found = compare_styles(scenario, Resolver(SolveOptions(gap=0.0)), styles=(STATIC_RATIO, DYNAMIC_RATIO))
    assert all(row.verified for row in found.rows if row.usd is not None)
    return {row.name: row.usd for row in found.rows}


def test_what_flexibility_is_worth() -> None:
    """Proves: two workloads of 4 and 1 requests/s that peak in turn take 8 GPUs apart and 5 where models may change.

    Sensitivity: a style that let GPUs pass from one workload to the other would cost as much as everything allowed.
    """
    usd = compared(replace(two_and_three(), changes=Changes()))
    hours = 30.0 * 24.0
    assert usd["dopd-static"] == pytest.approx(8 * hours)
    assert usd["dopd-dynamic"] == pytest.approx(8 * hours)
    assert usd["all"] == pytest.approx(5 * hours)


def test_without_a_block_there_is_nothing_dynamic_to_compare() -> None:
    """Proves: static is asked of any day with slots; dynamic only where the scenario says what a change takes."""
    usd = compared(two_and_three())
    assert usd["dopd-static"] == pytest.approx(8 * 30.0 * 24.0)
    assert usd["dopd-dynamic"] is None


def test_no_model_shares_its_gpus() -> None:
    """Proves: where bundles are allowed DOPD's styles are those without them, six nodes of prefill and decode apart."""
    over = build.calendar(1, (8.0, 16.0), days=30)
    base = question((1.0, 1.0, 1.0), bundling(3))
    demand = {("t1", slot, "o1"): 1.0 for slot in ("h1", "h2")}
    workloads = tuple(replace(one, demand_rps=demand) for one in base.workloads)
    usd = compared(replace(base, calendar=over, workloads=workloads, changes=Changes()))
    hours = 30.0 * 24.0
    assert [usd[name] for name in ("dopd-static", "dopd-dynamic", "all")] == [
        pytest.approx(n * hours) for n in (6, 6, 1)
    ]
