"""Any CSV, JSON-lines or Parquet file with a row per request: timestamp, input_tokens, output_tokens, perhaps model.

Other names of columns are told with --columns.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fleetopt.documents import shown
from fleetopt.errors import InputError, Issue
from fleetopt.ingest.traces.clock import Clock, clock_of
from fleetopt.ingest.traces.format import Content, Stream, first_cells, header_of, need_columns
from fleetopt.ingest.traces.lines import Keys, first_record, line_chunks, time_text
from fleetopt.ingest.traces.options import TraceOptions
from fleetopt.ingest.traces.streams import Shape, broken_parquet, csv_chunks, parquet_chunks, unreadable

PARQUET = b"PAR1"


class Generic:
    """The reader of what no other format recognises."""

    name = "generic"
    title = "table of requests"

    def recognises(self, head: bytes) -> bool:
        """Parquet, JSON lines, or a header with several columns."""
        return head.startswith(PARQUET) or _is_lines(head) or len(header_of(head)) > 2

    def open(self, path: Path, head: bytes, options: TraceOptions) -> Content:
        """Its requests."""
        if head.startswith(PARQUET):
            return _parquet(path, options)
        return _lines(path, options) if _is_lines(head) else _csv(path, head, options)


def _is_lines(head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


def _csv(path: Path, head: bytes, options: TraceOptions) -> Stream:
    header = header_of(head)
    shape = _shape(path, header, options)
    clock = clock_of(first_cells(head, header, path)[shape.timestamp], path, 2, options)
    return Stream((clock.said, _said(shape)), csv_chunks(path, header, shape, clock))


def _lines(path: Path, options: TraceOptions) -> Stream:
    from fleetopt.documents import json_lines

    first = next(json_lines(path))
    shape = _shape(path, [str(key) for key in first.cells], options)
    keys = Keys(shape.timestamp, shape.input_tokens, shape.output_tokens, shape.model)
    clock = clock_of(time_text(first_record(path), keys.timestamp), path, 1, options)
    return Stream((clock.said, _said(shape)), line_chunks(path, keys, clock))


def _parquet(path: Path, options: TraceOptions) -> Stream:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            shape = _shape(path, list(schema.names), options)
            _check_types(path, schema, shape)
            first = next(iter(file.iter_batches(1, columns=[shape.timestamp])), None)
    except pa.ArrowException as error:
        raise broken_parquet(path, error) from None
    except OSError as error:
        raise unreadable(path, error) from None
    if first is None or not first.num_rows:
        raise InputError([Issue("empty-table", shown(path), "has no rows", "Add rows")])
    clock = _parquet_clock(first.column(0), path, options)
    return Stream((clock.said, _said(shape)), parquet_chunks(path, shape, clock))


def _parquet_clock(cell: Any, path: Path, options: TraceOptions) -> Clock:
    import pyarrow as pa

    if pa.types.is_timestamp(cell.type):
        zoned = cell.type.tz is not None
        said = "times carry their zone" if zoned else f"times are in {options.timezone}"
        return Clock("zoned" if zoned else "naive", options.timezone, 1, 0, said)
    return clock_of(str(cell[0].as_py()), path, 1, options)


def _check_types(path: Path, schema: Any, shape: Shape) -> None:
    """Numbers where numbers belong, and times that are numbers or timestamps.

    Raises:
        InputError: a column has another type.
    """
    import pyarrow as pa

    for name in shape.names:
        kind = schema.field(name).type
        number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
        text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind)
        sound = text if name == shape.model else number or (name == shape.timestamp and pa.types.is_timestamp(kind))
        if not sound:
            wanted = "text" if name == shape.model else "numbers"
            wanted += " or timestamps" if name == shape.timestamp else ""
            where = f"{shown(path)} {name[:60]}"
            raise InputError([Issue("bad-column", where, f"holds {str(kind)[:40]}, not {wanted}", "Convert it")])


def _shape(path: Path, header: list[str], options: TraceOptions) -> Shape:
    told = dict(options.columns)
    names = [told.get(field, field) for field in ("timestamp", "input_tokens", "output_tokens")]
    model = told.get("model", "model" if "model" in header else None)
    wanted = names if model is None else [*names, model]
    try:
        need_columns(path, header, wanted)
    except InputError as error:
        fix = "Say which columns hold what: --columns timestamp=...,input_tokens=...,output_tokens=..."
        known = ", ".join(name[:30] for name in header[:12] if name.isprintable())
        first = error.issues[0]
        raise InputError([Issue(first.code, first.where, f"{first.what} (it has {known})", fix)]) from None
    if len(set(wanted)) != len(wanted):
        what = "are to hold two things at once"
        raise InputError([Issue("bad-columns", "--columns", what, "Name a column for each field")])
    return Shape(names[0], names[1], names[2], model)


def _said(shape: Shape) -> str:
    named = f"input tokens are {shape.input_tokens}, output tokens are {shape.output_tokens}"
    return named if shape.model is None else f"{named}, models are {shape.model}"
