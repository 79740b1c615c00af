"""Generic tables in three containers, clocks and zones, and the errors of malformed ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fleetopt.errors import InputError, Issue
from fleetopt.ingest.traces import options as told
from fleetopt.ingest.traces.options import TraceOptions
from fleetopt.ingest.traces.read import read_trace
from tests.ingest.traces.conftest import MONDAY_US, table

Write = Callable[..., Path]
Find = Callable[..., Issue]

REQUESTS = [(0.0, 100, 10), (1800.0, 200, 20), (3600.0, 300, 30), (5400.0, 400, 40)]
HEADER = "timestamp,input_tokens,output_tokens\n"


def _parquet(path: Path, times: object) -> Path:
    import pyarrow as pa
    from pyarrow import parquet

    columns = {"timestamp": times, "input_tokens": [100, 200, 300, 400], "output_tokens": [10, 20, 30, 40]}
    parquet.write_table(pa.table(columns), path)
    return path


def test_csv_json_lines_and_parquet_hold_the_same_trace(file: Write, tmp_path: Path) -> None:
    """The container of a table makes no difference to what is read."""
    times = [MONDAY_US + round(t * 1_000_000) for t, _, _ in REQUESTS]
    lines = [
        json.dumps({"timestamp": us, "input_tokens": i, "output_tokens": o})
        for us, (_, i, o) in zip(times, REQUESTS, strict=True)
    ]
    paths = [file(table(REQUESTS)), file("\n".join(lines), "trace.jsonl"), _parquet(tmp_path / "t.parquet", times)]
    first, *others = [read_trace(path, TraceOptions()).traffic for path in paths]
    assert others == [first, first]


@pytest.mark.parametrize(("unit", "factor"), [("seconds", 1_000_000), ("milliseconds", 1000), ("microseconds", 1)])
def test_units_of_epochs_are_told_by_magnitude_and_said(file: Write, unit: str, factor: int) -> None:
    """The same moments in s, ms and us are told apart without being asked, and the reading says which they are."""
    rows = "".join(f"{(MONDAY_US + round(t * 1e6)) // factor},{i},{o}\n" for t, i, o in REQUESTS)
    reading = read_trace(file(HEADER + rows), TraceOptions())
    assert reading.start == datetime(2027, 1, 4, tzinfo=UTC)
    assert any(f"times are {unit} since 1970" in sentence for sentence in reading.understood)


def test_times_without_a_zone_are_in_the_one_that_is_told(file: Write) -> None:
    """A wall clock of Berlin in winter is an hour ahead of UTC, and hours of the day are Berlin's."""
    rows = "2027-01-04 09:00:00,1,1\n2027-01-04 09:59:00.5,1,1\n2027-01-04T10:59:59,1,1\n"
    reading = read_trace(file(HEADER + rows), TraceOptions(timezone=told.zone("Europe/Berlin")))
    assert reading.start.astimezone(UTC) == datetime(2027, 1, 4, 8, tzinfo=UTC)
    assert [hour.hour for hour in reading.traffic[0].profile if hour.days] == [9, 10, 11]


def test_an_hour_that_comes_twice_stays_two_hours(file: Write) -> None:
    """Clocks in Berlin go from 3 back to 2 on 2027-10-31: two calendar hours begin at 2, of equal traffic."""
    rows = "".join(f"2027-10-31T{h:02d}:{m}:00Z,1,1\n" for h in range(6) for m in ("00", "30"))
    (traffic,) = read_trace(file(HEADER + rows), TraceOptions(timezone=told.zone("Europe/Berlin"))).traffic
    assert [hour.start.hour for hour in traffic.hours] == [2, 2, 3, 4, 5, 6]
    assert [hour.requests for hour in traffic.hours] == [2] * 6
    assert traffic.profile[2].days == 2


def test_half_hour_zones_have_hours_of_their_own(file: Write) -> None:
    """India is 5 h 30 min ahead: its hours begin at half past in UTC."""
    reading = read_trace(file(table(REQUESTS)), TraceOptions(timezone=told.zone("Asia/Kolkata")))
    assert [hour.start.astimezone(UTC).minute for hour in reading.traffic[0].hours] == [30] * 3


def test_times_from_the_start_need_a_unit(file: Write, issue: Find) -> None:
    """Small numbers are refused until their unit is told; then the trace begins at midnight or when told."""
    path = file(HEADER + "0,1,1\n1800,1,1\n3600,1,1\n")
    assert "--time-unit" in issue(read_trace, path, TraceOptions()).fix
    begun = datetime(2027, 3, 1, 9, tzinfo=UTC)
    assert read_trace(path, TraceOptions(time_unit="s", start=begun)).start == begun


