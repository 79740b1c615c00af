"""Aggregated or disaggregated: prefill and decode on the same replicas for every workload, or on different ones."""

from __future__ import annotations

from collections.abc import Collection

from fleetopt.catalog.domain import Role
from fleetopt.scenario.domain import Scenario
from fleetopt.study.restrict import with_ways
from fleetopt.study.styles.style import restriction

TOGETHER: frozenset[Role] = frozenset({"aggregated"})
APART: frozenset[Role] = frozenset({"prefill", "decode"})


def in_roles(scenario: Scenario, roles: Collection[Role]) -> Scenario:
    """With only the ways to run a model in some roles."""
    return with_ways(scenario, lambda one: one.role in roles)


AGGREGATED = restriction(
    "aggregated",
    "aggregated only",
    "BestServe; TaiChi: neither wins always",
    "prefill and decode on the same replicas",
    lambda scenario: in_roles(scenario, TOGETHER),
)
DISAGGREGATED = restriction(
    "disaggregated",
    "disaggregated only",
    "DistServe, OSDI'24, Algorithm 1",
    "prefill and decode on replicas of their own",
    lambda scenario: in_roles(scenario, APART),
)
