"""Survival: what is left when any one site, rack or node is lost still serves a fraction of the demand.

    R[r,k] = sum_c part[w,c] running[w,c,t,h,o]    c in role r on link k, standing anywhere;  A the same of aggregated
    R-[r,k], A- the same without what stands at the lost place z

    z lost whole    sum_k REST[z,k] + A-  >=  f                                        (rest_survives_whole_loss)
                    REST[z,k]  <=  R-[r,k] for both roles                              (rest_of_link_carries)
    m nodes of z    KEPT[z,r,k] + sum_k' FULL[k'] + A  >=  f           other links k'  (rest_survives_partial_loss)
                    sum_k FULL[k] + A - bite[c] THERE[c]  >=  f      c aggregated    (rest_survives_partial_loss)
                    KEPT[z,r,k]  <=  R[r,k] - bite[c] THERE[c]       c in role r     (loss_bites_once)
                    KEPT[z,r,k]  <=  R[the other role,k]                               (loss_bites_once)
                    FULL[k]  <=  R[r,k] for both roles                                 (intact_link_carries)
                    running[w,c]  <=  most[c] THERE[c]                               (loss_meets_what_is_there)

    Of a partial loss either those hold, or GONE[z] is one and z could be lost whole: its promise is f GONE[z], and
    the largest bite of the row's options times GONE[z] is excused in rest_survives_partial_loss: no more need be.

Symbols  f the fraction promised (scenario.workloads.survive); part[w,c] of the demand without headroom, at most all of
         what is promised; z a site (lost whole), a site with m nodes a rack, or a pool with m = 1 (a node); n[c]
         replicas that a node holds: its GPUs over those set aside, and one where they fill or span nodes;
         bite[c] = m n[c] part[w,c].
Ledgers  reads running.     Shape  a row per workload, lost place, option and time, a few more by link.
Dual     none worth reading: binaries say what is there and how a loss is judged.
Source   docs/math.md, "Losses": why a loss of one config alone is the worst of any packing. Links as in serving.

A promise that a larger one implies (node by rack, either by site, at no smaller a fraction) needs no rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import Ledgers, RunningKey
from fleetopt.optimizer.options import Link, Option, Pool
from fleetopt.optimizer.rules import Limit, Rules
from fleetopt.scenario.demand import TimeKey

Sides: TypeAlias = tuple[tuple[str, str], ...]
SIDES: Sides = (("prefill", "decode"), ("decode", "prefill"))


class _Loss(NamedTuple):
    """What may be lost at once: everything on some pools, or `nodes` of their nodes."""

    kind: str
    place: str
    pools: frozenset[Pool]
    nodes: int
    share: float


class Survival(Feature):
    def declare(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        from pyomo.core import Binary, Reals, Var

        kept, rest, full, whole, present = (set[Any]() for _ in range(5))
        for name, loss, time in _asked(case):
            links = _links(case, name)
            rest |= {(name, *loss[:2], *link, *time) for link in links}
            if loss.nodes:
                whole.add((name, *loss[:2], *time))
                present |= {(name, option.name, *time) for option in _lost(case, name, loss)}
                full |= {(name, *link, *time) for link in links}
                kept |= {(name, *loss[:2], role, *link, *time) for link in links for role, _ in SIDES}
        model.REST = Var(sorted(rest), within=Reals, bounds=(0.0, 1.0))
        model.FULL = Var(sorted(full), within=Reals, bounds=(0.0, 1.0))
        # What a loss takes is counted whether or not it is there, so that what is left may be less than nothing.
        model.KEPT = Var(sorted(kept), within=Reals, bounds=(None, 1.0))
        model.GONE = Var(sorted(whole), within=Binary)
        model.THERE = Var(sorted(present), within=Binary)

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        for name, loss, time in _asked(case):
            rows = _Rows(model, rules, loss, _Standing(case, ledgers, name, time))
            rows.whole_loss(_links(case, name))
            if loss.nodes:
                rows.partial_loss(_links(case, name), _lost(case, name, loss), case)
        for (name, *link, t, h, o), full in model.FULL.items():
            standing = _Standing(case, ledgers, name, (t, h, o))
            for role, _ in SIDES:
                left = full - standing.of(role, (link[0], link[1]))
                rules.at_most("intact_link_carries", (name, role, *link, t, h, o), left, 0.0)
        options = {(name, option.name): option for name, found in case.options.items() for option in found}
        for key, present in model.THERE.items():
            running = ledgers.running.total(RunningKey(*key))
            most = case.most_at(key[0], options[key[:2]], key[2:])
            rules.at_most("loss_meets_what_is_there", key, running - most * present, 0.0)


class _Standing:
    """What the replicas of a workload carry at a time, in parts of its demand."""

    def __init__(self, case: PlanningCase, ledgers: Ledgers, workload: str, time: TimeKey) -> None:
        self._case, self._ledgers, self.workload, self.time = case, ledgers, workload, time
        survive = case.workloads[workload].survive
        self._top = max(survive.site, survive.rack, survive.node)
        self._rps = case.workloads[workload].demand_rps[time] / case.capability[time[2]]

    def part(self, option: Option) -> float:
        """What a replica carries, at most as much as is promised: the same whole plans, a tighter relaxation."""
        return min(self._top, option.capacity_rps / self._rps)

    def of(self, role: str, link: Link | None, without: frozenset[Pool] = frozenset()) -> Any:
        """All replicas in a role, on a link where it is one of the two split ones."""
        from pyomo.core import quicksum

        found = [
            self.part(option) * self._ledgers.running.total(RunningKey(self.workload, option.name, *self.time))
            for option in self._case.options[self.workload]
            if option.capacity.candidate.role == role and link in (None, option.link) and option.pool not in without
        ]
        return quicksum(found) if found else 0.0


class _Rows:
    """The rows of one workload, loss and time."""

    def __init__(self, model: Any, rules: Rules, loss: _Loss, standing: _Standing) -> None:
        self._model, self._rules, self._loss, self._standing = model, rules, loss, standing
        self._name, self._time = name, time = standing.workload, standing.time
        self._key = (name, *loss[:2], *time)
        self._limit = Limit(
            f"{loss.kind} loss of {name}", "demand", "/".join((loss.place, *time)), "of its demand", loss.share
        )

    def whole_loss(self, links: list[Link]) -> None:
        loss, rules = self._loss, self._rules
        rest = {link: self._model.REST[self._name, *loss[:2], *link, *self._time] for link in links}
        for link, left in rest.items():
            for role, _ in SIDES:
                carried = left - self._standing.of(role, link, loss.pools)
                rules.at_most("rest_of_link_carries", (*self._key, role, *link), carried, 0.0)
        promised = loss.share * (self._model.GONE[self._key] if loss.nodes else 1.0)
        survives = sum(rest.values()) + self._standing.of("aggregated", None, loss.pools) - promised
        # The promise stays on the left, so that a slack of the row is a part of the demand.
        rules.at_least("rest_survives_whole_loss", self._key, survives + loss.share, loss.share, self._limit)

    def partial_loss(self, links: list[Link], lost: list[Option], case: PlanningCase) -> None:
        bites = [(option, self._bite(option, case)) for option in lost]
        for option, bite in bites:
            if option.capacity.candidate.role == "aggregated":
                self._enough(self._intact(links) - bite * self._present(option), bite, (option.name,))
        for role, other in SIDES:
            for link in links:
                hit = [(o, b) for o, b in bites if o.link == link and o.capacity.candidate.role == role]
                if hit:
                    kept = self._kept(role, other, link, hit)
                    others = [one for one in links if one != link]
                    self._enough(self._intact(others) + kept, max(bite for _, bite in hit), (role, *link))

    def _bite(self, option: Option, case: PlanningCase) -> float:
        """What goes if all that is lost was full of an option."""
        holds = max(1, case.gpus_per_node(option.pool) // option.node_gpus)
        return self._loss.nodes * holds * self._standing.part(option)

    def _present(self, option: Option) -> Any:
        return self._model.THERE[self._name, option.name, *self._time]

    def _kept(self, role: str, other: str, link: Link, hit: list[tuple[Option, float]]) -> Any:
        """What a link carries when the loss was full of the worst of some options in a role."""
        kept = self._model.KEPT[self._name, *self._loss[:2], role, *link, *self._time]
        for option, bite in hit:
            left = kept - self._standing.of(role, link) + bite * self._present(option)
            self._rules.at_most("loss_bites_once", (*self._key, option.name), left, 0.0)
        self._rules.at_most("loss_bites_once", (*self._key, role, *link), kept - self._standing.of(other, link), 0.0)
        return kept

    def _intact(self, links: list[Link]) -> Any:
        split = sum(self._model.FULL[self._name, *link, *self._time] for link in links)
        return split + self._standing.of("aggregated", None)

    def _enough(self, survives: Any, bite: float, hit: tuple[str, ...]) -> None:
        """The largest bite is excused where the whole place could be lost: all of the promise is there before it."""
        share, excused = self._loss.share, bite * self._model.GONE[self._key]
        key = (*self._key, *hit)
        self._rules.at_least("rest_survives_partial_loss", key, survives + excused, share, self._limit)


def _asked(case: PlanningCase) -> Iterator[tuple[str, _Loss, TimeKey]]:
    for name, workload in case.workloads.items():
        for loss in _losses(case, name):
            for time in case.times:
                if workload.demand_rps[time] > 0:
                    yield name, loss, time


def _losses(case: PlanningCase, name: str) -> Iterator[_Loss]:
    """Whatever a workload is to survive, where it may stand."""
    survive = case.workloads[name].survive
    pools = {option.pool for option in case.options[name]}
    racks = {facility.site: facility.nodes_per_rack or 1 for facility in case.facilities}
    for site in sorted({pool[1] for pool in pools}):
        here = frozenset(pool for pool in pools if pool[1] == site)
        if survive.site:
            yield _Loss("site", site, here, 0, survive.site)
        if survive.rack > survive.site:
            yield _Loss("rack", site, here, racks.get(site, 1), survive.rack)
        if survive.node > max(survive.site, survive.rack):
            for pool in sorted(here):
                yield _Loss("node", "@".join(pool), frozenset([pool]), 1, survive.node)


def _lost(case: PlanningCase, name: str, loss: _Loss) -> list[Option]:
    return [option for option in case.options[name] if option.pool in loss.pools]


def _links(case: PlanningCase, name: str) -> list[Link]:
    """Links on which prefill can hand over to decode."""
    by_role = [{o.link for o in case.options[name] if o.capacity.candidate.role == role} for role, _ in SIDES]
    return sorted(by_role[0] & by_role[1])
