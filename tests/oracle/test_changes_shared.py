"""Changes where length buckets share replicas: by hand, against brute force, and by both methods.

A day has 8 and 16 hours, replicas have one GPU at 1 USD/h, a period has 30 days. A replica carries 2 short requests/s
or 1 long one, or any share of both.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from random import Random

import pytest

from fleetopt.catalog.domain import Candidate, RateProfile
from fleetopt.optimizer.solve import Method, SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.scenario.changing import Changes
from fleetopt.scenario.domain import Family, LengthBin, Scenario
from fleetopt.study.once import optimize
from fleetopt.verify import verify
from tests.oracle import build

HOURS = (8.0, 16.0)
OVER = build.calendar(1, HOURS, days=30)
LENGTHS = (LengthBin(100.0, 10.0, 0.5), LengthBin(200.0, 10.0, 0.5))
RATES = (2.0, 1.0)
CASES = 40


def replica() -> Candidate:
    one = build.rate("a", 1.0)
    assert isinstance(one.profile, RateProfile)
    points = [
        replace(one.profile.points[0], input_tokens=each.input_tokens, output_tokens=10.0, rate_rps=rps)
        for each, rps in zip(LENGTHS, RATES, strict=True)
    ]
    return replace(one, profile=replace(one.profile, points=tuple(points)))


def asked(changes: Changes | None, *demands: tuple[float, float]) -> Scenario:
    """So many short and long requests/s by slot."""
    family = Family("chat", "free", LENGTHS)
    buckets = [
        replace(
            build.workload(f"chat {i}", {("t1", f"h{h + 1}", "o1"): d[i] for h, d in enumerate(demands)}, over=OVER),
            input_tokens=one.input_tokens,
            output_tokens=10.0,
            family=family,
        )
        for i, one in enumerate(LENGTHS)
    ]
    return replace(build.scenario(buckets, [replica()], [build.line("l", "Ax1")], over=OVER), changes=changes)


def solved(scenario: Scenario, method: Method = "auto") -> Plan:
    plan = optimize(scenario, SolveOptions(gap=0.0, method=method))
    assert plan.verdict.passed
    return plan


def least(scenario: Scenario, *needs: float) -> float:
    """USD of the cheapest closed walk over numbers of replicas, of which those that start lose part of a slot."""
    changes, best = scenario.changes or Changes(), float("inf")
    for counts in product(range(9), repeat=2):
        started = [max(0, counts[h] - counts[h - 1]) for h in (0, 1)]
        lost = [min(1.0, changes.model_load_s / 3600.0 / hours) for hours in HOURS]
        enough = all(counts[h] - lost[h] * started[h] >= needs[h] - 1e-9 for h in (0, 1))
        few = changes.per_change_gpus is None or max(started) <= changes.per_change_gpus
        if enough and few and (changes.mode == "free" or counts[0] == counts[1]):
            best = min(best, 30.0 * sum(n * hours for n, hours in zip(counts, HOURS, strict=True)))
    return best


BY_HAND = [
    (None, 8 * 2 + 16 * 1),
    (Changes(), 8 * 2 + 16 * 1),
    (Changes("static"), 24 * 2),
    (Changes(per_change_gpus=0), 24 * 2),
    (Changes(model_load_s=4.0 * 3600.0), 8 * 3 + 16 * 1),
]


@pytest.mark.parametrize(("changes", "usd_per_day"), BY_HAND)
@pytest.mark.parametrize("method", ["mip", "patterns"])
def test_shared_replicas_start_as_others_do(changes: Changes | None, usd_per_day: float, method: Method) -> None:
    """Proves by hand: 1.2 short and 1 long requests/s take 1.6 replicas by day, and half as many 0.8 by night.

    2 by day and 1 by night; 2 all day where none may start; 3 by day where the two that start lose half of it.
    Sensitivity: buckets counted apart would hold 1 + 1 at all times; shares are never whole, and would start at will.
    """
    plan = solved(asked(changes, (1.2, 1.0), (0.6, 0.5)), method)
    assert plan.objective_usd == pytest.approx(30.0 * usd_per_day)
    if changes is not None and changes.model_load_s:
        assert sum(row.lost_replicas for row in plan.placements) == pytest.approx(1.0)
        assert {(row.workload, row.slot, row.loaded, row.stopped) for row in plan.changes} == {
            ("chat", "h1", 2, 0),
            ("chat", "h2", 0, 2),
        }


@pytest.mark.parametrize("share", range(4))
def test_brute_force_finds_the_same_cost(share: int) -> None:
    """Forty random days of two buckets, one of them perhaps without demand at night: the cost of trying every walk."""
    faults = []
    for seed in range(share, CASES, 4):
        random = Random(seed)
        demands = [tuple(random.choice((0.0, 0.3, 1.0, 1.7)) for _ in RATES) for _ in HOURS]
        changes = Changes(
            random.choice(("static", "free", "free")),
            model_load_s=random.choice((0.0, 1800.0, 7200.0)),
            per_change_gpus=random.choice((None, 0, 1, 2)),
        )
        scenario = asked(changes, (demands[0][0], demands[0][1]), (demands[1][0], demands[1][1]))
        if not any(map(any, demands)):
            continue
        needs = [sum(d / rps for d, rps in zip(asked_for, RATES, strict=True)) for asked_for in demands]
        expected, found = least(scenario, *needs), solved(scenario).objective_usd
        if found != pytest.approx(expected, rel=1e-6):
            faults.append(f"{seed}: {found} instead of {expected}, {demands}, {changes}")
    assert not faults


TAMPERED = [("placements", {"lost_replicas": 0.0}), ("changes", {"loaded": 1}), ("changes", {"workload": "chat 0"})]


@pytest.mark.parametrize(("table", "change"), TAMPERED)
def test_a_tampered_plan_is_refused(table: str, change: dict[str, float | str]) -> None:
    """Proves that verify counts what is shared as whole: each lie about what starts by day breaks a check."""
    scenario = asked(Changes(model_load_s=4.0 * 3600.0), (1.2, 1.0), (0.6, 0.5))
    plan = solved(scenario)
    rows = [row.model_copy(update=change) if row.slot == "h1" else row for row in getattr(plan, table)]
    told = verify(plan.model_copy(update={table: tuple(rows)}), scenario)
    assert "changes_are_possible" in {check.name for check in told.checks if not check.passed}
