"""Changes between slots: by hand, against brute force, refused when tampered with, and never cheaper when stricter.

Unless a test says otherwise a day has 8 and 16 hours, replicas have one GPU and carry one request/s, a GPU costs
1 USD/h, and a period has 30 days.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from fleetopt.errors import Infeasible
from fleetopt.optimizer.solve import Method, SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.scenario.changing import Changes
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.supply_domain import Stock
from fleetopt.study.limits import apply
from fleetopt.study.once import optimize
from fleetopt.verify import verify
from tests.oracle import build
from tests.oracle.changing import Day, draw

OVER = build.calendar(1, (8.0, 16.0), days=30)
CASES = 24


def asked(day: float, night: float, changes: Changes | None, *candidates: Any, gpus: int = 1) -> Scenario:
    demand = {("t1", "h1", "o1"): day, ("t1", "h2", "o1"): night}
    ways = candidates or (build.rate("a", 1.0),)
    lines = [build.line("rent", f"Ax{gpus}")]
    workloads = [build.workload("chat", demand, over=OVER)]
    return replace(build.scenario(workloads, ways, lines, over=OVER), changes=changes)


def solved(scenario: Scenario, method: Method = "auto") -> Plan:
    plan = optimize(scenario, SolveOptions(gap=0.0, method=method))
    assert plan.verdict.passed
    return plan


def cost(scenario: Scenario) -> float | None:
    try:
        return solved(scenario).objective_usd
    except Infeasible:
        return None


def test_a_limit_keeps_replicas_standing_over_the_night() -> None:
    """Proves the limit: of 4 replicas by day and 1 by night one may start, so 3 stay: 30 x (8 x 4 + 16 x 3) USD.

    Without a limit 30 x (8 x 4 + 16 x 1); static, or with a limit of none, 30 x 24 x 4.
    Sensitivity: a night that does not lead into the day again would cost as if there were no limit.
    """
    free, one = asked(4.0, 1.0, None), asked(4.0, 1.0, Changes(per_change_gpus=1))
    assert cost(free) == pytest.approx(1440.0)
    assert cost(one) == pytest.approx(2400.0)
    for stays in (Changes("static"), Changes(per_change_gpus=0), Changes(per_day_gpus=0)):
        assert cost(asked(4.0, 1.0, stays)) == pytest.approx(2880.0)


def test_a_start_takes_its_part_of_the_slot() -> None:
    """Proves the loss: a load of 4 h takes half of 8 h, so two of the day's three replicas that start are two thirds.

    By day 3 requests/s: with n at night, N by day carry N - (N - n)/2; 3 and 3 or 5 and 1 cost 2160 and 1680 USD.
    Sensitivity: a loss counted of the 24 h of a day would be 1/6, and the least another one.
    """
    plan = solved(asked(3.0, 1.0, Changes(model_load_s=4.0 * 3600.0)))
    assert plan.objective_usd == pytest.approx(30.0 * (8 * 5 + 16 * 1))
    day = next(p for p in plan.placements if p.slot == "h1")
    assert day.replicas == 5
    assert day.lost_replicas == pytest.approx(2.0)
    assert plan.workloads[0].achieved_rps == pytest.approx(3.0)
    (start, stop) = sorted(plan.changes, key=lambda change: change.slot)
    assert (start.after, start.loaded, stop.after, stop.stopped) == ("h2", 4, "h1", 4)


def test_a_flip_takes_less_than_a_load() -> None:
    """Proves flips: what flips in no time is never dearer than what has to load for all of a slot.

    Two replicas that stay lose nothing, however long a load is.
    """
    ways = build.rate("c", 1.0, "prefill"), build.rate("c", 1.0, "decode"), build.rate("a", 0.75)
    flipping = Changes(role_flip_s=0.0, model_load_s=8.0 * 3600.0, per_change_gpus=1)
    free, slow = asked(2.0, 1.0, flipping, *ways), asked(2.0, 1.0, replace(flipping, role_flip_s=9.0e4), *ways)
    assert (cost(free) or 0.0) <= (cost(slow) or 0.0)
    two = asked(1.0, 1.0, Changes(role_flip_s=0.0, model_load_s=1e5), build.rate("c", 1.0, "prefill"), ways[1])
    assert cost(two) == pytest.approx(30.0 * 24.0 * 2)


def test_in_roles_a_workload_keeps_its_gpus() -> None:
    """Proves the mode: two workloads that peak at different times share no GPU, and do so when all is free.

    Each asks for 2 and 1: free, 3 GPUs at every time; in roles, 4. Sensitivity: holding GPUs by pool only would give 3.
    """
    up = {("t1", "h1", "o1"): 2.0, ("t1", "h2", "o1"): 1.0}
    down = {("t1", "h1", "o1"): 1.0, ("t1", "h2", "o1"): 2.0}
    both = [build.workload("one", up, over=OVER), build.workload("two", down, over=OVER)]
    base = build.scenario(both, [build.rate("a", 1.0)], [build.line("rent", "Ax1")], over=OVER)
    costs = [cost(replace(base, changes=Changes(mode))) for mode in ("free", "roles", "static")]
    assert costs == [pytest.approx(30.0 * 24.0 * n) for n in (3, 4, 4)]


def test_a_slot_in_which_nothing_is_asked_is_part_of_the_day() -> None:
    """Proves resting: with no limit of starts the night is free; with none allowed the replicas stand on."""
    assert cost(asked(2.0, 0.0, None)) == pytest.approx(480.0)
    plan = solved(asked(2.0, 0.0, Changes(per_change_gpus=0)))
    assert plan.objective_usd == pytest.approx(1440.0)
    assert {(p.slot, p.replicas, p.load_rps) for p in plan.placements} == {("h1", 2, 1.0), ("h2", 2, 0.0)}


def test_a_limit_that_nothing_fits_is_explained() -> None:
    """Proves the repair: on five owned GPUs two workloads that peak in turn have to start three, and none are allowed.

    Each repair named is one that makes a plan. Sensitivity: a limit without a name would leave nothing to raise.
    """
    base = two_and_three()
    owned = replace(base.supply, lines=(), stock=(Stock("own", "main", "Ax1", 5, 1.0),))
    with pytest.raises(Infeasible) as refused:
        optimize(replace(base, supply=owned, changes=Changes(per_change_gpus=0)), SolveOptions(gap=0.0))
    named = {change.limit for repair in refused.value.repairs for change in repair.changes}
    assert "changes per slot" in named
    for repair in refused.value.repairs:
        if [change.limit for change in repair.changes] == ["changes per slot"]:
            assert solved(apply(replace(base, supply=owned, changes=Changes(per_change_gpus=0)), repair)).verdict.passed


TAMPERED = [
    ("nothing lost", "placements", {"lost_replicas": 0.0}),
    ("more lost", "placements", {"lost_replicas": 3.0}),
    ("less started", "changes", {"loaded": 1}),
    ("a flip out of nothing", "changes", {"loaded": 0, "flipped": 4}),
    ("another slot before", "changes", {"after": "h1"}),
    ("smaller replicas", "changes", {"gpus": 0}),
]


@pytest.mark.parametrize(("table", "change"), [one[1:] for one in TAMPERED], ids=[one[0] for one in TAMPERED])
def test_a_tampered_plan_is_refused(table: str, change: dict[str, Any]) -> None:
    """Each lie about what starts by day breaks the check that counts it again."""
    scenario = asked(3.0, 1.0, Changes(model_load_s=4.0 * 3600.0))
    plan = solved(scenario)
    rows = [r.model_copy(update=change) if r.slot == "h1" else r for r in getattr(plan, table)]
    told = verify(plan.model_copy(update={table: tuple(rows)}), scenario)
    assert "changes_are_possible" in {check.name for check in told.checks if not check.passed}


@pytest.mark.parametrize(
    "stricter",
    [
        Changes("static"),
        Changes("roles"),
        Changes(per_change_gpus=2),
        Changes(per_day_gpus=2),
        Changes(model_load_s=60.0),
    ],
    ids=lambda changes: f"{changes.mode} {changes.per_change_gpus} {changes.per_day_gpus} {changes.model_load_s:g}",
)
def test_a_free_plan_is_none_of_a_stricter_scenario(stricter: Changes) -> None:
    """A plan that starts three replicas breaks every scenario that would not let it, and one that states no changes."""
    plan = solved(replace(two_and_three(), changes=Changes()))
    told = verify(plan, replace(two_and_three(), changes=stricter))
    assert "changes_are_possible" in {check.name for check in told.checks if not check.passed}
    assert not verify(plan, replace(two_and_three(), changes=None)).passed


def two_and_three() -> Scenario:
    """Two workloads that peak at different times, by 3 GPUs each."""
    up = {("t1", "h1", "o1"): 4.0, ("t1", "h2", "o1"): 1.0}
    down = {("t1", "h1", "o1"): 1.0, ("t1", "h2", "o1"): 4.0}
    both = [build.workload("one", up, over=OVER), build.workload("two", down, over=OVER)]
    return build.scenario(both, [build.rate("a", 1.0)], [build.line("rent", "Ax1")], over=OVER)


@pytest.mark.parametrize("share", range(4))
def test_brute_force_finds_the_same_cost(share: int) -> None:
    """Twenty-four random days: the least cost is that of every walk through every state, with every flip tried.

    Sensitivity: a last slot that does not lead into the first, a flip from nothing, or a loss of the wrong slot.
    """
    faults = []
    for seed in range(share, CASES, 4):
        scenario = draw(Random(seed))
        expected, found = Day(scenario).least_cost(), cost(scenario)
        if (expected is None) is not (found is None) or (found or 0.0) != pytest.approx(expected or 0.0, rel=1e-6):
            faults.append(f"{seed}: {found} instead of {expected}, {scenario.changes}")
    assert not faults


def test_freer_is_never_dearer() -> None:
    """A freer mode, a looser limit and a shorter time: every plan of the stricter day is one of the freer."""
    for seed in range(100, 115):
        scenario = draw(Random(seed))
        assert scenario.changes is not None
        changes = replace(scenario.changes, mode="roles")
        chain = [replace(changes, mode="static"), changes, replace(changes, mode="free")]
        chain += [replace(chain[-1], per_day_gpus=None), replace(chain[-1], per_day_gpus=None, per_change_gpus=None)]
        chain.append(replace(chain[-1], role_flip_s=0.0, model_load_s=0.0))
        costs = [cost(replace(scenario, changes=one)) for one in chain]
        assert None not in costs
        for stricter, freer in pairwise(costs):
            assert (freer or 0.0) <= (stricter or 0.0) * (1.0 + 1e-9), (seed, costs)
    assert costs[0] is not None


def test_without_the_block_nothing_is_different() -> None:
    """A scenario that states no changes has none in its plan, and costs what the freest one does."""
    for seed in range(200, 206):
        scenario = replace(draw(Random(seed)), changes=None)
        plan = solved(scenario)
        assert plan.changes == ()
        assert {p.lost_replicas for p in plan.placements} == {0.0}
        assert cost(replace(scenario, changes=Changes())) == pytest.approx(plan.objective_usd)
