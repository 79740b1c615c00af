"""Service classes by hand and against trying everything: who goes short first where not all can be served.

A replica is one GPU, a node is one GPU at 1 USD/h, a period has 90 days; shortfall is priced so that without classes
the lower one, whose requests are dear to miss, would be served first.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from random import Random
from typing import Any

import pytest

from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.scenario.changing import Changes
from fleetopt.scenario.domain import Scenario, Shortfall, Workload
from fleetopt.scenario.work import AMOUNT, Batch, Work, most_rps
from fleetopt.study.once import optimize
from fleetopt.verify import verify
from tests.oracle import build

PERIOD_S = 90 * 24 * 3600.0
OVER = build.calendar(1, (12.0, 12.0))


def lacking(name: str, rps: float, priority: int | None, allowed: float, usd: float, **changes: Any) -> Workload:
    """A workload that may lack something, at a price per request that is written in USD per node-hour of requests."""
    base = build.workload(name, rps, over=changes.pop("over", OVER))
    return replace(base, priority=priority, shortfall=Shortfall(allowed, 0.0, usd / 3600.0), **changes)


def solved(scenario: Scenario, method: str = "mip") -> Plan:
    plan = optimize(scenario, SolveOptions(gap=0.0, method=method))  # type: ignore[arg-type]
    assert plan.verdict.passed
    return plan


def short(plan: Plan) -> dict[str, float]:
    """The most that each workload lacks at any time, in requests/s."""
    found: dict[str, float] = {}
    for o in plan.workloads:
        found[o.workload] = max(found.get(o.workload, 0.0), o.shortfall_rps)
    return found


def asked(*workloads: Workload, nodes: int | None, **more: Any) -> Scenario:
    line = build.line("rent", "Ax1", 1.0, max_nodes=nodes)
    candidates = more.pop("candidates", [build.rate("c", 1.0)])
    return build.scenario(workloads, candidates, more.pop("lines", [line]), over=more.pop("over", OVER), **more)


@pytest.mark.parametrize("method", ["mip", "patterns"])
def test_changes_that_nothing_restricts_leave_the_order_as_it_is(method: str) -> None:
    """Proves: with changes that are only told, the cost and who lacks what are those without, and no replica rests.

    By day both ask for two of three nodes, by night the lower class for nothing.
    """
    night = {("t1", "h1", "o1"): 2.0, ("t1", "h2", "o1"): 0.0}
    low = replace(lacking("low", 2.0, 2, 1.0, 3.0), demand_rps=night)
    scenario = asked(lacking("high", 2.0, 1, 1.0, 1.0), low, nodes=3)
    told = solved(replace(scenario, changes=Changes()), method)
    plain = solved(scenario, method)
    assert told.objective_usd == pytest.approx(plain.objective_usd)
    assert short(told) == short(plain)
    assert {row.slot for row in told.placements if row.workload == "low"} <= {"h1"}
    assert told.changes


@pytest.mark.parametrize("method", ["mip", "patterns"])
def test_the_higher_class_goes_short_last(method: str) -> None:
    """Proves the order: of 4 requests/s three can be served; class 2 lacks one although missing it costs three times.

    Sensitivity: without classes, or with them swapped, the cheaper one to miss would lack it.
    """
    high, low = lacking("high", 2.0, 1, 1.0, 5.0), lacking("low", 2.0, 2, 0.5, 15.0)
    assert short(solved(asked(high, low, nodes=3), method)) == pytest.approx({"high": 0.0, "low": 1.0})
    free = [replace(w, priority=None) for w in (high, low)]
    assert short(solved(asked(*free, nodes=3), method)) == pytest.approx({"high": 1.0, "low": 0.0})
    # When class 2 has given all that it may, class 1 lacks the rest.
    assert short(solved(asked(high, low, nodes=2), method)) == pytest.approx({"high": 1.0, "low": 1.0})


def test_workloads_of_one_class_or_without_any_have_no_order() -> None:
    """Proves that only a higher class stands before a lower one."""
    for classes in ((1, 1), (None, 2), (1, None)):
        high, low = lacking("high", 2.0, classes[0], 1.0, 5.0), lacking("low", 2.0, classes[1], 0.5, 15.0)
        assert short(solved(asked(high, low, nodes=3))) == pytest.approx({"high": 1.0, "low": 0.0})


def test_a_lower_class_keeps_the_replica_that_its_floor_needs() -> None:
    """Proves that replicas are whole: class 2 may lack half a request/s of 2, for which no replica of 1 can go.

    So class 1 lacks one, and the plan holds. Sensitivity: a rule on rates would have class 2 lack what nobody gains.
    """
    high, low = lacking("high", 2.0, 1, 1.0, 5.0), lacking("low", 2.0, 2, 0.25, 15.0)
    assert short(solved(asked(high, low, nodes=3))) == pytest.approx({"high": 1.0, "low": 0.0})


def test_order_holds_only_where_gpus_can_be_shared() -> None:
    """Proves may_use: class 1 cannot run on B, so that class 2 keeps its replicas there, and loses those on A."""
    lines = [build.line("a", "Ax1", 1.0, max_nodes=1), build.line("b", "Bx1", 1.0, max_nodes=2)]
    both = [build.rate("c", 1.0), build.rate("d", 1.0, gpu="B")]
    high = lacking("high", 2.0, 1, 1.0, 5.0, gpu_types=("A",))
    on_b = asked(high, lacking("low", 2.0, 2, 0.5, 15.0), nodes=None, lines=lines, candidates=both)
    assert short(solved(on_b)) == pytest.approx({"high": 1.0, "low": 0.0})
    anywhere = asked(replace(high, gpu_types=None), lacking("low", 2.0, 2, 0.5, 15.0), nodes=None, lines=lines)
    both_used = replace(anywhere, models=on_b.models)
    assert short(solved(both_used)) == pytest.approx({"high": 0.0, "low": 1.0})


def test_prefill_and_decode_replicas_go_one_by_one() -> None:
    """Proves the lines: class 2 at its floor of 1 keeps one prefill and two decode replicas of six, and no more."""
    split = [build.rate("p", 1.0, "prefill"), build.rate("d", 0.5, "decode")]
    high, low = lacking("high", 2.0, 1, 1.0, 4.0), lacking("low", 2.0, 2, 0.5, 15.0)
    plan = solved(asked(high, low, nodes=9, candidates=split))
    assert short(plan) == pytest.approx({"high": 0.0, "low": 1.0})
    assert sum(p.replicas for p in plan.placements if p.workload == "low" and p.slot == "h1") == 3
    free = [replace(w, priority=None) for w in (high, low)]
    assert short(solved(asked(*free, nodes=9, candidates=split))) == pytest.approx({"high": 1.0, "low": 0.0})


def test_batch_work_of_a_lower_class_goes_short_first_and_of_a_higher_one_last() -> None:
    """Proves classes of work: one node for a request/s by day and a node-half of work by day as well.

    Chat of class 1 is served and the work lacks all it may; work of class 1 is done and chat lacks all it may.
    """
    batch = Batch(("h1",), (Work(AMOUNT, 0, 0, {"o1": PERIOD_S / 2}),))
    day = {("t1", "h1", "o1"): 1.0, ("t1", "h2", "o1"): 0.0}
    for first, usd in ((True, 15.0), (False, 5.0)):
        chat = replace(lacking("chat", 1.0, 1 if first else 2, 1.0, 20.0 - usd), demand_rps=day)
        bulk = lacking("bulk", 1.0, 2 if first else 1, 1.0, usd, batch=batch, demand_rps=most_rps(batch, OVER))
        plan = solved(asked(chat, bulk, nodes=1))
        lacks = short(plan)
        assert lacks == pytest.approx({"chat": float(not first), "bulk": float(first)})


def test_a_plan_that_serves_the_lower_class_first_is_refused() -> None:
    """Proves the second computation: the best plan without classes breaks them, and only them."""
    high, low = lacking("high", 2.0, 1, 1.0, 5.0), lacking("low", 2.0, 2, 0.5, 15.0)
    free = solved(asked(*(replace(w, priority=None) for w in (high, low)), nodes=3))
    ranked = {"high": 1, "low": 2}
    told = tuple(o.model_copy(update={"priority": ranked[o.workload]}) for o in free.workloads)
    verdict = verify(free.model_copy(update={"workloads": told}), asked(high, low, nodes=3))
    assert [check.name for check in verdict.checks if not check.passed] == ["classes_go_short_in_order"]


def cheapest(scenario: Scenario) -> float:
    """The least cost at the one time by trying all replicas of each workload: one config of a GPU for each."""
    (line,), workloads = scenario.supply.lines, scenario.workloads
    caps = {c.config.model: c.profile.points[0].rate_rps for llm in scenario.models.values() for c in llm.candidates}  # type: ignore[union-attr]
    hours, best = 90 * 24.0, math.inf
    ranges = [range(math.ceil(w.demand_rps["t1", "h1", "o1"] / caps[w.model]) + 1) for w in workloads]
    for counts in product(*ranges):
        parts = [
            min(1.0, n * caps[w.model] / w.demand_rps["t1", "h1", "o1"]) for n, w in zip(counts, workloads, strict=True)
        ]
        if line.max_nodes is not None and sum(counts) > line.max_nodes:
            continue
        if any(part < 1.0 - w.shortfall.allowed - 1e-9 for part, w in zip(parts, workloads, strict=True)):
            continue
        if _out_of_order(workloads, counts, parts, caps):
            continue
        missed = sum(
            (1.0 - part) * w.demand_rps["t1", "h1", "o1"] * w.shortfall.usd_per_request * 3600.0
            for part, w in zip(parts, workloads, strict=True)
        )
        best = min(best, hours * (sum(counts) * line.offer.usd_per_node_h + missed))
    return best


def _out_of_order(
    workloads: tuple[Workload, ...], counts: tuple[int, ...], parts: list[float], caps: dict[str, float]
) -> bool:
    for high, part in zip(workloads, parts, strict=True):
        for low, count in zip(workloads, counts, strict=True):
            if high.priority and low.priority and low.priority > high.priority and part < 1.0 - 1e-9 and count:
                less = (count - 1) * caps[low.model] / low.demand_rps["t1", "h1", "o1"]
                if low.shortfall.allowed > 0 and less >= 1.0 - low.shortfall.allowed - 1e-9:
                    return True
    return False


@pytest.mark.parametrize("seed", range(20))
def test_the_program_finds_what_trying_everything_finds(seed: int) -> None:
    """Three workloads of random classes, rates and prices on too few nodes cost as little as any choice in order."""
    random = Random(seed)
    over = build.calendar(1)
    workloads = [
        lacking(
            f"w{i}",
            random.uniform(0.5, 3.0),
            random.choice((1, 2, 3, None)),
            random.choice((0.3, 0.6, 1.0)),
            random.uniform(0.5, 5.0),
            model=f"m{i}",
            over=over,
        )
        for i in range(3)
    ]
    candidates = [build.rate(f"c{i}", random.uniform(0.4, 1.2), model=f"m{i}") for i in range(3)]
    scenario = asked(*workloads, nodes=9, candidates=candidates, over=over)
    least = sum(math.ceil(0.7 * 3.0 / 0.4) for _ in range(3))
    scenario = replace(
        scenario, supply=replace(scenario.supply, lines=(build.line("rent", "Ax1", 1.0, max_nodes=min(least, 7)),))
    )
    if math.isinf(cheapest(scenario)):
        scenario = replace(scenario, supply=replace(scenario.supply, lines=(build.line("rent", "Ax1", 1.0),)))
    for method in ("mip", "patterns"):
        assert solved(scenario, method).objective_usd == pytest.approx(cheapest(scenario), rel=1e-6)
