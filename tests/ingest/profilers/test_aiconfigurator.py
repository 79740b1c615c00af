"""AIConfigurator's tables: points by hand, true GPU counts, and measured apart from modelled."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from fleetopt.catalog.domain import AggregatedPoint, DecodePoint, PrefillPoint
from fleetopt.catalog.hardware import load_hardware
from fleetopt.catalog.models import load_model
from fleetopt.catalog.roots import shipped
from fleetopt.errors import InputError
from fleetopt.ingest.formats import read_profiles
from fleetopt.ingest.profilers import tabular
from fleetopt.ingest.reading import Reading, Setup, Told


def _read(data: Path, name: str, told: Told | None = None) -> Reading:
    reading = read_profiles(data / "aiconfigurator" / name, told or Told())
    assert reading.format == "aiconfigurator"
    return reading


def test_a_measured_point_is_what_the_row_says(data: Path) -> None:
    """Row one: 8 H200, concurrency from a text, ms to s, and the rate by Little's law."""
    with (data / "aiconfigurator/silicon_sample.csv").open(encoding="utf-8") as stream:
        row = next(csv.DictReader(stream))
    series = _read(data, "silicon_sample.csv").series[0]
    ttft_s, tpot_s = float(row["silicon_ttft_ms"]) / 1000, float(row["silicon_tpot_ms"]) / 1000
    point = series.points[0]
    assert isinstance(point, AggregatedPoint)
    assert (series.evidence, series.role) == ("measured", "aggregated")
    assert (series.setup.gpu_type, series.setup.gpus_per_replica, series.setup.tensor_parallel) == ("H200", 8, 8)
    assert (point.concurrency, point.ttft_s, point.tpot_s) == (16.0, ttft_s, tpot_s)
    assert point.rate_rps == pytest.approx(16 / (ttft_s + 1023 * tpot_s))


def test_tensor_times_expert_parallel_is_no_count_of_gpus(data: Path) -> None:
    """'64 GPUs' of tp8, ep8 become the eight they were, by tensor and by data parallel; each is flagged."""
    reading = _read(data, "silicon_sample.csv")
    corrected = [flag for flag in reading.flags if flag.done == "corrected"]
    splits = {
        (s.setup.tensor_parallel, s.setup.data_parallel, s.setup.expert_parallel, s.setup.gpus_per_replica)
        for s in reading.series
        if s.setup.expert_parallel == 8
    }
    assert splits == {(8, 1, 8, 8), (1, 8, 8, 8)}
    assert len(corrected) == 6
    assert all("64 GPUs are tensor x expert parallel" in flag.what for flag in corrected)
    assert max(s.setup.gpus_per_replica or 0 for s in reading.series) == 8


def test_the_tidied_table_has_the_same_trap(data: Path) -> None:
    """'4 GPUs' of tp2, ep2 are two, although tensor x pipeline x data parallel of the row is four."""
    reading = _read(data, "agg_profile.csv")
    assert sum(flag.done == "corrected" for flag in reading.flags) == 3
    assert {s.setup.gpus_per_replica for s in reading.series if s.setup.expert_parallel == 2} == {2}


def test_what_cannot_be_told_is_dropped_and_said(data: Path) -> None:
    """A product of expert sizes without an id, a missing concurrency, and rows of two replicas together."""
    dropped = [flag.what for flag in _read(data, "silicon_sample.csv").flags if flag.done == "dropped"]
    assert sum("no id tells" in what for what in dropped) == 2
    assert sum("names no concurrency" in what for what in dropped) == 2
    assert sum("3 rows measure prefill and decode replicas together" in what for what in dropped) == 1
    assert len(dropped) == 5


def test_the_tidied_table_gives_the_points_of_the_raw_one(data: Path) -> None:
    """The same runs in both layouts are the same points, to the four decimals that the tidied one keeps."""
    raw = {
        (
            s.setup.gpu_type,
            s.setup.gpus_per_replica,
            p.input_tokens,
            p.output_tokens,
            p.concurrency,
            s.setup.precision,
        ): p
        for s in _read(data, "silicon_sample.csv").series
        for p in s.points
        if isinstance(p, AggregatedPoint) and s.setup.model == "openai/gpt-oss-120b"
    }
    tidy = {
        (
            s.setup.gpu_type,
            s.setup.gpus_per_replica,
            p.input_tokens,
            p.output_tokens,
            p.concurrency,
            s.setup.precision,
        ): p
        for s in _read(data, "agg_profile.csv").series
        for p in s.points
        if isinstance(p, AggregatedPoint)
    }
    common = raw.keys() & tidy.keys()
    assert len(common) >= 5
    for key in common:
        assert tidy[key].ttft_s == pytest.approx(raw[key].ttft_s, abs=1e-7)
        assert tidy[key].rate_rps == pytest.approx(raw[key].rate_rps, rel=1e-4)


