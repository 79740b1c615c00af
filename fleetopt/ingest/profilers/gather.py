"""Points found one by one in a file, gathered into series of one serving config in one role."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from fleetopt.catalog.domain import AggregatedPoint, DecodePoint, Evidence, Role
from fleetopt.errors import InputError, Issue
from fleetopt.ingest import checks
from fleetopt.ingest.reading import Flag, Point, Series, Setup, Told

POINTS_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Found:
    """One point, and what its place in the file says about it."""

    setup: Setup
    role: Role
    point: Point
    evidence: Evidence
    source: str
    where: str


def gathered(found: Iterable[Found], told: Told) -> tuple[Series, ...]:
    """The points by serving config, role and origin, in file order; the same point twice counts once.

    Raises:
        InputError: the user told something else than the file says, or one config name for several configs.
    """
    groups: dict[tuple[Setup, Role, Evidence, str], list[Found]] = {}
    for one in found:
        groups.setdefault((one.setup, one.role, one.evidence, one.source), []).append(one)
    filled: dict[Setup, Setup] = {}
    series = []
    for (setup, role, evidence, source), members in groups.items():
        where = members[0].where
        if told.role not in (None, role):
            what = f"holds {role} points, and the role {told.role} was given"
            raise InputError([Issue("contradiction", where, what, "Leave --role out")])
        if setup not in filled:
            filled[setup] = setup.filled(told.setup, where)
        points: dict[Point, str] = {}
        for member in members:
            points.setdefault(member.point, member.where)
        if len(points) > POINTS_LIMIT:
            what = f"has {len(points)} points in one series, over the limit of {POINTS_LIMIT}"
            raise InputError([Issue("too-large", where, what, "Check that columns tell serving configs apart")])
        series.append(Series(filled[setup], role, tuple(points), evidence, source, where, tuple(points.values())))
    if told.setup.config is not None and len(set(filled.values())) > 1:
        where, what = series[0].where, f"holds {len(filled)} serving configs, and one config name was given"
        raise InputError([Issue("contradiction", where, what, "Leave --config out, or give a file with one config")])
    return tuple(series)


def believable(found: Iterable[Found], flags: list[Flag]) -> list[Found]:
    """The points without those whose rate looks per minute; what else contradicts itself is flagged and kept.

    Raises:
        InputError: no point is left.
    """
    kept: list[Found] = []
    for one in found:
        if isinstance(one.point, AggregatedPoint):
            minute = checks.per_minute(one.point, one.where)
            flags += [flag for flag in (minute, checks.littles_law(one.point, one.where)) if flag]
            if minute:
                continue
        if isinstance(one.point, AggregatedPoint | DecodePoint):
            slow = checks.slow_tokens(one.point, one.where)
            flags += [slow] if slow else []
        kept.append(one)
    if not kept and flags:
        fix = "Correct the rates, or take the rows out"
        raise InputError([Issue("no-points", flags[-1].where, f"{flags[-1].what}; no point is left", fix)])
    flags += falling(kept, AggregatedPoint)
    return kept


def falling(found: Iterable[Found], kind: type[AggregatedPoint | DecodePoint]) -> list[Flag]:
    """Where TPOT falls as load grows, among points of a kind from the same origin."""
    curves: dict[tuple[Setup, str], list[tuple[AggregatedPoint | DecodePoint, str]]] = {}
    for one in found:
        if isinstance(one.point, kind):
            curves.setdefault((one.setup, one.source), []).append((one.point, one.where))
    return [flag for curve in curves.values() for flag in checks.tpot_falls(curve)]


def whole_replica(row_gpus: int | None, told: Told, where: str) -> int:
    """The GPUs of a replica, which the user says where the file does not.

    Raises:
        InputError: nobody says it, and the file counts tokens/s per GPU.
    """
    gpus = row_gpus if row_gpus is not None else told.setup.gpus_per_replica
    if gpus is None:
        fix = "Say how many GPUs one replica has with --gpus"
        raise InputError([Issue("missing-fact", where, "counts tokens/s per GPU, and not the GPUs", fix)])
    return gpus


def raised(series: Series) -> tuple[Series, Flag | None]:
    """A decode series in which TPOT falls neither with the batch nor with the context, and what was raised.

    Each TPOT becomes the largest of all points with no larger batch and no larger context.
    """
    points = [point for point in series.points if isinstance(point, DecodePoint)]
    context, batch, tpot_s = (
        np.array([getattr(p, name) for p in points]) for name in ("context_tokens", "batch", "tpot_s")
    )
    level = [float(tpot_s[(batch <= p.batch) & (context <= p.context_tokens)].max()) for p in points]
    ratios = [high / p.tpot_s for p, high in zip(points, level, strict=True) if high > p.tpot_s]
    if not ratios:
        return series, None
    smooth = tuple(replace(p, tpot_s=high) for p, high in zip(points, level, strict=True))
    falls = f"TPOT falls as batch or context grows at {len(ratios)} of {len(points)} points"
    what = f"{falls}; raised, by {100 * (max(ratios) - 1):.1f} % at most"
    return replace(series, points=smooth), Flag(series.where, what, "corrected")
