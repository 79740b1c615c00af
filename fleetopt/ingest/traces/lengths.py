"""The joint histogram of input and output lengths: few bins, with exact means inside.

The fine grid is cut into rectangles, one cut at a time: the rectangle whose requests differ most from one another (sum
of squared distances of log2 lengths, both axes) is cut where the two sides differ least inside. It is the greedy k-d
tree of regression trees (Breiman et al., 1984). No bin is empty, and shares and overall means come out exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleetopt.ingest.traces.domain import Floats, LengthBin
from fleetopt.ingest.traces.grid import SIDE, STEPS, Grid

_CENTRES = (np.arange(SIDE) + 0.5) / STEPS


@dataclass(frozen=True, slots=True)
class _Cut:
    """The best cut of a rectangle: what it saves, along which axis, before which step of the grid."""

    saves: float
    axis: int
    at: int


def length_bins(grid: Grid, most: int) -> tuple[LengthBin, ...]:
    """At most `most` bins, by input and then output length; none where there are no requests."""
    requests = grid.requests.reshape(SIDE, SIDE)
    total = float(requests.sum())
    if not total:
        return ()
    boxes: list[tuple[_Cut, tuple[slice, slice]]] = []
    whole = (slice(0, SIDE), slice(0, SIDE))
    boxes.append((_best_cut(requests, whole), whole))
    while len(boxes) < most:
        chosen = max(range(len(boxes)), key=lambda i: boxes[i][0].saves)
        cut, box = boxes[chosen]
        if cut.saves <= 0:
            break
        boxes[chosen : chosen + 1] = [(_best_cut(requests, half), half) for half in _halves(box, cut)]
    bins = [_bin(grid, box, total) for _, box in boxes]
    return tuple(sorted(bins, key=lambda b: (b.input_tokens, b.output_tokens)))


def _halves(box: tuple[slice, slice], cut: _Cut) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    rows, columns = box
    if cut.axis == 0:
        return (slice(rows.start, cut.at), columns), (slice(cut.at, rows.stop), columns)
    return (rows, slice(columns.start, cut.at)), (rows, slice(cut.at, columns.stop))


def _best_cut(requests: Floats, box: tuple[slice, slice]) -> _Cut:
    """Cuts along each axis; those beside no request save nothing."""
    inside = requests[box]
    cuts = []
    for axis in (0, 1):
        weights = inside.sum(axis=1 - axis)
        saves = _saved(weights, _CENTRES[box[axis]])
        best = int(np.argmax(saves)) if len(saves) else 0
        cuts.append(_Cut(float(saves[best]) if len(saves) else 0.0, axis, box[axis].start + best + 1))
    return max(cuts, key=lambda cut: cut.saves)


def _saved(weights: Floats, centres: Floats) -> Floats:
    """The drop of the sum of squares if cut after each step: n1 n2 / (n1 + n2) times the squared distance of means."""
    below = np.cumsum(weights)[:-1]
    moment = np.cumsum(weights * centres)[:-1]
    above, rest = weights.sum() - below, float((weights * centres).sum()) - moment
    sound = (below > 0) & (above > 0)
    low = np.divide(moment, below, out=np.zeros_like(below), where=sound)
    high = np.divide(rest, above, out=np.zeros_like(below), where=sound)
    return np.where(sound, below * above / max(1.0, float(weights.sum())) * (high - low) ** 2, 0.0)


def _bin(grid: Grid, box: tuple[slice, slice], total: float) -> LengthBin:
    count, tokens_in, tokens_out = (
        float(values.reshape(SIDE, SIDE)[box].sum())
        for values in (grid.requests, grid.input_tokens, grid.output_tokens)
    )
    return LengthBin(tokens_in / count, tokens_out / count, count / total)
