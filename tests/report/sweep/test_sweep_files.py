"""What a sweep writes: one table three ways with the same numbers, and a page that does no harm."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from pyarrow import parquet

from fleetopt.report.schemas import schema_text
from fleetopt.report.sweep.files import write_sweep
from fleetopt.report.sweep.tables import columns, csv_text, parquet_bytes, rows
from fleetopt.report.sweep.views import headline
from fleetopt.study.sweep.records import Outcome, Question, Run, Setting, Sweep
from fleetopt.study.sweep.variants import AS_IT_IS
from tests.report.pages import Page

HOSTILE = "<script>alert(1)</script>|=cmd()\u202e`x`"


def made(name: str = "chat", design: str = "one-at-a-time", said: str = "x") -> Sweep:
    path = f"workloads.{name}.demand"
    question = Question(
        scenario=name,
        inputs="0",
        vary=(f"{path}=0.5x,2x",),
        design=design,
        samples=4,
        seed=0,
        gap_tolerance=1e-4,
        time_limit_s=300.0,
        method="auto",
        plans=False,
        fleetopt_version="0.1.0",
    )
    found = [
        (
            AS_IT_IS,
            40.0,
            Outcome(status="OPTIMAL", cost_usd=100.0, bound_usd=100.0, gap=0.0, power_kw=7.0, seconds=1.5),
        ),
        (
            "0.5x",
            20.0,
            Outcome(status="FEASIBLE", cost_usd=60.0, bound_usd=59.0, gap=1 / 60, power_kw=6.0, seconds=2.0),
        ),
        ("2x", 80.0, Outcome(status="INFEASIBLE", message=f"{said}: below the floor", seconds=0.1)),
        ("3x", 120.0, Outcome(status="NO_SOLUTION_FOUND", bound_usd=99.0, message="no plan in 1 s", seconds=1.0)),
    ]
    runs = tuple(
        Run(
            variant=number,
            settings=(
                Setting(path=path, setting=text, written=f"{value:g} requests/s", value=value, unit="requests/s"),
            ),
            input_hash=f"{number:064x}",
            outcome=outcome.model_copy(update={"gpus": {"H100": 8 * number}} if outcome.cost_usd else {}),
        )
        for number, (text, value, outcome) in enumerate(found, 1)
    )
    return Sweep(question=question, gpu_types=("B200", "H100"), runs=runs)


def test_all_files_are_written_and_hold_the_same_numbers(tmp_path: Path) -> None:
    """Proves: CSV, Parquet and JSON agree in every cell, text, numbers and what is missing.
    Sensitivity: three answers to one question.
    """
    swept = made()
    names = [path.name for path in write_sweep(swept, tmp_path / "out")]
    assert names == ["sweep.json", "sweep.csv", "sweep.parquet", "sweep.md", "sweep.html"]
    table = parquet.read_table(tmp_path / "out/sweep.parquet").to_pylist()
    assert table == rows(swept)
    with (tmp_path / "out/sweep.csv").open(encoding="utf-8", newline="") as file:
        cells = list(csv.DictReader(file))
    for read, row in zip(cells, table, strict=True):
        for name, value in row.items():
            told = read[name]
            assert (
                told == ""
                if value in (None, "")
                else (float(told) == value if isinstance(value, float) else str(value) == told)
            )
    again = Sweep.model_validate_json((tmp_path / "out/sweep.json").read_text())
    assert again == swept


def test_columns_carry_their_units_and_types() -> None:
    """Proves: the schema is the same whatever the runs gave, numbers stay numbers, and Parquet names each unit.
    Sensitivity: a column of nothing but nulls would lose its type.
    """
    schema = parquet.read_schema(io.BytesIO(parquet_bytes(made())))
    kinds = {name: str(schema.field(name).type) for name in schema.names}
    assert list(kinds) == list(columns(made()))
    assert (kinds["cost_usd"], kinds["cvar_usd"], kinds["gpus.B200"], kinds["status"]) == (
        *("double", "double", "int64", "string"),
    )
    units = {name: schema.field(name).metadata[b"unit"].decode() for name in schema.names}
    assert units["workloads.chat.demand.value"] == "requests/s"
    assert (units["cost_usd"], units["power_kw"], units["gpus.H100"]) == (
        "USD",
        "kW, mean over time",
        "GPUs, most at once",
    )
    assert parquet_bytes(made()) == parquet_bytes(made())


def test_a_column_of_several_units_has_none() -> None:
    """Proves: values in requests/s beside values in tokens/s leave the unit to each row, and a missing value does not.
    Sensitivity: the first row's unit would be told of all.
    """
    swept, name = made(), "workloads.chat.demand.value"

    def units(**change: object) -> str:
        first = swept.runs[0]
        setting = first.settings[0].model_copy(update=change)
        runs = (first.model_copy(update={"settings": (setting,)}), *swept.runs[1:])
        return columns(swept.model_copy(update={"runs": runs}))[name]

    assert units(unit="tokens/s") == ""
    assert units(value=None, unit="") == "requests/s"


def test_the_page_tells_infeasible_from_proven() -> None:
    """Proves: the headline counts each outcome, and the page's table has a row a variant with what came of it.
    Sensitivity: a variant without a plan would look like one that costs nothing.
    """
    assert headline(made()) == (
        "chat: 4 variants, 1 within the gap, 1 gap not reached, 1 infeasible, 1 no plan in time; 60.00 to 100.00 USD"
    )
    from fleetopt.report.sweep.page import page

    found = Page(page(made()))
    assert [row[2] for row in found.tables["run-table"][1:]] == [
        *("within the gap", "gap not reached", "infeasible", "no plan in time"),
    ]
    assert found.tables["tornado-table"][1][1:] == [
        *("workloads.chat.demand", "0.5x", "60.00", AS_IT_IS, "100.00", "40.00", "2x, 3x"),
    ]
    pictures = [attributes["aria-label"] for tag, attributes in found.elements if tag == "svg"]
    assert any("2 of them without a plan" in label for label in pictures)


def test_the_page_says_why_where_there_is_room() -> None:
    """Proves: each reason stands once, as a sentence with the variants that it holds for, and in no cell of the table.
    Sensitivity: hundreds of words in a narrow last column made rows half a screen high, and the words out of sight.
    """
    from fleetopt.report.sweep.page import page

    swept = made()
    found = Page(page(swept))
    assert "why" not in found.tables["run-table"][0]
    assert {"Variant 3: x: below the floor", "Variant 4: no plan in 1 s"} <= set(found.words)
    same = tuple(swept.runs[2].model_copy(update={"variant": number}) for number in range(1, 15))
    many = Page(page(swept.model_copy(update={"runs": same})))
    assert "Variants 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 2 more: x: below the floor" in many.words


@pytest.mark.parametrize("design", ["grid", "one-at-a-time", "lhs"])
def test_hostile_names_do_no_harm(tmp_path: Path, design: str) -> None:
    """Proves: a name stays text on the page, in Markdown and in a spreadsheet, in every design.
    Sensitivity: a scenario from outside could run what it likes where its results are read.
    """
    swept = made(HOSTILE, design, HOSTILE)
    write_sweep(swept, tmp_path / "out")
    page = Page((tmp_path / "out/sweep.html").read_text(encoding="utf-8"))
    assert page.dangers() == []
    assert page.open == []
    text = (tmp_path / "out/sweep.md").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "\u202e" not in text
    assert len({line.replace("\\|", "").count("|") for line in text.splitlines() if line.startswith("| ")} - {0}) <= 2
    with (tmp_path / "out/sweep.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "-"))]


def test_a_sweep_without_any_plan_is_still_told() -> None:
    """Proves: where nothing is feasible, tables and page say so.
    Sensitivity: a chart of nothing would end in a traceback.
    """
    swept = made()
    nothing = Outcome(status="INFEASIBLE", message="none", seconds=0.1)
    for design in ("grid", "one-at-a-time", "lhs"):
        question = swept.question.model_copy(update={"design": design})
        runs = tuple(run.model_copy(update={"outcome": nothing}) for run in swept.runs)
        found = swept.model_copy(update={"question": question, "runs": runs})
        from fleetopt.report.sweep.page import page

        assert Page(page(found)).open == []
        assert headline(found) == "chat: 4 variants, 4 infeasible"
        assert csv_text(found).count("INFEASIBLE") == 4


def test_the_schema_of_the_records_is_published() -> None:
    """Proves: `fleetopt schema sweep` describes sweep.json.
    Sensitivity: programs would have to guess.
    """
    schema = json.loads(schema_text("sweep"))
    assert {"question", "gpu_types", "runs"} <= set(schema["properties"])
    assert set(schema["$defs"]["Outcome"]["properties"]) == set(Outcome.model_fields)
