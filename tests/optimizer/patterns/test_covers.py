"""Patterns for the search: each of them serves all of the demand, and the cheapest is among them where it is simple."""

from __future__ import annotations

from math import ceil

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fleetopt.optimizer.patterns.covers import patterns
from fleetopt.optimizer.patterns.plain import Ways

ROUNDING = 1e-6


def ways_of(part: list[list[float]], links: tuple[tuple[list[int], ...], ...]) -> Ways:
    """A workload whose options each stand on a pool of their own and take one GPU."""
    parts = np.array(part)
    return Ways(
        workload="w",
        column=np.arange(parts.size, dtype=np.int32).reshape(parts.shape),
        part=parts,
        excused=np.full(len(parts), -1, dtype=np.int32),
        excused_part=np.zeros(len(parts)),
        gpus=np.ones(parts.shape[1], dtype=np.int32),
        pool=np.arange(parts.shape[1], dtype=np.int32),
        demand=np.arange(len(parts), dtype=np.int32),
        links=tuple(tuple(np.array(role, dtype=np.int32) for role in link) for link in links),
    )


def carried(ways: Ways, counts: np.ndarray) -> np.ndarray:
    """The part of the demand that patterns carry: over each link as much as its scarcer role, (times, patterns)."""
    by_link = [
        np.min([np.einsum("tko,to->tk", counts[:, :, role], ways.part[:, role]) for role in link], axis=0)
        for link in ways.links
    ]
    return np.asarray(np.sum(by_link, axis=0))


def mixed(ways: Ways) -> np.ndarray:
    """Relaxed numbers that carry all of the demand, over both links."""
    relaxed = np.zeros_like(ways.part)
    relaxed[:, 0], relaxed[:, 3], relaxed[:, 5] = np.array([[0.6], [0.6], [0.4]]) / ways.part[:, [0, 3, 5]].T
    return relaxed


PARTS = st.lists(st.floats(0.002, 1.0), min_size=6, max_size=6)
PRICES = st.lists(st.floats(0.0, 50.0), min_size=6, max_size=6)
LINKS = (([0, 1, 2], [3, 4]), ([5],))


@given(st.lists(PARTS, min_size=1, max_size=3), PRICES)
def test_every_pattern_serves_all_of_the_demand(part: list[list[float]], price: list[float]) -> None:
    """Proves that no pattern is short, whatever options carry and cost, those made from relaxed numbers included.

    Sensitivity: rounding down where the main option of a cover takes the rest leaves patterns below one.
    """
    ways = ways_of(part, LINKS)
    counts = patterns(ways, np.tile(price, (len(part), 1)), mixed(ways))
    assert (counts == np.round(counts)).all()
    assert (counts >= 0).all()
    assert carried(ways, counts).min() >= 1.0 - ROUNDING


@given(PARTS, st.lists(st.floats(0.1, 50.0), min_size=6, max_size=6))
def test_the_cheapest_cover_by_one_option_is_listed(part: list[float], price: list[float]) -> None:
    """Proves that one option alone in each role is never missed: for each link, the cheapest such pair by hand."""
    ways = ways_of([part], LINKS)
    counts = patterns(ways, np.array([price]), mixed(ways))
    usd = (counts[0] @ np.array(price)).min()

    def alone(options: list[int]) -> float:
        return min(price[o] * ceil(1.0 / part[o] - 1e-9) for o in options)

    assert usd <= min(alone([0, 1, 2]) + alone([3, 4]), alone([5])) * (1.0 + 1e-9)


def test_a_time_without_demand_has_no_replicas() -> None:
    """Proves that nothing is listed for a time at which the workload asks for nothing."""
    ways = ways_of([[0.5] * 6, [0.0] * 6], LINKS)
    counts = patterns(ways, np.ones((2, 6)), np.zeros((2, 6)))
    assert counts[0].sum() > 0
    assert counts[1].sum() == 0
