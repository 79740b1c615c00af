"""Which workloads no fleet can serve, whatever its size: service floors told apart from shortages.

Checked before anything is solved, because a TTFT below the service floor is not a matter of replicas.
"""

from __future__ import annotations

from collections.abc import Iterable

from fleetopt.capacity.domain import CapacityTable, Rejection
from fleetopt.errors import Infeasible, InputError, Issue, Repair
from fleetopt.scenario.domain import Scenario, Workload

_LATENCY = {"ttft-floor": "TTFT", "tpot-floor": "TPOT"}


def check_reach(scenario: Scenario, capacities: CapacityTable) -> None:
    """Stops where a workload with demand has no way to be served.

    Raises:
        InputError: the allowed GPU types have no profile at all, or nothing in the supply carries them.
        Infeasible: every allowed config is ruled out by a service floor, memory or the range of its profile.
    """
    supplied = _supplied(scenario)
    issues: list[Issue] = []
    reasons: list[str] = []
    repairs: list[Repair] = []
    for workload in scenario.workloads:
        if not any(workload.demand_rps.values()) or workload.shortfall.allowed >= 1:
            continue
        served = _served_roles(workload, capacities, supplied)
        if "aggregated" in served or {"prefill", "decode"} <= served:
            continue
        rejections = [r for r in capacities.rejections_of(workload.name) if _gpu(r) in supplied]
        if not rejections:
            issues.append(_missing(scenario, workload, supplied, served))
            continue
        reasons.append(_reason(workload, rejections, served))
        repairs += _floor_repairs(workload, rejections)
    if issues:
        raise InputError(issues)
    if reasons:
        raise Infeasible(reasons, (), repairs)


def _supplied(scenario: Scenario) -> set[str]:
    node_types = {line.offer.node_type for line in scenario.supply.lines}
    node_types |= {stock.node_type for stock in scenario.supply.stock}
    return {scenario.node_types[name].gpu_type for name in node_types}


def _gpu(rejection: Rejection) -> str:
    return rejection.candidate.config.gpu_type


def _served_roles(workload: Workload, capacities: CapacityTable, supplied: set[str]) -> set[str]:
    return {
        row.candidate.role
        for row in capacities.rows_of(workload.name)
        if row.capacity_rps > 0 and row.candidate.config.gpu_type in supplied
    }


def _missing(scenario: Scenario, workload: Workload, supplied: set[str], served: set[str]) -> Issue:
    profiled = {c.config.gpu_type for c in scenario.models[workload.model].candidates}
    where = f"{scenario.name}: workloads.{workload.name}"
    offered = ", ".join(sorted(supplied))
    if served:
        lacking = "decode" if "prefill" in served else "prefill"
        what = f"has {next(iter(served))} profiles of {workload.model} but no {lacking} profile on {offered}"
        return Issue("missing-profile", where, what, f"Add a {lacking} profile, or an offer of another GPU type")
    what = f"no profile of {workload.model} is allowed on the GPU types that the supply has ({offered})"
    fix = f"Offer one of {', '.join(sorted(profiled))}, allow more GPU types or roles, or add a profile"
    return Issue("missing-profile", where, what, fix)


def _reason(workload: Workload, rejections: list[Rejection], served: set[str]) -> str:
    roles = sorted({r.candidate.role for r in rejections} - served)
    floors = [r for r in rejections if r.floor_s is not None and r.code in _LATENCY and r.candidate.role in roles]
    if floors:
        best = min(floors, key=lambda r: r.floor_s or 0.0)
        limit = workload.ttft if best.code == "ttft-floor" else workload.tpot
        assert limit is not None
        assert best.floor_s is not None
        return (
            f"{workload.name}: {_LATENCY[best.code]} {_seconds(limit.limit_s)} at {limit.at} is below the "
            f"{_seconds(best.floor_s)} floor of every allowed config (lowest: {best.candidate.name}); "
            f"no number of replicas reaches it"
        )
    return f"{workload.name}: no allowed config can serve it; for one, {rejections[0].candidate.name}: " + (
        rejections[0].reason
    )


def _floor_repairs(workload: Workload, rejections: Iterable[Rejection]) -> list[Repair]:
    floors: dict[str, float] = {}
    for rejection in rejections:
        if rejection.code in _LATENCY and rejection.floor_s is not None:
            known = floors.get(rejection.code, rejection.floor_s)
            floors[rejection.code] = min(known, rejection.floor_s)
    return [
        Repair(f"Loosen the {_LATENCY[code]} of {workload.name}", (f"to more than {_seconds(floor)}",))
        for code, floor in sorted(floors.items())
    ]


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 0.1 else f"{1000 * value:.3g} ms"
