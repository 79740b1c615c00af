"""Scenarios with one future: one of the outlooks, known to come, or the mean of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fleetopt.scenario.domain import Outlook, Scenario, Workload

MEAN = "expected"
"""How the outlook is called that stands for the mean of all."""


def with_outlook(scenario: Scenario, name: str) -> Scenario:
    """With one outlook, which is known to come."""
    known = next(outlook for outlook in scenario.calendar.outlooks if outlook.name == name)
    return _only(scenario, replace(known, probability=1.0), {name: 1.0}, like=name)


def expected(scenario: Scenario) -> Scenario:
    """With one outlook in which demand, the price of rent and what replicas carry are the means over all of them.

    Whatever else an outlook says, such as late deliveries, is taken from the likeliest.
    """
    outlooks = scenario.calendar.outlooks
    likeliest = max(outlooks, key=lambda outlook: outlook.probability)
    mean = replace(
        likeliest,
        name=MEAN,
        probability=1.0,
        price_factor=sum(outlook.probability * outlook.price_factor for outlook in outlooks),
        capacity_factor=min(1.0, sum(outlook.probability * outlook.capacity_factor for outlook in outlooks)),
    )
    weights = {outlook.name: outlook.probability for outlook in outlooks}
    return _only(scenario, mean, weights, like=likeliest.name)


def _only(scenario: Scenario, outlook: Outlook, weights: Mapping[str, float], *, like: str) -> Scenario:
    """With one outlook: demand and work are sums over those that are there, deliveries as late as in one of them."""
    lines = tuple(
        replace(
            line, terms=replace(line.terms, slips=((outlook.name, late),) if (late := line.terms.late(like)) else ())
        )
        for line in scenario.supply.lines
    )
    return replace(
        scenario,
        calendar=replace(scenario.calendar, outlooks=(outlook,)),
        workloads=tuple(_asked(workload, outlook.name, weights) for workload in scenario.workloads),
        supply=replace(scenario.supply, lines=lines),
    )


def _asked(workload: Workload, outlook: str, weights: Mapping[str, float]) -> Workload:
    parts = dict.fromkeys((period, slot) for period, slot, _ in workload.demand_rps)
    demand = {
        (*part, outlook): sum(weight * workload.demand_rps[*part, o] for o, weight in weights.items()) for part in parts
    }
    batch = None if workload.batch is None else workload.batch.over({outlook: weights})
    return replace(workload, demand_rps=demand, batch=batch)
