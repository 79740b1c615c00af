"""report.html: one file that opens offline, prints, and runs nothing.

Every word is escaped by Jinja's autoescape and freed of what a browser would obey instead of showing; the page forbids
itself scripts and anything from the network by its own Content-Security-Policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleetopt.plan.domain import Plan
from fleetopt.report.cost_views import price
from fleetopt.report.html.blocks import heat_colour
from fleetopt.report.html.sections import sections
from fleetopt.report.money import expected_cost, is_discounted
from fleetopt.report.purchase_orders import purchase_orders
from fleetopt.report.token_prices import TokenCost, token_costs
from fleetopt.report.view import percent, plain, usd
from fleetopt.report.words import by_kind
from fleetopt.scenario.domain import Scenario
from fleetopt.study.baselines import Baseline

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


def html_report(plan: Plan, scenario: Scenario, baselines: Sequence[Baseline] = ()) -> str:
    """The page.

    Args:
        plan: a verified plan of the scenario.
        scenario: what was asked.
        baselines: what plainer ways to size the fleet would cost.
    """
    page = environment().get_template("page.html.j2")
    orders = purchase_orders(plan, scenario)
    return page.render(
        kicker="Fleet plan",
        title=plan.scenario,
        description=scenario.description,
        figures=_figures(plan, scenario),
        sections=sections(plan, scenario, orders, baselines),
        css=(TEMPLATES / "page.css").read_text(encoding="utf-8"),
    )


def _shown(value: Any) -> Any:
    """What is safe already stays as it is."""
    return plain(value) if type(value) is str else value


def environment() -> Environment:
    """What draws pages: everything escaped, and nothing undefined."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Our own pictures and style sheet; no user's word reaches either.
    found.filters |= {"ours": Markup, "heat": heat_colour, "percent": percent}
    return found


def _figures(plan: Plan, scenario: Scenario) -> list[tuple[str, str, str]]:
    """The numbers at the top: (label, value, unit)."""
    kinds = by_kind(plan)
    everything = sum(token_costs(plan, scenario).values(), TokenCost())
    passed = sum(check.passed for check in plan.verdict.checks)
    return [
        (
            "Cost" if len(scenario.calendar.outlooks) == 1 else "Expected cost",
            usd(expected_cost(plan)),
            "USD, present value" if is_discounted(plan) else "USD",
        ),
        ("Capex", usd(kinds["capex"]), "USD"),
        ("Opex", usd(kinds["opex"]), "USD"),
        ("A million tokens", price(everything.mean_price), "USD, mean"),
        ("Gap", "not known" if plan.gap is None else percent(plan.gap), "to the best possible"),
        ("Verified", f"{passed} of {len(plan.verdict.checks)}", "checks hold"),
    ]
