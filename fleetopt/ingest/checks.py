"""What contradicts itself in measured points: small pure functions, each of which gives a flag or none.

Little's law: requests in the system = rate x time in the system, where a request stays
`ttft_s + tpot_s x (output_tokens - 1)`. The other checks ask whether two figures that say the same thing agree.
Tolerances stand in the constants; a flag says both figures, and what was done.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from fleetopt.catalog.domain import AggregatedPoint, DecodePoint
from fleetopt.ingest.reading import Flag, Setup

LITTLE_TOLERANCE = 0.15
"""Ramp-up and the last requests of a run leave measured concurrency below the steady state."""
RATE_TOLERANCE = 0.02
TPOT_TOLERANCE = 0.05
SLOWEST_TPOT_S = 1.0
MOST_FAILED = 0.10
OVERLOAD = 1.2
LEAST_COMPLETED = 10
LEAST_ROUNDS = 2.0
PER_MINUTE = (40.0, 90.0)


def in_system_s(point: AggregatedPoint) -> float:
    """How long a mean request stays: TTFT, and TPOT for every token after the first."""
    return point.ttft_s + point.tpot_s * max(0.0, point.output_tokens - 1)


def littles_law(point: AggregatedPoint, where: str) -> Flag | None:
    """A concurrency that rate and latencies do not bear out."""
    expected = point.rate_rps * in_system_s(point)
    if _near(point.concurrency, expected, LITTLE_TOLERANCE) or per_minute(point, where):
        return None
    what = (
        f"says concurrency {point.concurrency:.4g}, and Little's law gives {expected:.4g} "
        f"({point.rate_rps:.4g} requests/s x {in_system_s(point):.4g} s)"
    )
    return Flag(where, what, "kept")


def per_minute(point: AggregatedPoint, where: str, limit: float | None = None) -> Flag | None:
    """A rate some 60 times what the concurrency allows: requests per minute, most likely."""
    known = limit if limit is not None else point.concurrency
    ratio = point.rate_rps * in_system_s(point) / known if known > 0 else 0.0
    if not PER_MINUTE[0] <= ratio <= PER_MINUTE[1]:
        return None
    what = (
        f"says {point.rate_rps:.4g} requests/s, which at {in_system_s(point):.4g} s a request needs {ratio:.3g} times "
        f"the concurrency of {known:.4g}; the rate looks per minute"
    )
    return Flag(where, what, "dropped")


def over_limit(concurrency: float, limit: float | None, where: str) -> Flag | None:
    """More requests in the system than the tool was told to allow."""
    if limit is None or concurrency <= limit * (1 + LITTLE_TOLERANCE):
        return None
    what = f"has concurrency {concurrency:.4g} by rate and latency, over the limit of {limit:.4g} that was asked for"
    return Flag(where, what, "kept")


def newer(tool: str, version: str, known: str, where: str) -> Flag | None:
    """A file of a newer version than any that is known, whose keys were all there."""
    if _release(version) <= _release(known):
        return None
    what = f"written by {tool} {version[:40]}, newer than any version known ({known}); the same keys were read"
    return Flag(where, what, "kept")


def _release(version: str) -> tuple[int, ...]:
    """The first two numbers of a version; patches change no format."""
    parts = version.split(".")[:2]
    return tuple(int(part) if part.isascii() and part.isdigit() and len(part) < 9 else 0 for part in parts)


def same_figure(name: str, stated: float | None, derived: float, how: str, where: str) -> Flag | None:
    """A stated figure, such as tokens/s, that is not what the others make of it. The derived one is used."""
    if stated is None or _near(stated, derived, RATE_TOLERANCE):
        return None
    return Flag(where, f"says {name} {stated:.4g}, and {how} gives {derived:.4g}, which was used", "kept")


def failures(completed: int, failed: int, where: str) -> Flag | None:
    """Requests that failed; a run with more than 10 % of them measured something else than its load."""
    if not failed:
        return None
    share = failed / (completed + failed)
    what = f"has {failed} failed requests of {completed + failed} ({share:.1%})"
    return Flag(where, what, "dropped" if share > MOST_FAILED else "kept")


def cut_off(completed: int, incomplete: int, where: str) -> Flag | None:
    """Requests still running when the clock stopped: where they are many, those that completed are the lucky ones."""
    if incomplete <= MOST_FAILED * (completed + incomplete):
        return None
    what = f"cut off {incomplete} of {completed + incomplete} requests when its time was over"
    return Flag(where, what, "dropped" if incomplete > completed else "kept")


def overload(rate_rps: float, asked_rps: float | None, where: str) -> Flag | None:
    """A request rate that the replica did not keep up with: its queue grew for as long as the run took."""
    if asked_rps is None or asked_rps <= OVERLOAD * rate_rps:
        return None
    what = f"asked for {asked_rps:.4g} requests/s and completed {rate_rps:.4g}: overload, its latencies grow with time"
    return Flag(where, what, "kept")


def too_short(completed: int, concurrency: float, where: str) -> Flag | None:
    """A run too short to have settled: fewer than 10 requests, or fewer than twice its concurrency."""
    if completed >= max(LEAST_COMPLETED, LEAST_ROUNDS * concurrency):
        return None
    what = f"completed {completed} requests at concurrency {concurrency:.4g}: too few to have settled"
    return Flag(where, what, "kept")


def tpot_falls(points: Sequence[tuple[AggregatedPoint | DecodePoint, str]]) -> list[Flag]:
    """TPOT that falls by more than 5 % while concurrency, or the batch, rises at the same lengths."""
    groups: dict[tuple[int, ...], list[tuple[float, float, str]]] = {}
    for point, where in points:
        lengths, load = _lengths_and_load(point)
        groups.setdefault(lengths, []).append((load, point.tpot_s, where))
    found = []
    for lengths, group in groups.items():
        word = "batch" if len(lengths) == 1 else "concurrency"
        for (low, low_s, _), (high, high_s, where) in pairwise(sorted(group)):
            if high_s < low_s * (1 - TPOT_TOLERANCE):
                what = f"has TPOT {high_s * 1e3:.4g} ms at {word} {high:.4g}, below {low_s * 1e3:.4g} ms at {low:.4g}"
                found.append(Flag(where, what, "kept"))
    return found


def _lengths_and_load(point: AggregatedPoint | DecodePoint) -> tuple[tuple[int, ...], float]:
    if isinstance(point, DecodePoint):
        return (round(point.context_tokens),), point.batch
    return (round(point.input_tokens), round(point.output_tokens)), point.concurrency


def slow_tokens(point: AggregatedPoint | DecodePoint, where: str) -> Flag | None:
    """A TPOT that nobody would wait for: milliseconds taken for seconds, most likely."""
    if point.tpot_s <= SLOWEST_TPOT_S:
        return None
    return Flag(where, f"has TPOT {point.tpot_s:.4g} s; check that it is not in milliseconds", "kept")


def gpus_flag(setup: Setup, where: str) -> Flag | None:
    """GPUs given as tensor x expert parallel, where expert parallelism shares the GPUs of the others."""
    if setup.gpus_per_replica is None or not setup.tensor_parallel or (setup.expert_parallel or 1) == 1:
        return None
    tensor, expert = setup.tensor_parallel, setup.expert_parallel or 1
    split = tensor * (setup.pipeline_parallel or 1) * (setup.data_parallel or 1)
    if setup.gpus_per_replica != tensor * expert or setup.gpus_per_replica == split:
        return None
    what = (
        f"says {setup.gpus_per_replica} GPUs per replica, which is tensor parallel {tensor} x expert parallel "
        f"{expert}; experts share the GPUs, so it may be {split}"
    )
    return Flag(where, what, "kept")


def _near(one: float, other: float, tolerance: float) -> bool:
    return abs(one - other) <= tolerance * max(abs(one), abs(other))
