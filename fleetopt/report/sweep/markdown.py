"""sweep.md: the results of a sweep on a page."""

from __future__ import annotations

from fleetopt.report.markdown import escape, table
from fleetopt.report.sweep.views import design_of, headline, run_view, tornado_view
from fleetopt.study.sweep.records import Sweep


def markdown(found: Sweep) -> str:
    """The sweep as Markdown."""
    asked = found.question
    views = [view for view in (tornado_view(found), run_view(found)) if view.rows]
    varied = [f"- {escape(expression)}" for expression in asked.vary]
    limits = f"gap {100 * asked.gap_tolerance:g} %, at most {asked.time_limit_s:g} s each"
    made = f"Design: {design_of(found)}; {limits}; fleetopt {asked.fleetopt_version}."
    parts = [f"# Sweep: {escape(asked.scenario)}", escape(headline(found)) + ".", "\n".join(varied), escape(made)]
    return "\n\n".join([*parts, *(table(view) for view in views)]) + "\n"
