"""What is left after a loss, as report.html shows it."""

from __future__ import annotations

from dataclasses import replace

from fleetopt.report.html.page import html_report
from fleetopt.report.loss_view import loss_view
from fleetopt.scenario.domain import Survive
from tests.oracle import build
from tests.oracle.test_procurement import asked, solved


def test_the_worst_time_of_each_loss_is_shown() -> None:
    """Two requests/s at night and four by day, at two sites: two replicas each at night, three by day.

    Without either site all is left at night and 75 % by day. Sensitivity: the first time instead would say 100 %.
    """
    lines = [build.line(site, "Ax1", 1.0, site=site, max_nodes=3) for site in ("ams", "fra")]
    over = build.calendar(1, (8.0, 16.0))
    demand = {("t1", "h1", "o1"): 2.0, ("t1", "h2", "o1"): 4.0}
    workload = {"survive": Survive(site=0.75), "demand_rps": demand}
    scenario = asked(4.0, *lines, over=over, sites=("ams", "fra"), workload=workload)
    rows = loss_view(solved(scenario), scenario).rows
    assert [row[:2] for row in rows] == [("chat", "site ams"), ("chat", "site fra")]
    assert [row[2:] for row in rows] == [("t1 h2 o1", "75.0 %", "75.0 %", "3")] * 2


def test_the_page_has_the_table_only_where_losses_are_promised() -> None:
    """A reader of a plan without such promises sees nothing of it."""
    scenario = asked(1.0, build.line("rent", "Ax1", 1.0), workload={"survive": Survive(node=1.0)})
    bare = replace(scenario, workloads=(replace(scenario.workloads[0], survive=Survive()),))
    assert "After a loss" in html_report(solved(scenario), scenario)
    assert "After a loss" not in html_report(solved(bare), bare)
