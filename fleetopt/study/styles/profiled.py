"""Which models nobody has profiled in any way that a style leaves."""

from __future__ import annotations

from fleetopt.catalog.domain import Role
from fleetopt.scenario.domain import Scenario, Workload
from fleetopt.study.restrict import gpu_types

MOST_NAMES = 4


def without_profile(scenario: Scenario, profile: str) -> str:
    """What is missing, in words: the kind of profile, and of which models; empty where it is nothing of the sort."""
    types = set(gpu_types(scenario))
    lacking = [w.model for w in scenario.workloads if not _is_served(_roles(scenario, w, types))]
    # A bundle serves whole requests from profiles of prefill and of decode.
    if not lacking or scenario.bundles is not None:
        return ""
    names = list(dict.fromkeys(lacking))
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"no {profile} of {', '.join(names[:MOST_NAMES])}{more}"


def _roles(scenario: Scenario, workload: Workload, types: set[str]) -> set[Role]:
    candidates = scenario.models[workload.model].candidates
    return {one.role for one in candidates if one.config.gpu_type in types and one.role in workload.roles}


def _is_served(roles: set[Role]) -> bool:
    return "aggregated" in roles or {"prefill", "decode"} <= roles
