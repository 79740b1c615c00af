"""What is varied: a field of the scenario, or several at once, and the settings it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from fleetopt.documents import Key
from fleetopt.errors import InputError, Issue
from fleetopt.scenario.fields import stated_factor
from fleetopt.scenario.load import Source
from fleetopt.study.sweep.levels import Level, Span, Values, parse_values, times
from fleetopt.study.sweep.paths import base, find, meant, multiplied, takes_whole
from fleetopt.study.sweep.refused import Refused

MOST_VARIABLES = 20


@dataclass(frozen=True, slots=True)
class Variable:
    """A `--vary` expression that has been understood. `keys` are the fields that it sets, all of them together."""

    expression: str
    path: str
    keys: tuple[Key, ...]
    values: Values

    @property
    def levels(self) -> tuple[Level, ...]:
        """The settings that it lists; of a span, its ends."""
        return (self.values.at(0.0), self.values.at(1.0)) if isinstance(self.values, Span) else self.values

    def issue(self, what: str, fix: str) -> Issue:
        return Issue("bad-vary", f"--vary '{self.expression[:200]}'", what, fix)


def read_variables(source: Source, expressions: Sequence[str]) -> tuple[Variable, ...]:
    """The variables of a sweep.

    Raises:
        InputError: an expression cannot be read, names no field, or two set the same one.
    """
    issues: list[Issue] = []
    found: list[Variable] = []
    for expression in expressions:
        try:
            found.append(_read(source, expression))
        except Refused as error:
            fix = error.fix[:1].upper() + error.fix[1:]
            issues.append(Issue("bad-vary", f"--vary '{expression[:200]}'", error.what, fix))
    if len(expressions) > MOST_VARIABLES:
        issues.append(Issue("bad-vary", "--vary", f"is given {len(expressions)} times", f"At most {MOST_VARIABLES}"))
    for one, other in combinations(found, 2):
        if any(_overlap(a, b) for a in one.keys for b in other.keys):
            issues.append(other.issue(f"sets what --vary '{one.expression[:60]}' sets", "Keep one of the two"))
    if issues:
        raise InputError(issues)
    return tuple(found)


def _overlap(a: Key, b: Key) -> bool:
    short = min(len(a), len(b))
    return a[:short] == b[:short]


def _read(source: Source, expression: str) -> Variable:
    path, keys, text = _parted(source, expression)
    values = parse_values(text)
    if isinstance(values, Span) and values.has_whole_ends and all(takes_whole(key) for key in keys):
        values = replace(values, whole=True)
    variable = Variable(expression, path, keys, values)
    for level in variable.levels:
        for key in keys:
            setting(source, key, level)
    return variable


def _parted(source: Source, expression: str) -> tuple[str, tuple[Key, ...], str]:
    """Path, keys and values; a name may have a '=' in it, so the first is taken that leaves a field before it."""
    places = [index for index, character in enumerate(expression[:1000]) if character == "="]
    if not places:
        raise Refused("has no '='", "write it like 'workloads.chat.demand=0.5x..2x:7'")
    failures = []
    for place in places:
        try:
            keys = find(source.document, expression[:place])
        except Refused as error:
            failures.append(error)
            continue
        prefix = "supply." if keys[0][0] == "supply" and not expression.strip().startswith("supply.") else ""
        return prefix + expression[:place].strip(), keys, expression[place + 1 :]
    raise failures[0]


def setting(source: Source, key: Key, level: Level) -> tuple[Key, object]:
    """Where a setting of a field is written, and what is written there; None where nothing is.

    Raises:
        Refused: the field has nothing that a factor could be taken of.
    """
    if level.factor is None:
        return meant(key, level.value), level.value
    place = multiplied(source.document, key)
    written = base(source, place)
    if level.is_as_written:
        return place, written
    if written is None:
        raise Refused(f"{'.'.join(map(str, place))} is not written", "write the values that it shall have")
    try:
        new = times(written, level.factor)
    except Refused as error:
        name = ".".join(map(str, place))
        raise Refused(f"{name} ({str(written)[:40]}) {error.what}", error.fix) from None
    # A number without a unit in a demand is a factor.
    of_demand = place[0] == "workloads" and place[2:3] in (("demand",), ("batch",))
    return place, stated_factor(new) if of_demand and isinstance(new, int | float) else new