def test_a_saved_search_gives_modelled_points_of_one_replica(data: Path) -> None:
    """The first row by hand: two H200 carry 3.133 requests/s at 160 together, TTFT 978 ms and TPOT 101 ms."""
    reading = _read(data, "pareto-agg.csv")
    series = reading.series[0]
    point = series.points[0]
    assert isinstance(point, AggregatedPoint)
    assert (point.input_tokens, point.output_tokens, point.concurrency, point.rate_rps) == (4000, 500, 160, 3.133)
    assert (point.ttft_s, point.tpot_s) == pytest.approx((0.978083, 0.101288))
    assert {one.evidence for one in reading.series} == {"modelled"}
    assert series.setup == Setup(
        model="Qwen/Qwen3-32B",
        gpu_type="H200",
        gpus_per_replica=2,
        tensor_parallel=2,
        pipeline_parallel=1,
        data_parallel=1,
        expert_parallel=1,
        precision="bfloat16",
        engine="trtllm 1.3.0rc20",
    )
    assert sum(len(one.points) for one in reading.series) == 39


def test_the_rates_of_a_saved_search_keep_littles_law(data: Path) -> None:
    """Our reading of its columns holds: rate x (TTFT + TPOT x 499) is the concurrency, within its rounding."""
    for series in _read(data, "pareto-agg.csv").series:
        for point in series.points:
            assert isinstance(point, AggregatedPoint)
            in_system = point.rate_rps * (point.ttft_s + point.tpot_s * (point.output_tokens - 1))
            assert in_system == pytest.approx(point.concurrency, rel=0.05)


def test_a_disaggregated_search_gives_both_halves(data: Path) -> None:
    """By hand: one prefill worker takes 2.403 x 4000 tokens/s; a decode worker of two GPUs steps 128 in 31.835 ms."""
    reading = _read(data, "pareto-disagg.csv")
    prefill = next(one for one in reading.series if one.role == "prefill")
    decode = next(one for one in reading.series if one.role == "decode")
    assert prefill.points == (PrefillPoint(4000.0, 2.403 * 4000),)
    assert prefill.setup.gpus_per_replica == 1
    assert DecodePoint(4250.0, 128.0, pytest.approx(0.031835)) in decode.points  # type: ignore[arg-type]
    assert decode.setup.gpus_per_replica == 2


@pytest.mark.parametrize(
    ("name", "column", "words"),
    [
        ("pareto-agg.csv", "prefix", "a cached prefix is in 1 rows"),
        ("pareto-disagg.csv", "prefix", "a cached prefix is in 1 rows"),
        ("pareto-agg.csv", "cp", "context parallelism is in 1 rows"),
        ("pareto-disagg.csv", "(p)cp", "context parallelism is in 1 rows"),
    ],
)
def test_rows_of_cut_prompts_or_more_gpus_are_left_out(
    data: Path, tmp_path: Path, name: str, column: str, words: str
) -> None:
    """Proves: a row that computed isl - prefix tokens, or whose GPUs are tp x pp x dp x cp, is dropped and said.
    Sensitivity: taken at its isl and its split, its replica would fill prompts faster than any, on too few GPUs.
    """
    with (data / "aiconfigurator" / name).open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    rows = [{**row, column: "512" if i == 0 else row.get(column, "1")} for i, row in enumerate(rows)]
    path = tmp_path / name
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, rows[0])
        table.writeheader()
        table.writerows(rows)
    before, found = _read(data, name), read_profiles(path, Told())
    assert any(words in flag.what and flag.done == "dropped" for flag in found.flags)
    assert not any(words in flag.what for flag in before.flags)
    assert _rows(found) == _rows(before) - 1


def _rows(reading: Reading) -> int:
    """How many rows of the file gave points."""
    return len({where for one in reading.series for where in one.wheres})


def test_experts_bring_no_gpus_of_their_own(data: Path) -> None:
    """DeepSeek-V3 with 16 data-parallel groups and experts over 16 runs on 16 GPUs."""
    setups = {one.setup for one in _read(data, "best-config-moe.csv").series}
    for setup in setups:
        split = (setup.tensor_parallel or 0) * (setup.pipeline_parallel or 0) * (setup.data_parallel or 0)
        assert setup.gpus_per_replica == split
    assert any(setup.expert_parallel == 16 and setup.gpus_per_replica == 16 for setup in setups)


