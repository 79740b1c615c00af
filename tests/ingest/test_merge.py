"""Proves that importing profiles is whole, repeatable and independent of order, and refuses to guess."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetopt.catalog.domain import AggregatedPoint, DecodePoint, Llm, PrefillPoint, Tail
from fleetopt.catalog.hardware import load_hardware
from fleetopt.catalog.models import load_model
from fleetopt.catalog.roots import shipped
from fleetopt.errors import InputError
from fleetopt.ingest.book import Book
from fleetopt.ingest.filing import catalog_folder, merge_all, write_change
from fleetopt.ingest.merge import merge
from fleetopt.ingest.points import cells_of
from fleetopt.ingest.reading import Series, Setup
from tests.ingest.handmade import AGGREGATED, DECODE, PREFILL, RATES, SETUP, series

MODEL = "llama-3.1-8b"
COMMON = (
    series(),
    series(PREFILL, "prefill", source="profiler"),
    series(AGGREGATED, "aggregated"),
    series(RATES, "decode", source="a colleague"),
)


def put(root: Path, *many: Series, **options: object) -> list[Path]:
    changes = merge_all(many, root, **options)  # type: ignore[arg-type]
    return [path for change in changes for path in write_change(change)]


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def loaded(root: Path, model: str = MODEL) -> Llm:
    return load_model(model, (root,), load_hardware((shipped("models"),))[0].gpu_types)[0]


def refused(root: Path, *many: Series, **options: object) -> InputError:
    before = contents(root)
    with pytest.raises(InputError) as error:
        put(root, *many, **options)
    assert contents(root) == before
    return error.value


def test_a_config_on_a_share_of_a_gpu_stays_and_takes_no_points_of_a_whole_one(tmp_path: Path) -> None:
    """Proves that an import keeps the column `gpu_share`, and refuses a run on whole GPUs under one of halves."""
    put(tmp_path, series())
    table = tmp_path / MODEL / "configs.csv"
    head, columns, row = table.read_text(encoding="utf-8").splitlines()
    table.write_text(f"{head}\n{columns},gpu_share\n{row},0.5\n", encoding="utf-8")
    named = series(setup=replace(SETUP, config=row.split(",")[0]))
    assert "gpu_share 0.5, not 1.0" in str(refused(tmp_path, named))
    put(tmp_path, series())
    assert table.read_text(encoding="utf-8").splitlines()[2] == f"{row},0.5"
    assert sorted(c.config.gpu_share for c in loaded(tmp_path).candidates) == [0.5, 1.0]


def test_what_is_imported_is_what_is_loaded(tmp_path: Path) -> None:
    """Proves that points arrive in the catalog with their figures to 6 digits, their config and their provenance."""
    put(tmp_path, *COMMON[:3])
    decode, prefill = (next(c for c in loaded(tmp_path).candidates if c.role == role) for role in ("decode", "prefill"))
    assert decode.config.name == "h100-tp2-fp8-vllm"
    assert (decode.config.tensor_parallel, decode.config.data_parallel, decode.config.engine) == (2, 1, "vllm 0.24.0")
    assert decode.profile.provenance.source == COMMON[0].source
    assert prefill.profile.provenance.source == "profiler"
    for made, read in zip(DECODE, decode.profile.points, strict=True):
        assert isinstance(read, DecodePoint)
        assert (read.context_tokens, read.batch) == (made.context_tokens, made.batch)
        assert math.isclose(read.tpot_s, made.tpot_s, rel_tol=5e-6)


def test_importing_again_leaves_every_byte(tmp_path: Path) -> None:
    """Proves idempotence for all kinds of points, together and one at a time."""
    rest = (COMMON[0], COMMON[1], COMMON[2])
    put(tmp_path, *rest)
    before = contents(tmp_path)
    assert put(tmp_path, *rest) == []
    assert all(put(tmp_path, one) == [] for one in rest)
    assert contents(tmp_path) == before


def test_rates_are_imported_too(tmp_path: Path) -> None:
    """Proves that a stated rate keeps its SLO through the table, and merges once."""
    rate = series(RATES, "decode")
    put(tmp_path, rate)
    assert loaded(tmp_path).candidates[0].profile.points == RATES
    assert put(tmp_path, rate) == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_the_order_of_files_does_not_matter(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Proves byte for byte that series given in any order and split anyhow make one catalog, also where ids meet."""
    other = replace(SETUP, engine="vllm 0.25.0")
    batches = data.draw(st.lists(st.integers(1, 64), min_size=1, max_size=6, unique=True))
    kinds = (series(source="A"), series(evidence="modelled", source="tool"), series(source="B", setup=other))
    points = [(DecodePoint(768, batch, 0.007 + batch / 1e4),) for batch in batches]
    pool = [replace(kind, points=point) for point in points for kind in kinds]
    many = data.draw(st.lists(st.sampled_from(pool), min_size=1, max_size=8))
    first, second, third = (tmp_path_factory.mktemp("root") for _ in range(3))
    put(first, *many)
    put(second, *data.draw(st.permutations(many)))
    put(third, *many, *many)
    assert contents(first) == contents(second) == contents(third)
    assert put(first, *reversed(many)) == []


