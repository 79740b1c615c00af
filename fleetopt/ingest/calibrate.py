"""Fits a latency factor for modelled profiles to a few measured points.

    r_i = measured latency / modelled latency at point i,    factor = exp(median(ln r_i))
    e_i = |r_i / factor_(-i) - 1|,    error = median(e_i)

The modelled latency is read off the same interpolants that capacities are derived from, only between modelled points.
With at least three points, factor_(-i) is fitted without point i (leave one out), so that the error is one of
prediction; with fewer it is that of the fit. The median of logarithms bears up to half of the points being wild.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from fleetopt.capacity.decode_curves import DecodeCurves
from fleetopt.capacity.domain import NotCarriedError
from fleetopt.capacity.prefill import PrefillCurve
from fleetopt.catalog.calibration import Calibration, engine_name, is_correctable
from fleetopt.catalog.domain import (
    Candidate,
    DecodePoint,
    DecodeProfile,
    Llm,
    PrefillPoint,
    PrefillProfile,
    Provenance,
    Role,
    ServingConfig,
)
from fleetopt.errors import InputError, Issue, did_you_mean
from fleetopt.ingest.facts import complete, printable
from fleetopt.ingest.points import shown_key
from fleetopt.ingest.reading import Flag, Point, Series

LEAST_FACTOR, MOST_FACTOR = 0.2, 5.0
"""Outside, the two profiles are of different things; --force takes the factor all the same."""

FEWEST = 3
"""With fewer points nothing tells how well a factor predicts."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Measured points of one serving config in one role."""

    config: ServingConfig
    role: Role
    points: tuple[Point, ...]
    source: str
    where: str


@dataclass(frozen=True, slots=True)
class Residual:
    """A measured point beside what the model said there, before the factor; `error` is e_i."""

    config: str
    point: str
    ratio: float
    error: float


@dataclass(frozen=True, slots=True)
class Fit:
    """A calibration with what it rests on. `p90_error` is the 90th percentile of the residuals' errors."""

    calibration: Calibration
    residuals: tuple[Residual, ...]
    p90_error: float
    flags: tuple[Flag, ...]


def of_series(one: Series) -> Measured:
    """The points of a series whose facts are complete.

    Raises:
        InputError: its points are not measured, or of a kind that no factor is fitted to.
    """
    config, _ = complete(one)
    _check(one.evidence, one.role, one.points, one.where)
    return Measured(config, one.role, one.points, one.source, one.where)


def of_config(name: str, llm: Llm) -> list[Measured]:
    """The measured prefill and decode profiles of a config of the model.

    Raises:
        InputError: it has none.
    """
    found = [c for c in llm.candidates if c.config.name == name]
    if not found:
        fix = did_you_mean(name, {c.config.name for c in llm.candidates})
        what = f"'{printable(name)[:60]}' is neither a file nor a config of {llm.card.name}"
        raise InputError([Issue("unknown-config", "--measured", what, fix)])
    fitting = [c for c in found if isinstance(c.profile, PrefillProfile | DecodeProfile)]
    for one in fitting or found:
        points: tuple[Point, ...] = one.profile.points
        _check(one.profile.provenance.evidence, one.role, points, name)
    return [Measured(c.config, c.role, c.profile.points, c.profile.provenance.source, name) for c in fitting]


def _check(evidence: str, role: Role, points: Sequence[Point], where: str) -> None:
    if evidence != "measured":
        what = f"has a {role} profile that is {evidence}"
        raise InputError([Issue("not-measured", where, what, "Calibrate on measured points")])
    if not all(isinstance(point, PrefillPoint | DecodePoint) for point in points):
        what = f"has {role} points that are neither prefill throughputs nor TPOTs by batch"
        fix = "Measure prefill or decode alone; modelled profiles are of one of them"
        raise InputError([Issue("wrong-kind", where, what, fix)])


def fit(
    measured: Sequence[Measured], candidates: Iterable[Candidate], *, margin: float = 0.0, force: bool = False
) -> list[Fit]:
    """One factor for each GPU type, engine and role that was measured.

    `candidates` are those of the model as they are without any calibration.

    Raises:
        InputError: points have no modelled profile of the same split and precision, none lies within the modelled
            range, or a factor is outside 0.2 to 5 and `force` is not set.
    """
    modelled = [one for one in candidates if is_correctable(one)]
    groups: dict[tuple[str, str, Role], list[Measured]] = {}
    for one in measured:
        key = (one.config.gpu_type, engine_name(one.config.engine), one.role)
        groups.setdefault(key, []).append(one)
    return [_fit(key, groups[key], modelled, margin, force) for key in sorted(groups)]


