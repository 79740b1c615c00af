"""Several promises about one latency, and promises from end to end, by hand: every one of them holds in the plan.

Prefill of 0.1 s behind an M/M/1 queue; a decode step of 9 ms and 1 ms more for each running request; 100 tokens out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetopt.capacity.table import derive
from fleetopt.catalog.domain import DecodePoint, DecodeProfile, PrefillPoint, PrefillProfile
from fleetopt.errors import Infeasible
from fleetopt.optimizer.case import build_case
from fleetopt.optimizer.formulation import formulate
from fleetopt.optimizer.matrix import compile_matrix
from fleetopt.optimizer.patterns.method import solve_by_patterns
from fleetopt.optimizer.solve import SolveOptions, solve
from fleetopt.plan.domain import Plan
from fleetopt.report.plan_views import workload_view
from fleetopt.scenario.domain import Family, LengthBin, Scenario
from fleetopt.study.once import optimize
from fleetopt.study.promises import promises
from fleetopt.study.reach import check_reach
from fleetopt.units import Latency
from tests.oracle import build
from tests.oracle.test_bundles import failures

EXACT = SolveOptions(gap=0.0)
MEAN, LOOSE = Latency(0.2), Latency(0.05)


def asked(rps: float = 5.0, **changes: Any) -> Scenario:
    """One workload, TTFT 200 ms and TPOT 50 ms at the mean, on GPUs that prefill or decode."""
    workload = build.workload("chat", rps, **{"ttft": MEAN, "tpot": LOOSE, **changes})
    profiles = [build.prefill("c", 10_000.0), build.decode("c", (1.0, 0.010), (32.0, 0.041))]
    return build.scenario([workload], profiles, [build.line("l", "Ax1", 1.0)])


def replicas(plan: Plan) -> dict[str, float]:
    return {row.role: row.replicas for row in plan.placements}


@pytest.mark.parametrize(
    ("further", "prefill"),
    [((), 1), ((Latency(0.4607, 0.9),), 1), ((Latency(0.4604, 0.9),), 2), ((Latency(0.5, 0.9), Latency(0.5, 0.99)), 7)],
)
def test_every_ttft_holds(further: tuple[Latency, ...], prefill: int) -> None:
    """Proves: 5 requests/s of 0.1 s take 0.2 s in the mean, ln(10) / (10 - 5) = 0.4605 s at P90, and 0.5 s at P99 leave
    10 - ln(100) / 0.5 = 0.79 to each of seven. Sensitivity: only one promise would be kept by fewer."""
    plan = optimize(asked(further_ttft=further), EXACT)
    assert plan.verdict.passed
    assert replicas(plan)["prefill"] == prefill


@pytest.mark.parametrize(("limit_s", "decode"), [(0.0186, 1), (0.0184, 1), (0.0179, 2)])
def test_every_tpot_holds(limit_s: float, decode: int) -> None:
    """Proves: at 5 requests/s nine requests run, 18 ms a step, which 17.9 ms do not allow, whatever 50 ms would."""
    plan = optimize(asked(further_tpot=(Latency(limit_s),)), EXACT) if limit_s else None
    assert plan is not None
    assert replicas(plan)["decode"] == decode


@pytest.mark.parametrize(("limit_s", "decode"), [(1.983, 1), (1.981, 2)])
def test_the_mean_from_end_to_end_is_the_sum_of_means(limit_s: float, decode: int) -> None:
    """Proves: 0.2 s that TTFT may take and 99 steps of 18 ms are 1.982 s."""
    plan = optimize(asked(e2e=(Latency(limit_s),)), EXACT)
    assert plan.verdict.passed
    assert replicas(plan)["decode"] == decode


def step_at(percentile: float, rps: float) -> float:
    """The step that so many of the requests find as they come, with n of them, themselves among them, 9 + n ms.

    Others are n of them (100 rps (9 + n) / 1000) / n times as often as one less; beyond a thousand next to never.
    """
    often = [1.0]
    for n in range(1, 1000):
        often.append(often[-1] * 100.0 * rps * (9.0 + n) / 1000.0 / n)
    found = next(n for n in range(1000) if sum(often[: n + 1]) >= percentile * sum(often))
    return (9.0 + found + 1.0) / 1000.0


@pytest.mark.parametrize(("more_s", "decode"), [(1e-6, 1), (-1e-3, 2)])
def test_a_percentile_from_end_to_end_is_a_bound(more_s: float, decode: int) -> None:
    """Proves: half of the requests within X follow from 90 % that start within 0.47 s and 60 % with steps not
    slower than (X - 0.47) / 99. Sensitivity: at P50 of the steps one request less would be counted."""
    assert step_at(0.6, 5.0) == 0.021
    whole = Latency(0.47 + 99 * 0.021 + more_s, 0.5)
    plan = optimize(asked(further_ttft=(Latency(0.47, 0.9),), e2e=(whole,)), EXACT)
    assert plan.verdict.passed
    assert replicas(plan)["decode"] == decode
    assert any("end-to-end time" in said for said in plan.provenance.assumptions)


def test_the_ttft_that_leaves_most_is_used() -> None:
    """Proves the choice: beside 0.47 s at P90, which needs the step of P60, 1 s at P99 leaves that of P51 less time."""
    ttfts = (Latency(0.47, 0.9), Latency(1.0, 0.99))
    whole = Latency(0.47 + 99 * 0.021 + 1e-6, 0.5)
    plan = optimize(asked(further_ttft=ttfts, e2e=(whole,)), EXACT)
    assert replicas(plan)["decode"] == 1
    alone = optimize(asked(further_ttft=ttfts[1:], e2e=(whole,)), EXACT)
    assert replicas(alone)["decode"] == 2


@pytest.mark.parametrize("smallest", [16.0, 24.0])
def test_a_plan_below_the_smallest_measured_batch_is_verified_and_says_so(smallest: float) -> None:
    """Proves: at P99 fewer run on average than were ever measured at once; TPOT is taken no better than at the smallest
    batch, which the plan tells and the second computation accepts.

    Sensitivity: a plan that fails its own verification is never shown.
    """
    decode = build.decode("c", (smallest, 0.020), (64.0, 0.060))
    asks = build.workload("chat", 5.0, tpot=Latency(0.030, 0.99))
    scenario = build.scenario([asks], [build.prefill("c", 10_000.0), decode], [build.line("l", "Ax1", 1.0)])
    plan = optimize(scenario, EXACT)
    assert plan.verdict.passed
    [batch] = [one.batch for one in plan.placements if one.role == "decode"]
    assert batch is not None
    assert batch < smallest
    said = f"fewer than {smallest:g}, the smallest measured batch, TPOT is taken as there"
    assert any(said in assumption for assumption in plan.provenance.assumptions)


STRICTER: Sequence[dict[str, Any]] = (
    {"further_ttft": (Latency(0.3, 0.9),)},
    {"further_ttft": (Latency(9.0, 0.99), Latency(0.3, 0.9))},
    {"further_tpot": (Latency(0.017),)},
    {"further_tpot": (Latency(0.018, 0.99),)},
    {"e2e": (Latency(1.9),)},
    {"e2e": (Latency(0.1),)},
    {"further_ttft": (Latency(0.47, 0.9),), "e2e": (Latency(2.2, 0.5),)},
)


@pytest.mark.parametrize("promised", STRICTER)
def test_verify_asks_for_every_promise(promised: dict[str, Any]) -> None:
    """Proves that a plan made without a promise is refused by it alone."""
    plan = optimize(asked(), EXACT)
    assert failures(plan, asked()) == set()
    assert "slo_holds" in failures(plan, asked(**promised))


def test_the_plan_tells_every_promise() -> None:
    """Proves the records by hand: at 2.5 requests/s to each of two the queue keeps ln(10) / 7.5 at P90, and where 9 run
    on average, 18 ms a step, one finds 24 with itself at P99, 33 ms a step."""
    scenario = asked(further_ttft=(Latency(0.4, 0.9),), further_tpot=(Latency(0.04, 0.99),))
    plan = optimize(scenario, EXACT)
    assert {role: round(count) for role, count in replicas(plan).items()} == {"prefill": 2, "decode": 1}
    [outcome] = plan.workloads
    ttft, tpot = outcome.further
    assert (ttft.what, ttft.at, ttft.limit_s) == ("ttft", "p90", 0.4)
    assert ttft.delivered_s == pytest.approx(2.302585 / 7.5, rel=1e-5)
    assert (tpot.what, tpot.at, tpot.limit_s) == ("tpot", "p99", 0.04)
    assert tpot.delivered_s == pytest.approx(step_at(0.99, 5.0)) == pytest.approx(0.033)
    shown = str(workload_view(plan))
    assert "p90" in shown
    assert "p99" in shown


@pytest.mark.parametrize(
    "change",
    [{"at": "p95"}, {"limit_s": 0.5}, {"delivered_s": 0.41}, {"delivered_s": 0.05}, {"what": "tpot"}, None],
    ids=str,
)
def test_a_tampered_promise_is_refused(change: dict[str, Any] | None) -> None:
    """Proves that verify reads each further promise: its place, its limit, and whether it can be what is told."""
    scenario = asked(ttft=Latency(0.16, 0.5), further_ttft=(Latency(0.4, 0.9),))
    plan = optimize(scenario, EXACT)
    [outcome] = plan.workloads
    further = () if change is None else (outcome.further[0].model_copy(update=change),)
    wrong = plan.model_copy(update={"workloads": (outcome.model_copy(update={"further": further}),)})
    assert failures(plan, scenario) == set()
    assert "outcomes_are_true" in failures(wrong, scenario)


@pytest.mark.parametrize("promised", STRICTER)
def test_a_promise_more_is_never_cheaper(promised: dict[str, Any]) -> None:
    """Proves that promises only take, and that the price of each can be asked for."""
    try:
        dearer = optimize(asked(**promised), EXACT).objective_usd
    except Infeasible:
        return
    assert dearer >= optimize(asked(), EXACT).objective_usd
    named = {promise.name for promise in promises(asked(**promised))}
    rests = "further_ttft" in promised and "e2e" in promised
    assert sum("as well" in name or "end to end" in name for name in named) == len(promised) - rests
    assert any(name.startswith("chat: TTFT 200 ms") for name in named) is ("e2e" not in promised)


def test_a_promise_below_the_floor_is_told_by_its_own_limit() -> None:
    """Proves the reason of an impossible promise: the percentile that is too tight, not the first one."""
    told = asked(further_ttft=(Latency(0.2, 0.99),))
    with pytest.raises(Infeasible) as refused:
        check_reach(told, derive(told), build_case(told, derive(told)))
    said = f"{refused.value}".replace("0.2 s", "200 ms").replace("0.461 s", "461 ms")
    assert "200 ms at p99 is below the 461 ms floor" in said


def test_both_methods_find_the_same_cost() -> None:
    """Proves that the pattern method knows the capacities under several promises."""
    question = asked(11.0, further_ttft=(Latency(0.4, 0.9),), e2e=(Latency(2.0),))
    problem = formulate(build_case(question, derive(question)))
    matrix = compile_matrix(problem)
    exact, found = solve(matrix, EXACT), solve_by_patterns(problem, matrix, EXACT)
    assert found.objective == pytest.approx(exact.objective, rel=1e-6)


limits = st.lists(
    st.tuples(st.floats(0.11, 3.0), st.sampled_from([0.5, 0.9, 0.95, 0.99])), max_size=3, unique_by=lambda one: one[1]
)


@settings(max_examples=40)
@given(limits, limits)
def test_a_replica_carries_the_least_of_what_each_promise_allows(
    ttfts: list[tuple[float, float]], tpots: list[tuple[float, float]]
) -> None:
    """Proves capacities against those of one promise each: the least, or none where one of them allows none."""
    further_ttft = tuple(Latency(*one) for one in ttfts)
    further_tpot = tuple(Latency(limit_s / 50.0, at) for limit_s, at in tpots)
    together = asked(further_ttft=further_ttft, further_tpot=further_tpot)
    workload = asked().workloads[0]
    alone = [workload, *(replace(workload, ttft=one) for one in further_ttft)]
    alone += [replace(workload, tpot=one) for one in further_tpot]
    each = [derive(replace(together, workloads=(one,))).by_key() for one in alone]
    rates: dict[str, float] = {}
    for name in ("c/prefill", "c/decode"):
        found = [table["chat", name].capacity_rps if ("chat", name) in table else 0.0 for table in each]
        if min(found) > 0.0:
            rates[name] = min(found)
    assert {row.candidate.name: row.capacity_rps for row in derive(together).rows} == pytest.approx(rates)


@pytest.mark.parametrize("rps", [0.5, 2.0])
def test_buckets_that_share_tell_further_promises_at_full_capacity(rps: float) -> None:
    """Proves: where requests of other lengths stand beside them on shared replicas, each TPOT is told as if these were
    full, the first and the further one alike, and verify agrees at any load.

    Sensitivity: the further one told at the bucket's own load is better than what its requests see.
    """
    bins = (LengthBin(800.0, 100.0, 0.5), LengthBin(1000.0, 100.0, 0.5))
    family = Family("chat", "free", bins)
    promised: dict[str, Any] = {
        "ttft": Latency(1.0),
        "tpot": Latency(0.03, 0.9),
        "further_tpot": (Latency(0.035, 0.99),),
    }
    workloads = [
        replace(build.workload(f"chat {at}", rps, **promised), input_tokens=one.input_tokens, family=family)
        for at, one in enumerate(bins)
    ]
    prefill, decode = build.prefill("c", 10_000.0), build.decode("c", (1.0, 0.010), (32.0, 0.041))
    assert isinstance(prefill.profile, PrefillProfile)
    assert isinstance(decode.profile, DecodeProfile)
    ends = tuple(PrefillPoint(tokens, 10_000.0) for tokens in (100.0, 2000.0))
    steps = tuple(DecodePoint(c, b, s) for c in (500.0, 2000.0) for b, s in ((1.0, 0.010), (32.0, 0.041)))
    candidates = [
        replace(prefill, profile=replace(prefill.profile, points=ends)),
        replace(decode, profile=replace(decode.profile, points=steps)),
    ]
    scenario = build.scenario(workloads, candidates, [build.line("l", "Ax1", 1.0)])
    plan = optimize(scenario, EXACT)
    assert plan.verdict.passed
    full_rps = min(row.capacity_rps for row in derive(scenario).rows if row.candidate.role == "decode")
    for row in plan.workloads:
        assert row.tpot_s == pytest.approx(step_at(0.9, full_rps)) == pytest.approx(0.028)
        assert [one.delivered_s for one in row.further] == pytest.approx([step_at(0.99, full_rps - 1e-9)])
        assert [one.delivered_s for one in row.further] == pytest.approx([0.035])