def test_a_stated_count_of_tensor_times_expert_is_corrected(data: Path, tmp_path: Path) -> None:
    """A file that says 256 GPUs for dp16 with ep16 means 16; any other count is an error."""
    text = (data / "aiconfigurator/best-config-moe.csv").read_text(encoding="utf-8")
    path = tmp_path / "pareto.csv"
    path.write_text(text.replace(",16,1,1,16,1,16,1,tp1pp1dp16", ",256,1,1,16,1,16,1,tp1pp1dp16"), encoding="utf-8")
    reading = read_profiles(path, Told())
    assert any(flag.done == "corrected" and "is 256" in flag.what for flag in reading.flags)
    assert 256 not in {one.setup.gpus_per_replica for one in reading.series}
    path.write_text(text.replace(",16,1,1,16,1,16,1,tp1pp1dp16", ",17,1,1,16,1,16,1,tp1pp1dp16"), encoding="utf-8")
    with pytest.raises(InputError, match="is 17, and a replica has 1 x 1 x 16 = 16 GPUs"):
        read_profiles(path, Told())


def test_a_grid_is_the_shipped_catalog(data: Path) -> None:
    """The grid behind h100-tp1-fp8-trtllm of llama-3.1-8b gives its points and its KV cache, figure for figure."""
    roots = (shipped("models"),)
    llm, _ = load_model("llama-3.1-8b", roots, load_hardware(roots)[0].gpu_types)
    theirs = {c.role: c for c in llm.candidates if c.config.name == "h100-tp1-fp8-trtllm"}
    reading = _read(data, "grid-h100-tp1.csv.gz")
    mine = {one.role: one for one in reading.series}
    assert set(mine) == {"prefill", "decode"}
    decode = sorted(mine["decode"].points, key=lambda p: (p.context_tokens, p.batch))  # type: ignore[union-attr]
    for ours, shipped_point in zip(decode, theirs["decode"].profile.points, strict=True):
        assert isinstance(ours, DecodePoint)
        assert isinstance(shipped_point, DecodePoint)
        assert (ours.context_tokens, ours.batch) == (shipped_point.context_tokens, shipped_point.batch)
        assert ours.tpot_s == pytest.approx(shipped_point.tpot_s, rel=1e-9)
    prefill = {p.input_tokens: p.tokens_per_s for p in mine["prefill"].points if isinstance(p, PrefillPoint)}
    for point in theirs["prefill"].profile.points:
        assert isinstance(point, PrefillPoint)
        assert prefill[point.input_tokens] == pytest.approx(point.tokens_per_s, rel=1e-5)
    assert mine["decode"].setup.max_kv_tokens == theirs["decode"].config.max_kv_tokens == 963072
    assert [flag.done for flag in reading.flags] == ["corrected"]


def test_the_kv_cache_is_taken_where_the_tool_counts_it_finely(tmp_path: Path) -> None:
    """40 requests of 512 tokens count, 9 of 2560 are too coarse; alone, the coarse ones give their largest."""
    header = "model,gpu,backend,backend_version,precision,gpus_per_instance,tp,pp,dp,ep,phase"
    header += ",input_tokens,output_tokens,batch_size,latency_ms,max_batch_by_memory,tool"
    setup = "m,h100_sxm,trtllm,1,fp8,1,1,1,1,,decode"
    fine, coarse = f"{setup},256,256,1,10,40,t", f"{setup},2048,512,1,20,9,t"
    coarser = f"{setup},4096,512,1,30,4,t"
    path = tmp_path / "grid.csv"
    for rows, tokens in (((fine, coarse), 40 * 512), ((coarse, coarser), 9 * 2560)):
        path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
        assert read_profiles(path, Told()).series[0].setup.max_kv_tokens == tokens


def test_what_the_user_says_may_not_contradict_the_file(data: Path) -> None:
    """Another GPU type, another role, or one config name for many configs is refused; a model's name is theirs."""
    with pytest.raises(InputError, match="says gpu_type H200"):
        _read(data, "pareto-agg.csv", Told(Setup(gpu_type="B200")))
    with pytest.raises(InputError, match="holds aggregated points"):
        _read(data, "pareto-agg.csv", Told(role="decode"))
    with pytest.raises(InputError, match="one config name"):
        _read(data, "pareto-agg.csv", Told(Setup(config="mine")))
    assert _read(data, "pareto-agg.csv", Told(Setup(model="qwen3-32b"))).series[0].setup.model == "qwen3-32b"


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-4], "ends too early"),
        (b"\x1f\x8b" + b"no gzip at all", "no sound gzip"),
        (gzip.compress(b"a,\xff\n1,2\n", mtime=0), "not UTF-8"),
        (gzip.compress(bytes(3_000_000), mtime=0), "unpacks to more"),
    ],
)
def test_a_damaged_or_swollen_gzip_is_refused(
    content: bytes, wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One error says what is wrong, and nothing is unpacked beyond the limit."""
    monkeypatch.setattr(tabular, "TABLE_LIMIT_BYTES", 1_000_000)
    path = tmp_path / "grid.csv.gz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=wanted):
        read_profiles(path, Told(), "aiconfigurator")
