"""DOPD (arXiv 2511.20982): a split into prefill and decode that stays all day, against one that follows the load.

    static      every workload has the same replicas in every slot of a period
    dynamic     every workload keeps its GPUs, and runs on them what suits the slot

No model shares GPUs with another in either. What else may change, models too, is what the scenario allows itself. Times
and limits of changes are those it states.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from fleetopt.scenario.changing import Changes, Mode
from fleetopt.scenario.domain import Scenario
from fleetopt.study.restrict import without_bundles
from fleetopt.study.styles.style import Said, restriction


def changing(mode: Mode, scenario: Scenario) -> Scenario | str:
    """The scenario with less that may change between slots."""
    if len(scenario.calendar.slots) < 2:
        return "the day has one slot"
    stated = scenario.changes
    if mode == "roles" and (stated is None or stated.mode == "static"):
        return "the scenario says nothing of changes" if stated is None else "nothing may change"
    return replace(without_bundles(scenario), changes=replace(stated or Changes(), mode=mode))


PAPER = "DOPD, arXiv 2511.20982"
STATIC_RATIO = restriction(
    Said("dopd-static", "DOPD static", PAPER, "the same replicas in every slot of a period"),
    partial(changing, "static"),
)
DYNAMIC_RATIO = restriction(
    Said("dopd-dynamic", "DOPD dynamic", PAPER, "each workload's own GPUs change their role"),
    partial(changing, "roles"),
)
