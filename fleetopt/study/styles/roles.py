"""Aggregated or disaggregated: prefill and decode on the same replicas for every workload, or on different ones."""

from __future__ import annotations

from collections.abc import Collection

from fleetopt.catalog.domain import Role
from fleetopt.scenario.domain import Scenario
from fleetopt.study.plainer import Fleet
from fleetopt.study.resolve import Resolver
from fleetopt.study.restrict import with_ways
from fleetopt.study.styles.style import Style, narrowed

TOGETHER: frozenset[Role] = frozenset({"aggregated"})
APART: frozenset[Role] = frozenset({"prefill", "decode"})


def in_roles(scenario: Scenario, roles: Collection[Role]) -> Scenario:
    """With only the ways to run a model in some roles."""
    return with_ways(scenario, lambda one: one.role in roles)


def _aggregated(scenario: Scenario, desk: Resolver) -> Fleet:
    note = "prefill and decode on the same replicas"
    return narrowed(scenario, in_roles(scenario, TOGETHER), desk, "aggregated serving only", note)


def _disaggregated(scenario: Scenario, desk: Resolver) -> Fleet:
    note = "prefill and decode on replicas of their own"
    return narrowed(scenario, in_roles(scenario, APART), desk, "disaggregated serving only", note)


AGGREGATED = Style("aggregated", "aggregated only", "BestServe; TaiChi: neither wins always", _aggregated)
DISAGGREGATED = Style("disaggregated", "disaggregated only", "DistServe, OSDI'24, Algorithm 1", _disaggregated)
