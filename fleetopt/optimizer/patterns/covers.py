"""Covers: whole numbers of replicas that carry all of a workload's demand, for the search to choose from.

At every time a workload gets a list of patterns: the cheapest covers of each role by one or two options, paired within
a link; one for each pair of options, so that every pool is within reach; and the relaxed numbers made whole in several
ways. All times are worked on at once, so that arrays begin with (times, ...). The lists are not complete and need not
be: bounds come from elsewhere.
"""

from __future__ import annotations

from itertools import product
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fleetopt.optimizer.matrix import Floats, Ints
from fleetopt.optimizer.patterns.plain import Ways

Places: TypeAlias = npt.NDArray[np.intp]

NEAREST = 8
"""Options of a role that are looked at, the ones that come nearest to the cheapest at any time."""

COVERS = 20
PAIRS = 64
PATTERNS = 160
"""Covers of a role, their pairs over a link, and patterns of a workload to keep, the cheapest ones."""

FEW = (1, 2, 3)
SHARES = tuple(i / 8 for i in range(1, 8))
"""Of the second option in a cover by two: so many replicas, or such a share of what it would take alone."""

EPSILON = 1e-9


def patterns(ways: Ways, price: Floats, relaxed: Floats) -> Floats:
    """Replicas by time, pattern and option.

    Args:
        ways: the options of a workload.
        price: USD per replica, (times, options).
        relaxed: replicas in the relaxation, (times, options).
    """
    there = ways.part.max(axis=1) > 0
    part = np.where(ways.part > 0, ways.part, EPSILON)
    found = np.concatenate([counts for link in ways.links for counts in _of_link(link, part, price)], axis=1)
    best = cheapest(np.einsum("tco,to->tc", found, price), PATTERNS)
    found = np.concatenate([np.take_along_axis(found, best[:, :, None], 1), _made_whole(ways, part, relaxed)], axis=1)
    found[~there] = 0.0
    return found


def _of_link(link: tuple[Ints, ...], part: Floats, price: Floats) -> list[Floats]:
    """The cheapest patterns over a link, and one for every pair of its options."""
    near = [_nearest(options, part, price) for options in link]
    covers = [_covers(part[:, options], price[:, options]) for options in near]
    pairs = list(product(*(range(len(options)) for options in near)))
    alone = np.zeros((len(part), len(pairs), part.shape[1]))
    for index, pair in enumerate(pairs):
        for options, chosen in zip(near, pair, strict=True):
            alone[:, index, options[chosen]] = np.ceil(1.0 / part[:, options[chosen]] - EPSILON)
    if len(link) == 1:
        return [_spread(covers[0], near[0], part), alone]
    usd = [np.einsum("tco,to->tc", counts, price[:, options]) for counts, options in zip(covers, near, strict=True)]
    both = (usd[0][:, :, None] + usd[1][:, None, :]).reshape(len(part), -1)
    best = cheapest(both, PAIRS)
    first, second = best // covers[1].shape[1], best % covers[1].shape[1]
    joined = _spread(np.take_along_axis(covers[0], first[:, :, None], 1), near[0], part)
    joined += _spread(np.take_along_axis(covers[1], second[:, :, None], 1), near[1], part)
    return [joined, alone]


def _nearest(options: Ints, part: Floats, price: Floats) -> Ints:
    usd = (price / part)[:, options]
    distance = (usd / np.maximum(usd.min(axis=1, keepdims=True), EPSILON)).min(axis=0)
    return options[np.argsort(distance, kind="stable")[:NEAREST]]


def _covers(part: Floats, price: Floats) -> Floats:
    """The cheapest covers of a whole demand by one or two options: (times, covers, options)."""
    times, options = part.shape
    full = np.ceil(1.0 / part - EPSILON)
    second = [np.zeros((times, options))]
    second += [np.minimum(count, full) for count in FEW]
    second += [np.floor(share * full) for share in SHARES]
    beside = np.stack(second, axis=1)
    carried = beside * part[:, None, :]
    main = np.maximum(0.0, np.ceil((1.0 - carried[..., None]) / part[:, None, None, :] - EPSILON))
    usd = main * price[:, None, None, :] + (beside * price[:, None, :])[..., None]
    usd[:, :, range(options), range(options)] = np.where(np.arange(len(second)) == 0, 0.0, np.inf)[None, :, None]
    usd[:, 0, range(options), range(options)] = full * price
    # Of none beside, one is enough.
    usd[:, 0][:, ~np.eye(options, dtype=bool)] = np.inf
    best = cheapest(usd.reshape(times, -1), COVERS)
    how, minor, major = np.unravel_index(best, usd.shape[1:])
    rows = np.arange(times)[:, None]
    counts = np.zeros((times, best.shape[1], options))
    which = np.arange(best.shape[1])[None, :]
    counts[rows, which, major] += main[rows, how, minor, major]
    counts[rows, which, minor] += beside[rows, how, minor]
    return counts


def cheapest(usd: Floats, most: int) -> Places:
    """The columns of the smallest values of each row, in no order."""
    if usd.shape[1] <= most:
        return np.broadcast_to(np.arange(usd.shape[1]), usd.shape)
    return np.argpartition(usd, most - 1, axis=1)[:, :most]


def _spread(counts: Floats, options: Ints, part: Floats) -> Floats:
    """Counts of some options as counts of all."""
    found = np.zeros((*counts.shape[:2], part.shape[1]))
    found[:, :, options] = counts
    return found


def _made_whole(ways: Ways, part: Floats, relaxed: Floats) -> Floats:
    """The relaxed numbers made whole: one option of each role takes what rounding the others leaves open."""
    rows = np.arange(len(part))
    found = []
    for start, *mains in product((np.floor(relaxed + 1e-6), np.round(relaxed)), range(3), range(3)):
        counts = np.zeros_like(relaxed)
        for link in ways.links:
            asked = np.min([(relaxed[:, role] * part[:, role]).sum(axis=1) for role in link], axis=0)
            for role, rank in zip(link, mains, strict=False):
                order = np.argsort(-relaxed[:, role], axis=1, kind="stable")
                chosen = order[:, min(rank, len(role) - 1)]
                chosen = np.where(relaxed[rows, role[chosen]] > 1e-6, chosen, order[:, 0])
                others = start[:, role].copy()
                others[rows, chosen] = 0.0
                left = asked - (others * part[:, role]).sum(axis=1)
                others[rows, chosen] = np.maximum(0.0, np.ceil(left / part[rows, role[chosen]] - EPSILON))
                counts[:, role] = others
        found.append(counts)
    return np.stack(found, axis=1)
