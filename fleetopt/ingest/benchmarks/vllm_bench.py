"""Results of vLLM's serving benchmark: `vllm bench serve --save-result` and the older `benchmark_serving.py`.

One object a run, several after --append-result (one a line) or in a sweep's `summary.json` (a list). Keys as of vLLM
0.33; older files lack `failed`, and `mean_e2el_ms` and percentiles stand there only when asked for. `mean_tpot_ms`
is the mean over requests of (latency - TTFT) / (output tokens - 1); `output_throughput` counts output tokens only.
TensorRT-LLM's copy writes the same keys and a `user_throughput`. Source: `vllm/benchmarks/serve.py` of vLLM 0.33.0;
`tensorrt_llm/serve/scripts/benchmark_serving.py`.
"""

from __future__ import annotations

from pathlib import Path

from fleetopt.documents import Record
from fleetopt.ingest.benchmarks import runs
from fleetopt.ingest.benchmarks.readings import Source, reading
from fleetopt.ingest.benchmarks.runs import MS, Run
from fleetopt.ingest.reading import Flag, Reading, Setup, Told


class VllmBench:
    """vLLM's own serving benchmark."""

    name = "vllm-bench"
    title = "vLLM bench serve result (JSON, JSON lines, sweep summary)"

    def recognises(self, path: Path, head: bytes) -> bool:
        """By the keys that every version has written."""
        del path
        return runs.begins_with_object(head, "model_id", "num_prompts", "total_input_tokens")

    def read(self, path: Path, told: Told) -> Reading:
        """One point per run."""
        records, digest = runs.read_runs(path)
        understood = (
            "tokens/s counts output tokens in output_throughput, input and output in total_token_throughput",
            "TTFT and TPOT are means over the completed requests; TPOT counts the tokens after the first",
        )
        return reading(Source(self.name, path, digest), [_run(r) for r in records], told, understood)


def _run(record: Record) -> Run:
    completed = record.whole("completed", least=0)
    if not completed:
        return runs.nothing(record.where(), _tool(record), _failed(record, completed))
    rate_rps = completed / runs.duration_s(record, "duration")
    output_tokens = runs.per_request(record, "total_output_tokens", completed)
    ttft_s, tpot_s = record.number("mean_ttft_ms") * MS, record.number("mean_tpot_ms") * MS
    latency_ms = record.optional_number("mean_e2el_ms")
    latency_s = latency_ms * MS if latency_ms else ttft_s + tpot_s * max(0.0, output_tokens - 1)
    return Run(
        where=record.where(),
        setup=_setup(record),
        tool=_tool(record),
        input_tokens=runs.per_request(record, "total_input_tokens", completed),
        output_tokens=output_tokens,
        completed=completed,
        failed=_failed(record, completed),
        rate_rps=rate_rps,
        concurrency=rate_rps * latency_s,
        concurrency_is="derived",
        ttft_s=ttft_s,
        tpot_s=tpot_s,
        tails=runs.tails(lambda what, p: runs.percentile_ms(record, what, p)),
        stated_rate_rps=record.optional_number("request_throughput"),
        asked_rps=runs.optional_rate(record, "request_rate"),
        limit=record.optional_number("max_concurrency", above=True),
        output_tokens_per_s=record.optional_number("output_throughput"),
        input_tokens_per_s=record.optional_number("input_throughput"),
        flags=_ramp(record),
    )


def _ramp(record: Record) -> tuple[Flag, ...]:
    """A flag for a run whose rate rose while it ran: means over many loads are no operating point."""
    if not record.has("ramp_up_strategy"):
        return ()
    low, high = (record.optional_number(f"ramp_up_{end}_rps") or 0.0 for end in ("start", "end"))
    what = f"raised its rate from {low:g} to {high:g} requests/s while it ran, so its means are of no one load"
    return (Flag(record.where(), what, "dropped"),)


def _failed(record: Record, completed: int) -> int:
    """What failed; by the number of prompts where an older version does not say."""
    if record.has("failed"):
        return record.whole("failed", least=0)
    return max(0, record.whole("num_prompts") - completed) if record.has("num_prompts") else 0


def _setup(record: Record) -> Setup:
    backend = runs.text_or_none(record, "backend")
    return Setup(
        model=runs.text_or_none(record, "model_id"),
        engine=backend if backend in runs.ENGINES else None,
        tensor_parallel=_swept(record, "tensor_parallel_size"),
        pipeline_parallel=_swept(record, "pipeline_parallel_size"),
        data_parallel=_swept(record, "data_parallel_size"),
    )


def _swept(record: Record, key: str) -> int | None:
    """A split that a sweep varied (a number) or the user noted with --metadata (a text)."""
    value = record.cells.get(key)
    if isinstance(value, str) and value.isascii() and value.isdigit() and 0 < len(value) < 7:
        return int(value)
    return runs.whole_or_none(record, key)


def _tool(record: Record) -> str:
    """'vLLM bench, 2026-11-21': a date is written as 20261121-063339."""
    name = "TensorRT-LLM benchmark_serving" if record.has("user_throughput") else "vLLM bench"
    day = (runs.text_or_none(record, "date") or "")[:8]
    return f"{name}, {day[:4]}-{day[4:6]}-{day[6:]}" if day.isdigit() and len(day) == 8 else name
