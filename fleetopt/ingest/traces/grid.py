"""Counts of requests by input and output length on a fine logarithmic grid, added up as chunks pass.

A cell spans an eighth of an octave on either axis, from 1 token on, and keeps the exact sums of its tokens, so that
every mean made of cells is exact however many of them are put together.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fleetopt.ingest.traces.domain import Floats, Ints

STEPS = 8
OCTAVES = 30
SIDE = STEPS * OCTAVES


def _zeros() -> Floats:
    return np.zeros(SIDE * SIDE)


@dataclass(slots=True)
class Grid:
    """Requests, input tokens and output tokens by cell."""

    requests: Floats = field(default_factory=_zeros)
    input_tokens: Floats = field(default_factory=_zeros)
    output_tokens: Floats = field(default_factory=_zeros)

    def add(self, input_tokens: Ints, output_tokens: Ints) -> None:
        """Adds requests, which have at least one token of each kind."""
        cells = cell_of(input_tokens) * SIDE + cell_of(output_tokens)
        size = SIDE * SIDE
        self.requests += np.bincount(cells, minlength=size)
        self.input_tokens += np.bincount(cells, weights=input_tokens, minlength=size)
        self.output_tokens += np.bincount(cells, weights=output_tokens, minlength=size)


def cell_of(tokens: Ints) -> Ints:
    """The step of the grid that a length falls on."""
    steps: Ints = np.floor(STEPS * np.log2(tokens.astype(np.float64))).astype(np.int64)
    return np.minimum(steps, SIDE - 1)