def test_one_import_after_another_loads_the_same_in_any_order(tmp_path: Path) -> None:
    """Proves that the sequence of imports leaves points, configs and provenance of profiles alone."""
    found = set()
    for n, order in enumerate(permutations(COMMON[:3])):
        root = tmp_path / str(n)
        for one in order:
            put(root, one)
        found.add(tuple((c.name, c.profile) for c in loaded(root).candidates))
    assert len(found) == 1


def test_everything_missing_is_reported_at_once(tmp_path: Path) -> None:
    """Proves that one error names every missing fact with the option that supplies it, once for many series."""
    bare = series(setup=Setup(model=MODEL))
    error = refused(tmp_path, bare, replace(bare, role="prefill", points=PREFILL))
    assert [issue.fix for issue in error.issues] == ["Add --gpu-type", "Add --gpus", "Add --precision", "Add --engine"]
    assert "and 1 more" in error.issues[0].where
    assert "--model" in str(refused(tmp_path, series(setup=Setup())))


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ({}, (8, 1, 1, 1)),
        ({"tensor_parallel": 8}, (8, 1, 1, 1)),
        ({"data_parallel": 2, "expert_parallel": 8}, (4, 1, 2, 8)),
        ({"pipeline_parallel": 8}, (1, 8, 1, 1)),
    ],
)
def test_a_split_that_is_not_stated_is_the_only_consistent_one(
    tmp_path: Path, split: dict[str, int], expected: tuple[int, ...]
) -> None:
    """Proves how tensor, pipeline, data and expert parallel are completed, and that it is said."""
    one = series(setup=replace(SETUP, gpus_per_replica=8, **split))  # type: ignore[arg-type]
    (change,) = merge_all([one], tmp_path)
    config = change.tallies[0].config
    found = (config.tensor_parallel, config.pipeline_parallel, config.data_parallel, config.expert_parallel)
    assert found == expected
    assert any("not stated, so taken for 8 GPUs" in sentence for sentence in change.said)


@pytest.mark.parametrize("split", [{"tensor_parallel": 4}, {"data_parallel": 3}, {"tensor_parallel": 16}])
def test_a_split_that_could_be_several_is_not_guessed(tmp_path: Path, split: dict[str, int]) -> None:
    """Proves that GPUs which the stated split does not account for are an error."""
    one = series(setup=replace(SETUP, gpus_per_replica=8, **split))  # type: ignore[arg-type]
    assert "not tensor x pipeline x data parallel" in str(refused(tmp_path, one))


def test_measured_and_modelled_get_a_config_each(tmp_path: Path) -> None:
    """Proves that the same build with other evidence gets its own id, and that a forced mixture is refused."""
    put(tmp_path, series(evidence="modelled", source="tool"))
    put(tmp_path, series())
    names = sorted(c.config.name for c in loaded(tmp_path).candidates)
    assert names == ["h100-tp2-fp8-vllm", "h100-tp2-fp8-vllm-measured"]
    forced = series((DecodePoint(999, 1, 0.01),), setup=replace(SETUP, config="h100-tp2-fp8-vllm"))
    assert "modelled decode profile" in str(refused(tmp_path, forced))
    assert "modelled decode profile" in str(refused(tmp_path, forced, replace_old=True))


def test_another_build_gets_its_version(tmp_path: Path) -> None:
    """Proves that two engine versions never share a profile."""
    put(tmp_path, series())
    put(tmp_path, series(setup=replace(SETUP, engine="vllm 0.25.0")))
    assert {c.config.name for c in loaded(tmp_path).candidates} == {"h100-tp2-fp8-vllm", "h100-tp2-fp8-vllm-0.25.0"}
    assert "--engine" in str(refused(tmp_path, series(setup=replace(SETUP, engine="vllm"))))


