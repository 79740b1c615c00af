"""What is left of each workload after the losses that it is to survive: for each of them the time when least is."""

from __future__ import annotations

from fleetopt.plan.domain import Plan
from fleetopt.report.view import View, number, percent, view
from fleetopt.scenario.domain import Scenario
from fleetopt.verify.facts import Facts
from fleetopt.verify.losses import Remains, remains


def loss_view(plan: Plan, scenario: Scenario) -> View:
    """By workload and what is lost; the figures are those of the verification."""
    worst: dict[tuple[str, str], Remains] = {}
    for one in remains(Facts(scenario, plan)):
        known = worst.get((one.workload, one.lost))
        if known is None or one.left_rps / one.asked_rps < known.left_rps / known.asked_rps:
            worst[one.workload, one.lost] = one
    rows = [
        [one.workload, one.lost, " ".join(one.time), percent(one.share), percent(_left(one)), number(one.left_rps)]
        for one in worst.values()
    ]
    titles = ["workload", "without", "least in", "promised", "left", "requests/s left"]
    note = (
        "Of the demand without headroom; replicas elsewhere go on as they are. A node or rack takes the worst it could."
    )
    return view("After a loss", titles, rows, text=3, note=note)


def _left(one: Remains) -> float:
    return max(0.0, one.left_rps) / one.asked_rps
