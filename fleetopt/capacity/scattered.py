"""TPOT over the batch at any context, from decode points of which each has a context and a batch of its own.

Over the plane of batch and KV tokens (batch x context) a decode step takes about a + b batch + c KV tokens. So TPOT is
taken as linear in both on each triangle of the Delaunay triangulation of the points, each axis divided by its largest
value; all batches at one context lie on a ray from the origin, and TPOT runs along it in straight lines. Outside the
hull of the points nothing is known and nothing is assumed. Along each ray TPOT is made non-decreasing.

No triangulation is built. The Delaunay triangles are the lower convex hull of the points lifted to the paraboloid
h = x^2 + y^2 (Brown 1979), and a plane through the ray cuts that hull where it cuts the hull of all segments between
points on its two sides. What is left is a convex hull in two dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fleetopt.capacity.chords import Chords
from fleetopt.capacity.curves import running_maximum
from fleetopt.capacity.left_out import FEWEST, typical_worst
from fleetopt.catalog.domain import DecodePoint

ON_RAY = 1e-12
"""A point so near to the ray, of axes one long, is on it."""

TIE = 1e-10
"""Where four points lie on a circle, the diagonal with the larger TPOT is taken: this much lower on the lift."""

APART = 1e-9
"""Crossings closer than this in the batch, as a fraction of the largest batch, are one."""

MOST_LEFT_OUT = 32

Floats = npt.NDArray[np.float64]


class _Cut(NamedTuple):
    """Where the plane through a ray crosses a segment: batch, lifted height, TPOT."""

    batch: float
    height: float
    tpot_s: float


@dataclass(frozen=True, slots=True)
class ScatteredDecode:
    """Decode points in rising order of context and batch."""

    points: tuple[DecodePoint, ...]

    def at(self, context: float) -> tuple[Chords, float] | None:
        """TPOT (s) over the batch, and by what fraction it was raised; None where the hull has no such context."""
        cuts = _lower_hull(_cuts(self.points, context))
        if not cuts:
            return None
        batches, measured = _with_levels(cuts)
        tpots, change = running_maximum(measured)
        return Chords.through(batches, tpots, power=1.0), change


def is_scattered(points: tuple[DecodePoint, ...]) -> bool:
    """Whether contexts repeat too rarely for a curve at each: three or more, with fewer than two batches each."""
    contexts = len({point.context_tokens for point in points})
    return contexts >= 3 and len(points) < 2 * contexts


@lru_cache(maxsize=256)
def scattered_error(decode: ScatteredDecode) -> float | None:
    """How well the others foretell a point, over up to 32 evenly chosen ones inside the hull of the others."""
    if len(decode.points) <= FEWEST:
        return None
    every = -(-len(decode.points) // MOST_LEFT_OUT)
    found = []
    for i in range(0, len(decode.points), every):
        point = decode.points[i]
        others = ScatteredDecode(decode.points[:i] + decode.points[i + 1 :])
        section = others.at(point.context_tokens)
        if section is not None and section[0].first <= point.batch <= section[0].last:
            found.append(section[0].at(point.batch) / point.tpot_s - 1.0)
    return typical_worst(found)


def _cuts(points: tuple[DecodePoint, ...], context: float) -> list[_Cut]:
    """Crossings of the ray's plane with the segments between points on its two sides, and the points on it."""
    batch = np.array([point.batch for point in points])
    tpot = np.array([point.tpot_s for point in points])
    kv = batch * np.array([point.context_tokens for point in points])
    x, y = batch / batch.max(), kv / kv.max()
    height = x * x + y * y - TIE * tpot / tpot.max()
    aside = y - x * (context * batch.max() / kv.max())
    rows = np.stack((batch, height, tpot))
    on = np.abs(aside) <= ON_RAY
    crossed = _crossings(rows, aside, (aside > 0.0) & ~on, (aside < 0.0) & ~on)
    return [_Cut(*cut) for cut in np.concatenate((rows[:, on], crossed), axis=1).T.tolist()]


def _crossings(rows: Floats, aside: Floats, above: npt.NDArray[np.bool_], below: npt.NDArray[np.bool_]) -> Floats:
    over, under = aside[above][:, None], aside[below][None, :]
    share = over / (over - under)
    return np.stack([((1.0 - share) * row[above][:, None] + share * row[below][None, :]).ravel() for row in rows])


def _lower_hull(cuts: list[_Cut]) -> list[_Cut]:
    """The cuts on the lower convex hull of heights over batches, from left to right."""
    near = APART * max((cut.batch for cut in cuts), default=0.0)
    hull: list[_Cut] = []
    for cut in sorted(cuts):
        while hull and cut.batch - hull[-1].batch <= near and cut.height < hull[-1].height:
            hull.pop()
        if hull and cut.batch - hull[-1].batch <= near:
            continue
        while len(hull) > 1 and _turns_down(hull[-2], hull[-1], cut):
            hull.pop()
        hull.append(cut)
    return hull


def _with_levels(cuts: list[_Cut]) -> tuple[list[float], list[float]]:
    """Batches and TPOT, also where a line rises past the largest TPOT before it: up to there it is held level."""
    batches, tpots = [cuts[0].batch], [cuts[0].tpot_s]
    for left, right in pairwise(cuts):
        highest = max(tpots)
        if left.tpot_s < highest < right.tpot_s:
            share = (highest - left.tpot_s) / (right.tpot_s - left.tpot_s)
            batch = left.batch + share * (right.batch - left.batch)
            if batches[-1] < batch < right.batch:
                batches.append(batch)
                tpots.append(highest)
        batches.append(right.batch)
        tpots.append(right.tpot_s)
    return batches, tpots


def _turns_down(left: _Cut, middle: _Cut, right: _Cut) -> bool:
    """Whether the middle is not below the line from left to right."""
    rise = (middle.height - left.height) * (right.batch - left.batch)
    return rise >= (right.height - left.height) * (middle.batch - left.batch)
