"""KV memory of a bundle as its requests vary: the variance is that of queues known exactly, verify finds the same, and
a simulated group whose memory may fill up keeps its promise.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fleetopt
from fleetopt.capacity import bundles, crowding
from fleetopt.capacity.bundles import Group, Member, judged
from fleetopt.capacity.members import members_of
from fleetopt.units import Latency
from fleetopt.verify import crowds, shared_queue
from tests.oracle.bundled import bundling

PAIR = Group(2, 80.0 * 2.0**30)


@pytest.mark.parametrize("rps", [5.0, 15.0, 18.0])
def test_without_prefills_it_is_the_variance_of_processor_sharing(rps: float) -> None:
    """Proves: where n requests make n / (1 + n / 20) a second, the variance is within 2 % of the exact one of the
    product form P(n) ~ prod rps (1 + k / 20) / k, which is negative binomial, 33 to 900 % above Poisson's.
    Sensitivity: taken as Poisson, what varies would be up to a tenth of what it is.
    """
    growing = 1.0 / 20.0
    batch = rps / (1.0 - growing * rps)
    kind = crowding.Kind(1.0, rps, 0.0, 0.0, 1.0, batch, 1.0 + growing * batch)
    logs = [0.0]
    while len(logs) < 4000:
        n = len(logs)
        logs.append(logs[-1] + math.log(rps * (1.0 + growing * n) / n))
    weights = [math.exp(log - max(logs)) for log in logs]
    mean = sum(n * w for n, w in enumerate(weights)) / sum(weights)
    exact = sum((n - mean) ** 2 * w for n, w in enumerate(weights)) / sum(weights)
    found = crowding.variance([kind], [[growing]])
    assert found == pytest.approx(exact * batch / mean, rel=0.02)
    assert found > 1.3 * batch


def test_a_prefill_that_stops_the_others_makes_more_of_them_vary() -> None:
    """Proves: with half of the time for prefills of one length, the variance of requests that do not slow one another
    is (1 + 1/(1 - rho)^2) / 2 = 2.5 times Poisson's.
    Sensitivity: the time left to decode taken as even, it would be Poisson's.
    """
    kind = crowding.Kind(1.0, 10.0, 0.05, 0.0025, 100.0, 200.0, 0.1)
    assert crowding.variance([kind], [[0.0]]) == pytest.approx(2.5 * 200.0)


kinds = st.tuples(
    st.floats(0.1, 5.0),
    st.floats(0.0, 0.05),
    st.booleans(),
    st.floats(1.0, 50.0),
    st.floats(0.01, 0.1),
    st.floats(0, 0.02),
)


@settings(max_examples=60)
@given(st.lists(kinds, min_size=1, max_size=3), st.floats(0.0, 1.0))
def test_verify_finds_the_same_variance(drawn: list[tuple[float, ...]], interference: float) -> None:
    """Proves: the linear system and the sum over eigenvectors agree, or both say that the numbers do not settle.
    Sensitivity: a transposed matrix, or a part left out on one side, would show where kinds differ.
    """
    capacity, twins = [], []
    for rps, prefill_s, memoryless, tokens, step_s, slope_s in drawn:
        kind = shared_queue.Kind(rps, [(1.0, prefill_s)], bool(memoryless))
        batch = rps * tokens * step_s
        square = (2.0 if memoryless else 1.0) * prefill_s**2
        capacity.append(crowding.Kind(2.0, rps, prefill_s, square, tokens, batch, step_s))
        twins.append(crowds.Running(2.0, rps, batch, tokens, kind, step_s, slope_s))
    slopes = [[one[5] * (1.0 if i == j else interference) for j, one in enumerate(drawn)] for i in range(len(drawn))]
    told, computed = crowding.variance(capacity, slopes), crowds.spread(twins, interference)
    if math.isfinite(told) and math.isfinite(computed):
        assert computed == pytest.approx(told, rel=1e-6)
    else:
        assert told == computed or max(told, computed) > 1e6


def test_a_group_whose_memory_may_fill_up_keeps_its_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves, by 6 000 requests and more simulated: two real models on two H100 that hold as much KV as is allowed keep
    2 s at P90; with memory for the mean alone it is more than twice that.
    Sensitivity: a queue for memory without end passed for a promise kept.
    """
    pair = [_member("research"), _member("search")]
    assert max(_p90_s(pair, _most(pair))) <= 2.0
    monkeypatch.setattr(bundles, "deviations", lambda _: 0.0)
    assert max(_p90_s(pair, _most(pair))) > 4.0


