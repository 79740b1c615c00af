"""Plans of variants that a sweep has kept, and the scenarios that they were made from.

A plan names what was changed for it among its inputs, with a hash of each new value. The folder says what was asked; of
its variants, made anew from the scenario as it is now, the one with the same changes is the plan's.
"""

from __future__ import annotations

from pathlib import Path

from fleetopt.documents import shown, stands
from fleetopt.errors import InputError, Issue
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.load import Source
from fleetopt.study.cabinet import QUESTION, question_in
from fleetopt.study.sweep.designs import choices
from fleetopt.study.sweep.folder import KIND
from fleetopt.study.sweep.records import Question
from fleetopt.study.sweep.variables import read_variables
from fleetopt.study.sweep.variants import CHANGED, Variants

MOST_LOOKED_AT = 100_000
AGAIN = "Give the scenario that was swept, as it was then, or sweep it again"


def scenario_of(file: Path, plan: Plan, path: Path) -> Scenario:
    """The scenario of a plan: the one at a path, or its variant that the plan was made for.

    Args:
        file: where the plan is: anywhere, or in the folder of a sweep.
        plan: what is in it.
        path: of the scenario, as for `load`.

    Raises:
        InputError: the plan is of a variant, and this scenario and the folder have none like it.
    """
    source = Source(path)
    changed = {(item.name, item.sha256) for item in plan.provenance.inputs if item.name.startswith(CHANGED)}
    if not changed:
        return source.scenario()
    names = ", ".join(sorted(name.removeprefix(CHANGED) for name, _ in changed))[:300]
    folder = file.resolve().parent.parent
    if not stands(folder / QUESTION, "file"):
        what = f"is the plan of a variant of a sweep ({names}), and lies in no folder of one"
        fix = f"Name it where the sweep has written it, OUT/plans/HASH.json: OUT/{QUESTION} says what was varied"
        raise InputError([Issue("no-sweep", shown(file), what, fix)])
    question = question_in(folder, Question, KIND)
    if question.scenario != plan.scenario:
        what = f"is of scenario '{plan.scenario[:60]}', and the folder holds a sweep of '{question.scenario[:60]}'"
        raise InputError([Issue("other-sweep", shown(file), what, "Name a plan where its sweep has written it")])
    return _variant(source, question, changed, Issue("no-variant", shown(file), f"is of a variant ({names})", AGAIN))


def _variant(source: Source, question: Question, changed: set[tuple[str, str]], lost: Issue) -> Scenario:
    variables = read_variables(source, question.vary)
    variants = Variants(source, variables)
    for choice in choices(variables, question.design, question.samples, question.seed, MOST_LOOKED_AT):
        if {(item.name, item.sha256) for item in variants.changes(choice)} == changed:
            return variants.scenario(choice)
    what = f"{lost.what} that a sweep of {shown(source.path)} as it is now does not have"
    raise InputError([Issue(lost.code, lost.where, what, lost.fix)])
