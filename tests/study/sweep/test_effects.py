"""Bars, curves and frontiers of hand-made sweeps, whose answers can be seen."""

from __future__ import annotations

from fleetopt.study.sweep.designs import Design
from fleetopt.study.sweep.effects import as_it_is, curves, efficient, tornado
from fleetopt.study.sweep.records import Outcome, Question, Run, Setting, Status, Sweep
from fleetopt.study.sweep.variants import AS_IT_IS


def setting(path: str, said: str, value: float | None, unit: str = "s") -> Setting:
    return Setting(path=path, setting=said, written=None, value=value, unit=unit)


def outcome(usd: float | None, status: Status = "OPTIMAL", kw: float | None = None) -> Outcome:
    return Outcome(status=status if usd is not None else "INFEASIBLE", cost_usd=usd, power_kw=kw, seconds=0.1)


def made(design: Design, *runs: tuple[tuple[Setting, ...], Outcome]) -> Sweep:
    question = Question(
        scenario="hand-made",
        inputs="",
        vary=("a", "b"),
        design=design,
        samples=len(runs),
        seed=0,
        gap_tolerance=0.0,
        time_limit_s=1.0,
        method="auto",
        plans=False,
        fleetopt_version="0",
    )
    numbered = (
        Run(variant=n, settings=settings, input_hash=str(n), outcome=found)
        for n, (settings, found) in enumerate(runs, 1)
    )
    return Sweep(question=question, gpu_types=(), runs=tuple(numbered))


A, B = (setting("a", AS_IT_IS, 2.0), setting("b", AS_IT_IS, None, ""))

TORNADO = made(
    "one-at-a-time",
    ((A, B), outcome(100.0)),
    ((setting("a", "1 s", 1.0), B), outcome(None)),
    ((setting("a", "3 s", 3.0), B), outcome(90.0)),
    ((A, setting("b", "x", None, "")), outcome(150.0)),
    ((A, setting("b", "y", None, "")), outcome(80.0)),
)


def test_a_tornado_has_the_longest_bar_first_and_names_what_has_no_plan() -> None:
    """Proves: each bar spans the base and its own settings only, and an infeasible setting is no cost.
    Sensitivity: a field that matters little would stand on top.
    """
    base = as_it_is(TORNADO)
    assert base is not None
    assert base.variant == 1
    first, second = tornado(TORNADO)
    assert (first.path, first.spread_usd, first.without_plan) == ("b", 70.0, ())
    assert first.low is not None
    assert first.high is not None
    assert (first.low.setting, first.high.setting) == ("y", "x")
    assert (second.path, second.spread_usd, second.without_plan) == ("a", 10.0, ("1 s",))


def test_a_curve_is_for_what_has_numbers_of_one_unit() -> None:
    """Proves: a one-at-a-time design gives a line through the base; words give none; what has no plan stays on it.
    Sensitivity: an axis that mixes seconds and names.
    """
    [curve] = curves(TORNADO)
    assert (curve.path, curve.unit, curve.scattered) == ("a", "s", False)
    assert [(point.x, point.usd) for point in curve.series[""]] == [(1.0, None), (2.0, 100.0), (3.0, 90.0)]
    mixed = made("grid", ((setting("a", "1", 1.0, "s"),), outcome(1.0)), ((setting("a", "2", 2.0, "t"),), outcome(1.0)))
    assert curves(mixed) == ()


def test_a_grid_has_a_series_for_each_setting_of_the_others() -> None:
    """Proves: points of a line differ in one variable only.
    Sensitivity: a line would jump between prices.
    """
    cells = [
        ((setting("a", f"{a} s", a), setting("b", b, None, "")), outcome(10 * a + len(b), "FEASIBLE"))
        for a in (2.0, 1.0)
        for b in ("x", "xx")
    ]
    [curve] = curves(made("grid", *cells))
    assert {name: [(p.x, p.usd, p.proven) for p in points] for name, points in curve.series.items()} == {
        "b x": [(1.0, 11.0, False), (2.0, 21.0, False)],
        "b xx": [(1.0, 12.0, False), (2.0, 22.0, False)],
    }
    assert tornado(made("grid", *cells)) == ()


def test_the_efficient_runs_are_those_that_nothing_beats() -> None:
    """Proves: of equal power the cheaper stays, of equal cost the one with less power, and runs without a plan never.
    Sensitivity: a frontier with a dominated plan on it.
    """
    figures = [(100.0, 5.0), (90.0, 6.0), (95.0, 6.0), (90.0, 7.0), (120.0, 8.0), (80.0, 9.0), (None, None)]
    cells = [((setting("a", str(n), float(n)),), outcome(usd, kw=kw)) for n, (usd, kw) in enumerate(figures)]
    best = efficient(made("lhs", *cells), lambda found: found.power_kw)
    assert [run.variant for run in best] == [1, 2, 6]
