"""Turns what a workload says about the lengths of its requests into means and a mix."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from fleetopt.catalog.domain import InputFile
from fleetopt.documents import Document, Key, Row, read_table
from fleetopt.errors import InputError, Issue
from fleetopt.scenario.domain import LengthBin
from fleetopt.scenario.files import input_name
from fleetopt.scenario.workload_schema import LengthFile, SlotLengthsFile, WorkloadFile

_COLUMNS = ("input_tokens", "output_tokens", "share")
MOST_BINS = 2000
MOST_TOKENS = 1e9
SUM_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Lengths:
    """Mean tokens of a request, and the bins of its mix (none where only means are known)."""

    input_tokens: float
    output_tokens: float
    bins: tuple[LengthBin, ...] = ()


UNKNOWN = Lengths(1.0, 1.0)
"""Stands in where an issue was found, so that reading goes on and finds the others."""


class LengthReader:
    """Reads lengths; what is wrong with them is added to `issues`."""

    def __init__(self, document: Document, issues: list[Issue], files: list[InputFile]) -> None:
        self._document = document
        self._issues = issues
        self._files = files

    def read(self, key: Key, workload: WorkloadFile | SlotLengthsFile) -> Lengths:
        """The lengths of one workload, or of one slot of it."""
        means = (workload.input_tokens, workload.output_tokens)
        if workload.lengths is None:
            return self._means(key, *means)
        if means != (None, None):
            what = "has lengths beside input_tokens or output_tokens"
            self._add((*key, "lengths"), what, "Take the means out: they follow from the lengths")
        try:
            bins = self._bins((*key, "lengths"), workload.lengths)
        except InputError as error:
            self._issues += error.issues
            return UNKNOWN
        return _of(bins) if bins else UNKNOWN

    def _means(self, key: Key, input_tokens: float | None, output_tokens: float | None) -> Lengths:
        for field, value in (("input_tokens", input_tokens), ("output_tokens", output_tokens)):
            if value is None:
                fix = "Write the mean tokens per request, or give lengths"
                self._issues.append(self._document.issue("missing-key", (*key, field), "says nothing", fix))
        return UNKNOWN if input_tokens is None or output_tokens is None else Lengths(input_tokens, output_tokens)

    def _bins(self, key: Key, given: str | list[LengthFile]) -> list[LengthBin]:
        if isinstance(given, str):
            return self._table(key, given)
        bins = [LengthBin(one.input_tokens, one.output_tokens, one.share) for one in given if one.share > 0]
        return self._whole(key, bins)

    def _table(self, key: Key, name: str) -> list[LengthBin]:
        if Path(name).is_absolute():
            self._add(key, "is not a relative path", "Write a path relative to this file, like 'lengths.csv'")
            return []
        path = self._document.beside(key, name)
        rows, digest = read_table(path, _COLUMNS)
        self._files.append(InputFile(input_name(path, self._document.path.parent), digest))
        return self._whole(key, [one for one in map(_bin, rows) if one.share > 0])

    def _whole(self, key: Key, bins: list[LengthBin]) -> list[LengthBin]:
        """The bins with shares of exactly one in total, none where they are not nearly so."""
        total = sum(one.share for one in bins)
        if abs(total - 1.0) > SUM_TOLERANCE:
            self._add(key, f"has shares that add up to {100 * total:.6g} %", "Make them add up to 100 %")
            return []
        if len(bins) > MOST_BINS:
            self._add(key, f"has {len(bins)} bins, more than {MOST_BINS}", "Put neighbouring lengths together")
            return []
        return [replace(one, share=one.share / total) for one in bins]

    def _add(self, key: Key, what: str, fix: str) -> None:
        self._issues.append(self._document.issue("bad-value", key, what, fix))


def _bin(row: Row) -> LengthBin:
    return LengthBin(
        row.number("input_tokens", above=True, most=MOST_TOKENS),
        row.number("output_tokens", above=True, most=MOST_TOKENS),
        row.number("share", most=1.0),
    )


def _of(bins: list[LengthBin]) -> Lengths:
    return Lengths(
        sum(one.share * one.input_tokens for one in bins),
        sum(one.share * one.output_tokens for one in bins),
        tuple(sorted(bins, key=lambda one: (one.input_tokens, one.output_tokens))),
    )
