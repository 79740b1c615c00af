"""What roles that follow the load are worth on scenarios/day-and-night, as its comments and the docs say."""

from __future__ import annotations

from dataclasses import replace

import pytest

import fleetopt
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.scenario.changing import Changes
from fleetopt.scenario.domain import Scenario
from fleetopt.study.load_ratios import load_ratios


def asked(**changes: object) -> Scenario:
    scenario = fleetopt.load("day-and-night")
    assert scenario.changes is not None
    stated: Changes = replace(scenario.changes, **changes)  # type: ignore[arg-type]
    return replace(scenario, changes=stated)


def planned(scenario: Scenario) -> Plan:
    return fleetopt.optimize(scenario, SolveOptions(gap=0.001))


@pytest.mark.parametrize(("mode", "usd"), [("static", 458_784.0), ("roles", 356_832.0), ("free", 314_352.0)])
def test_each_freedom_has_its_price(mode: str, usd: float) -> None:
    """Proves the figures: 9 nodes for both peaks, 7 whose GPUs change roles, and as few as each slot takes."""
    assert planned(asked(mode=mode)).objective_usd == pytest.approx(usd)


def test_flips_alone_save_as_much_and_the_formula_says_the_same() -> None:
    """Proves: where nothing may be loaded, GPUs of one config flip in the evening and back, at the cost of `roles`.

    DOPD's formula for the pools of the day asks for as many D, and for fewer P, which leave no time to wait in a queue;
    those of the night are of two configs, of which it knows one.
    """
    scenario = asked(mode="roles", model_load_s=20.0 * 3600.0)
    plan = planned(scenario)
    assert plan.objective_usd == pytest.approx(356_832.0)
    assert {row.loaded for row in plan.changes} == {0}
    assert {row.slot: row.flipped * row.gpus for row in plan.changes if row.flipped} == {"night": 20, "day": 20}
    day, night = load_ratios(plan, scenario).lines
    assert (day.formula_prefill, day.formula_decode, day.plan_decode) == (34, 7, 7)
    assert (night.formula_prefill, bool(night.why_not)) == (None, True)
