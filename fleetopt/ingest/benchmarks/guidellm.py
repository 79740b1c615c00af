"""Benchmark reports of GuideLLM (JSON): several runs a file, one for each rate or number of streams.

Every metric has statistics for successful, errored, incomplete and all requests. Read are the successful ones; of the
concurrency, the mean over all, since requests that were cut off took up the replica too. `inter_token_latency_ms` is
our TPOT, per request (last - first token) / (tokens - 1), weighted by tokens; GuideLLM's own
`time_per_output_token_ms` counts the first token as well and is not used. Source: reports of GuideLLM 0.3.1 (without a
schema number), 0.5.4 (schema 1) and 0.8.1 (schema 2), which keep these keys.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from fleetopt.documents import Record, read_record
from fleetopt.ingest import checks
from fleetopt.ingest.benchmarks import runs
from fleetopt.ingest.benchmarks.readings import Source, reading
from fleetopt.ingest.benchmarks.runs import MS, Run
from fleetopt.ingest.reading import Flag, Reading, Setup, Told

NEWEST = "0.8"
NEWEST_SCHEMA = "2"
METRIC = {"ttft": "time_to_first_token_ms", "tpot": "inter_token_latency_ms"}


class GuideLlm:
    """GuideLLM's report."""

    name = "guidellm"
    title = "GuideLLM benchmark report (JSON)"

    def recognises(self, path: Path, head: bytes) -> bool:
        """By the metadata or, before there was any, by the type of the first benchmark."""
        del path
        return runs.begins_with_object(head) and b'"benchmarks"' in head and b"generative_benchmark" in head

    def read(self, path: Path, told: Told) -> Reading:
        """One point per benchmark of the report."""
        report, digest = read_record(path, runs.LIMIT_BYTES)
        flags = _version(report)
        found = [
            _run(one, _tool(report), _model(one, report), flags if i == 0 else ())
            for i, one in enumerate(report.records("benchmarks")[: runs.MOST_RUNS])
        ]
        if not found:
            raise report.fail("benchmarks", "is empty", "Give a report of a finished benchmark")
        understood = (
            "tokens/s counts output tokens in output_tokens_per_second, input tokens in prompt_tokens_per_second",
            "TTFT is the mean over the successful requests; TPOT is their inter-token latency, weighted by tokens",
        )
        return reading(Source(self.name, path, digest), found, told, understood)


def _run(benchmark: Record, tool: str, model: str | None, flags: tuple[Flag, ...]) -> Run:
    metrics, where = benchmark.record("metrics"), benchmark.where()
    totals = _totals(benchmark, metrics)
    completed = totals.whole("successful", least=0)
    if not completed:
        return runs.nothing(where, tool, _count(totals, "errored"))
    rate_rps = _mean(metrics, "requests_per_second", above=True)
    cut = checks.cut_off(completed, _count(totals, "incomplete"), where)
    strategy = _strategy(benchmark)
    return Run(
        where=where,
        setup=Setup(model=model),
        tool=tool,
        input_tokens=_mean(metrics, "prompt_token_count"),
        output_tokens=_mean(metrics, "output_token_count"),
        completed=completed,
        failed=_count(totals, "errored"),
        rate_rps=rate_rps,
        concurrency=_mean(metrics, "request_concurrency", "total", above=True),
        concurrency_is="measured",
        ttft_s=_mean(metrics, METRIC["ttft"]) * MS,
        tpot_s=_mean(metrics, METRIC["tpot"]) * MS,
        tails=runs.tails(lambda what, p: _percentile(metrics, what, p)),
        asked_rps=strategy.optional_number("rate") if strategy else None,
        limit=strategy.optional_number("streams", above=True) if strategy else None,
        flags=(*flags, cut) if cut else flags,
    )


def _mean(metrics: Record, key: str, kind: str = "successful", *, above: bool = False) -> float:
    return metrics.record(key).record(kind).number("mean", above=above)


def _percentile(metrics: Record, what: Literal["ttft", "tpot"], percentile: int) -> float | None:
    statistics = metrics.record(METRIC[what]).record("successful")
    return statistics.record("percentiles").optional_number(f"p{percentile}") if statistics.has("percentiles") else None


def _totals(benchmark: Record, metrics: Record) -> Record:
    """How many requests ended how: up to 0.3 among the run's statistics, since then among the metrics."""
    if not metrics.has("request_totals") and benchmark.has("run_stats"):
        return benchmark.record("run_stats").record("requests_made")
    return metrics.record("request_totals")


def _count(totals: Record, key: str) -> int:
    return totals.whole(key, least=0) if totals.has(key) else 0


def _strategy(benchmark: Record) -> Record | None:
    """What the run was asked for; up to 0.3 it stood under `args`."""
    for key in ("config", "args"):
        if benchmark.has(key) and benchmark.record(key).has("strategy"):
            return benchmark.record(key).record("strategy")
    return None


def _model(benchmark: Record, report: Record) -> str | None:
    """The model that was asked of the server; up to 0.3 the worker's."""
    if benchmark.has("worker"):
        return runs.text_or_none(benchmark.record("worker"), "backend_model")
    if benchmark.has("config") and benchmark.record("config").has("backend"):
        return runs.text_or_none(benchmark.record("config").record("backend"), "model")
    return runs.text_or_none(report.record("args"), "model") if report.has("args") else None


def _tool(report: Record) -> str:
    if not report.has("metadata"):
        return "GuideLLM"
    return f"GuideLLM {report.record('metadata').text('guidellm_version', '')[:40]}".rstrip()


def _version(report: Record) -> tuple[Flag, ...]:
    """A flag for a release or a schema that nobody has looked at."""
    if not report.has("metadata"):
        return ()
    metadata = report.record("metadata")
    schema = str(metadata.whole("version")) if metadata.has("version") else NEWEST_SCHEMA
    found = (
        checks.newer("guidellm", metadata.text("guidellm_version", NEWEST), NEWEST, metadata.where("guidellm_version")),
        checks.newer("guidellm with schema", schema, NEWEST_SCHEMA, metadata.where("version")),
    )
    return tuple(flag for flag in found if flag)
