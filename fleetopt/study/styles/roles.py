"""Aggregated or disaggregated: prefill and decode on the same replicas for every workload, or on different ones.

Aggregated serving is on replicas of one model: bundles are MuxServe's. Disaggregated serving hands over between nodes
or inside them, as is cheapest: node patterns of prefill and decode replicas are part of it.
"""

from __future__ import annotations

from collections.abc import Collection

from fleetopt.catalog.domain import Role
from fleetopt.scenario.domain import Scenario
from fleetopt.study.restrict import with_ways, without_bundles
from fleetopt.study.styles.style import Said, restriction

TOGETHER: frozenset[Role] = frozenset({"aggregated"})
APART: frozenset[Role] = frozenset({"prefill", "decode"})
AGGREGATED_PROFILE = "aggregated profile"
APART_PROFILES = "profile of both prefill and decode"


def in_roles(scenario: Scenario, roles: Collection[Role]) -> Scenario:
    """With only the ways to run a model in some roles, each model on GPUs of its own."""
    return with_ways(without_bundles(scenario), lambda one: one.role in roles)


AGGREGATED = restriction(
    Said(
        "aggregated",
        "aggregated only",
        "BestServe; TaiChi: neither wins always",
        "prefill and decode on the same replicas",
        AGGREGATED_PROFILE,
    ),
    lambda scenario: in_roles(scenario, TOGETHER),
)
DISAGGREGATED = restriction(
    Said(
        "disaggregated",
        "disaggregated only",
        "DistServe, OSDI'24, Algorithms 1 and 2",
        "prefill and decode on replicas of their own",
        APART_PROFILES,
    ),
    lambda scenario: in_roles(scenario, APART),
)