def test_columns_of_other_names_can_be_told(file: Write) -> None:
    """--columns maps fields to a file's own columns, and other columns do not matter."""
    text = "id,when,n_in,n_out,llm\nx,1800000000,5,6,a\ny,1800000600,7,8,b\nz,1800001200,9,1,a\n"
    columns = told.columns("timestamp=when,input_tokens=n_in,output_tokens=n_out,model=llm")
    traffic = read_trace(file(text), TraceOptions(columns=columns)).traffic
    assert [(one.model, one.requests, one.input_tokens) for one in traffic] == [("a", 2, 7.0), ("b", 1, 7.0)]
    (only,) = read_trace(file(text), TraceOptions(columns=columns, only="b")).traffic
    assert only.model == "b"


SOUND = "1800000000,1,1\n1800000600,2,2\n"


@pytest.mark.parametrize(
    ("rows", "where", "what"),
    [
        (f"{SOUND}1800001200,abc,1\n", "row 3 input_tokens", "'abc' is not a number"),
        (f"{SOUND}1800001200,,1\n", "row 3 input_tokens", "is empty"),
        (f"{SOUND}1800001200,nan,1\n", "row 3 input_tokens", "not a whole number"),
        (f"{SOUND}1800001200,1.5,1\n", "row 3 input_tokens", "1.5 is not a whole number"),
        (f"{SOUND}1800001200,1e18,1\n", "row 3 input_tokens", "1e+18 is not a whole number"),
        (f"{SOUND}1800001200,1\n", "row 3", "has 2 cells under a header of 3"),
        (f"{SOUND}1800001200000,1,1\n", "row 3 timestamp", "is out of the range of times"),
        (f"{SOUND}2027-01-04,1,1\n", "row 3 timestamp", "'2027-01-04' is no time"),
        ("yesterday,1,1\n", "timestamp", "'yesterday' is no time"),
        ("2027-01-04,1,1\n1800000000,1,1\n", "row 2 timestamp", "is no time as in the first row"),
        ("", "trace.csv", "has a header and no rows"),
        ("1800000000,1,1\n1800000000,2,2\n", "trace.csv", "all its requests at one moment"),
        ("1800000000,0,1\n1800000001,1,0\n", "trace.csv", "has no request with input and output tokens"),
    ],
)
def test_a_malformed_row_is_named(file: Write, issue: Find, rows: str, where: str, what: str) -> None:
    """One error says which row and column, what stands there, and what to do."""
    found = issue(read_trace, file(HEADER + rows), TraceOptions())
    assert where in found.where
    assert what in found.what
    assert found.fix


@pytest.mark.parametrize("name", ["azure", "burstgpt", "mooncake", "servegen", "generic", "nothing"])
def test_a_forced_format_still_needs_its_columns(file: Write, name: str) -> None:
    """--format does not make a file what it is not."""
    with pytest.raises(InputError):
        read_trace(file("a,b,c\n1,2,3\n"), TraceOptions(), name)


def test_a_compressed_trace_is_named_as_such(file: Write, issue: Find) -> None:
    """Gzip is told by its first bytes."""
    assert "gunzip" in issue(read_trace, file(b"\x1f\x8b\x08\x00"), TraceOptions()).fix


def test_odd_rows_are_flagged_and_counted(file: Write) -> None:
    """Negative tokens, steps back in time, repeated rows and gaps each get a flag with their number."""
    rows = [(float(t), 10, 10) for t in range(0, 7200, 60)] + [(float(t), 10, 10) for t in range(20_000, 27_000, 60)]
    path = file(table([*rows, rows[0], (27_001.0, -5, 1)]))
    flags = {flag.what: flag.done for flag in read_trace(path, TraceOptions()).flags}
    assert sorted(flags.values()) == ["corrected", "dropped", "kept", "kept", "kept", "kept"]
    for part in ("negative token count", "go back in time", "repeat another one", "no request for 3 h", "covers 7.5 h"):
        assert any(part in what for what in flags), part


def test_models_beyond_a_hundred_are_refused(file: Write, issue: Find) -> None:
    """A column of request ids taken for models is stopped before it fills the memory."""
    rows = [(float(t), 1, 1) for t in range(101)]
    found = issue(read_trace, file(table(rows, [f"m{t}" for t in range(101)])), TraceOptions())
    assert found.code == "too-many-models"


@pytest.mark.parametrize(
    "call", [lambda: told.zone("Mars/Olympus"), lambda: told.columns("a=b"), lambda: told.start("x", UTC)]
)
def test_options_that_cannot_be_meant_are_refused(call: Callable[[], object]) -> None:
    """A zone, mapping or moment that does not exist is an InputError."""
    with pytest.raises(InputError):
        call()


def test_a_table_of_semicolons_is_told_so(file: Write, issue: Find) -> None:
    """Proves that a trace saved with another list separator is named for it, with the fix.

    Sensitivity: else it is in no format that fleetopt knows, and the fix would be to name one.
    """
    found = issue(read_trace, file("timestamp;input_tokens;output_tokens\n1;2;3\n"), TraceOptions())
    assert "with semicolons" in found.what
    assert "commas between cells" in found.fix
