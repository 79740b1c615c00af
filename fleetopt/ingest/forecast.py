"""Demand of quarters to come, with quantiles, from past demand.

Candidates of the statsforecast library (Garza et al.) compete: the season repeated, exponential smoothing (Hyndman et
al., 2002) and ARIMA (Hyndman and Khandakar, 2008), the latter two with their orders chosen by information criteria. A
back-test from several origins in the past lets each forecast what is known; the smallest pinball loss wins:

    loss(q, y, x) = max(q (y - x), (q - 1) (y - x)),  mean over quantiles q and steps, over the mean demand

Three quantiles become three outlooks whose probabilities keep mean and spread of the distribution: 10, 50, 90 % with
0.3, 0.4, 0.3 (Swanson's rule; Hurst, Brown and Swanson, AAPG Bulletin 84, 2000), or 5, 50, 95 % with 0.185, 0.63, 0.185
(Pearson and Tukey, 1965; Keefer and Bodily, Management Science 29, 1983). A period's quantile is the mean of its days'
quantiles, as if all its days missed the same way: wider than if they erred each on its own.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from fleetopt.documents import Document, shown
from fleetopt.errors import InputError, Issue
from fleetopt.ingest.history import SEASON, History, Past, after
from fleetopt.ingest.reading import Flag
from fleetopt.ingest.traces.domain import Floats
from fleetopt.scenario.calendar import build_calendar
from fleetopt.scenario.domain import Period
from fleetopt.scenario.schema import CalendarFile

OUTLOOKS = ("low", "base", "high")
MOST_FOLDS = 4
MOST_STEPS = 1100
"""Steps of history that are used, from the latest back: three years of days."""


SLACK = 0.2
"""By how much fewer steps of the past may fall between the quantiles than should, before it is said."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Three quantiles, and the probabilities of the outlooks that they stand for."""

    name: str
    quantiles: tuple[float, float, float]
    probabilities: tuple[float, float, float]

    @property
    def level(self) -> int:
        """The percentage of outcomes between the outer quantiles."""
        return round(100 * (self.quantiles[2] - self.quantiles[0]))


SWANSON = Rule("swanson", (0.1, 0.5, 0.9), (0.3, 0.4, 0.3))
PEARSON_TUKEY = Rule("pearson-tukey", (0.05, 0.5, 0.95), (0.185, 0.63, 0.185))
RULES = {rule.name: rule for rule in (SWANSON, PEARSON_TUKEY)}


@dataclass(frozen=True, slots=True)
class Score:
    """How a candidate did in the back-test. Errors are fractions; `coverage` is what fell between the quantiles.

    `mape` is over steps with demand only, None where there are none.
    """

    candidate: str
    pinball: float
    mape: float | None
    coverage: float
    folds: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """Demand (requests/s) by period in each outlook, by the best candidate.

    Scores are from the best to the worst, the first is that of `candidate`: one that did better in the back-test and
    could not be fitted to the whole history has a flag instead. There are none where no candidate with a score could.
    """

    model: str
    candidate: str
    periods: tuple[tuple[str, tuple[float, float, float]], ...]
    scores: tuple[Score, ...]
    flags: tuple[Flag, ...]


def forecast_all(past: Past, start: str, periods: int, rule: Rule) -> list[Forecast]:
    """The demand of every model of a past in periods from a start like '2027-Q1'.

    Raises:
        InputError: as `forecast`, and for a start that is no quarter, month or year.
    """
    issues: list[Issue] = []
    calendar = build_calendar(
        CalendarFile(start=start, periods=periods), Document(Path("--calendar-start"), {}, {}), issues
    )
    if issues:
        raise InputError([Issue(issues[0].code, "--calendar-start", issues[0].what, issues[0].fix)])
    return [forecast(one, calendar.periods, rule, f"{shown(past.path)} {one.model}".strip()) for one in past.histories]


def forecast(history: History, periods: Sequence[Period], rule: Rule, where: str) -> Forecast:
    """The demand of one model in the periods.

    Raises:
        InputError: the history is shorter than two seasons or ends after the periods, or statsforecast is missing.
    """
    season = SEASON[history.step]
    if len(history.rps) < 2 * season:
        what = f"has {len(history.rps)} {history.step}s"
        fix = f"Give at least {2 * season} {history.step}s, two seasons of {season}"
        raise InputError([Issue("too-short", where, what, fix)])
    steps = _steps(history, periods, where)
    values = np.array(history.rps[-MOST_STEPS:])
    tested = _back_test(values, season, steps, rule)
    chosen, paths, odd = _extended(values, season, steps, rule, tested)
    place = next((at for at, score in enumerate(tested) if score.candidate == chosen), len(tested))
    scores = tested[place:]
    flags = [Flag(where, _unfitted(score, chosen), "dropped") for score in tested[:place]]
    flags += [*(Flag(where, what, "corrected") for what in odd), *_length_flags(history, steps, where)]
    flags += [Flag(where, what, "kept") for score in scores[:1] for what in _narrow(score, rule)]
    known = [np.concatenate([values, path]) for path in paths]
    begin = after(history.end, history.step, -len(values))
    demand = tuple((period.name, _mean_of(known, begin, history, period)) for period in periods)
    return Forecast(history.model, chosen, demand, scores, tuple(flags))


