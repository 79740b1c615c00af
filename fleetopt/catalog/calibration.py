"""Modelled profiles corrected by a few measured points: a latency factor per GPU type, engine and role.

    TPOT = factor (1 + margin) x modelled TPOT,    prefill tokens/s = modelled tokens/s / (factor (1 + margin))

The table is written by `fleetopt ingest calibrate`, or by hand. A calibrated profile stays *modelled*; its source says
what was done to it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from fleetopt.catalog.domain import Candidate, DecodeProfile, InputFile, PrefillProfile, Provenance, Role
from fleetopt.catalog.hardware import provenance
from fleetopt.documents import Row, read_table
from fleetopt.errors import did_you_mean

CALIBRATION = "calibration.csv"
CALIBRATION_COLUMNS = ("gpu_type", "engine", "role", "factor", "error", "points", "evidence", "source")
CALIBRATED_ROLES: tuple[Role, ...] = ("prefill", "decode")

LEAST_FACTOR, MOST_FACTOR = 0.01, 100.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """A row of the table. `error` is the median absolute relative residual, as a fraction."""

    gpu_type: str
    engine: str
    role: Role
    factor: float
    error: float
    points: int
    margin: float
    provenance: Provenance

    def corrected(self, candidate: Candidate) -> Candidate:
        """A modelled candidate of this GPU type, engine and role with its latencies scaled."""
        slower = self.factor * (1.0 + self.margin)
        profile = candidate.profile
        source = replace(profile.provenance, source=f"{profile.provenance.source}; {self.said}")
        if isinstance(profile, PrefillProfile):
            filled = tuple(replace(p, tokens_per_s=p.tokens_per_s / slower) for p in profile.points)
            return replace(candidate, profile=PrefillProfile(filled, source))
        assert isinstance(profile, DecodeProfile)
        made = tuple(replace(p, tpot_s=p.tpot_s * slower) for p in profile.points)
        return replace(candidate, profile=DecodeProfile(made, source))

    @property
    def said(self) -> str:
        """'calibrated x1.12 on 9 measured points (error 6 %)'."""
        margin = f", with a margin of {100 * self.margin:.3g} %" if self.margin else ""
        points = f"{self.points} {self.provenance.evidence} point{'s' if self.points != 1 else ''}"
        return f"calibrated x{self.factor:.3g} on {points} (error {100 * self.error:.2g} %){margin}"


def engine_name(engine: str) -> str:
    """An engine without its version.

    >>> engine_name("vllm 0.24.0")
    'vllm'
    """
    return engine.split(maxsplit=1)[0]


def is_correctable(candidate: Candidate) -> bool:
    """Whether a candidate's profile is modelled, and has curves that a factor can scale."""
    profile = candidate.profile
    return profile.provenance.evidence == "modelled" and isinstance(profile, PrefillProfile | DecodeProfile)


def calibrated(
    model: str, folder: Path, candidates: dict[str, Candidate], files: list[InputFile]
) -> dict[str, Candidate]:
    """The candidates of a model, the modelled ones corrected where its folder has a factor for them.

    Raises:
        InputError: the table is malformed, repeats a factor, or has one for no modelled profile.
    """
    if not (folder / CALIBRATION).is_file():
        return candidates
    rows, digest = read_table(folder / CALIBRATION, CALIBRATION_COLUMNS, ("margin",))
    files.append(InputFile(f"{model}/{CALIBRATION}", digest))
    found = dict(candidates)
    seen: dict[tuple[str, str, str], int] = {}
    for row in rows:
        one = read_calibration(row)
        key = (one.gpu_type, one.engine, one.role)
        first = seen.setdefault(key, row.line)
        if first != row.line:
            raise row.fail("gpu_type", f"repeats the factor of line {first}", "Keep one of them")
        fitting = {name: c for name, c in candidates.items() if is_correctable(c) and key_of(c) == key}
        if not fitting:
            known = {" ".join(key_of(c)) for c in candidates.values() if is_correctable(c)}
            what = f"'{' '.join(key)[:80]}' has no modelled profile"
            raise row.fail("gpu_type", what, did_you_mean(" ".join(key), known))
        found |= {name: one.corrected(candidate) for name, candidate in fitting.items()}
    return found


def key_of(candidate: Candidate) -> tuple[str, str, str]:
    """What a factor is for: GPU type, engine without version, role."""
    return candidate.config.gpu_type, engine_name(candidate.config.engine), candidate.role


def read_calibration(row: Row) -> Calibration:
    """A row of the table.

    Raises:
        InputError: a cell is empty or out of range.
    """
    role: Role = row.choice("role", CALIBRATED_ROLES)  # type: ignore[assignment]
    return Calibration(
        gpu_type=row.text("gpu_type"),
        engine=row.text("engine"),
        role=role,
        factor=row.number("factor", least=LEAST_FACTOR, most=MOST_FACTOR),
        error=row.number("error", most=MOST_FACTOR),
        points=row.whole("points"),
        margin=row.optional_number("margin", most=10.0) or 0.0,
        provenance=provenance(row),
    )
