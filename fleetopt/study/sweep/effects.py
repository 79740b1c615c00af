"""What a sweep shows: what each variable moves the cost by, cost against each number, and which plans are efficient.

A *bar* of a tornado goes from the least to the largest cost over the settings of one variable, the others being as they
are. A *curve* is cost against the number that a variable is set to, one series for each setting of the others. A run is
*efficient* if no other costs as little with as little of a second figure, and less of one of the two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fleetopt.study.sweep.records import Outcome, Run, Setting, Sweep
from fleetopt.study.sweep.variants import AS_IT_IS


@dataclass(frozen=True, slots=True)
class End:
    """One end of a bar: a setting and its cost."""

    setting: str
    usd: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A variable's effect; None where none of its settings has a plan. `without_plan` are those that have none."""

    path: str
    low: End | None
    high: End | None
    without_plan: tuple[str, ...]

    @property
    def spread_usd(self) -> float:
        return self.high.usd - self.low.usd if self.low and self.high else 0.0


@dataclass(frozen=True, slots=True)
class Point:
    """A run on a chart: a number and the cost at it, None where there is no plan."""

    x: float
    usd: float | None
    proven: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """Cost against a variable's number, in `unit`. The points of a series are in the order of their numbers.

    They are `scattered` where the other variables are not the same along a series.
    """

    path: str
    unit: str
    scattered: bool
    series: dict[str, tuple[Point, ...]]


def as_it_is(sweep: Sweep) -> Run | None:
    """The run in which nothing is changed, where the design has one."""
    return next((run for run in sweep.runs if all(one.setting == AS_IT_IS for one in run.settings)), None)


def tornado(sweep: Sweep) -> tuple[Bar, ...]:
    """A bar for each variable, the longest first; none for designs that change several variables at once."""
    if sweep.question.design != "one-at-a-time":
        return ()
    paths = [one.path for one in sweep.runs[0].settings]
    bars = (_bar(path, _alone(sweep, index)) for index, path in enumerate(paths))
    return tuple(sorted(bars, key=lambda bar: -bar.spread_usd))


def _alone(sweep: Sweep, index: int) -> list[Run]:
    """The runs that leave all other variables as they are."""
    return [
        run for run in sweep.runs if all(one.setting == AS_IT_IS for n, one in enumerate(run.settings) if n != index)
    ]


def _bar(path: str, runs: Sequence[Run]) -> Bar:
    ends = [End(_set(run, path).setting, run.outcome.cost_usd) for run in runs if run.outcome.cost_usd is not None]
    lacking = tuple(_set(run, path).setting for run in runs if run.outcome.cost_usd is None)
    low = min(ends, key=lambda end: end.usd, default=None)
    return Bar(path, low, max(ends, key=lambda end: end.usd, default=None), lacking)


def _set(run: Run, path: str) -> Setting:
    return next(one for one in run.settings if one.path == path)


def curves(sweep: Sweep) -> tuple[Curve, ...]:
    """A curve for each variable that is a number, in one unit, with at least two values."""
    found = []
    for index, one in enumerate(sweep.runs[0].settings):
        runs = _alone(sweep, index) if sweep.question.design == "one-at-a-time" else list(sweep.runs)
        # Several fields as they are may be several numbers; a chart has no place for them.
        runs = [run for run in runs if run.settings[index].value is not None or run.settings[index].setting != AS_IT_IS]
        units = {run.settings[index].unit for run in runs}
        values = {run.settings[index].value for run in runs}
        if len(units) == 1 and len(values) > 1 and None not in values:
            found.append(Curve(one.path, units.pop(), sweep.question.design == "lhs", _series(sweep, index, runs)))
    return tuple(found)


def _series(sweep: Sweep, index: int, runs: Sequence[Run]) -> dict[str, tuple[Point, ...]]:
    """Points by the settings of the other variables; all in one series where the design is no grid."""
    found: dict[str, list[Point]] = {}
    for run in runs:
        rest = [f"{one.path} {one.setting}" for n, one in enumerate(run.settings) if n != index]
        name = ", ".join(rest) if sweep.question.design == "grid" else ""
        value = run.settings[index].value
        assert value is not None
        point = Point(value, run.outcome.cost_usd, run.outcome.status == "OPTIMAL")
        found.setdefault(name, []).append(point)
    return {name: tuple(sorted(points, key=lambda point: point.x)) for name, points in found.items()}


def efficient(sweep: Sweep, figure: Callable[[Outcome], float | None]) -> tuple[Run, ...]:
    """The efficient runs by cost and another figure, of which less is better too, by rising figure."""
    known = [(run, figure(run.outcome), run.outcome.cost_usd) for run in sweep.runs]
    rated = [(x, usd, run.variant, run) for run, x, usd in known if x is not None and usd is not None]
    found: list[Run] = []
    least = float("inf")
    for _, usd, _, run in sorted(rated, key=lambda one: one[:3]):
        if usd < least:
            least = usd
            found.append(run)
    return tuple(found)
