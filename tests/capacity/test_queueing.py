"""The queues against closed forms, against simulation and against themselves read backwards."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetopt.capacity import md1
from fleetopt.capacity.queueing import QUEUE_MODELS
from fleetopt.capacity.service import Service
from fleetopt.scenario.domain import Queue

BOTH: tuple[Queue, ...] = ("mm1", "md1")
PROMPTS = Service.constant(6_144 / 28_300)
SECOND = Service.constant(1.0)
PERCENTILES = st.one_of(st.none(), st.floats(0.3, 0.9999))


@pytest.mark.parametrize(
    ("queue", "percentile", "tokens_per_s"),
    [("mm1", None, 25_066.3), ("mm1", 0.90, 20_854.2), ("mm1", 0.99, 13_408.4), ("md1", None, 26_585.0)],
)
def test_the_seed_paper_case_under_four_assumptions(
    queue: Queue, percentile: float | None, tokens_per_s: float
) -> None:
    """Proves eq. 13 of arXiv 2603.04716 and its relatives. A mean read as P99 would halve TP_P."""
    rate = QUEUE_MODELS[queue].max_rate(PROMPTS, 1, 1.9, percentile)
    assert 6_144 * rate == pytest.approx(tokens_per_s, abs=0.5)


def test_the_md1_mean_is_pollaczek_khinchine() -> None:
    """Proves W = lam E[S^2] / (2 (1 - rho)) with E[S^2] = D^2; an exponential service would wait twice as long."""
    service, lam = 0.25, 3.0
    waiting = lam * service**2 / (2.0 * (1.0 - lam * service))
    assert QUEUE_MODELS["md1"].sojourn_s(lam, Service.constant(service), 1, None) == pytest.approx(
        service + waiting, rel=1e-14
    )


@pytest.mark.parametrize("rho", [0.3, 0.7, 0.9])
def test_md1_percentiles_agree_with_a_simulation(rho: float) -> None:
    """Proves the exact waiting-time distribution: Lindley's recursion over 4 million requests, within 4 % (seeded)."""
    rng = np.random.default_rng(20240717)
    steps = 1.0 - rng.exponential(1.0 / rho, 4_000_000)
    walk = np.concatenate(([0.0], np.cumsum(steps)))
    waits = walk - np.minimum.accumulate(walk)
    for percentile in (0.5, 0.9, 0.99):
        expected = 1.0 + float(np.quantile(waits, percentile))
        assert QUEUE_MODELS["md1"].sojourn_s(rho, Service.constant(1.0), 1, percentile) == pytest.approx(
            expected, rel=0.04
        )


@pytest.mark.parametrize("rho", [0.05, 0.4, 0.8, 0.97])
def test_the_md1_wait_integrates_to_its_mean(rho: float) -> None:
    """Proves that the distribution, exact part and asymptote together, has the Pollaczek-Khinchine mean."""
    n = np.linspace(0.0, 900.0, 180_001)
    tail = np.array([md1.waits_longer(rho, float(x)) for x in n[:4001]])
    weight, decay = md1._tail(rho)
    beyond = weight * math.exp(-decay * n[4000]) / decay
    mean = float(np.trapezoid(tail, n[:4001])) + beyond
    assert mean == pytest.approx(rho / (2.0 * (1.0 - rho)), rel=2e-4)


@pytest.mark.parametrize("rho", [0.05, 0.5, 0.9, 0.999])
def test_the_md1_tail_is_continuous_where_the_asymptote_takes_over(rho: float) -> None:
    """Proves that nothing is lost at 16 service times; a wrong weight would jump by percents."""
    below, above = md1.waits_longer(rho, 16.0), md1.waits_longer(rho, math.nextafter(16.0, 17.0))
    assert above == pytest.approx(below, abs=1e-12)


@pytest.mark.parametrize("n", [0.3, 1.0, 2.5, 4.9])
def test_the_md1_tail_agrees_with_erlangs_alternating_sum(n: float) -> None:
    """Proves the stable form against P(W <= nD) = (1 - rho) sum_i (rho (i - n))^i / i! exp(-rho (i - n))."""
    rho = 0.6
    terms = [(rho * (i - n)) ** i / math.factorial(i) * math.exp(-rho * (i - n)) for i in range(math.floor(n) + 1)]
    assert md1.waits_longer(rho, n) == pytest.approx(1.0 - (1.0 - rho) * sum(terms), abs=1e-13)


