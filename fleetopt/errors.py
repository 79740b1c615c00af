"""What can go wrong, as data.

    FleetoptError
    +-- InputError            exit 2: a file or an option is wrong; carries every issue found
    +-- Infeasible            exit 3: no plan exists; carries the reasons and the repairs
    +-- NoPlanWithinLimit     exit 4: the solver's clock ran out before it had a plan
    +-- VerificationError     exit 5: a plan was found and its second computation disagrees

Anything else that reaches the shell is a bug of ours (exit 1).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing wrong with the input: where it stands, what was found, and what to do about it."""

    code: str
    where: str
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}. {self.fix}" if self.fix else f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Change:
    """A limit of a scenario, named as conflicts name it ("quota h200"), raised by an amount in its unit.

    `where` says at which times it is short, where that is known.
    """

    limit: str
    by: float
    unit: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Repair:
    """A change of the scenario that alone makes an infeasible case feasible.

    `changes` says it to programs; none where nobody has worked it out. `usd` is what the best plan then costs, None
    where it was not solved. Two repairs that read the same are the same.
    """

    action: str
    details: tuple[str, ...]
    changes: tuple[Change, ...] = field(default=(), compare=False)
    usd: float | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.action}: {'; '.join(self.details)}"


class FleetoptError(Exception):
    """Base of every error that fleetopt raises on purpose."""

    exit_code = 1


class InputError(FleetoptError):
    """The input cannot be used. `issues` holds everything that was found wrong, in file order."""

    exit_code = 2

    def __init__(self, issues: Iterable[Issue]) -> None:
        self.issues = tuple(issues)
        super().__init__("\n".join(str(issue) for issue in self.issues))


class Infeasible(FleetoptError):
    """No plan keeps every promise.

    `reasons` says why in sentences. `conflict` names promises that cannot hold together.
    `repairs` are changes that would each make a plan possible.
    """

    exit_code = 3

    def __init__(
        self,
        reasons: Iterable[str],
        conflict: Iterable[str] = (),
        repairs: Iterable[Repair] = (),
    ) -> None:
        self.reasons = tuple(reasons)
        self.conflict = tuple(conflict)
        self.repairs = tuple(repairs)
        super().__init__("\n".join(self.reasons))


class NoPlanWithinLimit(FleetoptError):
    """The solver stopped at its limit without a plan. `bound_usd` is what is known so far, if anything; with each of
    the `repairs` a plan was found.
    """

    exit_code = 4

    def __init__(self, message: str, bound_usd: float | None, repairs: Iterable[Repair] = ()) -> None:
        self.bound_usd = bound_usd
        self.repairs = tuple(repairs)
        super().__init__(message)

    @classmethod
    def after(cls, seconds: float, bound_usd: float | None, repairs: Iterable[Repair] = ()) -> NoPlanWithinLimit:
        """The error after so many seconds, with what is known of the cost."""
        known = "" if bound_usd is None else f"; no plan can cost less than {bound_usd:,.2f} USD"
        return cls(f"no plan was found in {seconds:.3g} s{known}", bound_usd, repairs)


class VerificationError(FleetoptError):
    """A plan broke a promise when it was computed a second time. `failures` are sentences."""

    exit_code = 5

    def __init__(self, failures: Iterable[str]) -> None:
        self.failures = tuple(failures)
        super().__init__("\n".join(self.failures))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence that suggests the nearest known words, or lists what there is."""
    options = sorted(set(known))
    starts = [option for option in options if len(word) >= 3 and option.startswith(word)]
    close = starts[:2] or difflib.get_close_matches(word, options, n=2, cutoff=0.6)
    if close:
        return "Did you mean " + " or ".join(f"'{c}'" for c in close) + "?"
    if not options:
        return "Nothing is known by that name"
    shown = ", ".join(options[:12]) + (", ..." if len(options) > 12 else "")
    return f"Known: {shown}"
