"""The part of the nodes that can be counted on: stated, or from how often they fail or are taken away.

    repaired nodes     availability = mtbf / (mtbf + repair)
    interrupted ones   availability = 1 - interruptions x recovery, the rate being per node and hour

The first is the steady state of a renewal process with these mean times; the second is what is lost of an hour that
pays for a node, where `recovery` is the time until another one serves in its place.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field

from fleetopt.scenario.fields import Block, Fraction, Lasting, Pace


class AvailabilityFile(Block):
    """Nodes that can be counted on: a fraction, or what it follows from."""

    fraction: Fraction | None = None
    mtbf: Annotated[Lasting | None, Field(description="Mean time between failures of a node")] = None
    repair: Annotated[Lasting | None, Field(description="Mean time until a failed node is back")] = None
    interruptions: Annotated[Pace | None, Field(description="How often a node is taken away")] = None
    recovery: Annotated[Lasting | None, Field(description="Time until another node serves in its place")] = None


def _stated(value: Any) -> Any:
    return value if isinstance(value, dict | AvailabilityFile) else {"fraction": value}


Availability = Annotated[
    AvailabilityFile,
    BeforeValidator(_stated, json_schema_input_type=Fraction | AvailabilityFile),
    Field(description="Nodes that can be counted on: not interrupted, not under repair"),
]

EVERY_NODE = AvailabilityFile(fraction=1.0)

_PAIRS = (("fraction",), ("mtbf", "repair"), ("interruptions", "recovery"))


class Counted(NamedTuple):
    """The fraction of nodes that can be counted on, and what it follows from ("" where it is stated)."""

    fraction: float
    formula: str = ""


class Wrong(NamedTuple):
    """What is wrong with an availability as written: in which field ("" for all of it), what, and what to do."""

    field: str
    what: str
    fix: str


def counted(file: AvailabilityFile) -> Counted | Wrong:
    """The fraction that a file states or that follows from what it states."""
    given = tuple(name for pair in _PAIRS for name in pair if getattr(file, name) is not None)
    if given not in _PAIRS:
        fix = "Write a fraction, {mtbf: 2000 h, repair: 24 h}, or {interruptions: 0.05 /node/h, recovery: 10 min}"
        return Wrong("", f"states {', '.join(given) or 'nothing'}", fix)
    fraction, formula = 1.0 if file.fraction is None else file.fraction, ""
    if file.mtbf is not None and file.repair is not None:
        whole = file.mtbf + file.repair
        fraction = file.mtbf / whole if whole > 0 else 0.0
        formula = f"{file.mtbf:g} h / ({file.mtbf:g} h + {file.repair:g} h)"
    if file.interruptions is not None and file.recovery is not None:
        fraction = 1.0 - file.interruptions * file.recovery
        formula = f"1 - {file.interruptions:g} /node/h x {file.recovery:g} h"
    if fraction <= 0:
        fix = "Write a fraction above zero, like '95 %'" if file.fraction is not None else "Check the units"
        return Wrong("", "leaves no node to count on", fix)
    return Counted(fraction, formula)
