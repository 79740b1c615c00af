"""From a choice of settings to a scenario: its document with other values, read by the rules of every scenario."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from fleetopt.catalog.domain import InputFile
from fleetopt.documents import Document, Key
from fleetopt.errors import InputError, Issue
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.load import Source
from fleetopt.study.programs import fingerprint, sha256_of, solver
from fleetopt.study.sweep.designs import Choice
from fleetopt.study.sweep.levels import Level
from fleetopt.study.sweep.paths import put
from fleetopt.study.sweep.quantities import quantity
from fleetopt.study.sweep.records import Setting
from fleetopt.study.sweep.variables import Variable, setting

AS_IT_IS = "as it is"
CHANGED = "changed: "
"""What the names of changes begin with, among the files that a plan was made from."""


@dataclass(frozen=True, slots=True)
class Variants:
    """Variants of one scenario, each made from the files that were read once."""

    source: Source
    variables: tuple[Variable, ...]

    def settings(self, choice: Choice) -> tuple[Setting, ...]:
        """What a choice comes to, variable by variable."""
        return tuple(self._said(one, level) for one, level in zip(self.variables, choice, strict=True))

    def scenario(self, choice: Choice) -> Scenario:
        """The variant, complete and checked.

        Raises:
            InputError: the rules of scenarios refuse it; each issue names the expression that it comes from.
        """
        try:
            return self.source.scenario(self._document(choice), self.changes(choice))
        except InputError as error:
            raise InputError(self._blamed(issue, choice) for issue in error.issues) from None

    def read_hash(self, choice: Choice, scenario: Scenario) -> str:
        """A hash of everything that was read for a variant; how its YAML files are laid out does not matter."""
        document = {file.name for file in (*self.source.files, *self.changes(choice))}
        files = [(file.name, file.sha256) for file in scenario.files if file.name not in document]
        return sha256_of({"document": self._document(choice).value, "files": files})

    def hash_of(self, choice: Choice, scenario: Scenario, options: SolveOptions, base: str | None = None) -> str:
        """A hash of everything that a run depends on: what was read, the options, and the programs.

        Args:
            choice: the settings.
            scenario: the variant.
            options: how it is solved.
            base: the hash of the run whose orders are regretted, if any.
        """
        asked = (options.gap, options.time_limit_s, options.method, *([] if base is None else [base]))
        return sha256_of([self.read_hash(choice, scenario), asked, fingerprint(), solver()])

    def changes(self, choice: Choice) -> tuple[InputFile, ...]:
        """The changes as input files, so that a variant's plan does not pass for the scenario's."""
        fields = ((".".join(map(str, key)), new) for key, new in self._fields(choice))
        return tuple(InputFile(f"{CHANGED}{path} = {_short(new)}", sha256_of([path, new])) for path, new in fields)

    def _document(self, choice: Choice) -> Document:
        document = self.source.document
        value = document.value
        for key, new in self._fields(choice):
            value = put(value, key, new)
        return replace(document, value=value)

    def _fields(self, choice: Choice) -> Iterator[tuple[Key, Any]]:
        """What is written anew; a field that stays as it is stays unwritten if it is."""
        for variable, level in zip(self.variables, choice, strict=True):
            if level is not None and not level.is_as_written:
                yield from (setting(self.source, key, level) for key in variable.keys)

    def _said(self, variable: Variable, level: Level | None) -> Setting:
        text = AS_IT_IS if level is None else level.text
        if len(variable.keys) > 1:
            value, unit = _together(variable, level)
            return Setting(path=variable.path, setting=text, written=None, value=value, unit=unit)
        key = variable.keys[0]
        as_written = Level(text, Decimal(1)) if level is None else level
        written = setting(self.source, key, as_written)[1]
        value, unit = quantity(written) or _factor(level)
        said = None if written is None else _short(written)
        return Setting(path=variable.path, setting=text, written=said, value=value, unit=unit)

    def _blamed(self, issue: Issue, choice: Choice) -> Issue:
        """An issue with the expressions that it comes from: those whose field it names, or else all."""
        set_now = [(v, level) for v, level in zip(self.variables, choice, strict=True) if level is not None]
        named = [(v, level) for v, level in set_now if any(".".join(map(str, key)) in issue.where for key in v.keys)]
        by = " and ".join(f"--vary '{v.expression[:80]}' at {level.text[:60]}" for v, level in named or set_now)
        return replace(issue, what=f"{issue.what} (by {by})") if by else issue


def _together(variable: Variable, level: Level | None) -> tuple[float | None, str]:
    """The number of a setting of several fields: the one they all take, or the factor; as they are it is one."""
    if level is not None and level.factor is None:
        return quantity(level.value) or (None, "")
    if level is None and any(one.factor is None for one in variable.levels):
        return None, ""
    return _factor(level or Level(AS_IT_IS, Decimal(1)))


def _factor(level: Level | None) -> tuple[float | None, str]:
    return (None, "") if level is None or level.factor is None else (float(level.factor), "x")


def as_it_is(variables: Sequence[Variable]) -> Choice:
    """The choice that changes nothing."""
    return (None,) * len(variables)


def _short(written: Any) -> str:
    text = written if isinstance(written, str) else json.dumps(written, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:197]}..."
