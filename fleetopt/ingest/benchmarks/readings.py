"""From runs to a Reading: checked one by one, grouped by serving config, made into points of the role asked for.

aggregated   each run is one point
prefill      of the runs with about one output token, the largest rate x input tokens at each input length
decode       context = input + output/2; batch by Little's law, rate x (output - 1) x TPOT: the requests in decode
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fleetopt.catalog.domain import AggregatedPoint, DecodePoint, PrefillPoint, Role
from fleetopt.errors import InputError, Issue
from fleetopt.ingest import checks
from fleetopt.ingest.benchmarks.runs import Run
from fleetopt.ingest.reading import Flag, Point, Reading, Series, Setup, Told

PREFILL_OUTPUT_TOKENS = 2.0
"""More output tokens than this, and a run's rate is no longer prefill's."""


@dataclass(frozen=True, slots=True)
class Source:
    """The file that runs came from, and the format that read it."""

    format: str
    path: Path
    sha256: str


def reading(source: Source, runs: Sequence[Run], told: Told, understood: Iterable[str]) -> Reading:
    """The runs that make sense as series of points, and a flag for everything that does not.

    Raises:
        InputError: no run is left, or the user says something else than the file.
    """
    role: Role = told.role or "aggregated"
    flags = [flag for run in runs for flag in (*run.flags, *_flags(run, role))]
    dropped = {flag.where for flag in flags if flag.done == "dropped"}
    kept = [run for run in runs if run.where not in dropped]
    if not kept:
        first = next(flag for flag in flags if flag.done == "dropped")
        fix = f"Give --role, if it was run for another role than {role}; or measure again"
        raise InputError([Issue("no-runs", first.where, f"{first.what}; no run of the file is left", fix)])
    groups = _groups(kept, told.setup)
    flags += [flag for setup, group in groups.items() for flag in _group_flags(setup, group)]
    series = tuple(_series(source, setup, role, group) for setup, group in groups.items())
    sentences = (_count(runs, kept), *understood, _concurrency(kept), _ROLES[role], _gpus(groups))
    return Reading(source.format, source.path, source.sha256, series, sentences, tuple(flags))


def _groups(runs: Sequence[Run], told: Setup) -> dict[Setup, list[Run]]:
    """The runs of each serving config, in file order."""
    groups: dict[Setup, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.setup.filled(told, run.where), []).append(run)
    return groups


def _group_flags(setup: Setup, runs: Sequence[Run]) -> list[Flag]:
    """What is wrong with a serving config, or with its runs together."""
    gpus = checks.gpus_flag(setup, runs[0].where)
    curve = checks.tpot_falls([(_aggregated(run), run.where) for run in runs if run.tpot_s > 0])
    return [gpus, *curve] if gpus else curve


def _gpus(setups: Iterable[Setup]) -> str:
    """How many GPUs each replica is taken to have."""
    counts = dict.fromkeys(setup.gpus_per_replica for setup in setups)
    known = [str(count) for count in counts if count is not None]
    return f"GPUs per replica: {' and '.join(known + ['not said'] * (None in counts))}"


def _count(runs: Sequence[Run], kept: Sequence[Run]) -> str:
    words = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
    return f"{words}, {len(kept)} of them used; latencies in ms, rates per second"


def _concurrency(runs: Sequence[Run]) -> str:
    measured = sum(run.concurrency_is == "measured" for run in runs)
    if measured == len(runs):
        return "concurrency is the measured average"
    if not measured:
        return "concurrency by Little's law, rate x mean end-to-end latency; the limit that was asked for is not used"
    return f"concurrency is the measured average in {measured} of {len(runs)} runs, by Little's law in the others"


_ROLES: dict[Role, str] = {
    "aggregated": "each run is one operating point of aggregated serving",
    "prefill": "prefill: the largest input tokens/s (requests/s x input tokens) at each input length",
    "decode": "decode: context = input + output/2, batch = requests/s x (output - 1) x TPOT",
}


def _aggregated(run: Run) -> AggregatedPoint:
    return AggregatedPoint(
        run.input_tokens, run.output_tokens, run.concurrency, run.rate_rps, run.ttft_s, run.tpot_s, run.tails
    )


def _flags(run: Run, role: Role) -> list[Flag]:
    """What is wrong with one run, for a role."""
    unusable = _unusable(run, role)
    if unusable:
        return [Flag(run.where, unusable, "dropped")]
    point, where = _aggregated(run), run.where
    minute = checks.per_minute(point, where) or checks.per_minute(point, where, run.limit)
    how = f"{run.completed} completed over the duration"
    found = (
        minute,
        checks.failures(run.completed, run.failed, where),
        checks.littles_law(point, where),
        None if minute else checks.over_limit(run.concurrency, run.limit, where),
        checks.same_figure("requests/s", run.stated_rate_rps, run.rate_rps, how, where),
        checks.same_figure(
            "output tokens/s", run.output_tokens_per_s, run.rate_rps * run.output_tokens, "rate x output tokens", where
        ),
        checks.same_figure(
            "input tokens/s", run.input_tokens_per_s, run.rate_rps * run.input_tokens, "rate x input tokens", where
        ),
        checks.overload(run.rate_rps, run.asked_rps, where),
        checks.too_short(run.completed, run.concurrency, where),
    )
    return [flag for flag in found if flag]


def _unusable(run: Run, role: Role) -> str | None:
    """Why a run says nothing about a role."""
    if not run.completed:
        return f"completed none of its requests ({run.failed} failed)" if run.failed else "completed no request"
    if role == "prefill":
        if run.output_tokens > PREFILL_OUTPUT_TOKENS:
            return f"has {run.output_tokens:.4g} output tokens a request, where a prefill run has about 1"
        return "has no input tokens" if run.input_tokens <= 0 else None
    if run.output_tokens <= 1 or run.tpot_s <= 0:
        return f"has no TPOT ({run.output_tokens:.4g} output tokens a request), so it says nothing of {role} serving"
    if role == "aggregated" and (run.ttft_s <= 0 or run.input_tokens <= 0):
        return "has no TTFT: its answers were not streamed" if run.ttft_s <= 0 else "has no input tokens"
    return None


def _series(source: Source, setup: Setup, role: Role, runs: Sequence[Run]) -> Series:
    tools = ", ".join(dict.fromkeys(run.tool for run in runs))
    told = f"{tools}, {source.path.name}"
    # Of several prefill runs only the best counts, and is of all of them.
    wheres = () if role == "prefill" else tuple(run.where for run in runs)
    return Series(setup, role, _points(role, runs), "measured", told, runs[0].where, wheres)


def _points(role: Role, runs: Sequence[Run]) -> tuple[Point, ...]:
    if role == "prefill":
        return _prefill(runs)
    if role == "decode":
        return tuple(_decode(run) for run in runs)
    return tuple(_aggregated(run) for run in runs)


def _prefill(runs: Sequence[Run]) -> tuple[PrefillPoint, ...]:
    """The largest input throughput at each whole input length."""
    best: dict[int, PrefillPoint] = {}
    for run in runs:
        point = PrefillPoint(run.input_tokens, run.rate_rps * run.input_tokens)
        length = round(run.input_tokens)
        if length not in best or point.tokens_per_s > best[length].tokens_per_s:
            best[length] = point
    return tuple(best[length] for length in sorted(best))


def _decode(run: Run) -> DecodePoint:
    batch = run.rate_rps * (run.output_tokens - 1) * run.tpot_s
    return DecodePoint(run.input_tokens + run.output_tokens / 2, batch, run.tpot_s)
