"""Queueing figures against closed forms, a recursion of another kind, and known values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import poisson

from fleetopt.scenario.domain import Queue
from fleetopt.verify.queueing import _tail, md1_wait_exceeds, md1_wait_quantile, number_found, sojourn_s


def _wait_on_a_grid(rho: float, steps: int, until: int) -> np.ndarray:
    """P(W > j / steps) as the geometric sum of residual services (Beneš), by Panjer's recursion on a grid."""
    weight = rho / steps
    mass = np.zeros(until * steps)
    # Residual services are uniform on (0, 1); half a cell at each end keeps the grid's mean right.
    cells = np.concatenate(([weight / 2], np.full(steps - 1, weight), [weight / 2]))
    mass[0] = (1 - rho) / (1 - cells[0])
    for j in range(1, len(mass)):
        k = np.arange(1, min(j, steps) + 1)
        mass[j] = np.dot(cells[k], mass[j - k]) / (1 - cells[0])
    return np.asarray(1.0 - np.cumsum(mass) + mass / 2)


@pytest.mark.parametrize("rho", [0.1, 0.5, 0.8, 0.95])
def test_the_series_agrees_with_a_recursion_on_a_grid(rho: float) -> None:
    steps = 400
    grid = _wait_on_a_grid(rho, steps, 8)
    for wait in (0.5, 1.5, 3.25, 6.0):
        assert md1_wait_exceeds(rho, wait) == pytest.approx(grid[int(wait * steps)], rel=2e-4)


@pytest.mark.parametrize("rho", [0.5, 0.9, 0.99])
def test_the_series_meets_its_exponential_tail(rho: float) -> None:
    beta, scale = _tail(rho)
    assert md1_wait_exceeds(rho, 39.0) == pytest.approx(scale * math.exp(-39.0 * beta), rel=1e-9)


@pytest.mark.parametrize("rho", [0.02, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("percentile", [0.5, 0.9, 0.99, 0.999])
def test_the_quantile_inverts_the_distribution(rho: float, percentile: float) -> None:
    wait = md1_wait_quantile(rho, percentile)
    if wait == 0.0:
        assert percentile <= 1 - rho
    elif wait < 40:
        assert md1_wait_exceeds(rho, wait) == pytest.approx(1 - percentile, rel=1e-6)


def test_the_mean_wait_is_the_area_under_the_tail() -> None:
    waits = np.linspace(0, 20, 801)
    area = np.trapezoid([md1_wait_exceeds(0.7, float(wait)) for wait in waits], waits)
    assert sojourn_s("md1", 0.7, 1.0, None) == pytest.approx(1.0 + area, rel=1e-4)


@pytest.mark.parametrize(
    ("queue", "percentile", "tokens_per_s"),
    [("mm1", None, 25066), ("md1", None, 26594), ("mm1", 0.9, 20863), ("mm1", 0.99, 13417)],
)
def test_the_published_throughputs_just_keep_the_published_ttft(
    queue: Queue, percentile: float | None, tokens_per_s: int
) -> None:
    # The published figures are rounded: to a thousandth at the worst.
    for tokens, held in ((tokens_per_s * 0.999, True), (tokens_per_s * 1.001, False)):
        assert (sojourn_s(queue, tokens / 6144, 6144 / 28300, percentile) <= 1.9) is held


def test_a_queue_that_never_settles_takes_forever() -> None:
    assert sojourn_s("mm1", 5.0, 0.2, None) == math.inf
    assert sojourn_s("md1", 5.1, 0.2, 0.9) == math.inf


@pytest.mark.parametrize("rho", [0.999999, 0.99999999])
def test_a_nearly_full_queue_is_still_computed(rho: float) -> None:
    heavy_traffic = math.log(100) / (2 * (1 - rho))
    assert md1_wait_quantile(rho, 0.99) == pytest.approx(heavy_traffic, rel=1e-3)


@pytest.mark.parametrize("mean", [0.0, 0.001, 0.5, 3.0, 33.3, 1000.0])
@pytest.mark.parametrize("percentile", [0.01, 0.5, 0.9, 0.999])
def test_numbers_found_of_requests_that_do_not_slow_one_another(mean: float, percentile: float) -> None:
    assert number_found(lambda n: n, 2000.0, mean, percentile) == int(poisson.ppf(percentile, mean)) + 1