def test_another_value_needs_to_be_asked_for(tmp_path: Path) -> None:
    """Proves that old and new values are listed, that --replace takes the new one with its source, and only it."""
    put(tmp_path, series())
    newer = series((DecodePoint(768, 8, 0.0105), DecodePoint(768, 64, 0.02)), source="a newer run")
    error = refused(tmp_path, newer)
    assert [("9.5" in issue.what, "10.5" in issue.what, issue.code) for issue in error.issues] == [
        (True, True, "other-value")
    ]
    before = (tmp_path / MODEL / "decode.csv").read_text().splitlines()
    put(tmp_path, newer, replace_old=True)
    after = (tmp_path / MODEL / "decode.csv").read_text().splitlines()
    assert after[3] == "h100-tp2-fp8-vllm,768,8,10.5,measured,a newer run"
    assert [after[2], after[4]] == [before[2] + ",,", before[4] + ",,"]
    assert put(tmp_path, newer) == []


def test_two_values_in_one_import_are_an_error_even_with_replace(tmp_path: Path) -> None:
    """Proves that nobody is asked to guess which of two files is newer."""
    rivals = (series(), series((DecodePoint(768, 8, 0.0105),), source="other"))
    assert "average repeats" in str(refused(tmp_path, *rivals, replace_old=True))


def test_two_values_are_told_with_the_lines_of_both(tmp_path: Path) -> None:
    """They used to be told with the first line of their series, both of them."""
    points = (*DECODE, DecodePoint(768, 8, 0.0105))
    twice = replace(series(points), wheres=tuple(f"bench.csv:{line}" for line in (5, 6, 7, 80)))
    [issue] = refused(tmp_path, twice).issues
    assert issue.where == "bench.csv:80"
    assert "and bench.csv:6 has" in issue.what


def test_a_value_that_is_known_otherwise_is_told_with_its_own_line(tmp_path: Path) -> None:
    put(tmp_path, series())
    newer = replace(series((DECODE[0], DecodePoint(768, 8, 0.0105))), wheres=("bench.csv:2", "bench.csv:3"))
    [issue] = refused(tmp_path, newer).issues
    assert "and bench.csv:3 has" in issue.what


def test_comments_and_order_stay(tmp_path: Path) -> None:
    """Proves that rows are added below what a person wrote, which keeps its bytes, its line ends and its columns."""
    put(tmp_path, series())
    path = tmp_path / MODEL / "decode.csv"
    own = "# mine\r\ntpot_ms,batch,config,context_tokens\r\n# note, with comma\r\n8,1,h100-tp2-fp8-vllm,768\r\n"
    path.write_bytes(own.encode())
    put(tmp_path, series())
    text = path.read_bytes().decode()
    assert text.startswith(own)
    assert text.splitlines()[4:] == ["9.5,8,h100-tp2-fp8-vllm,768", "12.3457,32,h100-tp2-fp8-vllm,768"]
    assert text.count("\r\n") == text.count("\n")


def test_kv_memory_is_filled_in_and_not_changed_unasked(tmp_path: Path) -> None:
    """Proves that an unknown KV memory becomes known from a later file, and a known one stays."""
    put(tmp_path, series())
    put(tmp_path, series(setup=replace(SETUP, max_kv_tokens=500_000)))
    assert loaded(tmp_path).candidates[0].config.max_kv_tokens == 500_000
    more = series(setup=replace(SETUP, max_kv_tokens=600_000))
    assert "--replace" in str(refused(tmp_path, more))
    put(tmp_path, more, replace_old=True)
    assert loaded(tmp_path).candidates[0].config.max_kv_tokens == 600_000


def test_a_config_can_be_named_and_lends_its_facts(tmp_path: Path) -> None:
    """Proves that --config names a new config, and that a known one completes a bare file or contradicts it."""
    put(tmp_path, series(setup=replace(SETUP, config="mine")))
    bare = Setup(model=MODEL, config="mine")
    put(tmp_path, series(PREFILL, "prefill", setup=bare))
    assert [c.name for c in loaded(tmp_path).candidates] == ["mine/decode", "mine/prefill"]
    wrong = series(setup=replace(bare, gpu_type="H200"))
    assert "gpu_type H100, not H200" in str(refused(tmp_path, wrong))


