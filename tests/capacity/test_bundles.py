"""The wait in a shared queue is never told too short, and a group is judged as its equations say."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetopt.capacity.bundles import Group, Member, judged
from fleetopt.capacity.members import members_of
from fleetopt.capacity.waiting import Job, Queue
from fleetopt.units import Latency
from fleetopt.verify import shared_queue
from tests.oracle.bundled import SWAPPING, bundling, question

GROUP = Group(1, 100 * 2.0**30, 14e9)


@pytest.mark.parametrize("percentile", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("busy", [0.05, 0.5, 0.9])
def test_the_bound_is_never_below_an_mm1_percentile(percentile: float, busy: float) -> None:
    """Proves the bound against the exact exponential sojourn: never below it, and from 50 % on within a half of it."""
    job = Job(((1.0, 1.0),), exponential=True)
    bound = Queue(((busy, job),)).sojourn_s(job, percentile)
    exact = -math.log(1.0 - percentile) / (1.0 - busy)
    assert bound >= exact
    if busy >= 0.5 and percentile >= 0.9:
        assert bound <= 1.5 * exact


def test_the_bound_is_not_below_what_a_mix_really_waits() -> None:
    """Proves it by 100 000 requests of two kinds through one queue (Lindley's recursion): the 90th percentile of the
    short ones' sojourn is below the bound."""
    rng, short, long = Random(1), Job(((1.0, 0.1),), exponential=False), Job(((1.0, 1.0),), exponential=False)
    queue, wait, seen = Queue(((2.0, short), (0.4, long))), 0.0, []
    for _ in range(100_000):
        is_short = rng.random() < 2.0 / 2.4
        if is_short:
            seen.append(wait + 0.1)
        wait = max(0.0, wait + (0.1 if is_short else 1.0) - rng.expovariate(2.4))
    assert sorted(seen)[int(0.9 * len(seen))] <= queue.sojourn_s(short, 0.9) <= 1.5 * sorted(seen)[int(0.9 * len(seen))]
    assert sum(seen) / len(seen) == pytest.approx(queue.sojourn_s(short, None), rel=0.03)


rates = st.floats(0.001, 2.0)
seconds = st.floats(0.001, 2.0)


@settings(max_examples=50)
@given(st.lists(st.tuples(rates, seconds, st.booleans()), min_size=1, max_size=4), st.sampled_from([None, 0.5, 0.99]))
def test_verify_computes_the_same_wait(kinds: list[tuple[float, float, bool]], percentile: float | None) -> None:
    """Proves that both sides agree: the mean to rounding, and verify's bound is never above the plan's."""
    jobs = [(rps, Job(((1.0, s),), exponential=memoryless)) for rps, s, memoryless in kinds]
    twins = [shared_queue.Kind(rps, [(1.0, s)], memoryless) for rps, s, memoryless in kinds]
    told, computed = (
        Queue(tuple(jobs)).sojourn_s(jobs[0][1], percentile),
        shared_queue.sojourn_s(twins, twins[0], percentile),
    )
    if math.isinf(told) or math.isinf(computed):
        assert Queue(tuple(jobs)).busy >= 1.0 - 1e-9
    elif percentile is None:
        assert told == pytest.approx(computed, rel=1e-9)
    else:
        assert computed <= told * (1.0 + 1e-6)
        assert computed >= told * 0.95


def member(**changes: object) -> Member:
    scenario = question([1.0], bundling(), changes={0: changes})
    return next(members_of(scenario, scenario.workloads[0], {"A"}))


@given(st.floats(0.01, 8.0), st.floats(0.01, 8.0))
@settings(max_examples=40)
def test_what_a_group_carries_it_carries_at_less(first: float, second: float) -> None:
    """Proves monotony: a pair that holds at its rates holds at lower ones, and each of them alone."""
    pair = [member(), member()]
    if judged("colocated", pair, [first, second], GROUP, bundling()) is not None:
        assert judged("colocated", pair, [first / 2.0, second], GROUP, bundling()) is not None
        assert judged("colocated", pair[:1], [first], GROUP, bundling()) is not None


def test_a_little_fluid_is_no_wait_at_all() -> None:
    """Proves the limit of almost no load: TTFT is the step that runs and one's own prefill."""
    (outcome,) = judged("colocated", [member()], [1e-9], GROUP, bundling()) or ()
    assert outcome.ttft_s == pytest.approx(0.01 + 0.1)
    assert outcome.tpot_s == pytest.approx(0.01)


def test_an_overloaded_group_carries_nothing() -> None:
    """Proves that more work than time is refused in both kinds."""
    allowed = bundling(swapping=SWAPPING)
    assert judged("colocated", [member()], [10.0], GROUP, allowed) is None
    assert judged("swapped", [member(ttft=None)], [0.48], GROUP, allowed) is None
    assert judged("swapped", [member(ttft=None)], [0.47], GROUP, allowed) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"tpot": Latency(0.05, 0.99)},
        {"pooled": True},
        {"spares": (("decode", 1),)},
        {"least_replicas": (("decode", 2),)},
        {"roles": ("prefill", "decode")},
        {"gpu_types": ("B",)},
        {"precisions": ("bf16",)},
    ],
)
def test_who_may_not_share_is_no_member(changes: dict[str, object]) -> None:
    """Proves that promises that bundles do not know, and choices that exclude them, leave no member."""
    scenario = question([1.0], bundling(), changes={0: changes})
    assert list(members_of(scenario, scenario.workloads[0], {"A"})) == []
