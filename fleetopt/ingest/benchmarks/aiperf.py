"""Exports of AIPerf (`profile_export_aiperf.json`) and of its forerunner GenAI-Perf: one run a file.

Each metric is an object with a `unit`, an `avg` and percentiles; both tools use the same names. `inter_token_latency`
is per request (latency - TTFT) / (output tokens - 1), which is our TPOT. Newer AIPerf measures
`effective_concurrency`; without it, Little's law. The first AIPerf kept its metrics under `records`, TTFT as `ttft`.
Source: AIPerf 0.13.0 (schema 1.4) and `aiperf/exporters/json_exporter.py` of its first releases; GenAI-Perf 0.0.16,
its `json_exporter.py`.
"""

from __future__ import annotations

from pathlib import Path

from fleetopt.documents import Record, read_record
from fleetopt.ingest import checks
from fleetopt.ingest.benchmarks import runs
from fleetopt.ingest.benchmarks.readings import Source, reading
from fleetopt.ingest.benchmarks.runs import MS, Run
from fleetopt.ingest.reading import Flag, Reading, Setup, Told

NEWEST, NEWEST_SCHEMA = "0.13", "1.4"
METRIC = {"ttft": "time_to_first_token", "tpot": "inter_token_latency"}
MANY_RATES = "went through a series of rates, so its means are of no one load"
UNIT_S = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "sec": 1.0}


class AiPerf:
    """AIPerf's and GenAI-Perf's export."""

    name = "aiperf"
    title = "AIPerf or GenAI-Perf export (profile_export_*.json)"

    def recognises(self, path: Path, head: bytes) -> bool:
        """By the metrics that both write with underscores."""
        del path
        return runs.begins_with_object(head, "request_throughput", "inter_token_latency", "unit")

    def read(self, path: Path, told: Told) -> Reading:
        """One point per file."""
        export, digest = read_record(path, runs.LIMIT_BYTES)
        understood = (
            "tokens/s counts output tokens in output_token_throughput",
            "TTFT and TPOT are means over the completed requests; TPOT is the inter-token latency after the first",
        )
        return reading(Source(self.name, path, digest), [_run(export)], told, understood)


def _run(export: Record) -> Run:
    metrics = export.record("records") if export.has("records") else export
    ttft = "ttft" if metrics.has("ttft") else METRIC["ttft"]
    rate_rps = metrics.record("request_throughput").number("avg", above=True)
    measured = _optional(metrics, "effective_concurrency")
    output_tokens = metrics.record("output_sequence_length").number("avg")
    phase = _phase(export)
    return Run(
        where=export.where(),
        setup=Setup(model=_model(export)),
        tool=_tool(export),
        input_tokens=metrics.record("input_sequence_length").number("avg"),
        output_tokens=output_tokens,
        completed=metrics.record("request_count").whole("avg"),
        failed=_failed(export, metrics),
        rate_rps=rate_rps,
        concurrency=measured or rate_rps * _seconds(metrics, "request_latency", "avg"),
        concurrency_is="measured" if measured else "derived",
        ttft_s=_seconds(metrics, ttft, "avg"),
        tpot_s=_seconds(metrics, METRIC["tpot"], "avg") if output_tokens > 1 else 0.0,
        tails=runs.tails(lambda what, p: _percentile_ms(metrics, ttft if what == "ttft" else METRIC[what], f"p{p}")),
        asked_rps=runs.optional_rate(phase, "rate" if phase.has("rate") else "request_rate") if phase else None,
        limit=phase.optional_number("concurrency", above=True) if phase else None,
        output_tokens_per_s=_optional(metrics, "output_token_throughput"),
        input_tokens_per_s=_optional(metrics, "input_token_throughput"),
        flags=_flags(export, phase),
    )


def _failed(export: Record, metrics: Record) -> int:
    """The requests with an error; by the kinds of errors where no metric counts them."""
    counted = _optional(metrics, "error_request_count")
    if counted is not None or not export.has("error_summary"):
        return int(counted or 0)
    return sum(int(kind.optional_number("count") or 0) for kind in export.records("error_summary"))


def _seconds(export: Record, key: str, statistic: str) -> float:
    """A statistic of a latency, in the unit that stands beside it."""
    metric = export.record(key)
    unit = metric.text("unit")
    if unit not in UNIT_S:
        raise metric.fail("unit", f"'{unit[:40]}' is no unit of time", f"Known: {', '.join(UNIT_S)}")
    return metric.number(statistic) * UNIT_S[unit]


def _percentile_ms(export: Record, key: str, statistic: str) -> float | None:
    if not export.has(key) or not export.record(key).has(statistic):
        return None
    return _seconds(export, key, statistic) / MS


def _optional(export: Record, key: str) -> float | None:
    """The average of a metric that not every version has."""
    return export.record(key).optional_number("avg") if export.has(key) else None


def _phase(export: Record) -> Record | None:
    """What was asked of the run: phases (with a `rate`), before that a load generator, before that a stimulus."""
    if not export.has("input_config"):
        return None
    asked = export.record("input_config")
    if asked.has("phases"):
        return next((p for p in asked.records("phases") if p.cells.get("kind") == "profiling"), None)
    if asked.has("loadgen"):
        return asked.record("loadgen")
    if asked.has("perf_analyzer") and asked.record("perf_analyzer").has("stimulus"):
        return asked.record("perf_analyzer").record("stimulus")
    return None


def _model(export: Record) -> str | None:
    """The model's name: three shapes in three generations."""
    asked = export.cells.get("input_config")
    if not isinstance(asked, dict):
        return None
    places = (asked.get("models"), asked.get("endpoint"), asked)
    names = [
        n for place in places if isinstance(place, dict) for key in ("items", "model_names") for n in _names(place, key)
    ]
    return names[0][:200] if names else None


def _names(place: dict[str, object], key: str) -> list[str]:
    values = place.get(key)
    items = [v.get("name") if isinstance(v, dict) else v for v in values] if isinstance(values, list) else []
    return [item for item in items if isinstance(item, str) and item.strip() and item.isprintable()]


def _tool(export: Record) -> str:
    version = export.text("aiperf_version", "")
    name = f"AIPerf {version[:40]}" if version else "AIPerf or GenAI-Perf"
    day = (runs.text_or_none(export, "start_time") or "")[:10]
    return f"{name}, {day}" if len(day) == 10 else name


def _flags(export: Record, phase: Record | None) -> tuple[Flag, ...]:
    """A flag for a run that was cancelled or went through many rates, and for a release or schema not looked at."""
    cancelled = Flag(export.where("was_cancelled"), "was cancelled before its end", "kept")
    found = (
        cancelled if export.cells.get("was_cancelled") is True else None,
        Flag(export.where(), MANY_RATES, "dropped") if phase and phase.has("rate_series") else None,
        checks.newer("aiperf", export.text("aiperf_version", NEWEST), NEWEST, export.where("aiperf_version")),
        checks.newer("aiperf with schema", export.text("schema_version", NEWEST_SCHEMA), NEWEST_SCHEMA, export.where()),
    )
    return tuple(flag for flag in found if flag)
