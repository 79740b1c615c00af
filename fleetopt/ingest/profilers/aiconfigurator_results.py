"""What AIConfigurator's command line saves: pareto.csv and best_config_topn.csv, of version 0.12.0 and like it.

All modelled; times in ms. tokens/s there count output tokens only.

- Aggregated rows: TTFT and TPOT of one replica at `concurrency`, and the requests/s that go with it.
- Disaggregated rows: so many prefill and decode workers, (p) and (d). A prefill worker takes (p)seq/s/worker
  requests/s of isl tokens; its `ttft` contains a correction for queueing and is not used. A decode worker steps in
  `tpot` with (d)global_bs requests of isl + osl/2 tokens each.
- Rows with a `prefix` compute isl - prefix tokens of each prompt only, and rows with a `cp` (of the versions after
  0.12.0) have more GPUs than the split says: neither is what a replica does with whole prompts, and both are left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from fleetopt.catalog.domain import AggregatedPoint, DecodePoint, PrefillPoint
from fleetopt.documents import Row
from fleetopt.ingest.gpu_names import known_gpu
from fleetopt.ingest.profilers.gather import Found
from fleetopt.ingest.profilers.split import true_gpus
from fleetopt.ingest.reading import Flag, Setup

_SETUP = ("tp", "pp", "dp", "moe_tp", "moe_ep", "gemm", "kvcache", "backend", "version", "system")
_TIMES = ("model", "isl", "osl", "concurrency", "request_rate", "ttft", "tpot", "num_total_gpus")
AGGREGATED = (*_TIMES, *_SETUP, "seq/s", "tokens/s")
SPLIT = (
    *_TIMES,
    *(f"({side}){name}" for side in "pd" for name in _SETUP),
    *("(p)workers", "(p)seq/s/worker", "(d)workers", "(d)global_bs"),
)
SOURCE = "AIConfigurator, saved results"
_GPUS = "GPUs per replica are tensor x pipeline x data parallel"
UNDERSTOOD = ("Modelled: TTFT and TPOT in ms, requests/s of one replica; tokens/s are output tokens", _GPUS)
UNDERSTOOD_SPLIT = (
    "Modelled: prefill tokens/s = (p)seq/s/worker x isl; TPOT in ms at (d)global_bs and a context of isl + osl/2",
    _GPUS,
)


def aggregated_points(rows: list[Row], flags: list[Flag]) -> list[Found]:
    """One aggregated point a row."""
    found = []
    for row in _plain(rows, ("cp",), flags):
        setup = _setup(row, "", row.whole("num_total_gpus"), flags)
        point = AggregatedPoint(
            input_tokens=row.number("isl", above=True),
            output_tokens=row.number("osl", least=1),
            concurrency=row.number("concurrency", above=True),
            rate_rps=row.number("request_rate", above=True),
            ttft_s=row.number("ttft", above=True) / 1000.0,
            tpot_s=row.number("tpot", above=True) / 1000.0,
        )
        found.append(Found(setup, "aggregated", point, "modelled", SOURCE, row.where()))
    return found


def split_points(rows: list[Row], flags: list[Flag]) -> list[Found]:
    """One prefill and one decode point a row."""
    return [one for row in _plain(rows, ("(p)cp", "(d)cp"), flags) for one in _pair(row, flags)]


def _plain(rows: list[Row], context_parallel: tuple[str, ...], flags: list[Flag]) -> list[Row]:
    """The rows of whole prompts and of no context parallelism, with a flag for each kind that is left out."""
    kinds = ((("prefix",), 0.0, "a cached prefix"), (context_parallel, 1.0, "context parallelism"))
    for columns, plain, words in kinds:
        kept = [row for row in rows if all((row.optional_number(one) or plain) <= plain for one in columns)]
        if len(kept) < len(rows):
            what = f"{words} is in {len(rows) - len(kept)} rows, which are not read"
            flags.append(Flag(rows[0].where(columns[0]), what, "dropped"))
        rows = kept
    return rows


def _pair(row: Row, flags: list[Flag]) -> Iterator[Found]:
    isl, osl = row.number("isl", above=True), row.number("osl", least=1)
    prefill, decode = (_setup(row, side, None, flags) for side in ("(p)", "(d)"))
    rate = row.number("(p)seq/s/worker", above=True)
    yield Found(prefill, "prefill", PrefillPoint(isl, rate * isl), "modelled", SOURCE, row.where())
    step = DecodePoint(isl + osl / 2, row.number("(d)global_bs", above=True), row.number("tpot", above=True) / 1000.0)
    yield Found(decode, "decode", step, "modelled", SOURCE, row.where())


def _setup(row: Row, side: str, stated_gpus: int | None, flags: list[Flag]) -> Setup:
    tensor, pipeline, data = (row.whole(f"{side}{name}", most=4096) for name in ("tp", "pp", "dp"))
    expert = row.whole(f"{side}moe_ep", most=4096) if row.cells[f"{side}moe_ep"] else 1
    gpus, flag = true_gpus(row, "num_total_gpus", stated_gpus, (tensor, pipeline, data), expert)
    flags += [flag] if flag else []
    system = row.text(f"{side}system")
    return Setup(
        model=row.text("model"),
        gpu_type=known_gpu(system) or system,
        gpus_per_replica=gpus,
        tensor_parallel=tensor,
        pipeline_parallel=pipeline,
        data_parallel=data,
        expert_parallel=expert,
        precision=row.text(f"{side}gemm"),
        engine=f"{row.text(f'{side}backend')} {row.text(f'{side}version')}",
    )
