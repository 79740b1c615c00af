"""Promises as slow-downs: so many times what a request takes on a reference that is idle (Splitwise, ISCA'24).

    TTFT limit = factor * T[p]         T = prefill time of one prompt alone over the mix of lengths; p as in the promise
    TPOT limit = factor * TPOT         at the smallest batch that the profile has, at the mean context in decode
    E2E limit  = factor * (T + (L_out - 1) TPOT)      of one config, T at the mean

T[p] is the shortest time that the fraction p of the requests do not exceed, or the mean. Between two measured lengths
time is on the straight line; a prompt shorter than all of them is given the time of the shortest, as capacities do it,
and one that is longer than all cannot be promised. In decode the contexts of a mix count by their output tokens, as in
capacities. `of` names a config of the model, or a GPU type for its fastest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fleetopt.catalog.domain import Candidate, DecodeProfile, Llm, PrefillProfile
from fleetopt.documents import Document, Key
from fleetopt.errors import Issue, did_you_mean
from fleetopt.scenario.domain import LengthBin, mean_in_decode
from fleetopt.units import Latency, latency

_SLOWDOWN = re.compile(r"^\s*(?P<factor>\d{1,6}(\.\d{1,6})?)\s*x\s+of\s+(?P<of>\S{1,120})(?P<at>\s+at\s+\S+)?\s*$")

Curve = list[tuple[float, float]]

MOST_PROMISES = 8


@dataclass(frozen=True, slots=True)
class Slowdown:
    """A limit as a multiple of what a reference takes, at the mean or at a percentile."""

    factor: float
    of: str
    percentile: float | None


Asked: TypeAlias = Latency | Slowdown


def promise(text: object) -> Asked:
    """A latency promise as a time, or as a slow-down.

    >>> promise("3x of A100-80G at p90"), promise("2 s")
    (Slowdown(factor=3.0, of='A100-80G', percentile=0.9), Latency(limit_s=2.0, percentile=None))
    """
    match = _SLOWDOWN.match(text) if isinstance(text, str) else None
    if match is None:
        return latency(text)
    factor = float(match["factor"])
    if factor < 1.0:
        raise ValueError("is faster than the reference alone; write 1x or more")
    return Slowdown(factor, match["of"], latency(f"1 s{match['at'] or ''}").percentile)


def promises(value: object) -> tuple[Asked, ...]:
    """A promise, or a list of promises about the same latency.

    >>> promises(["2 s", "3 s at p99"])
    (Latency(limit_s=2.0, percentile=None), Latency(limit_s=3.0, percentile=0.99))
    """
    if not isinstance(value, list):
        return (promise(value),)
    if not 1 <= len(value) <= MOST_PROMISES:
        raise ValueError(f"is a list of {len(value)}; write 1 to {MOST_PROMISES} promises")
    found = []
    for place, one in enumerate(value, start=1):
        try:
            found.append(promise(one))
        except ValueError as error:
            raise ValueError(f"has a promise, number {place} of the list, that {error}") from None
    return tuple(found)


class SlowdownReader:
    """Turns slow-downs into times; what is wrong with them is added to `issues`."""

    def __init__(self, document: Document, issues: list[Issue]) -> None:
        self._document = document
        self._issues = issues

    def ttft(
        self, key: Key, asked: Asked | None, llm: Llm | None, mix: Sequence[LengthBin], hit: float
    ) -> Latency | None:
        """The limit on TTFT, for the input tokens that are not found in a cache."""
        if not isinstance(asked, Slowdown):
            return asked
        shares = [((1.0 - hit) * one.input_tokens, one.share) for one in mix]

        def alone(one: Candidate) -> float:
            curve = _prompts(one)
            times = sorted((_between(curve, tokens), share) for tokens, share in shares)
            return _statistic(times, asked.percentile)

        return self._limit(key, asked, llm, PrefillProfile, alone)

    def tpot(self, key: Key, asked: Asked | None, llm: Llm | None, mix: Sequence[LengthBin]) -> Latency | None:
        """The limit on TPOT."""
        if not isinstance(asked, Slowdown):
            return asked
        context = mean_in_decode(mix, lambda one: one.half_way_tokens)
        return self._limit(key, asked, llm, DecodeProfile, lambda one: _between(_tokens(one), context))

    def e2e(
        self, key: Key, asked: Asked | None, llm: Llm | None, mix: Sequence[LengthBin], hit: float
    ) -> Latency | None:
        """The limit on the time to the last token, of requests of the mean lengths of the mix."""
        if not isinstance(asked, Slowdown):
            return asked
        context = mean_in_decode(mix, lambda one: one.half_way_tokens)
        after_first = sum(one.share * one.output_tokens for one in mix) - 1.0
        prompts = {one.config.name: one for one in (llm.candidates if llm else ()) if one.role == "prefill"}

        def alone(one: Candidate) -> float:
            first = prompts.get(one.config.name)
            if first is None or not isinstance(first.profile, PrefillProfile):
                raise ValueError("prefill, which was not measured,")
            curve = _prompts(first)
            prefill_s = sum(one.share * _between(curve, (1.0 - hit) * one.input_tokens) for one in mix)
            return prefill_s + after_first * _between(_tokens(one), context)

        return self._limit(key, asked, llm, DecodeProfile, alone)

    def _limit(
        self, key: Key, asked: Slowdown, llm: Llm | None, kind: type, alone: Callable[[Candidate], float]
    ) -> Latency | None:
        candidates = [one for one in llm.candidates if isinstance(one.profile, kind)] if llm else []
        named = [one for one in candidates if one.config.name == asked.of]
        found = named or [one for one in candidates if one.config.gpu_type == asked.of]
        if llm and not found:
            known = {one.config.name for one in candidates} | {one.config.gpu_type for one in candidates}
            what = f"'{asked.of[:60]}' is no config or GPU type that {llm.card.name} has such a profile on"
            self._add("unknown-name", key, what, did_you_mean(asked.of, known))
        times: list[float] = []
        for one in found:
            try:
                times.append(alone(one))
            except ValueError as error:
                last = str(error)
        if found and not times:
            self._add("outside-profile", key, f"asks for {last} of '{asked.of[:60]}'", "Write the limit as a time")
        return Latency(asked.factor * min(times), asked.percentile) if times else None

    def _add(self, code: str, key: Key, what: str, fix: str) -> None:
        self._issues.append(self._document.issue(code, key, what, fix))


def _prompts(one: Candidate) -> Curve:
    """Time of one prompt in each data-parallel group, over its length."""
    assert isinstance(one.profile, PrefillProfile)
    groups = one.config.data_parallel
    return sorted((p.input_tokens, groups * p.input_tokens / p.tokens_per_s) for p in one.profile.points)


def _tokens(one: Candidate) -> Curve:
    """TPOT at the smallest batch of each context, over the context."""
    assert isinstance(one.profile, DecodeProfile)
    least = {p.context_tokens: p for p in sorted(one.profile.points, key=lambda p: -p.batch)}
    return sorted((context, p.tpot_s) for context, p in least.items())


def _between(curve: Curve, x: float) -> float:
    """On the straight line between two points, and as the first of them before it."""
    if x > curve[-1][0] * (1.0 + 1e-9):
        raise ValueError(f"{x:g} tokens, beyond the {curve[-1][0]:g} that were measured")
    before = curve[0]
    for after in curve:
        if x <= after[0]:
            share = (x - before[0]) / (after[0] - before[0]) if x > before[0] else 1.0
            return after[1] if after is curve[0] else before[1] + share * (after[1] - before[1])
        before = after
    return before[1]


def _statistic(times: list[tuple[float, float]], percentile: float | None) -> float:
    """The mean of (time, share), or the shortest time that so many of all do not exceed; `times` rise."""
    if percentile is None:
        return sum(time * share for time, share in times)
    below = 0.0
    for time, share in times:
        below += share
        if below >= percentile - 1e-9:
            return time
    return times[-1][0]