def _steps(history: History, periods: Sequence[Period], where: str) -> int:
    """How many steps after the history the last period ends."""
    last = periods[-1]
    end = after(date(last.start.year, last.start.month, 1), "month", last.months)
    steps = _count(history.end, end, history)
    if steps < 1:
        what = f"goes on to {history.end.isoformat()}, when the last period is over"
        raise InputError([Issue("nothing-to-forecast", where, what, "Name a later --calendar-start")])
    used = after(history.end, history.step, -min(MOST_STEPS, len(history.rps)))
    if periods[0].start < used:
        what = f"begins on {used.isoformat()}, after the period {periods[0].name} has begun"
        raise InputError([Issue("too-late", where, what, "Name a later --calendar-start")])
    return steps


def _count(start: date, end: date, history: History) -> int:
    if history.step == "day":
        return (end - start).days
    return (end.year - start.year) * 12 + end.month - start.month


def _mean_of(known: Sequence[Floats], begin: date, history: History, period: Period) -> tuple[float, float, float]:
    first = _count(begin, period.start, history)
    upto = _count(begin, after(period.start, "month", period.months), history)
    low, base, high = (float(path[first:upto].mean()) for path in known)
    return low, base, high


def _unfitted(score: Score, chosen: str) -> str:
    off = f"{100 * score.pinball:.3g} % (pinball)"
    return f"{score.candidate}, off by {off} in the back-test, cannot be fitted to the whole history; {chosen} is taken"


def _narrow(score: Score, rule: Rule) -> list[str]:
    if score.coverage >= rule.level / 100 - SLACK:
        return []
    return [f"only {100 * score.coverage:.0f} % of the past fell inside the {rule.level} % between low and high"]


def _length_flags(history: History, steps: int, where: str) -> list[Flag]:
    flags = []
    if steps > len(history.rps):
        what = f"{steps} {history.step}s are forecast from {len(history.rps)}: further ahead than there is history"
        flags.append(Flag(where, what, "kept"))
    if len(history.rps) > MOST_STEPS:
        flags.append(Flag(where, f"only the latest {MOST_STEPS} {history.step}s are used", "dropped"))
    return flags


def _candidates(season: int) -> dict[str, Any]:
    try:
        from statsforecast.models import AutoARIMA, AutoETS, SeasonalNaive
    except ImportError:
        what, fix = "needs the library statsforecast", "Install it: pip install 'fleetopt[forecast]'"
        raise InputError([Issue("missing-library", "fleetopt ingest forecast", what, fix)]) from None
    return {
        "AutoETS": AutoETS(season_length=season),
        "AutoARIMA": AutoARIMA(season_length=season),
        "SeasonalNaive": SeasonalNaive(season_length=season),
    }


def _predict(candidate: Any, values: Floats, steps: int, rule: Rule) -> list[Floats] | None:
    """Paths at the three quantiles; None where the candidate cannot be fitted to so few or such values."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = candidate.forecast(y=values, h=steps, level=[rule.level])
    except Exception:  # noqa: BLE001 - a candidate that fails, however it does, is out of the race
        return None
    paths = [np.asarray(found[key], dtype=np.float64) for key in (f"lo-{rule.level}", "mean", f"hi-{rule.level}")]
    return paths if all(np.isfinite(path).all() for path in paths) else None


def _back_test(values: Floats, season: int, steps: int, rule: Rule) -> tuple[Score, ...]:
    """Scores of the candidates that could be fitted at every origin, the best first."""
    ahead = max(1, min(steps, len(values) // 4))
    folds = [
        upto for fold in range(MOST_FOLDS) if (upto := len(values) - ahead - fold * max(1, ahead // 2)) >= season + 2
    ]
    found = []
    for name, candidate in _candidates(season).items():
        paths = [_predict(candidate, values[:upto], ahead, rule) for upto in folds]
        if all(path is not None for path in paths):
            truth = np.concatenate([values[upto : upto + ahead] for upto in folds])
            joined = [np.concatenate([path[i] for path in paths if path is not None]) for i in range(3)]
            found.append(_score(name, truth, joined, rule, len(folds)))
    return tuple(sorted(found, key=lambda score: score.pinball))


def _score(name: str, truth: Floats, paths: Sequence[Floats], rule: Rule, folds: int) -> Score:
    losses = [np.maximum(q * (truth - x), (q - 1) * (truth - x)) for q, x in zip(rule.quantiles, paths, strict=True)]
    scale = float(truth.mean()) or 1.0
    some = truth > 0
    mape = float(np.mean(np.abs(truth - paths[1])[some] / truth[some])) if some.any() else None
    inside = float(np.mean((paths[0] <= truth) & (truth <= paths[2])))
    return Score(name, float(np.mean(losses)) / scale, mape, inside, folds)


def _extended(
    values: Floats, season: int, steps: int, rule: Rule, scores: Sequence[Score]
) -> tuple[str, list[Floats], list[str]]:
    """The best candidate that can be fitted to the whole history, its paths, none below zero, and what was odd."""
    candidates = _candidates(season)
    for name in (*(score.candidate for score in scores), "SeasonalNaive"):
        paths = _predict(candidates[name], values, steps, rule)
        if paths is not None:
            below = sum(int(np.count_nonzero(path < 0)) for path in paths)
            odd = [f"{name} forecasts less than nothing at {below} quantiles; taken for 0"] if below else []
            return name, [np.maximum(path, 0.0) for path in paths], odd
    raise InputError([Issue("no-forecast", "history", "cannot be forecast", "Check its rates")])
