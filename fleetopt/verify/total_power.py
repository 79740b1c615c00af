"""Do all nodes in service together stay under a cap on power that is no part of the scenario?"""

from __future__ import annotations

from fleetopt.plan.domain import Check, Plan
from fleetopt.scenario.domain import Scenario
from fleetopt.verify.facts import Facts, named, node_type_of
from fleetopt.verify.tally import RELATIVE, Tally


def power_is_kept(plan: Plan, scenario: Scenario, watts: float) -> Check:
    """Nameplate W of the nodes in service at each time, summed over sites, against the cap."""
    facts = Facts(scenario, plan)
    tally = Tally("power_is_kept", "W", nothing="no nodes")
    for time in facts.times:
        drawn = sum(
            nodes * facts.node_w(node_type_of(facts.sources[key]))
            for (key, then), nodes in facts.nodes.items()
            if then == time
        )
        tally.hold(watts - drawn, RELATIVE * watts, f"{named(time)}: {drawn:.6g} of {watts:.6g} W")
    return tally.check()
