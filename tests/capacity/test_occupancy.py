"""How many requests one finds in a replica: against closed forms, and against requests that really share it."""

from __future__ import annotations

import heapq
import math
from itertools import count
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import poisson

from fleetopt.capacity.occupancy import Crowd
from fleetopt.verify.queueing import number_found, waiting

KNOWN = 3000


def step_s(n: float) -> float:
    """A TPOT that grows from 10 to 40 ms over 60 requests."""
    return 0.010 + 0.0005 * n


def shared(last: int) -> Crowd:
    return Crowd.of(n / step_s(n) for n in range(1, last + 1))


@given(st.floats(0.1, 500.0), st.floats(0.5, 0.999))
def test_with_a_speed_each_of_their_own_it_is_poisson(mean: float, percentile: float) -> None:
    """Proves: where requests do not slow one another, one finds as many as in an M/G/infinity queue, and itself; and
    the rate for that number is the largest with it.

    Sensitivity: without oneself, each number is one less.
    """
    crowd = Crowd.of(float(n) for n in range(1, KNOWN))
    expected = int(poisson.ppf(percentile, mean))
    assume(abs(poisson.cdf(expected - 1, mean) - percentile) > 1e-8)
    assert crowd.number_at(mean, percentile) == expected + 1
    largest = crowd.largest_rate(expected + 1, percentile)
    assert largest >= mean
    assert poisson.cdf(expected, largest) == pytest.approx(percentile, abs=1e-9)


@given(st.floats(0.05, 0.95), st.floats(0.1, 0.99))
def test_with_one_speed_for_all_it_is_geometric(busy: float, percentile: float) -> None:
    """Proves: where the replica makes no more with more requests, as an M/M/1 queue does, N > n with probability
    rho^(n + 1), and what is beyond the last known number is counted.

    Sensitivity: numbers beyond the last left out would find fewer at a percentile.
    """
    found = math.log1p(-percentile) / math.log(busy)
    assume(abs(found - round(found)) > 1e-6)
    at = Crowd.of([7.0] * 10).number_at(7.0 * busy, percentile)
    assert at == (max(math.ceil(found), 1) if found <= 10.0 else math.inf)


@given(st.integers(1, 400), st.floats(0.01, 0.98), st.floats(0.3, 0.999))
def test_the_second_computation_finds_as_many(last: int, busy: float, percentile: float) -> None:
    """Proves: sums of ratios one by one and sums of logarithms at once agree, also where hundreds are in.

    Sensitivity: a product that overflows, or a tail that only one of them has.
    """
    rate = busy * last / step_s(last)
    expected = number_found(lambda n: n / step_s(n), float(last), rate, percentile)
    found = shared(last).number_at(rate, percentile)
    near = {number_found(lambda n: n / step_s(n), float(last), rate, percentile + off) for off in (-1e-7, 1e-7)}
    assert found == expected or found in near


@given(st.integers(1, 400), st.floats(0.01, 0.995))
def test_the_second_computation_has_as_many_wait(room: int, busy: float) -> None:
    """Proves: with so much room the mean number that waits is the same summed by ratios and by logarithms; with room
    for one it is that of M/M/1, and where more come than are served it is infinite.

    Sensitivity: a tail without the number in it would count how often any wait.
    """
    rate = busy * room / step_s(room)
    expected = waiting(lambda n: n / step_s(n), room, rate)
    assert shared(room).waiting(rate) == pytest.approx(expected, rel=1e-9, abs=1e-290)
    assert shared(1).waiting(busy / step_s(1)) == pytest.approx(busy**2 / (1.0 - busy))
    full = 1.001 * rate / busy
    assert shared(room).waiting(full) == waiting(lambda n: n / step_s(n), room, full) == math.inf


@given(st.floats(1.0, 80.0), st.floats(0.3, 0.999))
def test_the_largest_rate_keeps_the_number_and_no_larger_one_does(most: float, percentile: float) -> None:
    """Proves: at the rate found a request finds no more than it may, and a little above it, more.

    Sensitivity: a rate read back as one more would break every promise that binds.
    """
    crowd = shared(80)
    rate = crowd.largest_rate(most, percentile)
    assert crowd.number_at(rate, percentile) <= most * (1.0 + 1e-12)
    assert crowd.number_at(rate * 1.0001, percentile) > math.floor(most)


def test_at_the_ends() -> None:
    """Proves: alone one finds oneself; more than can be served, or than is known, is infinite; less than one request at
    once is kept at no rate.

    Sensitivity: an overload taken for a settled replica.
    """
    crowd = shared(80)
    assert crowd.number_at(0.0, 0.99) == 1.0 == number_found(lambda n: n, 9.0, 0.0, 0.99)
    assert crowd.number_at(80 / step_s(80), 0.5) == math.inf
    assert crowd.number_at(79.9 / step_s(80), 0.9) == math.inf
    assert crowd.largest_rate(0.99, 0.5) == 0.0
    assert number_found(lambda n: n / step_s(n), 80.0, 80 / step_s(80), 0.5) == math.inf


def kept(rate: float, tokens: int, limit_s: float, requests: int) -> float:
    """The share of requests whose own mean TPOT is within a limit, of Poisson arrivals at `rate` tokens/s that share a
    replica, one token each a step; simulated.
    """
    random = Random(5)
    now, coming, steps = 0.0, 0.0, 0
    running: list[tuple[int, float]] = []
    took: list[float] = []
    for _ in count():
        while coming <= now or not running:
            now = max(now, coming)
            heapq.heappush(running, (steps + tokens, now))
            coming += random.expovariate(rate / tokens)
        now, steps = now + step_s(len(running)), steps + 1
        while running and running[0][0] <= steps:
            took.append((now - heapq.heappop(running)[1]) / tokens)
        if len(took) >= requests:
            break
    settled = took[requests // 10 :]
    return sum(one <= limit_s for one in settled) / len(settled)


@pytest.mark.parametrize("percentile", [0.9, 0.99])
def test_requests_that_share_a_replica_keep_the_promise(percentile: float) -> None:
    """Proves: at the rate for 30 requests at a percentile as many requests, within three points, have a mean TPOT
    within that of 30. At the rate at which a Poisson number with the mean of the batch would be within 30, fewer have.

    Sensitivity: the promise would be one of a replica whose requests do not slow one another.
    """
    limit = step_s(30)
    rate = shared(100).largest_rate(30, percentile)
    assert kept(rate, 60, limit, 20_000) >= percentile - 0.03
    mean = max(m / 100 for m in range(3000) if poisson.cdf(30, m / 100) >= percentile)
    assert kept(mean / step_s(mean), 60, limit, 20_000) < percentile - 0.03
