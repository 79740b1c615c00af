"""Results of SGLang's `bench_serving --output-file`: JSON lines, one run a line.

`concurrency` is measured: the sum of end-to-end latencies over the duration. `mean_tpot_ms` counts the tokens after the
first. `request_rate` is Infinity where it was not limited, which is no JSON. `server_info` says how the server runs:
`dp_size` multiplies the GPUs; with `enable_dp_attention` it divides the `tp_size` GPUs into groups, each of which
splits its attention over `tp_size / dp_size`. Failed requests are counted only in the detailed output. Source:
`sglang/benchmark/serving.py` of SGLang 0.5.23, `sglang/srt/layers/dp_attention.py`.
"""

from __future__ import annotations

from pathlib import Path

from fleetopt.documents import Record
from fleetopt.ingest.benchmarks import runs
from fleetopt.ingest.benchmarks.readings import Source, reading
from fleetopt.ingest.benchmarks.runs import MS, Run
from fleetopt.ingest.reading import Reading, Setup, Told

TOOL = "SGLang bench_serving"
SGLANG_BACKENDS = frozenset({"sglang", "sglang-native", "sglang-oai", "sglang-oai-chat"})


class SglangBench:
    """SGLang's own serving benchmark."""

    name = "sglang-bench"
    title = "SGLang bench_serving result (JSON lines)"

    def recognises(self, path: Path, head: bytes) -> bool:
        """By the options that it repeats before its results."""
        del path
        return runs.begins_with_object(head, "backend", "sharegpt_output_len", "random_input_len")

    def read(self, path: Path, told: Told) -> Reading:
        """One point per line."""
        records, digest = runs.read_runs(path)
        understood: tuple[str, ...] = (
            "tokens/s counts output tokens in output_throughput, input tokens in input_throughput",
            "TTFT and TPOT are means over the completed requests; TPOT counts the tokens after the first",
        )
        if not all(record.has("errors") for record in records):
            understood += ("the file does not say how many requests failed (--output-details would)",)
        return reading(Source(self.name, path, digest), [_run(r) for r in records], told, understood)


def _run(record: Record) -> Run:
    completed = record.whole("completed", least=0)
    if not completed:
        return runs.nothing(record.where(), TOOL, _failed(record))
    rate_rps = completed / runs.duration_s(record, "duration")
    measured = record.optional_number("concurrency", above=True)
    return Run(
        where=record.where(),
        setup=_setup(record),
        tool=TOOL,
        input_tokens=runs.per_request(record, "total_input_tokens", completed),
        output_tokens=runs.per_request(record, "total_output_tokens", completed),
        completed=completed,
        failed=_failed(record),
        rate_rps=rate_rps,
        concurrency=rate_rps * record.number("mean_e2e_latency_ms") * MS if measured is None else measured,
        concurrency_is="derived" if measured is None else "measured",
        ttft_s=record.number("mean_ttft_ms") * MS,
        tpot_s=record.number("mean_tpot_ms") * MS,
        tails=runs.tails(lambda what, p: runs.percentile_ms(record, what, p)),
        stated_rate_rps=record.optional_number("request_throughput"),
        asked_rps=runs.optional_rate(record, "request_rate"),
        limit=record.optional_number("max_concurrency", above=True),
        output_tokens_per_s=record.optional_number("output_throughput"),
        input_tokens_per_s=record.optional_number("input_throughput"),
    )


def _failed(record: Record) -> int:
    """The requests with an error, in the detailed output."""
    errors = record.cells.get("errors")
    return sum(bool(error) for error in errors) if isinstance(errors, list) else 0


def _setup(record: Record) -> Setup:
    backend = runs.text_or_none(record, "backend")
    engine = "sglang" if backend in SGLANG_BACKENDS else backend if backend in runs.ENGINES else None
    if not record.has("server_info"):
        return Setup(engine=engine)
    server = record.record("server_info")
    version = runs.text_or_none(server, "version")
    tensor, pipeline, data = (runs.whole_or_none(server, key) for key in ("tp_size", "pp_size", "dp_size"))
    if tensor and data and server.cells.get("enable_dp_attention") is True:
        if tensor % data:
            what = f"{tensor} GPUs are no whole number for each of {data} groups of attention"
            raise server.fail("tp_size", what, "Check dp_size")
        tensor //= data
    return Setup(
        model=runs.text_or_none(server, "model_path"),
        engine=f"{engine} {version}" if engine and version else engine,
        gpus_per_replica=tensor * (pipeline or 1) * (data or 1) if tensor else None,
        tensor_parallel=tensor,
        pipeline_parallel=pipeline,
        data_parallel=data,
        expert_parallel=runs.whole_or_none(server, "ep_size"),
        precision=runs.text_or_none(server, "quantization"),
        max_kv_tokens=server.optional_number("max_total_num_tokens", above=True) if data == 1 else None,
    )
