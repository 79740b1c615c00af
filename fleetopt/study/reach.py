"""Which workloads no fleet can serve, whatever its size: service floors told apart from shortages.

Checked before anything is solved, because a TTFT below the service floor is not a matter of replicas.
"""

from __future__ import annotations

import math

from fleetopt.capacity.domain import CapacityTable, Rejection
from fleetopt.capacity.lengths import covers
from fleetopt.catalog.domain import AggregatedPoint, AggregatedProfile
from fleetopt.documents import shown
from fleetopt.errors import Infeasible, InputError, Issue, Repair
from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.options import Option
from fleetopt.scenario.domain import Scenario, Workload
from fleetopt.units import Latency

_LATENCY = {"ttft-floor": "TTFT", "tpot-floor": "TPOT"}


def check_reach(scenario: Scenario, capacities: CapacityTable, case: PlanningCase) -> None:
    """Stops where a workload with demand has no way to be served.

    Raises:
        InputError: there is no profile of the model on any GPU type that the workload allows and the supply has.
        Infeasible: every allowed config is ruled out by a service floor, memory or the range of its profile, or
            prefill and decode cannot be brought together.
    """
    supplied = {case.gpu_type(pool) for pool in case.pool_of.values()}
    issues: list[Issue] = []
    reasons: list[str] = []
    repairs: list[Repair] = []
    for workload in scenario.workloads:
        idle = not any(workload.demand_rps.values()) or workload.shortfall.allowed >= 1
        if idle or _is_served(case.options[workload.name]):
            continue
        ruled_out = [r for r in capacities.rejections_of(workload.name) if r.candidate.config.gpu_type in supplied]
        roles: set[str] = {
            row.candidate.role for row in capacities.rows_of(workload.name) if row.candidate.config.gpu_type in supplied
        }
        if not ruled_out and "aggregated" not in roles and len(roles) < 2:
            issues.append(_no_profile(scenario, workload, supplied, roles))
            continue
        lacking = [r for r in ruled_out if r.candidate.role not in roles]
        reasons += _reasons(workload, lacking) or [_unlinked(workload, case.options[workload.name])]
        repairs += _floor_repairs(workload, lacking)
    if issues:
        raise InputError(issues)
    if reasons:
        raise Infeasible(reasons, (), repairs)


def _is_served(options: tuple[Option, ...]) -> bool:
    on: dict[tuple[str, str], set[str]] = {}
    for option in options:
        on.setdefault(option.link, set()).add(option.capacity.candidate.role)
    return any("aggregated" in roles or {"prefill", "decode"} <= roles for roles in on.values())


def _no_profile(scenario: Scenario, workload: Workload, supplied: set[str], roles: set[str]) -> Issue:
    candidates = scenario.models[workload.model].candidates
    profiled = sorted({c.config.gpu_type for c in candidates if c.role in workload.roles})
    offered = ", ".join(sorted(supplied))
    lacking = {"prefill": "decode ", "decode": "prefill "}.get(next(iter(roles), ""), "")
    what = f"no {lacking}profile of {workload.model} is allowed on the GPU types that the supply has ({offered})"
    fix = f"Offer one of {', '.join(profiled)}, allow more GPU types, precisions or roles, or add a profile"
    if not profiled:
        what, fix = f"there is no profile of {workload.model} in a role that is asked for", "Add a profile"
    return Issue("missing-profile", f"{shown(scenario.path)} workloads.{workload.name}", what, fix)


def _reasons(workload: Workload, ruled_out: list[Rejection]) -> list[str]:
    """Why the roles that are missing are missing: floors if it is all floors, else of each kind what comes nearest."""
    if not ruled_out:
        return []
    floors = _floors(ruled_out)
    if len([r for r in ruled_out if r.code in _LATENCY]) == len(ruled_out):
        return [_floor_sentence(workload, code, lowest) for code, lowest in floors.items()]
    nearest: dict[tuple[str, str], Rejection] = {}
    for r in sorted(ruled_out, key=lambda r: _times_too_slow(workload, r)):
        nearest.setdefault((r.candidate.role, r.code), r)
    listed = "; ".join(f"{r.candidate.name}: {r.reason}" for r in nearest.values())
    return [f"{workload.name}: no allowed config can serve it ({listed})"]


def _times_too_slow(workload: Workload, r: Rejection) -> float:
    """A refused config's latency at its best, in times of what is promised; infinite where it was not refused for one.

    Of aggregated serving it is what was measured, before margins, at requests no shorter than the workload's.
    """
    if r.code in _LATENCY and r.floor_s is not None:
        return r.floor_s / _promise(workload, r).limit_s
    profile = r.candidate.profile
    if r.code != "outside-profile" or not isinstance(profile, AggregatedProfile):
        return math.inf
    return min((_times(workload, point) for point in profile.points if _covers(point, workload)), default=math.inf)


def _times(workload: Workload, point: AggregatedPoint) -> float:
    measured = ((point.ttft_s, workload.ttft), (point.tpot_s, workload.tpot))
    return max((is_s / promise.limit_s for is_s, promise in measured if promise is not None), default=math.inf)


def _covers(point: AggregatedPoint, workload: Workload) -> bool:
    return covers(point.input_tokens, workload.input_tokens) and covers(point.output_tokens, workload.output_tokens)


def _floors(ruled_out: list[Rejection]) -> dict[str, Rejection]:
    """The lowest floor by kind of latency."""
    lowest: dict[str, Rejection] = {}
    for r in ruled_out:
        known = lowest.get(r.code)
        if r.code in _LATENCY and r.floor_s is not None and (known is None or r.floor_s < (known.floor_s or 0.0)):
            lowest[r.code] = r
    return dict(sorted(lowest.items()))


def _promise(workload: Workload, r: Rejection) -> Latency:
    """The one that a floor is above."""
    promise = r.promise or (workload.ttft if r.code == "ttft-floor" else workload.tpot)
    assert promise is not None
    return promise


def _floor_sentence(workload: Workload, code: str, lowest: Rejection) -> str:
    promise = _promise(workload, lowest)
    assert lowest.floor_s is not None
    return (
        f"{workload.name}: {_LATENCY[code]} {_seconds(promise.limit_s)} at {promise.at} is below the "
        f"{_seconds(lowest.floor_s)} floor of every allowed config (lowest: {lowest.candidate.name}); "
        "no number of replicas reaches it"
    )


def _floor_repairs(workload: Workload, ruled_out: list[Rejection]) -> list[Repair]:
    # What is ruled out for another reason may have a lower floor.
    less = "" if all(r.code in _LATENCY for r in ruled_out) else ", or perhaps less"
    return [
        Repair(
            f"Loosen the {_LATENCY[code]} of {workload.name}",
            (f"to more than {_seconds(lowest.floor_s or 0.0)}{less}",),
        )
        for code, lowest in _floors(ruled_out).items()
    ]


def _unlinked(workload: Workload, options: tuple[Option, ...]) -> str:
    """Why capacities that exist cannot be put to work."""
    if not options:
        return f"{workload.name}: no node type of the supply is large enough for a replica of any allowed config"
    return (
        f"{workload.name}: prefill and decode never stand at the same site with the same engine and precision, "
        "which handing over the KV cache takes"
    )


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 0.1 else f"{1000 * value:.3g} ms"
