"""One run: a scenario in, a verified plan out.

    Scenario -> CapacityTable -> PlanningCase -> Solution -> Plan -> Verdict

A plan that fails its verification is never returned; it travels inside the error for those who must look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from importlib.metadata import version
from time import perf_counter

from fleetopt.capacity.domain import CapacityTable
from fleetopt.capacity.table import derive
from fleetopt.catalog.domain import Role
from fleetopt.errors import VerificationError
from fleetopt.optimizer.case import PlanningCase, build_case
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.run import Optimized, optimize_case
from fleetopt.optimizer.solve import SolveOptions, solver_version
from fleetopt.plan.attribution import workload_costs
from fleetopt.plan.domain import Plan, Verdict
from fleetopt.plan.provenance import Began, EvidenceLine, InputHash, Provenance, Solver
from fleetopt.plan.store import to_bytes
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.idle import idle
from fleetopt.study.aimed import aimed
from fleetopt.study.reach import check_reach
from fleetopt.verify.verifier import verify

Clock = Callable[[str, float], None]

NO_USD = 1e-6
"""An amount that the solver's own tolerance is larger than."""


def optimize(
    scenario: Scenario,
    options: SolveOptions | None = None,
    clock: Clock | None = None,
    *,
    capacities: CapacityTable | None = None,
    extra: Sequence[Feature] = (),
) -> Plan:
    """The least-cost plan of a scenario, verified.

    Args:
        scenario: from `load`.
        options: gap, time limit, log and progress of the solver.
        clock: told the seconds that each stage took ("capacity", "build", "solve", "verify").
        capacities: those of the scenario, where they are known already.
        extra: features of the problem beside those that every problem has; for scenarios whose objective is cost.

    Raises:
        Infeasible: no plan keeps every promise; says which cannot hold together and what would help.
        NoPlanWithinLimit: the solver's time ran out before it had a plan.
        VerificationError: the plan found does not stand up to its second computation.
    """
    options = options or SolveOptions()
    tell = clock or (lambda _stage, _seconds: None)
    start = perf_counter()
    capacities = capacities or derive(scenario)
    if scenario.objective is not None:
        return _aimed(scenario, capacities, options, tell)
    case = build_case(scenario, capacities)
    check_reach(scenario, capacities, case)
    tell("capacity", perf_counter() - start)
    found = optimize_case(case, options, tell, extra)
    start = perf_counter()
    plan = _verified(_plan(scenario, capacities, case, found, options), scenario)
    tell("verify", perf_counter() - start)
    return plan


def _aimed(scenario: Scenario, capacities: CapacityTable, options: SolveOptions, tell: Clock) -> Plan:
    """The plan of an objective that is not cost alone; the features of a study are about cost."""

    def cheapest(asked: Scenario, how: SolveOptions, extra: Sequence[Feature] = ()) -> Plan:
        known = capacities if asked.calendar == scenario.calendar else None
        return optimize(asked, how, tell, capacities=known, extra=extra)

    return _verified(aimed(scenario, capacities, options, cheapest), scenario)


def _verified(plan: Plan, scenario: Scenario) -> Plan:
    verdict = verify(plan, scenario)
    if not verdict.passed:
        raise VerificationError(f"{c.name}: {c.detail}" for c in verdict.checks if not c.passed)
    return plan.model_copy(update={"verdict": verdict})


def _plan(
    scenario: Scenario, capacities: CapacityTable, case: PlanningCase, found: Optimized, options: SolveOptions
) -> Plan:
    readout = found.readout
    return Plan(
        scenario=scenario.name,
        status="OPTIMAL" if found.proven else "FEASIBLE",
        objective_usd=readout.objective_usd,
        expected_usd=readout.expected_usd,
        cvar_usd=readout.cvar_usd,
        bound_usd=found.bound_usd,
        gap=_gap(readout.objective_usd, found.bound_usd),
        verdict=Verdict(passed=False, checks=()),
        fleet=readout.fleet,
        orders=readout.orders,
        sales=readout.sales,
        placements=readout.placements,
        workloads=readout.workloads,
        work=readout.work,
        changes=readout.changes,
        costs=readout.costs,
        workload_costs=workload_costs(scenario, readout.fleet, readout.placements, readout.workloads, readout.costs),
        binding=readout.binding,
        provenance=_provenance(scenario, capacities, case, found, options),
        began=_began(found.began, options.start),
    )


def _began(began: Began | None, start: Plan | None) -> Began | None:
    """What is known of the start, with the hash of the plan it came from: it is an input like any other."""
    if began is None or start is None:
        return None
    return began.model_copy(update={"sha256": sha256(to_bytes(start)).hexdigest()})


def _gap(objective: float, bound: float | None) -> float | None:
    if bound is None:
        return None
    return 0.0 if objective - bound <= NO_USD else (objective - bound) / abs(objective)


def _provenance(
    scenario: Scenario, capacities: CapacityTable, case: PlanningCase, found: Optimized, options: SolveOptions
) -> Provenance:
    return Provenance(
        fleetopt_version=version("fleetopt"),
        inputs=tuple(InputHash(name=file.name, sha256=file.sha256) for file in scenario.files),
        solver=Solver(
            name="HiGHS",
            version=solver_version(),
            method=found.method,
            gap_tolerance=options.gap,
            time_limit_s=options.time_limit_s,
            rows=found.shape.rows,
            columns=found.shape.columns,
            integers=found.shape.integers,
        ),
        evidence=_evidence(scenario, found),
        assumptions=(
            *_assumptions(capacities, found),
            *_mixed_precisions(scenario, found),
            *case.assumptions,
            *idle(scenario),
        ),
    )


def _used(found: Optimized) -> list[tuple[str, str, str, Role]]:
    """What the plan leans on: (workload, model, config, role), once each, in the order of the plan."""
    placed = found.readout.placements
    return list(dict.fromkeys((p.workload, p.model, p.config, role) for p in placed for role in p.profiles))


def _evidence(scenario: Scenario, found: Optimized) -> tuple[EvidenceLine, ...]:
    known = {(model, one.name): one for model, llm in scenario.models.items() for one in llm.candidates}
    lines = {}
    for _, model, config, role in _used(found):
        source = known[model, f"{config}/{role}"].profile.provenance
        lines[model, config, role] = EvidenceLine(
            model=model, config=config, role=role, evidence=source.evidence, source=source.source
        )
    return tuple(lines[key] for key in sorted(lines))


def _assumptions(capacities: CapacityTable, found: Optimized) -> list[str]:
    """What had to be assumed about the capacities in use, each sentence once; those of bundles are the case's."""
    rows = capacities.by_key()
    return [
        f"{workload}, {config} {role}: {sentence}"
        for workload, _, config, role in _used(found)
        if (row := rows.get((workload, f"{config}/{role}"))) is not None
        for sentence in (*row.assumptions, *row.doubts())
    ]


def _mixed_precisions(scenario: Scenario, found: Optimized) -> list[str]:
    """Workloads served at several precisions at once, which may answer differently."""
    precision = {
        (m, one.config.name): one.config.precision for m, llm in scenario.models.items() for one in llm.candidates
    }
    used: dict[str, set[str]] = {}
    for workload, model, config, _ in _used(found):
        used.setdefault(workload, set()).add(precision[model, config])
    return [
        f"{workload} is served at several precisions ({', '.join(sorted(precisions))}); 'precisions' chooses among them"
        for workload, precisions in used.items()
        if len(precisions) > 1
    ]