def test_tails_are_columns(tmp_path: Path) -> None:
    """Proves that percentiles stand in columns of their own, and that nobody writes empty ones."""
    tails = (Tail("ttft", 0.99, 0.5), Tail("tpot", 0.5, 0.01))
    cells = cells_of("c", "aggregated", AggregatedPoint(1024, 256, 4, 1.5, 0.08, 0.009, tails))
    assert (cells["ttft_p99_ms"], cells["tpot_p50_ms"]) == ("500", "10")
    tailed = tuple(replace(point, tails=tails) for point in AGGREGATED)
    change = merge(Book.read(MODEL, tmp_path / MODEL), [series(tailed, "aggregated")])
    _, header, first, _ = change.texts["aggregated.csv"].splitlines()
    assert header.endswith(",rate_rps,ttft_ms,tpot_ms,ttft_p99_ms,tpot_p50_ms")
    assert first.endswith(",1.5,80,9,500,10")
    put(tmp_path, series(AGGREGATED, "aggregated"))
    assert "p99" not in (tmp_path / MODEL / "aggregated.csv").read_text()


def test_a_new_model_needs_a_card(tmp_path: Path) -> None:
    """Proves that a card is taken from the shipped catalog, from a file or from another model, or asked for."""
    unknown = series(setup=replace(SETUP, model="mine-7b"))
    error = refused(tmp_path, unknown)
    assert "parameters_b" in error.issues[0].fix
    put(tmp_path, unknown, from_card=MODEL)
    assert loaded(tmp_path, "mine-7b").card.parameters_b == loaded(shipped("models")).card.parameters_b
    card = tmp_path / "mine-7b/card.yaml"
    put(tmp_path, series(setup=replace(SETUP, model="yours-7b")), from_card=str(card))
    assert (tmp_path / "yours-7b/card.yaml").read_bytes() == card.read_bytes()
    assert "is no card" in str(refused(tmp_path, series(setup=replace(SETUP, model="z")), from_card="nothing"))


def test_the_shipped_folder_can_be_the_start(tmp_path: Path) -> None:
    """Proves that --copy keeps all that is known of a model, and that without it the hiding is said."""
    put(tmp_path / "a", series(), copy=True)
    assert len(loaded(tmp_path / "a").candidates) == len(loaded(shipped("models")).candidates) + 1
    assert put(tmp_path / "a", series(), copy=True) == []
    (change,) = merge_all([series()], tmp_path / "b")
    assert any("hides" in sentence for sentence in change.said)


def test_the_shipped_catalog_is_not_written_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Proves that in a checkout the default folder is refused unless it is named."""
    monkeypatch.chdir(shipped("models").parent)
    with pytest.raises(InputError, match="ships with"):
        catalog_folder(None)
    assert catalog_folder(Path("models")) == Path("models")
    monkeypatch.chdir(tmp_path)
    assert catalog_folder(None) == Path("models")


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".", "-rf", "a\nb", "=cmd()", "x" * 200, "\u202e"])
def test_names_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    """Proves that no name of a model or config becomes a path, a formula or an option."""
    refused(tmp_path, series(setup=replace(SETUP, model=name)))
    refused(tmp_path, series(setup=replace(SETUP, config=name)))


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, 0.0, 1e300, 1e-30])
@pytest.mark.parametrize("field", ["batch", "tpot_s", "tokens_per_s"])
def test_figures_out_of_range_are_refused(tmp_path: Path, field: str, value: float) -> None:
    """Proves that what no table may hold is refused before anything is written."""
    if field == "tokens_per_s":
        one = series((PrefillPoint(512, value),), "prefill")
    else:
        one = series((replace(DECODE[0], **{field: value}),))
    refused(tmp_path, one)


@pytest.mark.parametrize("text", ["=1+1", "#x", "a\tb", "a\nb", "+x", "'x", " x"])
@pytest.mark.parametrize("fact", ["engine", "precision", "gpu_type"])
def test_texts_that_no_cell_can_hold_are_refused(tmp_path: Path, fact: str, text: str) -> None:
    """Proves that formulas, comments and control characters do not get into tables."""
    refused(tmp_path, series(setup=replace(SETUP, **{fact: text})))  # type: ignore[arg-type]
    refused(tmp_path, series(source=text))


def test_an_unknown_gpu_type_is_refused_in_the_real_place(tmp_path: Path) -> None:
    """Proves that what loading would refuse is refused before writing, and located in the user's folder."""
    error = refused(tmp_path, series(setup=replace(SETUP, gpu_type="H1000")))
    assert str(tmp_path / MODEL / "configs.csv") in error.issues[0].where
    assert "fleetopt-" not in str(error)


def test_a_broken_catalog_is_not_written_into(tmp_path: Path) -> None:
    """Proves that a table which a person has broken is reported and left alone."""
    put(tmp_path, series())
    path = tmp_path / MODEL / "decode.csv"
    path.write_text(path.read_text().replace("9.5", "9,5"))
    assert "cells under a header" in str(refused(tmp_path, series(PREFILL, "prefill")))
