"""Length buckets that share replicas, against brute force over counts and assignments."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetopt.catalog.domain import Candidate, PrefillProfile, RateProfile
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Family, LengthBin, Scenario, Sharing
from fleetopt.study.once import optimize
from fleetopt.verify import verify
from tests.oracle import build

HOURS = 24.0 * 90
GPUS = ("A", "B")
Rates = tuple[tuple[float, ...], ...]
"""Requests/s of one GPU by GPU type and bucket."""


def question(demands: tuple[float, ...], rates: Rates, usd: tuple[float, float], sharing: Sharing) -> Scenario:
    """Buckets of rising length, whose rates fall with it, on one-GPU nodes at so many USD/h."""
    lengths = [LengthBin(100.0 * (i + 1), 10.0, d / sum(demands)) for i, d in enumerate(demands)]
    family = Family("chat", sharing, tuple(lengths))
    buckets = [
        replace(build.workload(f"chat {i}", demand), input_tokens=one.input_tokens, output_tokens=10.0, family=family)
        for i, (demand, one) in enumerate(zip(demands, lengths, strict=True))
    ]
    candidates = [stated(gpu, lengths, by_bucket) for gpu, by_bucket in zip(GPUS, rates, strict=True)]
    lines = [build.line(f"l{gpu}", f"{gpu}x1", price) for gpu, price in zip(GPUS, usd, strict=True)]
    return build.scenario(buckets, candidates, lines)


def stated(gpu: str, lengths: list[LengthBin], rates: tuple[float, ...]) -> Candidate:
    """One GPU whose rate at each length is stated, at the promises that every workload here has."""
    one = build.rate(f"on-{gpu}", 1.0, "aggregated", gpu=gpu)
    assert isinstance(one.profile, RateProfile)
    points = [
        replace(one.profile.points[0], input_tokens=each.input_tokens, output_tokens=10.0, rate_rps=rps)
        for each, rps in zip(lengths, rates, strict=True)
    ]
    return replace(one, profile=replace(one.profile, points=tuple(points)))


def free(demands: tuple[float, ...], rates: Rates, usd: tuple[float, float]) -> float:
    """USD/h of the cheapest counts: so many A, filled with what saves most B, and then enough B for the rest."""
    needs = [(d / a, d / b) for d, a, b in zip(demands, *rates, strict=True)]
    best = math.inf
    for count in range(math.ceil(sum(a for a, _ in needs) - 1e-9) + 1):
        left, rest = float(count), 0.0
        for a, b in sorted(needs, key=lambda need: need[0] / need[1]):
            taken = min(1.0, left / a)
            left -= taken * a
            rest += (1.0 - taken) * b
        best = min(best, count * usd[0] + math.ceil(rest - 1e-9) * usd[1])
    return best


def whole(demands: tuple[float, ...], rates: Rates, usd: tuple[float, float]) -> float:
    """USD/h of the cheapest assignment of every bucket to one GPU type."""

    def costs() -> Iterator[float]:
        for choice in product(range(2), repeat=len(demands)):
            used = [0.0, 0.0]
            for bucket, gpu in enumerate(choice):
                used[gpu] += demands[bucket] / rates[gpu][bucket]
            yield sum(math.ceil(n - 1e-9) * price for n, price in zip(used, usd, strict=True))

    return min(costs())


def apart(demands: tuple[float, ...], rates: Rates, usd: tuple[float, float]) -> float:
    """USD/h where every bucket has GPUs of its own: each the cheapest counts of both types by itself."""
    return sum(free((d,), ((a,), (b,)), usd) for d, a, b in zip(demands, *rates, strict=True))


def falling(least: float, most: float) -> st.SearchStrategy[tuple[float, ...]]:
    """Three rates that fall with the length, in steps of a quarter."""
    rate = st.integers(int(4 * least), int(4 * most)).map(lambda quarters: quarters / 4.0)
    return st.tuples(rate, rate, rate).map(lambda found: tuple(sorted(found, reverse=True)))


DEMANDS = st.tuples(*[st.sampled_from([0.5, 1.0, 3.0, 4.5])] * 3)
PRICES = st.tuples(st.sampled_from([1.0, 1.5]), st.sampled_from([2.0, 3.7]))
COSTS = {"free": free, "whole": whole, "none": apart}


@settings(max_examples=40)
@given(DEMANDS, st.tuples(falling(1, 3), falling(2, 8)), PRICES, st.sampled_from(["free", "whole", "none"]))
def test_brute_force_finds_the_same_cost(
    demands: tuple[float, ...], rates: Rates, usd: tuple[float, float], sharing: Sharing
) -> None:
    """Proves all three ways of sharing on random buckets: the cost is that of trying every count or assignment.

    Sensitivity: replicas that were whole for each bucket would cost as much as `none` does.
    """
    plan = optimize(question(demands, rates, usd, sharing), SolveOptions(gap=0.0))
    assert plan.verdict.passed
    assert plan.objective_usd / HOURS == pytest.approx(COSTS[sharing](demands, rates, usd), rel=1e-6)


MELANGE = ((15.0, 6.0, 6.0, 3.0), ((5.0, 2.0, 2.0, 1.0), (40.0, 20.0, 20.0, 20.0)), (1.01, 3.67))


@pytest.mark.parametrize(("sharing", "usd"), [("free", 4.68), ("whole", 6.70), ("none", 12.12)])
def test_melanges_readme(sharing: Sharing, usd: float) -> None:
    """Proves 6.70 USD/h with whole buckets, as the README of arXiv 2404.14527 has it, and 4.68 with divided ones."""
    assert COSTS[sharing](*MELANGE) == pytest.approx(usd)
    plan = optimize(question(*MELANGE, sharing), SolveOptions(gap=0.0))
    assert plan.objective_usd / HOURS == pytest.approx(usd, rel=1e-9)
    assert plan.gap == pytest.approx(0.0, abs=1e-9)


@pytest.fixture(scope="module")
def shared() -> tuple[Scenario, Plan]:
    scenario = question(*MELANGE, "free")
    return scenario, optimize(scenario, SolveOptions(gap=0.0))


def failures(plan: Plan, scenario: Scenario) -> set[str]:
    return {check.name for check in verify(plan, scenario).checks if not check.passed}


def test_a_share_too_many_is_refused(shared: tuple[Scenario, Plan]) -> None:
    """Proves that verify adds up the shares: one percent more of a full replica needs another node."""
    scenario, plan = shared
    index = next(i for i, row in enumerate(plan.placements) if row.shared and row.replicas < 1)
    row = plan.placements[index]
    more = row.model_copy(update={"replicas": row.replicas + 0.01})
    rows = (*plan.placements[:index], more, *plan.placements[index + 1 :])
    assert "gpus_pack_into_nodes" in failures(plan.model_copy(update={"placements": rows}), scenario)


def test_parts_of_replicas_must_be_shared(shared: tuple[Scenario, Plan]) -> None:
    """Proves that nobody has part of a replica to himself, nor shares with a stranger."""
    scenario, plan = shared
    for owner in (None, "summaries"):
        rows = tuple(row.model_copy(update={"shared": owner}) for row in plan.placements)
        assert "placements_are_allowed" in failures(plan.model_copy(update={"placements": rows}), scenario)


def test_a_bucket_that_is_to_stay_whole_may_not_be_divided(shared: tuple[Scenario, Plan]) -> None:
    """Proves that the plan with divided buckets is refused by a scenario that forbids to divide them."""
    assert failures(shared[1], question(*MELANGE, "whole")) == {"placements_are_allowed"}


def with_prefill(rps: float) -> Scenario:
    """Two lengths that share prefill replicas under a mean TTFT: 100 and 500 tokens at 1000 tokens/s, within 1 s."""
    lengths = (LengthBin(100.0, 100.0, 0.8), LengthBin(500.0, 100.0, 0.2))
    family = Family("chat", "free", lengths)
    buckets = [
        replace(
            build.workload(f"chat {one.input_tokens:g}", rps * one.share),
            input_tokens=one.input_tokens,
            queue="mg1",
            family=family,
        )
        for one in lengths
    ]
    prefill = build.prefill("p", 1000.0, gpu="A")
    assert isinstance(prefill.profile, PrefillProfile)
    points = tuple(replace(prefill.profile.points[0], input_tokens=one.input_tokens) for one in lengths)
    candidates = [
        replace(prefill, profile=replace(prefill.profile, points=points)),
        build.rate("d", 1000.0, "decode", gpu="A"),
    ]
    return build.scenario(buckets, candidates, [build.line("l", "Ax1", 1.0)])


@pytest.mark.parametrize(("rps", "nodes"), [(4.19, 2), (4.22, 3)])
def test_a_shared_queue_by_hand(rps: float, nodes: int) -> None:
    """Proves shares of an M/G/1 queue: 80 % at 0.1 s and 20 % at 0.5 s have E[S] 0.18 s and E[S^2] 0.058 s^2.

    The long ones leave 0.5 s to wait, so lam 0.058 / (2 (1 - 0.18 lam)) <= 0.5 allows lam = 1 / 0.238 = 4.2 requests/s;
    a dedicated queue for each would allow 9.09 short ones or 1.33 long ones. With one prefill and one decode node it
    is enough up to 4.2; without variation it would be 4.76.
    """
    plan = optimize(with_prefill(rps), SolveOptions(gap=0.0))
    assert plan.verdict.passed
    assert sum(line.nodes for line in plan.fleet) == nodes