@pytest.mark.parametrize("queue", BOTH)
def test_a_limit_at_or_below_the_floor_allows_nothing(queue: Queue) -> None:
    """Proves that a promise nobody can keep gives zero, never a negative rate or NaN."""
    model = QUEUE_MODELS[queue]
    for percentile in (None, 0.5, 0.99):
        floor = model.floor_s(PROMPTS, percentile)
        assert [model.max_rate(PROMPTS, 1, limit, percentile) for limit in (floor, 0.5 * floor, 0.0, -1.0)] == [0.0] * 4


@pytest.mark.parametrize("percentile", [0.1, 0.3, 0.5, 0.6])
@pytest.mark.parametrize("times", [1.0 + 1e-9, 1.2, 2.0, 4.0])
def test_a_low_percentile_of_mm1_holds_for_prompts_that_are_all_alike(percentile: float, times: float) -> None:
    """Proves: nothing below the time of one prompt is promised at a low percentile, and at the rate that a limit above
    it allows, so many prompts of one length keep it (Lindley's recursion over a million requests, seeded).

    Sensitivity: without the floor -ln(1 - p) / (mu - lam) allows 13 % of all load within 80 % of the time of a prompt
    at P50, and no prompt keeps it.
    """
    model = QUEUE_MODELS["mm1"]
    assert model.max_rate(SECOND, 1, 0.999, percentile) == 0.0
    assert model.sojourn_s(0.0, SECOND, 1, percentile) == model.sojourn_s(0.0, SECOND, 3, percentile) == 1.0
    rate = model.max_rate(SECOND, 1, times, percentile)
    walk = np.cumsum(1.0 - np.random.default_rng(7).exponential(1.0 / rate, 1_000_000))
    waits = walk - np.minimum.accumulate(np.minimum(walk, 0.0))
    assert float(np.mean(1.0 + waits <= times)) >= percentile


@pytest.mark.parametrize("queue", BOTH)
def test_at_full_load_the_sojourn_is_infinite(queue: Queue) -> None:
    """Proves that no finite latency is ever claimed for a queue that grows without end."""
    assert QUEUE_MODELS[queue].sojourn_s(2.0, Service.constant(0.5), 1, None) == math.inf
    assert QUEUE_MODELS[queue].sojourn_s(2.1, Service.constant(0.5), 1, 0.99) == math.inf


@given(queue=st.sampled_from(BOTH), mu=st.floats(0.01, 1e3), times=st.floats(1e-3, 1e4), percentile=PERCENTILES)
def test_the_rate_a_limit_allows_has_the_limit_as_its_sojourn(
    queue: Queue, mu: float, times: float, percentile: float | None
) -> None:
    """Proves that max_rate and sojourn_s are inverse: within the limit always, at the limit where it binds."""
    model = QUEUE_MODELS[queue]
    service = Service.constant(1.0 / mu)
    limit_s = model.floor_s(service, percentile) * (1.0 + times)
    rate = model.max_rate(service, 1, limit_s, percentile)
    assert 0.0 <= rate < mu
    assert model.sojourn_s(rate, service, 1, percentile) == pytest.approx(limit_s, rel=1e-9)


@given(queue=st.sampled_from(BOTH), limit=st.floats(0.1, 50.0), more=st.floats(1.0, 5.0), percentile=PERCENTILES)
def test_a_looser_limit_never_allows_less(queue: Queue, limit: float, more: float, percentile: float | None) -> None:
    """Proves monotonicity in the limit, which every search over SLOs leans on."""
    model = QUEUE_MODELS[queue]
    assert model.max_rate(SECOND, 1, limit * more, percentile) >= model.max_rate(SECOND, 1, limit, percentile)


@given(queue=st.sampled_from(BOTH), limit=st.floats(1.1, 50.0), low=st.floats(0.05, 0.9), by=st.floats(0.0, 0.0999))
def test_a_higher_percentile_never_allows_more(queue: Queue, limit: float, low: float, by: float) -> None:
    """Proves monotonicity in the percentile."""
    model = QUEUE_MODELS[queue]
    assert model.max_rate(SECOND, 1, limit, low + by) <= model.max_rate(SECOND, 1, limit, low) * (1.0 + 1e-12)
