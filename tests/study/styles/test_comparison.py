"""Serving styles against one another: by hand, and as a property of all questions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings

from fleetopt.errors import Infeasible, InputError, NoPlanWithinLimit
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario
from fleetopt.study.once import optimize
from fleetopt.study.plainer import Fleet
from fleetopt.study.resolve import USUAL, Effort, Resolver
from fleetopt.study.restrict import by_cost
from fleetopt.study.styles import STYLES, Style
from fleetopt.study.styles.comparison import Keeping, compare_styles
from fleetopt.study.styles.records import Comparison, StyleRow
from fleetopt.verify.verifier import verify
from tests.oracle import build
from tests.properties.asked import PROOF, questions
from tests.study.styles.conftest import EXACT, NODE, phases


def found(scenario: Scenario, **options: object) -> Comparison:
    return compare_styles(scenario, Resolver(EXACT), **options)  # type: ignore[arg-type]


def test_each_style_is_worked_out_by_hand() -> None:
    """Proves: for 2.25 requests/s the styles cost what the table of `phases` says, each another sum.

    static 3 A prompts and 3 A tokens; aggregated 9 A; apart 1 H and 1 A prompts, 3 A tokens; one type 2 + 2 A apart and
    one aggregated; AA 3 + 3 A; HH 2 + 3 H; HA 2 H and 3 A; HHcap 2 H and 3 capped; all 1 H and 2 A, one aggregated.
    Sensitivity: a style that leaves out too little costs 4.5 too; one that leaves out more is dearer than its row.
    """
    usd = {row.name: row.usd for row in found(phases()).rows if row.usd is not None}
    assert usd == {
        "static": pytest.approx(6.0 * NODE),
        "aggregated": pytest.approx(9.0 * NODE),
        "disaggregated": pytest.approx(5.5 * NODE),
        "one-gpu-type": pytest.approx(5.0 * NODE),
        "splitwise-aa": pytest.approx(6.0 * NODE),
        "splitwise-hh": pytest.approx(7.5 * NODE),
        "splitwise-ha": pytest.approx(6.0 * NODE),
        "splitwise-hhcap": pytest.approx(6.6 * NODE),
        "all": pytest.approx(4.5 * NODE),
    }


def test_figures_of_a_row() -> None:
    """Proves: GPUs, nodes and power are those in service, the ratio is to everything allowed, the gap to the own kind.
    Sensitivity: power of the wrong type, or a ratio to the dearest, would be other numbers.
    """
    rows = {row.name: row for row in found(phases()).rows}
    capped = rows["splitwise-hhcap"]
    assert capped.largest is not None
    assert (capped.largest.gpus, capped.largest.nodes) == (5, 5)
    assert capped.largest.power_kw == pytest.approx(5 * 1.9 * 0.7)
    assert capped.ratio == pytest.approx(6.6 / 4.5)
    assert (capped.gap, capped.verified, capped.finished) == (0.0, True, True)
    assert rows["static"].gap is None
    assert rows["all"].ratio == 1.0


def test_a_style_that_cannot_be_says_why() -> None:
    """Proves: what is not on offer, and what has no profile, is named, and nothing is claimed of it.
    Sensitivity: without the reason a dash could be read as dear.
    """
    scenario = phases()
    kept = tuple(line for line in scenario.supply.lines if line.name != "c")
    rows = {row.name: row for row in found(replace(scenario, supply=replace(scenario.supply, lines=kept))).rows}
    absent = rows["splitwise-hhcap"]
    assert (absent.came, absent.note) == ("DOES_NOT_APPLY", "no H100-capped is on offer")
    split = build.scenario(
        [build.workload("chat", 1.0)],
        [build.rate("p", 1.0, "prefill"), build.rate("d", 1.0, "decode")],
        [build.line("a", "Ax1")],
    )
    apart = {row.name: row for row in found(split).rows}["aggregated"]
    assert apart.note == "no aggregated profile of m"
    assert (apart.came, apart.usd, apart.ratio, apart.verified, apart.finished) == (
        *("DOES_NOT_APPLY", None, None, False, True),
    )


@settings(PROOF, max_examples=8)
@given(questions)
def test_allowing_a_style_never_raises_the_cost(scenario: Scenario) -> None:
    """Proves: whatever the question, the plan of everything, solved by itself, costs no more than any verified style,
    and every plan is one of the whole scenario.
    Sensitivity: a style that adds something the scenario does not have would be cheaper or fail its verification; taken
    from the rows themselves, the least cost would hold by construction alone.
    """
    try:
        own = optimize(by_cost(scenario), EXACT)
    except (Infeasible, InputError):
        return
    for row in found(scenario, plan=own).styles:
        if row.plan is None:
            continue
        assert verify(row.plan, scenario).passed == row.verified
        if row.verified:
            assert row.usd is not None
            assert row.usd >= own.objective_usd - 1e-6 - 1e-9 * abs(row.usd)


def test_a_style_that_beats_an_unfinished_solve_is_taken() -> None:
    """Proves: where the plan of everything is dearer than a style's, the style's plan stands in its row, with the bound
    of the larger solve and a gap to it, verified, and the note says so.
    Sensitivity: the dear plan's row would have a style cheaper than everything.
    """
    scenario = phases()
    styles = {row.name: row for row in found(scenario).rows}
    dear = styles["aggregated"].plan
    assert dear is not None
    given_ = dear.model_copy(update={"bound_usd": 4.0 * NODE, "gap": 5.0 / 9.0, "status": "FEASIBLE"})
    apart = tuple(style for style in STYLES if style.name == "disaggregated")
    compared = compare_styles(scenario, Resolver(EXACT, most=1), plan=given_, styles=apart)
    allowed = compared.allowed
    assert allowed is not None
    assert allowed.usd == pytest.approx(5.5 * NODE)
    assert allowed.gap == pytest.approx(1.5 / 5.5)
    assert "'disaggregated only'" in allowed.note
    assert "had come to 19,440.00 USD" in allowed.note
    assert allowed.plan is not None
    assert verify(allowed.plan, scenario).passed
    assert compared.styles[0].ratio == pytest.approx(1.0)


@dataclass(slots=True)
class Tired(Resolver):
    """Finds nothing in time when everything is asked for."""

    def best(self, scenario: Scenario, what: str, effort: Effort = USUAL) -> Plan:
        if what.startswith("everything allowed"):
            raise NoPlanWithinLimit("no plan", 4.0 * NODE)
        return optimize(scenario, EXACT)


def test_styles_answer_where_everything_was_too_much() -> None:
    """Proves: without a plan of everything in time, the cheapest style's is its answer, with the bound that is known;
    without any, the error says so.
    Sensitivity: a study that gave up at the first solve would show nothing.
    """
    apart = tuple(style for style in STYLES if style.name == "disaggregated")
    allowed = compare_styles(phases(), Tired(EXACT), styles=apart).allowed
    assert allowed is not None
    assert allowed.usd == pytest.approx(5.5 * NODE)
    assert allowed.bound_usd == 4.0 * NODE
    assert "had no plan when it ended" in allowed.note
    with pytest.raises(NoPlanWithinLimit):
        compare_styles(phases(), Tired(EXACT), styles=())


def test_what_is_stopped_keeps_what_is_finished() -> None:
    """Proves: Ctrl-C in a style leaves the styles before it, marks the rest as not asked, and the whole as incomplete.
    Sensitivity: an exception that got out would lose the first row.
    """

    def stop(_scenario: Scenario, _desk: Resolver) -> Fleet:
        raise KeyboardInterrupt

    first = next(style for style in STYLES if style.name == "disaggregated")
    compared = found(phases(), styles=(first, Style("stop", "stop", "", stop), STYLES[0]))
    assert [row.finished for row in compared.styles] == [True, False, False]
    assert compared.styles[2].note == "stopped before it was asked"
    assert not compared.complete
    assert compared.allowed is not None


def test_names_are_unique() -> None:
    """Proves: no two styles share a folder. Sensitivity: the second would overwrite the plan of the first."""
    names = [style.name for style in STYLES]
    assert len({*names, "all"}) == len(names) + 1


@dataclass(slots=True)
class Waking(Resolver):
    """Finds nothing in time when everything is asked for the first time."""

    def best(self, scenario: Scenario, what: str, effort: Effort = USUAL) -> Plan:
        if what == "everything allowed":
            raise NoPlanWithinLimit("no plan", 4.0 * NODE)
        return Resolver.best(self, scenario, what, effort)


def test_everything_is_begun_again_from_the_best_style() -> None:
    """Proves: a style's plan is where everything is solved from once more, if that had come to less, and the higher of
    the two bounds stands. Sensitivity: the style's plan alone would stay a node and a half hour dearer.
    """
    apart = tuple(style for style in STYLES if style.name == "disaggregated")
    allowed = compare_styles(phases(), Waking(EXACT), styles=apart).allowed
    assert allowed is not None
    assert [allowed.usd, allowed.bound_usd] == pytest.approx([4.5 * NODE, 4.5 * NODE])
    assert allowed.note == "begun from the plan of 'disaggregated only'"
    assert allowed.plan is not None
    assert allowed.plan.began is not None


def test_a_solve_that_is_stopped_is_shown_and_not_kept() -> None:
    """Proves: the best plan so far of a style that Ctrl-C ended stands in the table as such, is not called finished and
    not kept for the next time; what comes after it is not asked.
    Sensitivity: kept, it would be the style's cost for ever, as dear as the moment of the stop.
    """
    first, second = (next(style for style in STYLES if style.name == name) for name in ("aggregated", "disaggregated"))
    kept: dict[str, StyleRow] = {}

    def stopped(scenario: Scenario, desk: Resolver) -> Fleet:
        found = first.find(scenario, desk)
        desk.stopped = True
        return found

    def keep(row: StyleRow) -> None:
        kept[row.name] = row

    styles = (replace(first, find=stopped), second)
    compared = compare_styles(phases(), Resolver(EXACT), styles=styles, keeping=Keeping(keep=keep))
    half, unasked = compared.styles
    assert half.usd == pytest.approx(9.0 * NODE)
    assert half.note.startswith("stopped, with the best plan so far")
    assert (half.finished, unasked.came, compared.complete) == (False, "NOT_ASKED", False)
    assert kept.keys() == {"all"}


def test_a_solve_that_the_time_for_all_has_cut_short_is_not_finished() -> None:
    """Proves: a plan that is outside its gap when the budget of all solves is used up is shown with its gap, and asked
    again the next time; a formula, which has no gap, is not.
    Sensitivity: the same command would never make it better.
    """
    first, formula = (next(style for style in STYLES if style.name == name) for name in ("aggregated", "static"))

    def short(scenario: Scenario, desk: Resolver) -> Fleet:
        found = replace(first.find(scenario, desk), bound_usd=4.5 * NODE)
        desk.most = desk.solves
        return found

    compared = compare_styles(phases(), Resolver(EXACT), styles=(formula, replace(first, find=short)))
    by_formula, cut = compared.styles
    assert (by_formula.finished, cut.finished, compared.complete) == (True, False, False)
    assert cut.gap == pytest.approx(0.5)
    assert cut.came == "VERIFIED"
    assert cut.note.startswith("the time for all solves was over")
