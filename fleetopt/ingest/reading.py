"""What a format reads out of a file: series of operating points, what was understood, what looks wrong.

The points are the catalog's own, in its units: seconds, requests/s, tokens/s of the whole replica.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from itertools import repeat
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from fleetopt.catalog.domain import AggregatedPoint, DecodePoint, Evidence, PrefillPoint, RatePoint, Role
from fleetopt.errors import InputError, Issue

Point: TypeAlias = PrefillPoint | DecodePoint | AggregatedPoint | RatePoint


@dataclass(frozen=True, slots=True)
class Setup:
    """What is known of the serving config behind a series; None where the file does not say.

    `gpus_per_replica` is the true count of GPUs. `engine` is its name and, after a blank, its version.
    """

    model: str | None = None
    config: str | None = None
    gpu_type: str | None = None
    gpus_per_replica: int | None = None
    tensor_parallel: int | None = None
    pipeline_parallel: int | None = None
    data_parallel: int | None = None
    expert_parallel: int | None = None
    precision: str | None = None
    engine: str | None = None
    max_kv_tokens: float | None = None

    def filled(self, told: Setup, where: str) -> Setup:
        """These facts, with those that are missing taken from what the user told.

        Raises:
            InputError: the user told something else than the file says.
        """
        issues = []
        changes: dict[str, object] = {}
        for field in fields(self):
            mine, theirs = getattr(self, field.name), getattr(told, field.name)
            if theirs is None:
                continue
            if mine is None or field.name in _NAMED_BY_USER:
                changes[field.name] = theirs
            elif mine != theirs:
                what = f"says {field.name} {mine}, and {theirs} was given"
                issues.append(Issue("contradiction", where, what, "Leave the option out, or give what the file says"))
        if issues:
            raise InputError(issues)
        return replace(self, **changes)  # type: ignore[arg-type]


_NAMED_BY_USER = frozenset({"model", "config"})
"""Names in our catalog are the user's to choose; a file's own are suggestions."""


@dataclass(frozen=True, slots=True)
class Series:
    """Operating points of one serving config in one role. `source` says tool, version, date and file.

    `wheres` says where each of the points stands, if they stand in places of their own; `where` is of all of them.
    """

    setup: Setup
    role: Role
    points: tuple[Point, ...]
    evidence: Evidence
    source: str
    where: str
    wheres: tuple[str, ...] = ()

    def placed(self) -> Iterator[tuple[Point, str]]:
        """The points and where they stand."""
        return zip(self.points, self.wheres or repeat(self.where, len(self.points)), strict=True)


@dataclass(frozen=True, slots=True)
class Flag:
    """Something in a file that contradicts itself, and what was done about it."""

    where: str
    what: str
    done: Literal["kept", "dropped", "corrected"]


@dataclass(frozen=True, slots=True)
class Reading:
    """All that a file holds. `understood` are sentences: rows, units, what tokens/s counts, GPUs per replica."""

    format: str
    path: Path
    sha256: str
    series: tuple[Series, ...]
    understood: tuple[str, ...]
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What the user says about a file beyond the serving config.

    That is the role a benchmark was run for, and whether figures in a format of measurements are estimates.
    """

    setup: Setup = Setup()
    role: Role | None = None
    modelled: bool = False


class Format(Protocol):
    """One outside format. `name` is what `--format` takes; `recognises` looks at a file's first bytes only."""

    name: str
    title: str

    def recognises(self, path: Path, head: bytes) -> bool: ...

    def read(self, path: Path, told: Told) -> Reading: ...
