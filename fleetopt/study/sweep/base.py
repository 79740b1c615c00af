"""The base plan of a sweep that asks for regret: that of the scenario as it is, found once and kept with the runs."""

from __future__ import annotations

from dataclasses import replace

from fleetopt.errors import InputError, Issue
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario
from fleetopt.study.holding import Decided, decided_by
from fleetopt.study.sweep.bench import Shared, Task
from fleetopt.study.sweep.engines.engine import Inline
from fleetopt.study.sweep.folder import Folder


def base_orders(scenario: Scenario, key: str, shared: Shared, kept: Folder | None) -> Decided:
    """What the plan of the scenario as it is orders and sells.

    Raises:
        InputError: it has no plan whose orders could be kept.
    """
    found = None if kept is None else kept.kept_plan(key)
    return decided_by(found or _planned(scenario, key, replace(shared, plans=True, base=None), kept))


def _planned(scenario: Scenario, key: str, shared: Shared, kept: Folder | None) -> Plan:
    answer = next(Inline().run(shared, iter([Task.of(key, scenario)])))
    if answer.plan is None:
        what = f"has no orders to keep: the scenario as it is has no plan ({answer.outcome.message})"
        raise InputError(
            [Issue("no-base-plan", "--regret", what, "Ask without --regret, or repair the scenario first")]
        )
    if kept is not None:
        kept.keep(answer)
    return Plan.model_validate_json(answer.plan, strict=True)
