"""The plan that the search began from, and how much of it was of use, in sentences."""

from __future__ import annotations

from fleetopt.plan.domain import Plan
from fleetopt.plan.provenance import Began, Carried
from fleetopt.report.view import number, usd

HELD = {
    "everything": "it serves as it was",
    "replicas": "with its replicas, or others where those do not do, and the nodes for them",
    "orders": "with its orders; its replicas do not do",
}

OVER_TIME = {"replicas", "nodes rented"}


def began_sentences(plan: Plan) -> list[str]:
    """What the search began from, and what of it had no place; none where it began from nothing."""
    began = plan.began
    if began is None:
        return []
    said = f"began from the plan of {began.scenario} ({usd(began.last_usd)} USD, sha256 {began.sha256[:12]})"
    return [f"{said}: {_start(began)}", *(_lost(one) for one in began.carried if one.last)]


def _start(began: Began) -> str:
    if began.start_usd is None:
        return "nothing of it could be held, so the search began anew"
    return f"{HELD[began.held]}, at {usd(began.start_usd)} USD"


def _lost(one: Carried) -> str:
    over = " at all times together" if one.decision in OVER_TIME else ""
    known = "all have a place" if one.placed == one.last else f"{number(one.last - one.placed)} have no place"
    return (
        f"of its {number(one.last)} {one.decision}{over} {known} in this scenario; the start keeps {number(one.kept)}"
    )
