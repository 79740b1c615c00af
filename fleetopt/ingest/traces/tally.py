"""Adds up the requests of a trace, model by model, as they pass; the order of rows plays no part in any sum.

Requests are counted by quarter of an hour, the step between time zones, and turned into hours at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fleetopt.documents import shown
from fleetopt.errors import InputError, Issue
from fleetopt.ingest.reading import Flag
from fleetopt.ingest.traces.clock import QUARTER_US
from fleetopt.ingest.traces.domain import Chunk, Floats, Ints
from fleetopt.ingest.traces.grid import Grid
from fleetopt.ingest.traces.options import TraceOptions
from fleetopt.ingest.traces.prefix import PrefixTracker

MOST_MODELS = 100
MOST_ROWS = 200_000_000

ARRIVED, SERVED, INPUT, OUTPUT = range(4)
"""What is counted by quarter: requests, those of them with tokens, and their tokens."""


@dataclass(slots=True)
class ModelTally:
    """One model's requests so far. `quarters` has the four counts by quarter of an hour since 1970."""

    times: list[Ints] = field(default_factory=list)
    digests: list[Ints] = field(default_factory=list)
    quarters: dict[int, Floats] = field(default_factory=dict)
    grid: Grid = field(default_factory=Grid)
    prefix: PrefixTracker | None = None

    def add(self, times: Ints, inputs: Ints, outputs: Ints, served: Ints) -> None:
        """Requests; `served` is 1 for those that have tokens, 0 for others."""
        self.times.append(times)
        self.digests.append(_digests(times, inputs, outputs))
        quarter = times // QUARTER_US
        first = int(quarter.min())
        places = quarter - first
        counts = np.stack([np.bincount(places, weights=w) for w in (None, served, inputs * served, outputs * served)])
        for place in np.flatnonzero(counts[ARRIVED]):
            known = self.quarters.setdefault(first + int(place), np.zeros(4))
            known += counts[:, place]
        self.grid.add(inputs[served == 1], outputs[served == 1])

    def arrivals(self) -> Ints:
        """The sorted times of all requests, which are not kept after this."""
        return _emptied(self.times)


@dataclass(slots=True)
class Odd:
    """Rows that something is wrong with: how many, and the first of them."""

    count: int = 0
    first_row: int = 0

    def add(self, rows: Ints, offset: int) -> None:
        """Indices of such rows in a chunk that begins at row `offset`."""
        if len(rows) and not self.count:
            self.first_row = offset + int(rows[0])
        self.count += len(rows)


class Tally:
    """A whole trace."""

    def __init__(self, path: Path, options: TraceOptions, block_tokens: int | None) -> None:
        self._path = path
        self._options = options
        self._block_tokens = block_tokens
        self._last_us: int | None = None
        self._negative, self._zero, self._unsorted = Odd(), Odd(), Odd()
        self.models: dict[str, ModelTally] = {}
        self.rows = 0

    def add(self, chunk: Chunk) -> None:
        """Adds a chunk.

        Raises:
            InputError: the trace is too long, or has too many models.
        """
        count = len(chunk.time_us)
        if not count:
            return
        self.rows += count
        if self.rows > MOST_ROWS:
            what, fix = f"has more than {MOST_ROWS:,} rows", "Split it, by weeks perhaps"
            raise InputError([Issue("too-large", shown(self._path), what, fix)])
        self._note_order(chunk)
        negative = (chunk.input_tokens < 0) | (chunk.output_tokens < 0)
        zero = ~negative & ((chunk.input_tokens == 0) | (chunk.output_tokens == 0))
        self._negative.add(np.flatnonzero(negative), chunk.first_row)
        self._zero.add(np.flatnonzero(zero), chunk.first_row)
        kept = ~(negative | zero) if self._options.failed == "drop" else ~negative
        for code, name in enumerate(chunk.models):
            self._add_model(name, chunk, np.flatnonzero(kept & (chunk.model == code)), zero)
        if self._options.tell is not None:
            self._options.tell(self.rows)

    def _add_model(self, name: str, chunk: Chunk, rows: Ints, zero: NDArray[np.bool_]) -> None:
        if not len(rows):
            return
        tally = self.models.get(name)
        if tally is None:
            tally = self.models[name] = self._new()
        served = (~zero[rows]).astype(np.int64)
        tally.add(chunk.time_us[rows], chunk.input_tokens[rows], chunk.output_tokens[rows], served)
        if tally.prefix is not None and chunk.blocks is not None:
            for row in rows[served == 1]:
                tally.prefix.add(chunk.blocks[row], int(chunk.input_tokens[row]))

    def _new(self) -> ModelTally:
        if len(self.models) >= MOST_MODELS:
            what = f"has more than {MOST_MODELS} models"
            fix = "Check which column holds the model, or split the file"
            raise InputError([Issue("too-many-models", shown(self._path), what, fix)])
        prefix = self._block_tokens and PrefixTracker(self._block_tokens, self._options.cache_tokens)
        return ModelTally(prefix=prefix or None)

    def _note_order(self, chunk: Chunk) -> None:
        before = self._last_us if self._last_us is not None else int(chunk.time_us[0])
        steps = np.diff(chunk.time_us, prepend=before)
        self._unsorted.add(np.flatnonzero(steps < 0), chunk.first_row)
        self._last_us = int(chunk.time_us[-1])

    def flags(self) -> list[Flag]:
        """What is odd about single rows; asked once, at the end."""
        where = shown(self._path)
        dropped = self._options.failed == "drop"
        zero = "have no input or no output tokens; " + (
            "left out of rates and lengths" if dropped else "counted in the rates, left out of the lengths"
        )
        found: list[tuple[Odd, str, bool]] = [
            (self._negative, "have a negative token count; left out", True),
            (self._zero, zero, dropped),
            (self._unsorted, "go back in time; the rates do not depend on the order", False),
        ]
        flags = [
            Flag(f"{where} row {odd.first_row}", f"{_rows(odd.count, self.rows)} {what}", "dropped" if out else "kept")
            for odd, what, out in found
            if odd.count
        ]
        return flags + [flag for name in self.models if (flag := self._duplicates(name)) is not None]

    def _duplicates(self, name: str) -> Flag | None:
        digests = _emptied(self.models[name].digests)
        same = int(np.count_nonzero(digests[1:] == digests[:-1]))
        if not same:
            return None
        what = f"{_rows(same, self.rows)} repeat another one in time and lengths; counted, as they may be real"
        return Flag(f"{shown(self._path)} {name}".strip(), what, "kept")


def _emptied(parts: list[Ints]) -> Ints:
    """The parts as one sorted array; they are let go, so that no two copies of a long trace are held."""
    whole = np.concatenate(parts)
    parts.clear()
    whole.sort()
    return whole


def _rows(count: int, total: int) -> str:
    return f"{count:,} of {total:,} rows ({100 * count / total:.2g} %)"


def _digests(times: Ints, inputs: Ints, outputs: Ints) -> Ints:
    """A number for each row that only equal rows share, but for chance (about 1 in 10^6 for ten million rows)."""
    mixed = times.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= (inputs.astype(np.uint64) + np.uint64(1)) * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed ^= (outputs.astype(np.uint64) + np.uint64(1)) * np.uint64(0x165667B19E3779F9)
    mixed ^= mixed >> np.uint64(29)
    return mixed.astype(np.int64)
