"""Serving styles and limits as tables and pages: what is told apart, and that names stay text."""

from __future__ import annotations

from pathlib import Path

from fleetopt.report.style_files import write_styles
from fleetopt.report.style_views import about_view, absent_view, styles_headline, styles_view
from fleetopt.report.tightness_files import write_tightness
from fleetopt.report.tightness_views import tightness_headline, tightness_views
from fleetopt.study.measures import Largest
from fleetopt.study.styles.records import Came, Comparison, StyleRow
from fleetopt.study.styles.tight import Best, Crossover, Priced, Tightness, Way
from tests.report.pages import Page

HOSTILE = "=cmd()<script>\u202e"


def row(name: str, came: Came, usd: float | None = None, bound: float | None = None, note: str = "") -> StyleRow:
    return StyleRow(
        name=name,
        title=name,
        paper="a paper",
        came=came,
        usd=usd,
        ratio=None if usd is None else usd / 100.0,
        bound_usd=bound,
        gap=None if usd is None or bound is None else (usd - bound) / usd,
        largest=None if usd is None else Largest(gpus=8, nodes=1, power_kw=5.6),
        verified=came == "VERIFIED",
        finished=came not in ("NOT_FINISHED", "NOT_ASKED"),
        note=note,
    )


def compared(title: str = "aggregated") -> Comparison:
    styles = (
        row(title, "VERIFIED", 120.0, 90.0, "whole requests"),
        row("apart", "NOT_FINISHED", None, 80.0, "not in time"),
        row("aa", "DOES_NOT_APPLY", note="no A100-80G is on offer"),
        row("ha", "DOES_NOT_APPLY", note="no A100-80G is on offer"),
        row("later", "NOT_ASKED", note="stopped before it was asked"),
    )
    allowed = row("all", "VERIFIED", 100.0, 99.9999995)
    return Comparison(scenario="chat", styles=styles, allowed=allowed, solves=3, complete=False)


def test_what_applies_what_does_not_and_what_is_open_stand_apart() -> None:
    """Proves: styles with figures, or with a bound at least, are in the table; those that do not apply stand once for
    each reason; the headline names what is not finished.
    Sensitivity: a dash in one table could mean dear, impossible, unasked or not there.
    """
    found = compared()
    assert [(one[0], one[1], one[3], one[-1]) for one in styles_view(found).rows] == [
        ("aggregated", "120.00", "25.0 %", "verified"),
        ("apart", "-", "-", "not finished"),
        ("all", "100.00", "< 0.001 %", "verified"),
    ]
    assert absent_view(found).rows == (
        ("aa, ha", "no A100-80G is on offer"),
        ("later", "stopped before it was asked"),
    )
    assert about_view(found, kept=False).rows[1] == ("apart", "not in time; it costs no less than 80.00 USD", "a paper")
    assert "not finished: apart, later (--time-limit" in styles_headline(found)


def way(came: Came, usd: float | None = None, why: str = "") -> Way:
    return Way(came=came, usd=usd, bound_usd=usd, gap=None if usd is None else 0.0, why=why)


def priced(workload: str, factor: float, best: Best | None, together: Way, apart: Way) -> Priced:
    mixed = apart if apart.usd is not None else together
    return Priced(
        workload=workload,
        factor=factor,
        ttft_s=factor,
        tpot_s=None,
        aggregated=together,
        disaggregated=apart,
        mixed=mixed,
        best=best,
        complete=best is not None,
    )


def tight(name: str = "chat") -> Tightness:
    absent = way("DOES_NOT_APPLY", why="no aggregated profile of m")
    late = way("NOT_FINISHED", why="not in time")
    rows = (
        priced(name, 0.5, "neither", absent, way("IMPOSSIBLE", why=f"{name}: a floor")),
        priced(name, 1.0, "disaggregated", absent, way("VERIFIED", 200.0)),
        priced(name, 2.0, None, absent, late),
    )
    between = (priced(name, 0.7, "disaggregated", absent, way("VERIFIED", 2000.0)),)
    turn = Crossover(workload=name, low=0.68, high=0.7, tighter="neither", looser="disaggregated")
    return Tightness(
        scenario=name, within=0.05, rows=rows, halvings=between, crossovers=(turn,), solves=9, complete=False
    )


def test_a_way_without_a_plan_says_which_kind_of_none_it_is() -> None:
    """Proves: no profile, impossible and not finished are three words, each with its reason once; what ran out of time
    has no winner. Sensitivity: one dash for all three.
    """
    found = tight()
    costs, crossovers, reasons = tightness_views(found)
    assert [(one[4], one[5], one[8]) for one in costs.rows] == [
        ("no profile", "impossible", "neither"),
        ("no profile", "200.00", "disaggregated"),
        ("no profile", "not finished", "not known"),
    ]
    assert crossovers.rows == (("chat", "0.68", "nothing serves it", "0.7", "disaggregated is cheaper"),)
    assert reasons.rows[:2] == (
        ("chat", "0.5, 1, 2", "aggregated", "no aggregated profile of m"),
        ("chat", "0.5", "disaggregated", "a floor"),
    )
    assert "not finished: 1 of 3 rows" in tightness_headline(found)


def test_pages_run_nothing_and_tables_have_no_formulas(tmp_path: Path) -> None:
    """Proves: hostile names stay text on both pages, in Markdown and in both spreadsheets, and each page has its chart.
    Sensitivity: a scenario from outside could run what it likes where its results are read.
    """
    write_styles(compared(HOSTILE), tmp_path / "styles")
    write_tightness(tight(HOSTILE), tmp_path / "tight")
    for name in ("styles/study", "tight/tightness"):
        page = Page((tmp_path / f"{name}.html").read_text(encoding="utf-8"))
        assert page.dangers() == []
        assert page.open == []
        assert [tag for tag, _ in page.elements if tag == "svg"]
        assert "<script" not in (tmp_path / f"{name}.md").read_text(encoding="utf-8")
        lines = (tmp_path / f"{name}.csv").read_text(encoding="utf-8").splitlines()
        assert not [line for line in lines if line.startswith(("=", '"=')) or ",=" in line]
