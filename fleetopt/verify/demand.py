"""Is everything served that was promised to be: what arrives at its time, work by its deadline?"""

from __future__ import annotations

from fleetopt.plan.domain import Check
from fleetopt.verify.facts import Facts, Time, named
from fleetopt.verify.tally import Tally, allowance
from fleetopt.verify.traffic import Traffic, arriving_traffic
from fleetopt.verify.work import with_asked, work_is_done


def all_traffic(facts: Facts) -> dict[tuple[str, Time], Traffic]:
    """The traffic of every workload at every time, with what batch work asks of each."""
    return with_asked(facts, arriving_traffic(facts))


def demand_is_met(facts: Facts, flows: dict[tuple[str, Time], Traffic]) -> Check:
    """Achieved >= demand x (1 + headroom) x (1 - allowed shortfall), at every time, and of work by its deadline."""
    tally = Tally("demand_is_met", "requests/s", nothing="nothing is asked")
    for (name, time), flow in flows.items():
        if facts.workloads[name].batch is not None:
            continue
        required = flow.planned * (1.0 - facts.workloads[name].shortfall.allowed)
        place = f"{name} in {named(time)}: {flow.achieved:.6g} of {required:.6g} requests/s"
        tally.hold(flow.achieved - required, allowance(required), place)
    work_is_done(facts, flows, tally)
    return tally.check()
