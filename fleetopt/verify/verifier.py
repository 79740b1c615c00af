"""All checks of a plan, in the order in which a reader wants them."""

from __future__ import annotations

from typing import Any

from fleetopt.plan.domain import Check, Plan, Verdict
from fleetopt.plan.record import Record
from fleetopt.scenario.domain import Scenario
from fleetopt.verify.allowed import placements_are_allowed
from fleetopt.verify.attribution import workload_costs_add_up
from fleetopt.verify.bundles import bundles_hold
from fleetopt.verify.changes import changes_are_possible
from fleetopt.verify.classes import classes_go_short_in_order
from fleetopt.verify.demand import all_traffic, demand_is_met
from fleetopt.verify.dollars import cost_lines, dollars_add_up
from fleetopt.verify.gap import gap_is_true
from fleetopt.verify.goals import goals_are_true
from fleetopt.verify.limits import budgets_are_kept, facilities_suffice, types_are_few
from fleetopt.verify.losses import losses_are_survived
from fleetopt.verify.network import kv_caches_get_through
from fleetopt.verify.outcomes import outcomes_are_true
from fleetopt.verify.packing import gpus_pack_into_nodes
from fleetopt.verify.provenance import evidence_is_true
from fleetopt.verify.quotas import quotas_are_respected
from fleetopt.verify.resilience import nodes_are_available, spares_are_kept
from fleetopt.verify.slo import slo_holds
from fleetopt.verify.supply import supply_is_respected
from fleetopt.verify.wellformed import sound_facts

CHECKS = (
    "plan_is_well_formed",
    "demand_is_met",
    "slo_holds",
    "bundles_hold",
    "placements_are_allowed",
    "gpus_pack_into_nodes",
    "kv_caches_get_through",
    "supply_is_respected",
    "quotas_are_respected",
    "budgets_are_kept",
    "facilities_suffice",
    "types_are_few",
    "spares_are_kept",
    "losses_are_survived",
    "changes_are_possible",
    "nodes_are_available",
    "classes_go_short_in_order",
    "outcomes_are_true",
    "dollars_add_up",
    "workload_costs_add_up",
    "gap_is_true",
    "goals_are_true",
    "evidence_is_true",
)

LONGEST_REASON = 1000
"""A plan of nothing but errors has one for each of its fields; the first few tell the story."""


def verify(plan: Plan, scenario: Scenario) -> Verdict:
    """Compute every promise and every dollar of a plan a second time.

    The plan's own verdict is not read. A plan that cannot be judged, whatever it contains, fails checks that
    say why; it raises nothing.
    """
    try:
        judged = _read_anew(plan)
    except ValueError as error:
        return _verdict(_unreadable(" ".join(str(error).split())[:LONGEST_REASON]))
    facts, well_formed = sound_facts(judged, scenario)
    flows = all_traffic(facts)
    lines = cost_lines(facts, flows)
    return _verdict(
        (
            well_formed,
            demand_is_met(facts, flows),
            slo_holds(facts),
            bundles_hold(facts),
            placements_are_allowed(facts),
            gpus_pack_into_nodes(facts),
            kv_caches_get_through(facts, flows),
            supply_is_respected(facts),
            quotas_are_respected(facts),
            budgets_are_kept(facts, lines),
            facilities_suffice(facts),
            types_are_few(facts),
            spares_are_kept(facts),
            losses_are_survived(facts),
            changes_are_possible(facts),
            nodes_are_available(facts),
            classes_go_short_in_order(facts, flows),
            outcomes_are_true(facts, flows),
            dollars_add_up(facts, lines),
            workload_costs_add_up(facts, lines, flows),
            gap_is_true(facts),
            goals_are_true(facts, lines),
            evidence_is_true(facts),
        )
    )


def _read_anew(plan: Plan) -> Plan:
    """The plan with every record validated: it may have been built or changed without, and from here on types hold.

    Record by record, as a dump of all of them takes more memory than the plan.

    Raises:
        ValueError: one of them is not what it should be.
    """
    try:
        return Plan.model_validate({name: _records_anew(value) for name, value in plan})
    except ValueError:
        # Whatever is wrong is said as of the whole.
        return Plan.model_validate(plan.model_dump(warnings=False))


def _records_anew(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_records_anew(one) for one in value)
    return type(value).model_validate(value.model_dump(warnings=False)) if isinstance(value, Record) else value


def _verdict(checks: tuple[Check, ...]) -> Verdict:
    return Verdict(passed=all(check.passed for check in checks), checks=checks)


def _unreadable(reason: str) -> tuple[Check, ...]:
    return tuple(
        Check(
            name=name,
            passed=False,
            worst=None,
            unit="",
            detail=reason if name == CHECKS[0] else "not computed: the plan is not well formed",
        )
        for name in CHECKS
    )
