"""Scenarios with less to choose from: every plan of one is a plan of the scenario it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from fleetopt.catalog.domain import Candidate
from fleetopt.scenario.domain import Scenario, Workload
from fleetopt.scenario.supply_domain import Fabric, Stock, SupplyLine


def gpu_types(scenario: Scenario) -> tuple[str, ...]:
    """The GPU types that the supply has, in its order."""
    owned = [scenario.node_types[stock.node_type].gpu_type for stock in scenario.supply.stock]
    return tuple(dict.fromkeys([*lines_by_gpu_type(scenario), *owned]))


def lines_by_gpu_type(scenario: Scenario) -> dict[str, list[str]]:
    """The names of supply lines by GPU type, both in the order of the supply."""
    found: dict[str, list[str]] = {}
    for line in scenario.supply.lines:
        found.setdefault(scenario.node_types[line.offer.node_type].gpu_type, []).append(line.name)
    return found


def with_gpu_types(scenario: Scenario, wanted: Iterable[str]) -> Scenario:
    """With only the offers of some GPU types, and nothing that runs on others. What is owned of those stays: it is
    paid for, and may be sold, all the same.
    """
    kept = set(wanted)
    narrower = with_supply(scenario, lambda line: scenario.node_types[line.offer.node_type].gpu_type in kept)
    return with_ways(narrower, lambda one: one.config.gpu_type in kept)


def with_ways(scenario: Scenario, wanted: Callable[[Candidate], bool]) -> Scenario:
    """With only some of the ways to run each model."""
    for model in scenario.models:
        scenario = with_candidates(scenario, model, wanted)
    return scenario


def with_supply(
    scenario: Scenario, line: Callable[[SupplyLine], bool], stock: Callable[[Stock], bool] = lambda _: True
) -> Scenario:
    """With only some of the offers, and of the nodes that are owned; of these, what is committed stays."""
    supply = scenario.supply
    lines = tuple(one for one in supply.lines if line(one))
    kept = tuple(one for one in supply.stock if one.committed or stock(one))
    return replace(scenario, supply=replace(supply, lines=lines, stock=kept))


def without_provider(scenario: Scenario, provider: str) -> Scenario:
    """With no offer of one provider."""
    return with_supply(scenario, lambda line: line.offer.provider != provider)


def without_sales(scenario: Scenario) -> Scenario:
    """With all owned nodes kept to their end."""
    kept = tuple(replace(stock, sale=None) for stock in scenario.supply.stock)
    return replace(scenario, supply=replace(scenario.supply, stock=kept))


def with_workloads(scenario: Scenario, workloads: Iterable[Workload]) -> Scenario:
    """With only some of the workloads."""
    return replace(scenario, workloads=tuple(workloads))


def by_cost(scenario: Scenario) -> Scenario:
    """With nothing to have little of but cost."""
    return replace(scenario, objective=None)


def without_bundles(scenario: Scenario) -> Scenario:
    """With no group of GPUs that models share."""
    return replace(scenario, bundles=None)


def with_fabrics(scenario: Scenario, changed: Callable[[Fabric], Fabric]) -> Scenario:
    """With a slower network, or none, at every site that states one."""
    fabrics = tuple(changed(one) for one in scenario.supply.fabrics)
    return replace(scenario, supply=replace(scenario.supply, fabrics=fabrics))


def without_patterns(scenario: Scenario) -> Scenario:
    """With nothing handed over inside a node, so that prefill and decode are never placed as one."""
    return with_fabrics(scenario, lambda one: replace(one, inside_bytes_per_s=None))


def without_links(scenario: Scenario) -> Scenario:
    """With nothing handed over between nodes."""
    return with_fabrics(scenario, lambda one: replace(one, between_bytes_per_s=None, total_gbit_s=None))


def with_candidates(scenario: Scenario, model: str, wanted: Callable[[Candidate], bool]) -> Scenario:
    """With only some of the ways to run a model."""
    llm = scenario.models[model]
    kept = replace(llm, candidates=tuple(one for one in llm.candidates if wanted(one)))
    return replace(scenario, models={**scenario.models, model: kept})