def test_a_plan_with_memory_for_the_mean_alone_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: the second computation refuses groups that hold the mean and no more.
    Sensitivity: computed on one side only, an error there would be believed.
    """
    scenario = fleetopt.load("long-tail")
    kept = ("research", "search", "finance")
    few = replace(scenario, workloads=tuple(one for one in scenario.workloads if one.name in kept))
    fleetopt.optimize(few, fleetopt.SolveOptions(gap=0.01))
    monkeypatch.setattr(bundles, "deviations", lambda _: 0.0)
    with pytest.raises(fleetopt.VerificationError, match="bytes of weights and KV of the group"):
        fleetopt.optimize(few, fleetopt.SolveOptions(gap=0.01))


def _member(name: str) -> Member:
    scenario = fleetopt.load("long-tail")
    workload = replace(
        next(one for one in scenario.workloads if one.name == name), ttft=Latency(2.0, 0.9), tpot=Latency(0.2)
    )
    return next(m for m in members_of(scenario, workload, {"H100"}) if m.config.name == "h100-tp2-fp8-trtllm")


def _most(pair: Sequence[Member]) -> list[float]:
    """The largest rates, the second three tenths of the first, that the group is said to carry."""
    low, high = 0.0, 200.0
    for _ in range(40):
        middle = (low + high) / 2.0
        holds = judged("colocated", pair, [middle, 0.3 * middle], PAIR, bundling()) is not None
        low, high = (middle, high) if holds else (low, middle)
    return [low, 0.3 * low]


def _p90_s(members: Sequence[Member], rates: Sequence[float], least: int = 3000) -> list[float]:
    """TTFT of each, simulated: prefills first, one after another, where memory has room; decode steps in turn."""
    rng, now, turn = Random(3), 0.0, 0
    coming = [rng.expovariate(rate) for rate in rates]
    waiting: deque[tuple[float, int]] = deque()
    running: list[list[int]] = [[] for _ in members]
    made, found = [0] * len(members), [[] for _ in members]  # type: tuple[list[int], list[list[float]]]
    room = PAIR.room_bytes(len(members)) - sum(one.weights_bytes for one in members)
    while min(map(len, found)) < least:
        if not waiting and not any(running):
            now = max(now, min(coming))
        while min(coming) <= now:
            which = coming.index(min(coming))
            waiting.append((coming[which], which))
            coming[which] += rng.expovariate(rates[which])
        kept = sum(one.kept_bytes * len(there) for one, there in zip(members, running, strict=True))
        if waiting and kept + members[waiting[0][1]].kept_bytes <= room:
            came, which = waiting.popleft()
            now += rng.expovariate(1.0 / members[which].prefill.mean_s)
            found[which].append(now - came)
            heapq.heappush(running[which], made[which] + round(members[which].workload.output_tokens) - 1)
            continue
        turn = next(i for i in [*range(turn + 1, len(members)), *range(turn + 1)] if running[i])
        now += members[turn].step_s(min(len(running[turn]), members[turn].tpot.last))
        made[turn] += 1
        while running[turn] and running[turn][0] <= made[turn]:
            heapq.heappop(running[turn])
    return [sorted(one[len(one) // 10 :])[int(0.9 * len(one[len(one) // 10 :]))] for one in found]
