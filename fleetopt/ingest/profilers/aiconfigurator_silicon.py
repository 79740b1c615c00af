"""AIConfigurator's measured reference points: aggregated serving in a closed loop, mean TTFT and TPOT in ms.

The raw table is `silicon_sample.csv` of aiconfigurator-core; the tidy one has the concurrency in a column. Requests/s
follow by Little's law:  rate = concurrency / (TTFT + TPOT (output - 1)).

A replica has tensor x pipeline x data-parallel GPUs; the experts are spread over those same GPUs. Some rows of the
source give tensor x expert parallel instead: 64 'GPUs' for tp8, ep8 on one node of eight. Where the row's id names
tp and ep and its size is their product, it is corrected; where no id tells, the row is dropped. The times bear it
out: gpt-oss-120b on '4' H200 of tp2, ep2 has the TPOT of tp2 within 3 % at concurrency 4 to 64, and that of a true
tp4 is a fifth lower.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fleetopt.catalog.domain import AggregatedPoint
from fleetopt.documents import Row
from fleetopt.ingest.gpu_names import known_gpu
from fleetopt.ingest.profilers.gather import Found
from fleetopt.ingest.reading import Flag, Setup

_SIZES = ("tp_size", "pp_size", "attention_dp_size", "moe_tp_size", "moe_ep_size")
_SETUP = ("id", "backend", "backend_version", "system", "precision", "isl", "osl", *_SIZES)
RAW = (*_SETUP, "silicon_data_source", "model_path", "mode", "batch_size", "silicon_ttft_ms", "silicon_tpot_ms")
TIDY = (*_SETUP, "model", "gpus", "concurrency", "ttft_ms", "tpot_ms", "measured", "origin")
UNDERSTOOD = (
    "Measured, closed loop: TTFT and TPOT are means in ms at a concurrency of the whole replica",
    "Requests/s by Little's law: concurrency / (TTFT + TPOT x (output - 1))",
    "GPUs per replica are tensor x pipeline x data parallel",
)

_CONCURRENCY = re.compile(r"silicon_concurrency=(\d{1,9})(?:;|$)")
_MEASURED = re.compile(r"measured=(\d{4}-\d{2}-\d{2})")
_SPLIT_IN_ID = re.compile(r"_tp(\d{1,4})(?:_\d+)?_ep(\d{1,4}|none)(?:_|$)")


@dataclass(frozen=True, slots=True)
class Split:
    """How a replica is split."""

    tensor: int
    pipeline: int
    data: int
    expert: int

    @property
    def gpus(self) -> int:
        return self.tensor * self.pipeline * self.data


def raw_points(rows: list[Row], flags: list[Flag]) -> list[Found]:
    """The points of `silicon_sample.csv`; disaggregated rows mix two replicas' times and are left out."""
    found = []
    left_out = 0
    for row in rows:
        if row.choice("mode", ("agg", "disagg")) == "disagg":
            left_out += 1
            continue
        origin = row.text("silicon_data_source")
        stated = _CONCURRENCY.search(origin)
        split = _split(row, flags)
        if split is None:
            continue
        if stated is None:
            flags.append(Flag(row.where("silicon_data_source"), "names no concurrency", "dropped"))
            continue
        day = _MEASURED.search(origin)
        times = (row.number("silicon_ttft_ms", above=True), row.number("silicon_tpot_ms", above=True))
        measured = day[1] if day else "at an unknown date"
        concurrency = float(stated[1])
        if concurrency < 1:
            raise row.fail("silicon_data_source", "has a concurrency of 0", "It must be at least 1")
        found.append(_found(row, row.text("model_path"), split, measured, (concurrency, *times)))
    if left_out:
        what = f"{left_out} rows measure prefill and decode replicas together, not what one replica carries"
        flags.append(Flag(rows[0].where("mode"), what, "dropped"))
    return found


def tidy_points(rows: list[Row], flags: list[Flag]) -> list[Found]:
    """The points of the tidied table."""
    found = []
    for row in rows:
        split = _split(row, flags)
        if split is None:
            continue
        gpus = row.whole("gpus", most=4096)
        if gpus not in (split.gpus, split.tensor * split.pipeline * split.data * split.expert):
            raise row.fail("gpus", f"{gpus} is not tensor x pipeline x data parallel ({split.gpus})", "Correct the row")
        times = (row.number("ttft_ms", above=True), row.number("tpot_ms", above=True))
        concurrency = row.number("concurrency", least=1)
        day = row.text("measured", "at an unknown date")[:18]
        found.append(_found(row, row.text("model"), split, day, (concurrency, *times)))
    return found


def _split(row: Row, flags: list[Flag]) -> Split | None:
    """How the row's replica is split, None where its true count of GPUs cannot be told."""
    tensor, pipeline, data, moe_tensor, expert = (
        max(row.whole(name, least=0, most=4096), 1) if row.cells[name] else 1 for name in _SIZES
    )
    as_given = Split(tensor, pipeline, data, expert)
    if moe_tensor == 1 or expert == 1 or tensor * data != moe_tensor * expert:
        return as_given
    in_id = _SPLIT_IN_ID.search(row.cells["id"])
    if in_id is None:
        what = f"{as_given.gpus} GPUs are experts' tensor x expert parallel ({moe_tensor} x {expert}), and no id tells"
        flags.append(Flag(row.where("tp_size"), f"{what} whether that many were used", "dropped"))
        return None
    tp, ep = int(in_id[1]), 1 if in_id[2] == "none" else int(in_id[2])
    if ep == 1 or tp * ep != tensor * data:
        return as_given
    true = Split(1, pipeline, tp, ep) if tensor == 1 else Split(tp, pipeline, 1, ep)
    what = f"{as_given.gpus} GPUs are tensor x expert parallel (tp{tp}, ep{ep} in the id); a replica has {true.gpus}"
    flags.append(Flag(row.where("tp_size"), what, "corrected"))
    return true


def _found(row: Row, model: str, split: Split, measured: str, run: tuple[float, float, float]) -> Found:
    concurrency, ttft_ms, tpot_ms = run
    system, version = row.text("system"), row.text("backend_version", "")
    setup = Setup(
        model=model,
        gpu_type=known_gpu(system) or system,
        gpus_per_replica=split.gpus,
        tensor_parallel=split.tensor,
        pipeline_parallel=split.pipeline,
        data_parallel=split.data,
        expert_parallel=split.expert,
        precision=row.text("precision", "not stated"),
        engine=f"{row.text('backend')} {version}".strip(),
    )
    # One build is one series: without a version the date is all that tells two builds apart.
    source = "AIConfigurator's measured points" + ("" if version else f", {measured}")
    output = row.number("osl", least=1)
    ttft_s, tpot_s = ttft_ms / 1000.0, tpot_ms / 1000.0
    rate = concurrency / (ttft_s + tpot_s * (output - 1))
    point = AggregatedPoint(row.number("isl", above=True), output, concurrency, rate, ttft_s, tpot_s)
    return Found(setup, "aggregated", point, "measured", source, row.where())
