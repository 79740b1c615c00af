"""Rules: every constraint of the problem, named by the sentence it asserts.

Features state rules instead of adding constraints. A rule that belongs to a promise or a limit of the scenario
says so with a `Limit`; the elastic problem that explains an infeasible case gives exactly those a slack.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Literal

from fleetopt.optimizer.ledgers import Term


@dataclass(frozen=True, slots=True)
class Limit:
    """What a rule means to the person who wrote the scenario.

    `group` is the promise or limit as they know it ("quota h200"); several rules may share it. `amount` is the
    limit in `unit`, and one unit of the rule's body is one unit of it. `kind` tells supply from demand, of which a part
    may be excused, and from promises of which none may.
    """

    group: str
    kind: Literal["demand", "promise", "supply"]
    where: str
    unit: str
    amount: float


@dataclass(frozen=True, slots=True)
class Rule:
    """body <= bound or body >= bound, under a sentence and a key."""

    sentence: str
    key: Hashable
    body: Term
    sense: Literal["<=", ">="]
    bound: float
    limit: Limit | None


class Rules:
    """The rules of a problem, in the order they were stated."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []

    def at_most(self, sentence: str, key: Any, body: Term, bound: float, limit: Limit | None = None) -> None:
        """States body <= bound."""
        self._rules.append(Rule(sentence, key, body, "<=", bound, limit))

    def at_least(self, sentence: str, key: Any, body: Term, bound: float, limit: Limit | None = None) -> None:
        """States body >= bound."""
        self._rules.append(Rule(sentence, key, body, ">=", bound, limit))

    def at_exactly(self, sentence: str, key: Any, body: Term, bound: float) -> None:
        """States body <= bound and body >= bound, two rows that a solver makes one equation of.

        Inequalities all around a circle say the same, and a solver does not see that their columns are one.
        """
        self.at_most(sentence, key, body, bound)
        self.at_least(f"{sentence}_and_no_less", key, body, bound)

    def all(self) -> tuple[Rule, ...]:
        return tuple(self._rules)
