"""Plans on disk: plan.json both ways."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from fleetopt.documents import read_bytes, shown
from fleetopt.errors import InputError, Issue
from fleetopt.plan.domain import Plan

FILE_NAME = "plan.json"
LIMIT_BYTES = 512 * 1024 * 1024


def to_json(plan: Plan) -> str:
    """The plan as JSON text; the same plan always gives the same bytes."""
    return plan.model_dump_json(indent=2) + "\n"


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
