"""Plans on disk: plan.json both ways."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from fleetopt.documents import read_bytes, shown
from fleetopt.errors import InputError, Issue
from fleetopt.plan.domain import Plan

FILE_NAME = "plan.json"
LIMIT_BYTES = 4 * 1024 * 1024 * 1024
"""A plan of 1.6 million placements takes 2.1 GB."""

_PLAN = TypeAdapter(Plan)


def to_bytes(plan: Plan) -> bytes:
    """The plan as a JSON file; the same plan always gives the same bytes."""
    return _PLAN.dump_json(plan, indent=2) + b"\n"


def to_json(plan: Plan) -> str:
    """The same as text."""
    return to_bytes(plan).decode()


def read_plan(path: str | Path) -> Plan:
    """The plan in a file, or in the folder that `write_plan` wrote.

    Raises:
        InputError: there is no plan, or what is there is not one of this schema version.
    """
    source = Path(path)
    if source.is_dir():
        source /= FILE_NAME
    data = read_bytes(source, LIMIT_BYTES)
    try:
        return Plan.model_validate_json(data, strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        raise InputError(_issue(source, tuple(e["loc"]), e["msg"]) for e in found[:20]) from None


def _issue(path: Path, key: tuple[str | int, ...], message: str) -> Issue:
    where = f"{shown(path)} {'.'.join(str(part) for part in key)}".rstrip()
    return Issue("bad-plan", where, f"is not a plan that this version can read ({message})", "Plan the scenario again")
