"""Splitwise's performance model: measured runs of batches that prefill and decode in one go (splitwise-sim, MIT).

Columns: prompt_size (tokens of each prompt), batch_size, token_size (output tokens), prompt_time and token_time (ms),
peak_power and average_power (fractions of the machine's TDP), tensor_parallel. The tidy table names the unit too.
Repeats of the same run are reduced to the median of each time.

- prefill: the runs of one prompt, tokens/s = prompt_size / prompt_time. Where one prompt was run with several output
  lengths, those with the output that most prompts of the config have.
- decode: TPOT = token_time at batch_size requests of prompt_size + token_size/2 tokens.
- Prompts of which only batch 1 was run give no decode points where others were run in batches: alone they would
  allow one request at a time at their context.
- A batch whose prompt time is below that of a smaller batch of the same prompts did not fit; it is dropped with
  every larger one (Llama2-70B on two A100: 6633 ms for 32 prompts of 512, 794 ms for 64).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from fleetopt.catalog.domain import DecodePoint, PrefillPoint
from fleetopt.documents import Row
from fleetopt.ingest.gpu_names import known_gpu
from fleetopt.ingest.profilers.gather import Found, gathered, raised
from fleetopt.ingest.profilers.tabular import columns, read_columns
from fleetopt.ingest.reading import Flag, Reading, Setup, Told

COLUMNS = ("model", "hardware", "prompt_size", "batch_size", "token_size", "tensor_parallel")
TIMES = (("prompt_time", "token_time", "average_power"), ("prompt_time_ms", "token_time_ms", "avg_power_frac_tdp"))
SOURCE = "splitwise-sim performance model, median of repeats"
COLLAPSE = 0.9

Key = tuple[str, str, int, float, float]


@dataclass(frozen=True, slots=True)
class Run:
    """The repeats of one batch."""

    setup: Setup
    prompt: float
    output: float
    batch: int
    prompt_s: float
    token_s: float
    power: float
    where: str


class Splitwise:
    name = "splitwise"
    title = "Splitwise performance model (perf_model.csv)"

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002 - the columns say it all
        header = columns(head)
        return header.issuperset(COLUMNS) and any(header.issuperset(times) for times in TIMES)

    def read(self, path: Path, told: Told) -> Reading:
        rows, digest = read_columns(path, COLUMNS)
        times = TIMES[1] if TIMES[1][0] in rows[0].cells else TIMES[0]
        flags: list[Flag] = []
        runs = _that_fit(_medians(rows, times), flags)
        batched = _batched(runs)
        steps = [_decode(run) for run in runs if not batched[run.setup] or run.prompt in batched[run.setup]]
        smooth = [raised(one) for one in gathered([*_alone(runs), *steps], told)]
        flags += [flag for _, flag in smooth if flag is not None]
        understood = (
            f"{len(rows)} rows, {len(runs)} batches after the median over repeats",
            "Times in ms; prompts of one batch are processed together; GPUs per replica are tensor parallel",
            f"Power as a fraction of the machine's TDP, {_spread([run.power for run in runs])} on average",
        )
        return Reading(self.name, path, digest, tuple(one for one, _ in smooth), understood, tuple(flags))


def _spread(values: list[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}"


def _medians(rows: list[Row], times: tuple[str, str, str]) -> list[Run]:
    repeats: dict[Key, list[Row]] = {}
    for row in rows:
        lengths = (row.number("prompt_size", above=True), row.number("token_size", above=True))
        key = (row.text("model"), row.text("hardware"), row.whole("tensor_parallel", most=1024), *lengths)
        repeats.setdefault((*key, row.whole("batch_size")), []).append(row)  # type: ignore[arg-type]
    return [_run(group, times) for group in repeats.values()]


def _run(rows: list[Row], times: tuple[str, str, str]) -> Run:
    first = rows[0]
    prompt_ms, token_ms = (median(row.number(name, above=True) for row in rows) for name in times[:2])
    hardware, gpus = first.text("hardware"), first.whole("tensor_parallel", most=1024)
    return Run(
        setup=Setup(
            model=first.text("model"),
            gpu_type=known_gpu(hardware) or hardware,
            gpus_per_replica=gpus,
            tensor_parallel=gpus,
            pipeline_parallel=1,
            data_parallel=1,
        ),
        prompt=first.number("prompt_size", above=True),
        output=first.number("token_size", above=True),
        batch=first.whole("batch_size"),
        prompt_s=prompt_ms / 1000.0,
        token_s=token_ms / 1000.0,
        power=median(row.number(times[2]) for row in rows),
        where=first.where(),
    )


def _that_fit(runs: list[Run], flags: list[Flag]) -> list[Run]:
    """The runs without those that ran out of memory."""
    curves: dict[tuple[Setup, float, float], list[Run]] = {}
    for run in runs:
        curves.setdefault((run.setup, run.prompt, run.output), []).append(run)
    kept = []
    for curve in curves.values():
        slowest, full = 0.0, False
        for run in sorted(curve, key=lambda one: one.batch):
            full = full or run.prompt_s < COLLAPSE * slowest
            if full:
                what = (
                    f"prompt time {1000 * run.prompt_s:.0f} ms of {run.batch} prompts, {1000 * slowest:.0f} ms of fewer"
                )
                flags.append(Flag(run.where, f"{what}: the batch did not fit in memory", "dropped"))
            else:
                kept.append(run)
                slowest = max(slowest, run.prompt_s)
    return kept


def _batched(runs: list[Run]) -> dict[Setup, frozenset[float]]:
    """The prompt lengths that were run in batches, by serving config."""
    lengths: dict[Setup, set[float]] = {}
    for run in runs:
        lengths.setdefault(run.setup, set()).update({run.prompt} if run.batch > 1 else ())
    return {setup: frozenset(found) for setup, found in lengths.items()}


def _alone(runs: list[Run]) -> list[Found]:
    """Prefill of one prompt at a time, one point for each of its lengths."""
    alone = [run for run in runs if run.batch == 1]
    usual = Counter((run.setup, run.output) for run in alone)
    chosen: dict[tuple[Setup, float], Run] = {}
    for run in sorted(alone, key=lambda one: -usual[one.setup, one.output]):
        chosen.setdefault((run.setup, run.prompt), run)
    points = [(run, PrefillPoint(run.prompt, run.prompt / run.prompt_s)) for run in chosen.values()]
    return [Found(run.setup, "prefill", point, "measured", SOURCE, run.where) for run, point in points]


def _decode(run: Run) -> Found:
    step = DecodePoint(run.prompt + run.output / 2, run.batch, run.token_s)
    return Found(run.setup, "decode", step, "measured", SOURCE, run.where)
