"""What a person reads, and what a program gets, when there is no plan."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

import typer

from fleetopt.errors import FleetoptError, Infeasible, InputError, NoPlanWithinLimit, Repair, VerificationError

_STATUS: dict[type[FleetoptError], str] = {
    InputError: "BAD_INPUT",
    Infeasible: "INFEASIBLE",
    NoPlanWithinLimit: "NO_SOLUTION_FOUND",
    VerificationError: "FAILED_VERIFICATION",
}
MOST_ISSUES = 20
MOST_DETAILS = 8


def show_failure(error: FleetoptError) -> int:
    """Prints an error on stderr, and as JSON on stdout where JSON was asked for; returns its exit code."""
    tell_failure(error)
    if "--json" in sys.argv:
        typer.echo(json.dumps(_record(error), indent=2, ensure_ascii=False))
    return error.exit_code


def tell_failure(error: FleetoptError) -> None:
    """Prints an error on stderr."""
    for line in _lines(error):
        typer.echo(printable(line), err=True)


def _lines(error: FleetoptError) -> list[str]:
    if isinstance(error, InputError):
        lines = [f"error: {issue}" for issue in error.issues[:MOST_ISSUES]]
        more = len(error.issues) - MOST_ISSUES
        return [*lines, f"... and {more} more"] if more > 0 else lines
    if isinstance(error, Infeasible):
        return _infeasible(error)
    if isinstance(error, NoPlanWithinLimit):
        advice = "" if error.repairs else ". Give it more time with --time-limit, or a looser --gap"
        lines = [f"no plan: {error}{advice}"]
        return [*lines, *_repairs(error.repairs, "Each of these is known to make a plan possible, and less may do:")]
    assert isinstance(error, VerificationError)
    lines = [f"  {failure}" for failure in error.failures]
    return ["the plan found fails its verification and is not shown (please report this):", *lines]


def _infeasible(error: Infeasible) -> list[str]:
    lines = [f"infeasible: {reason}" for reason in error.reasons]
    if error.conflict:
        lines.append("These cannot hold together:")
        lines += [f"  - {name}" for name in error.conflict]
    lines += _repairs(error.repairs, _heading(error.repairs))
    if any(repair.changes for repair in error.repairs) and all(repair.usd is None for repair in error.repairs):
        lines.append("None of them is priced: 'fleetopt plan' tries to, for as long as --repair-time says")
    return lines


def _heading(repairs: Sequence[Repair]) -> str:
    """Only what a program can make was seen to be enough."""
    if any(not repair.changes for repair in repairs):
        return f"{'Each of these' if len(repairs) > 1 else 'This'} is needed, and may not be enough:"
    return "Any one of these would make a plan possible:" if len(repairs) > 1 else "What would help:"


def _repairs(repairs: Sequence[Repair], heading: str) -> list[str]:
    lines = [f"  {n}. {repair.action}:{_words(repair)}" for n, repair in enumerate(repairs, 1)]
    return [heading, *lines] if lines else []


def _words(repair: Repair) -> str:
    details = repair.details
    if len(details) > MOST_DETAILS:
        details = (*details[:MOST_DETAILS], f"and {len(details) - MOST_DETAILS} more; --json has them all")
    said = f" {details[0]}" if len(details) == 1 else "".join(f" ({detail})" for detail in details)
    if repair.usd is None:
        return said
    said = f"{said}; the best plan then costs {repair.usd:,.2f} USD"
    if any(change.limit.startswith("demand of ") for change in repair.changes):
        said += ", and serves less at all times at which that is cheaper: give the shortfall a price"
    return said


def _record(error: FleetoptError) -> dict[str, object]:
    record: dict[str, object] = {"schema_version": "1", "status": _STATUS[type(error)]}
    if isinstance(error, InputError):
        record["issues"] = [{"code": i.code, "where": i.where, "what": i.what, "fix": i.fix} for i in error.issues]
    elif isinstance(error, Infeasible):
        record |= {"reasons": error.reasons, "conflict": error.conflict}
        record["repairs"] = [asdict(repair) for repair in error.repairs]
    elif isinstance(error, NoPlanWithinLimit):
        record |= {"message": str(error), "bound_usd": error.bound_usd}
        record["repairs"] = [asdict(repair) for repair in error.repairs]
    elif isinstance(error, VerificationError):
        record["failures"] = error.failures
    return record


def printable(text: str) -> str:
    r"""Text that cannot steer a terminal or pass for several lines: what cannot be seen is written out.

    >>> print(printable("two" + chr(10) + "lines"))
    two\nlines
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def bad_option(name: str, what: str) -> typer.BadParameter:
    """An error about a command-line option."""
    return typer.BadParameter(what, param_hint=name)
