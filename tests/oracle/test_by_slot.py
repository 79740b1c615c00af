"""Lengths by slot: prompts are long by day and answers by night, so that the same GPUs read by day and write by night.

A day has 8 and 16 hours, replicas of config c have one GPU at 1 USD/h, and 3 requests/s are asked for all day long.
By day prefill carries 1 request/s and decode 3, by night the other way round: 3 P + 1 D, and then 1 P + 3 D.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from fleetopt.catalog.domain import RateProfile
from fleetopt.optimizer.solve import Method, SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.scenario.changing import Changes
from fleetopt.scenario.domain import Scenario
from fleetopt.study.once import optimize
from fleetopt.study.plainer import static
from fleetopt.study.resolve import Resolver
from fleetopt.study.styles.comparison import compare_styles
from fleetopt.study.styles.dopd import DYNAMIC_RATIO, STATIC_RATIO
from fleetopt.verify import verify
from tests.oracle import build
from tests.oracle.changing import LENGTHS, Day, draw_by_slot, stated

OVER = build.calendar(1, (8.0, 16.0), days=30)
HOURS = 30.0 * 24.0
CASES = 24


def asked(changes: Changes | None) -> Scenario:
    """Three requests/s of long prompts by day (h1) and long answers by night (h2)."""
    parts = [
        replace(
            build.workload(f"chat ({slot})", {("t1", h, "o1"): 3.0 * (h == slot) for h in ("h1", "h2")}, over=OVER),
            part_of="chat",
            input_tokens=lengths[0],
            output_tokens=lengths[1],
        )
        for slot, lengths in zip(("h1", "h2"), LENGTHS, strict=True)
    ]
    prefill = stated(build.rate("c", 1.0, "prefill"), [1.0, 3.0])
    decode = stated(build.rate("c", 1.0, "decode"), [3.0, 1.0])
    return replace(build.scenario(parts, [prefill, decode], [build.line("rent", "Ax1")], over=OVER), changes=changes)


def solved(scenario: Scenario, method: Method = "auto") -> Plan:
    plan = optimize(scenario, SolveOptions(gap=0.0, method=method))
    assert plan.verdict.passed
    return plan


A_DAY = 24.0 * 3600.0
"""A load takes longer than any slot, so that what starts flips."""

BY_HAND = [
    ("static: both peaks", Changes("static"), 6),
    ("roles: flips alone", Changes("roles", model_load_s=A_DAY), 4),
    ("free", Changes("free"), 4),
    ("nothing said", None, 4),
    ("two flips are enough", Changes("roles", per_change_gpus=2, model_load_s=A_DAY), 4),
    ("one flip: 3 P + 2 D, then 2 P + 3 D", Changes("roles", per_change_gpus=1, model_load_s=A_DAY), 5),
    ("no flip", Changes("roles", per_change_gpus=0, model_load_s=A_DAY), 6),
    (
        "flips of 2 h: 4 P less 3/4 by day, 4 D less 3/8 by night",
        Changes("roles", role_flip_s=7200.0, model_load_s=9e4),
        5,
    ),
]


@pytest.mark.parametrize(("changes", "gpus"), [one[1:] for one in BY_HAND], ids=[one[0] for one in BY_HAND])
@pytest.mark.parametrize("method", ["mip", "patterns"])
def test_what_roles_that_follow_the_load_save(changes: Changes | None, gpus: int, method: Method) -> None:
    """Proves by hand: fixed pools hold 3 P + 3 D, roles that flip hold 4 GPUs, a third less, and nothing is loaded.

    Sensitivity: parts counted as workloads of their own would start 4 GPUs a change and keep 4 each, 8 in all.
    """
    plan = solved(asked(changes), method)
    assert plan.objective_usd == pytest.approx(HOURS * gpus)
    if changes is not None and changes.model_load_s:
        assert {row.loaded for row in plan.changes} <= {0}
        assert {row.workload for row in plan.changes} <= {"chat"}


def test_a_study_shows_what_the_roles_are_worth() -> None:
    """Proves the table: DOPD static at 6 GPUs, dynamic and everything allowed at 4, each a verified plan."""
    scenario = asked(Changes("free", model_load_s=A_DAY))
    found = compare_styles(scenario, Resolver(SolveOptions(gap=0.0)), styles=(STATIC_RATIO, DYNAMIC_RATIO))
    assert all(row.verified for row in found.rows)
    assert [row.usd for row in found.rows] == [pytest.approx(HOURS * n) for n in (6, 4, 4)]


def test_the_formula_holds_the_larger_of_each_role() -> None:
    """Proves the static style: 3 P for the day and 3 D for the night, once for both parts, with and without changes.

    Sensitivity: parts sized apart would hold 3 P + 1 D and 1 P + 3 D, eight GPUs.
    """
    for changes in (None, Changes("free", model_load_s=60.0)):
        fleet = static(asked(changes), Resolver(SolveOptions(gap=0.0)))
        assert fleet.plan is not None
        assert fleet.plan.verdict.passed
        assert fleet.plan.objective_usd == pytest.approx(HOURS * 6)


def test_who_reads_by_day_and_writes_by_night_is_told() -> None:
    """Proves the schedule: in the evening two prefill replicas stop and two decode replicas flip out of them."""
    plan = solved(asked(Changes("roles", model_load_s=A_DAY)))
    moves = {(row.slot, row.role): (row.stopped, row.flipped) for row in plan.changes}
    assert moves == {
        ("h2", "prefill"): (2, 0),
        ("h2", "decode"): (0, 2),
        ("h1", "prefill"): (0, 2),
        ("h1", "decode"): (2, 0),
    }


@pytest.mark.parametrize("field", ["part_of", "static"])
def test_a_plan_of_parts_is_judged_as_one(field: str) -> None:
    """Proves the check: the plan that flips is none of a static day, nor of two workloads that must both keep GPUs."""
    plan = solved(asked(Changes("roles", per_change_gpus=2, model_load_s=A_DAY)))
    stricter = asked(Changes("static" if field == "static" else "roles", per_change_gpus=2, model_load_s=A_DAY))
    if field == "part_of":
        stricter = replace(stricter, workloads=tuple(replace(w, part_of=None) for w in stricter.workloads))
    failed = {check.name for check in verify(plan, stricter).checks if not check.passed}
    assert failed & {"changes_are_possible", "plan_is_well_formed"}


def test_in_static_a_role_rests_where_it_cannot_serve() -> None:
    """Proves resting: one GPU of another type writes all of the night, and stands idle by day, when one of A writes.

    Sensitivity: a family that could only stand where it serves would cost 3 P + 3 D of A, 6 USD/h.
    """
    base = asked(Changes("static"))
    night = stated(build.rate("b", 3.0, "decode", gpu="B"), [1.0, 1.0])
    assert isinstance(night.profile, RateProfile)
    night = replace(night, profile=replace(night.profile, points=night.profile.points[1:]))
    lines = (*base.supply.lines, build.line("cheap", "Bx1", 0.5))
    mixed = build.scenario(base.workloads, (*base.models["m"].candidates, night), lines, over=OVER)
    plan = solved(replace(mixed, changes=Changes("static")))
    assert plan.objective_usd == pytest.approx(HOURS * (0.5 + 3 + 1))
    assert {(p.config, p.slot, p.load_rps > 0) for p in plan.placements if p.config == "b"} == {
        ("b", "h1", False),
        ("b", "h2", True),
    }


@pytest.mark.parametrize("share", range(4))
def test_brute_force_finds_the_same_cost(share: int) -> None:
    """Twenty-four random days of two slots with lengths of their own: the least cost is that of trying every walk."""
    faults = []
    for seed in range(share, CASES, 4):
        scenario = draw_by_slot(Random(seed))
        expected, found = Day(scenario).least_cost(), solved(scenario).objective_usd
        if found != pytest.approx(expected, rel=1e-6):
            faults.append(f"{seed}: {found} instead of {expected}, {scenario.changes}")
    assert not faults
