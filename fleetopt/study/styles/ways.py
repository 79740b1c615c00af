"""One workload alone in one way: aggregated, disaggregated or mixed, and which of the first two costs less."""

from __future__ import annotations

from collections.abc import Callable

from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario
from fleetopt.study.measures import SAME, gap_of
from fleetopt.study.merge import of_whole
from fleetopt.study.plainer import UNFINISHED
from fleetopt.study.resolve import Resolver
from fleetopt.study.styles.profiled import without_profile
from fleetopt.study.styles.roles import AGGREGATED_PROFILE, APART, APART_PROFILES, TOGETHER, in_roles
from fleetopt.study.styles.tight import Best, Way

MIXED = "mixed"

WAYS: dict[str, tuple[Callable[[Scenario], Scenario], str]] = {
    "aggregated": (lambda asked: in_roles(asked, TOGETHER), AGGREGATED_PROFILE),
    "disaggregated": (lambda asked: in_roles(asked, APART), APART_PROFILES),
    MIXED: (lambda asked: asked, "profile"),
}
"""What each way leaves of the scenario, and what a model needs for it."""


def solved(asked: Scenario, way: str, desk: Resolver, what: str) -> Way:
    """The best plan of a scenario in a way, or what came of it.

    Raises:
        KeyboardInterrupt: the solve was stopped; the best plan so far is not what it would have found.
    """
    leaves, profile = WAYS[way]
    narrower = leaves(asked)
    answer = desk.solve(narrower, what)
    if desk.stopped:
        raise KeyboardInterrupt
    if answer.plan is not None:
        return _planned(asked, answer.plan, answer.bound_usd)
    if not answer.impossible:
        return Way(came="NOT_FINISHED", usd=None, bound_usd=answer.bound_usd, gap=None, why=UNFINISHED)
    if answer.unprofiled:
        lacking = without_profile(narrower, profile) or answer.why
        return Way(came="DOES_NOT_APPLY", usd=None, bound_usd=None, gap=None, why=lacking)
    return Way(came="IMPOSSIBLE", usd=None, bound_usd=None, gap=None, why=answer.why)


def _planned(asked: Scenario, plan: Plan, bound: float | None) -> Way:
    """A plan, verified as one of everything that the workload is allowed."""
    checks = of_whole(asked, plan).verdict.checks
    broken = next((check.detail for check in checks if not check.passed), "")
    usd = plan.objective_usd
    came = "BREAKS_THE_SCENARIO" if broken else "VERIFIED"
    return Way(came=came, usd=usd, bound_usd=bound, gap=gap_of(usd, bound), why=broken)


def with_ways(mixed: Way, *ways: Way) -> Way:
    """What mixed comes to: everything is allowed in it, so a cheaper plan of another way is one of it too."""
    best = min((one for one in ways if one.came == "VERIFIED"), key=_usd, default=mixed)
    if mixed.came == "VERIFIED" and _usd(mixed) <= _usd(best) * (1.0 + SAME):
        return mixed
    return best.model_copy(update={"bound_usd": mixed.bound_usd, "gap": gap_of(best.usd, mixed.bound_usd)})


def best_of(together: Way, apart: Way) -> Best | None:
    """The way whose plan costs less than any of the other can; None where time ran out."""
    if "NOT_FINISHED" in (together.came, apart.came):
        return None
    lacking = (together.came != "VERIFIED", apart.came != "VERIFIED")
    if any(lacking):
        return "neither" if all(lacking) else "disaggregated" if lacking[0] else "aggregated"
    if _is_below(together, apart):
        return "aggregated"
    return "disaggregated" if _is_below(apart, together) else "equal"


def _is_below(one: Way, other: Way) -> bool:
    return other.bound_usd is not None and _usd(one) < other.bound_usd - SAME * abs(other.bound_usd)


def _usd(way: Way) -> float:
    return float("inf") if way.usd is None else way.usd