def _fit(
    key: tuple[str, str, Role], many: Sequence[Measured], modelled: Sequence[Candidate], margin: float, force: bool
) -> Fit:
    flags: list[Flag] = []
    ratios = [item for one in many for item in _ratios(one, _peer(one, modelled), flags)]
    if not ratios:
        what = "lies nowhere within the modelled range, beyond which nothing is known"
        raise InputError([Issue("outside-profile", many[0].where, what, "Measure at modelled lengths and batches")])
    logs = [math.log(ratio) for _, _, ratio in ratios]
    factor = math.exp(median(logs))
    where = " ".join(key)
    if not LEAST_FACTOR <= factor <= MOST_FACTOR and not force:
        what = f"measured latencies are {factor:.3g} times the modelled ones"
        fix = "Check units, GPUs per replica and batch; --force takes the factor all the same"
        raise InputError([Issue("wild-factor", where, what, fix)])
    errors = list(_errors(logs))
    if len(ratios) < FEWEST:
        said = f"rests on {len(ratios)} point{'s' if len(ratios) > 1 else ''}: its error is that of the fit"
        flags.append(Flag(where, said, "kept"))
    found = [Residual(name, point, r, e) for (name, point, r), e in zip(ratios, errors, strict=True)]
    source = "; ".join(sorted({one.source for one in many}))
    calibration = Calibration(*key, factor, median(errors), len(ratios), margin, Provenance("measured", source))
    return Fit(calibration, tuple(found), _p90(errors), tuple(flags))


def _peer(one: Measured, modelled: Sequence[Candidate]) -> Candidate:
    """The modelled profile of the same build, the engine's version aside."""
    peers = [c for c in modelled if c.role == one.role and _build(c.config) == _build(one.config)]
    if len(peers) == 1:
        return peers[0]
    others = sorted({c.config.name for c in modelled if c.role == one.role})
    if not peers:
        what = f"has no modelled {one.role} profile of the same GPUs, split, precision and engine"
        fix = f"There are {', '.join(others[:6])}{', ...' if len(others) > 6 else ''}" if others else "There is none"
        raise InputError([Issue("no-model", one.where, what, fix)])
    what = f"could be compared with {' and '.join(c.config.name for c in peers)}"
    raise InputError([Issue("many-models", one.where, what, "Keep one modelled profile of a build")])


def _build(config: ServingConfig) -> tuple[object, ...]:
    """What two configs share if one models the other; fp8 and fp8_block are both FP8 weights."""
    split = (config.tensor_parallel, config.pipeline_parallel, config.data_parallel, config.expert_parallel)
    return config.gpu_type, *split, config.precision.split("_")[0], engine_name(config.engine)


def _ratios(one: Measured, peer: Candidate, flags: list[Flag]) -> Iterator[tuple[str, str, float]]:
    """Measured over modelled latency at each point inside the modelled range; the others are flagged."""
    for point in one.points:
        ratio = _ratio(point, peer)
        if ratio is None:
            what = f"{shown_key(point)} is outside what was modelled for {peer.config.name}"
            flags.append(Flag(one.where, what, "dropped"))
        else:
            yield one.config.name or peer.config.name, shown_key(point), ratio


def _ratio(point: Point, peer: Candidate) -> float | None:
    profile = peer.profile
    if isinstance(point, PrefillPoint) and isinstance(profile, PrefillProfile):
        lengths = [p.input_tokens for p in profile.points]
        if not min(lengths) <= point.input_tokens <= max(lengths):
            return None
        return PrefillCurve.of(profile).at(point.input_tokens)[0] / point.tokens_per_s
    if isinstance(point, DecodePoint) and isinstance(profile, DecodeProfile):
        if point.context_tokens < min(p.context_tokens for p in profile.points):
            return None
        try:
            curve, _ = DecodeCurves.of(profile).at(point.context_tokens, "pchip")
            return point.tpot_s / curve.at(point.batch)
        except (NotCarriedError, ValueError):
            return None
    return None


def _errors(logs: Sequence[float]) -> Iterator[float]:
    """|r_i / factor - 1| with the factor fitted without point i where there are enough points."""
    for i, log in enumerate(logs):
        rest = [*logs[:i], *logs[i + 1 :]] if len(logs) >= FEWEST else logs
        yield abs(math.exp(log - median(rest)) - 1.0)


def _p90(errors: Sequence[float]) -> float:
    """The smallest error that at least nine of ten residuals do not exceed."""
    return sorted(errors)[math.ceil(0.9 * len(errors)) - 1]
