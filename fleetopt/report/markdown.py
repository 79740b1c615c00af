"""report.md: the plan on one page, for those who decide and those who build."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fleetopt.plan.domain import Plan
from fleetopt.report import plan_views as views
from fleetopt.report.began_words import began_sentences
from fleetopt.report.change_views import schedule_view
from fleetopt.report.class_views import order_sentences
from fleetopt.report.cost_views import kind_view
from fleetopt.report.goal_words import goal_sentences
from fleetopt.report.network_views import pattern_view, traffic_view
from fleetopt.report.view import View, plain
from fleetopt.report.work_views import work_view
from fleetopt.scenario.domain import Scenario

if TYPE_CHECKING:
    from fleetopt.study.baselines import Baseline

_ESCAPED = str.maketrans({"<": "&lt;", ">": "&gt;", "&": "&amp;"} | {c: f"\\{c}" for c in "|`*[]!#\\"})


def report(plan: Plan, baselines: Sequence[Baseline] = (), scenario: Scenario | None = None) -> str:
    """The plan as Markdown, beside what plainer ways to size the fleet would cost.

    With the scenario, beside what DOPD's formula asks for as well.
    """
    from fleetopt.report.ratio_views import ratio_view
    from fleetopt.report.study_views import baseline_view

    sections = [
        views.fleet_view(plan),
        views.order_view(plan, scenario),
        views.placement_view(plan),
        pattern_view(plan),
        schedule_view(plan),
        views.workload_view(plan),
        traffic_view(plan),
        work_view(plan),
        views.role_view(plan),
        *([] if scenario is None else [ratio_view(plan, scenario)]),
        views.cost_view(plan),
        kind_view(plan),
        views.workload_cost_view(plan),
        views.binding_view(plan),
        views.check_view(plan.verdict),
        *([baseline_view(baselines)] if baselines else []),
    ]
    parts = [
        f"# Fleet plan: {escape(plan.scenario)}",
        escape(views.headline(plan)) + ".",
        *_goals(plan),
        *_shortfalls(plan),
    ]
    parts += [table(section) for section in sections if section.rows]
    parts += [_evidence(plan), _assumptions(plan), _provenance(plan)]
    return "\n\n".join(part for part in parts if part) + "\n"


def table(section: View) -> str:
    """A view as a Markdown section with a table."""
    rule = ["--:" if column in section.numeric else ":--" for column in section.columns]
    rows = [section.columns, rule, *section.rows]
    lines = [f"| {' | '.join(escape(cell) for cell in row)} |" for row in rows]
    return "\n".join([f"## {escape(section.title)}", "", *([escape(section.note), ""] if section.note else []), *lines])


def escape(text: str) -> str:
    """Text that neither breaks a table nor becomes HTML."""
    return plain(text).translate(_ESCAPED)


def _goals(plan: Plan) -> list[str]:
    found = goal_sentences(plan)
    return ["## Before cost\n\n" + "\n".join(f"- {escape(sentence)}" for sentence in found)] if found else []


def _shortfalls(plan: Plan) -> list[str]:
    found = [*views.shortfall_sentences(plan), *order_sentences(plan)]
    return ["## Falls short\n\n" + "\n".join(f"- {escape(sentence)}" for sentence in found)] if found else []


def _evidence(plan: Plan) -> str:
    lines = [
        f"- {escape(line.model)} {escape(line.config)} ({line.role}): {line.evidence}; {escape(line.source)}"
        for line in plan.provenance.evidence
    ]
    return "## Evidence behind the capacities in use\n\n" + "\n".join(lines) if lines else ""


def _assumptions(plan: Plan) -> str:
    lines = [f"- {escape(sentence)}" for sentence in plan.provenance.assumptions]
    return "## Assumptions\n\n" + "\n".join(lines) if lines else ""


def _provenance(plan: Plan) -> str:
    facts, solver = plan.provenance, plan.provenance.solver
    lines = [
        (
            f"- fleetopt {facts.fleetopt_version}, {solver.name} {solver.version}, method {solver.method}, "
            f"gap asked for {100 * solver.gap_tolerance:g} %, time limit {solver.time_limit_s:g} s"
        ),
        f"- the program had {solver.rows:,} rows, {solver.columns:,} columns and {solver.integers:,} integers",
        *(f"- {escape(sentence)}" for sentence in began_sentences(plan)),
        *(f"- {escape(item.name)}: sha256 {item.sha256}" for item in facts.inputs),
    ]
    return "## Made from\n\n" + "\n".join(lines)
