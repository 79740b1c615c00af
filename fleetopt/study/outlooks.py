"""Scenarios with one future: one of the outlooks, known to come, or the mean of all of them."""

from __future__ import annotations

from dataclasses import replace

from fleetopt.scenario.domain import Outlook, Scenario, Workload

MEAN = "expected"
"""How the outlook is called that stands for the mean of all."""


def with_outlook(scenario: Scenario, name: str) -> Scenario:
    """With one outlook, which is known to come."""
    known = next(outlook for outlook in scenario.calendar.outlooks if outlook.name == name)
    workloads = (
        replace(w, demand_rps={time: rps for time, rps in w.demand_rps.items() if time[2] == name})
        for w in scenario.workloads
    )
    return _only(scenario, replace(known, probability=1.0), workloads=tuple(workloads))


def expected(scenario: Scenario) -> Scenario:
    """With one outlook in which demand, the price of rent and what replicas carry are the means over all of them.

    Whatever else an outlook says is taken from the likeliest.
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
    return _only(scenario, mean, workloads=tuple(_mean(w, outlooks) for w in scenario.workloads))


def _mean(workload: Workload, outlooks: tuple[Outlook, ...]) -> Workload:
    parts = dict.fromkeys((period, slot) for period, slot, _ in workload.demand_rps)
    demand = {
        (*part, MEAN): sum(o.probability * workload.demand_rps[*part, o.name] for o in outlooks) for part in parts
    }
    return replace(workload, demand_rps=demand)


def _only(scenario: Scenario, outlook: Outlook, workloads: tuple[Workload, ...]) -> Scenario:
    return replace(scenario, calendar=replace(scenario.calendar, outlooks=(outlook,)), workloads=workloads)
