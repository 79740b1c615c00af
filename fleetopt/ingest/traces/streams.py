"""Requests out of CSV and Parquet files, in chunks, so that the size of a file does not matter.

Arrow reads and converts; where it refuses a CSV file, the file is gone through once more, line by line, to say which
cell is at fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fleetopt.documents import shown
from fleetopt.errors import InputError, Issue
from fleetopt.ingest.traces.clock import Clock
from fleetopt.ingest.traces.domain import Chunk, Floats, Ints

BLOCK_BYTES = 8 * 1024 * 1024
BATCH_ROWS = 262_144
MOST_TOKENS = 1_000_000_000
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Shape:
    """Which columns of a file hold a request. A file without a column for the model is one model's."""

    timestamp: str
    input_tokens: str
    output_tokens: str
    model: str | None = None

    @property
    def names(self) -> list[str]:
        """The columns, the model's last."""
        own = [self.timestamp, self.input_tokens, self.output_tokens]
        return own if self.model is None else [*own, self.model]


def csv_chunks(path: Path, header: list[str], shape: Shape, clock: Clock) -> Iterator[Chunk]:
    """The requests of a CSV file whose first line is `header`.

    Raises:
        InputError: a row is malformed, or a cell is no time, no number, or empty.
    """
    import pyarrow as pa
    from pyarrow import csv

    types = {shape.timestamp: time_type(clock), shape.input_tokens: pa.float64(), shape.output_tokens: pa.float64()}
    if shape.model is not None:
        types[shape.model] = pa.dictionary(pa.int32(), pa.string())
    try:
        reader = csv.open_csv(
            path,
            read_options=csv.ReadOptions(block_size=BLOCK_BYTES, column_names=header, skip_rows=1),
            convert_options=csv.ConvertOptions(
                column_types=types, include_columns=shape.names, null_values=[""], strings_can_be_null=True
            ),
        )
        yield from chunks(reader, path, shape, clock)
    except pa.ArrowException as error:
        from fleetopt.ingest.traces.faults import csv_fault

        raise csv_fault(path, header, shape, clock, str(error)) from None
    except OSError as error:
        raise unreadable(path, error) from None


def parquet_chunks(path: Path, shape: Shape, clock: Clock) -> Iterator[Chunk]:
    """The requests of a Parquet file.

    Raises:
        InputError: it is no sound Parquet file, or a cell is no time, no number, or empty.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            yield from chunks(file.iter_batches(BATCH_ROWS, columns=shape.names), path, shape, clock)
    except pa.ArrowException as error:
        raise broken_parquet(path, error) from None
    except OSError as error:
        raise unreadable(path, error) from None


def time_type(clock: Clock) -> Any:
    """The Arrow type that holds the times of a clock."""
    import pyarrow as pa

    if clock.kind == "number":
        return pa.float64()
    return pa.timestamp("ns", "UTC" if clock.kind == "zoned" else None)


def chunks(batches: Iterable[Any], path: Path, shape: Shape, clock: Clock) -> Iterator[Chunk]:
    """Arrow's record batches as chunks, every cell checked."""
    row = 1
    for batch in batches:
        yield _chunk(batch, path, shape, clock, row)
        row += batch.num_rows


def _chunk(batch: Any, path: Path, shape: Shape, clock: Clock, row: int) -> Chunk:
    cells: dict[str | None, Any] = {name: batch.column(batch.schema.get_field_index(name)) for name in shape.names}
    for name in shape.names:
        cell = cells[name]
        if cell.null_count:
            at = row + int(np.flatnonzero(cell.is_null().to_numpy(zero_copy_only=False))[0])
            raise bad_cell(path, at, name, "is empty", "Fill it in, or take the row out")
    times, wrong = _times(cells[shape.timestamp], clock)
    if len(wrong):
        fix = "Check the unit; all times of a file must be in the same one"
        raise bad_cell(path, row + int(wrong[0]), shape.timestamp, "is out of the range of times", fix)
    names, codes = _models(cells.get(shape.model), path, shape, row, batch.num_rows)
    tokens = [
        whole_tokens(_numbers(cells[name]), path, name, row) for name in (shape.input_tokens, shape.output_tokens)
    ]
    return Chunk(row, times, codes, names, tokens[0], tokens[1])


def _times(cell: Any, clock: Clock) -> tuple[Ints, Ints]:
    import pyarrow as pa

    if clock.kind == "number":
        return clock.from_numbers(_numbers(cell))
    wide = cell.cast(pa.timestamp("ns", cell.type.tz)).cast(pa.int64())
    return clock.from_iso(np.asarray(wide.to_numpy(zero_copy_only=False), dtype=np.int64) // 1000)


def _numbers(cell: Any) -> Floats:
    import pyarrow as pa

    return np.asarray(cell.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


def _models(cell: Any, path: Path, shape: Shape, row: int, rows: int) -> tuple[tuple[str, ...], Ints]:
    import pyarrow as pa

    if cell is None:
        return ("",), np.zeros(rows, dtype=np.int64)
    if not pa.types.is_dictionary(cell.type):
        cell = cell.cast(pa.string()).dictionary_encode()
    names = tuple(str(name) for name in cell.dictionary.to_pylist())
    codes = np.asarray(cell.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
    for code, name in enumerate(names):
        at = np.flatnonzero(codes == code)
        if len(at) and not is_name(name):
            fix = f"Give the model a name of up to {LONGEST_NAME} characters that can be seen"
            raise bad_cell(path, row + int(at[0]), str(shape.model), "is no name of a model", fix)
    return names, codes


def is_name(name: str) -> bool:
    """Whether a text can stand for a model."""
    return bool(name.strip()) and len(name) <= LONGEST_NAME and name.isprintable()


def whole_tokens(values: Floats, path: Path, column: str, row: int) -> Ints:
    """Token counts as integers; negative ones pass, to be flagged.

    Raises:
        InputError: one is not finite, not whole, or above 10^9.
    """
    wrong = np.flatnonzero(~(np.abs(values) <= MOST_TOKENS) | (values != np.floor(values)))
    if len(wrong):
        what = f"{values[wrong[0]]:g} is not a whole number of tokens up to {MOST_TOKENS:,}"
        raise bad_cell(path, row + int(wrong[0]), column, what, "Correct it, or take the row out")
    return values.astype(np.int64)


def bad_cell(path: Path, row: int, column: str, what: str, fix: str) -> InputError:
    """An error about one cell; rows are counted without the header."""
    return InputError([Issue("bad-value", f"{shown(path)} row {row} {column}", what, fix)])


def broken_parquet(path: Path, error: Exception) -> InputError:
    """An error about a file that Arrow cannot read as Parquet."""
    what = f"is no sound Parquet file ({plain(str(error))})"
    return InputError([Issue("bad-parquet", shown(path), what, "Write it again")])


def unreadable(path: Path, error: OSError) -> InputError:
    """An error about a file that cannot be opened or read to its end."""
    what = f"cannot be read ({plain(error.strerror or str(error))})"
    return InputError([Issue("unreadable", shown(path), what, "Check its name and permissions")])


def plain(message: str) -> str:
    """A library's message as one short line that can be shown."""
    return "".join(c if c.isprintable() else " " for c in message)[:160].strip()
