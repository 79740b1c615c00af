"""Whatever stands in a file, reading it as a trace ends in a reading or in an InputError."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetopt.errors import InputError
from fleetopt.ingest.traces.options import TraceOptions
from fleetopt.ingest.traces.read import FORMATS, read_trace
from tests.ingest.traces.conftest import DATA

fuzz = settings(derandomize=True, deadline=None, max_examples=60, database=None)

HEADS = sorted(path for path in DATA.iterdir() if path.suffix != ".md")
TOKENS = [
    *(b"", b"0", b"-1", b"nan", b"inf", b"1e309", b"1_0", b"0x1f", b"99999999999999999999", b"1.5", b"null", b"\x00"),
    *(
        b'"',
        b",",
        b"\n",
        b"\r",
        b"\xff",
        b"{",
        b"}",
        b"[",
        b"]",
        b"=1+1",
        b"2023-13-45 99:99:99",
        b"9999-12-31",
        b"a,b",
    ),
    *(b"1700000000", b"1700000000000", b"true", b"{}", b"[[[[", b"\xef\xbb\xbf", b"\xe2\x80\xa8"),
]


def _parquet() -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    rows = {"timestamp": [1_800_000_000, 1_800_003_600], "input_tokens": [10, 20], "output_tokens": [1, 2]}
    stream = io.BytesIO()
    parquet.write_table(pa.table(rows), stream)
    return stream.getvalue()


PARQUET = _parquet()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where traces are written."""
    return tmp_path_factory.mktemp("fuzz") / "trace"


def _answered(place: Path, content: bytes, name: str | None = None) -> None:
    place.write_bytes(content)
    with contextlib.suppress(InputError):
        read_trace(place, TraceOptions(), name)


@st.composite
def _mutated(draw: st.DrawFn, original: bytes) -> bytes:
    content = original[:3000]
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        upto = draw(st.integers(at, min(len(content), at + 12)))
        content = content[:at] + draw(st.sampled_from(TOKENS) | st.binary(max_size=6)) + content[upto:]
    return content


@pytest.mark.parametrize("head", HEADS, ids=lambda path: path.stem)
@fuzz
@given(data=st.data())
def test_a_mutated_trace_is_read_or_refused(place: Path, head: Path, data: st.DataObject) -> None:
    """Slips, cuts and foreign bytes in a real file never come out as anything but an InputError."""
    _answered(place, data.draw(_mutated(head.read_bytes())))


@pytest.mark.parametrize("name", [one.name for one in FORMATS])
@fuzz
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_anything_named_a_trace_is_read_or_refused(place: Path, name: str, content: bytes) -> None:
    """Random bytes under the name of each format are refused with an InputError."""
    _answered(place, content, name)


@fuzz
@given(data=st.data())
def test_mutated_parquet_is_read_or_refused(place: Path, data: st.DataObject) -> None:
    """Arrow's own complaints about a broken Parquet file come out as an InputError."""
    content = bytearray(PARQUET)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    _answered(place, b"PAR1" + bytes(content[4 : data.draw(st.integers(8, len(content)))]))
