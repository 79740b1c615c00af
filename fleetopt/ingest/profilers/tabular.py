"""CSV files of other tools: any columns beside the ones that are read, gzip allowed up to a size."""

from __future__ import annotations

import csv
import hashlib
import zlib
from collections.abc import Sequence
from pathlib import Path

from fleetopt.documents import Row, parse_table, read_bytes, read_text, shown
from fleetopt.documents.tables import TABLE_LIMIT_BYTES
from fleetopt.errors import InputError, Issue

GZIP_MAGIC = b"\x1f\x8b"
_GZIP = 16 + zlib.MAX_WBITS


def columns(head: bytes) -> frozenset[str]:
    """The column names in the first bytes of a CSV file, gzipped or not; none where it is nothing of the kind."""
    try:
        plain = zlib.decompressobj(_GZIP).decompress(head, 65_536) if head.startswith(GZIP_MAGIC) else head
        lines = plain.decode("utf-8-sig", "replace").split("\n")
        header = next((line for line in lines if line.strip() and line[0] != "#"), "")
        return frozenset(cell.strip() for cell in next(csv.reader([header.rstrip("\r")]), []))
    except (zlib.error, csv.Error):
        return frozenset()


def read_columns(path: Path, required: Sequence[str]) -> tuple[list[Row], str]:
    """The rows of a CSV file that has at least the required columns, and the SHA-256 of its bytes.

    Raises:
        InputError: as `read_table`; or the file is gzipped and damaged, or too large once unpacked.
    """
    packed = read_bytes(path, TABLE_LIMIT_BYTES)
    if not packed.startswith(GZIP_MAGIC):
        text, digest = read_text(path, TABLE_LIMIT_BYTES)
        return parse_table(text, path, required, None), digest
    text = _unpacked(packed, path)
    return parse_table(text, path, required, None), hashlib.sha256(packed).hexdigest()


def _unpacked(packed: bytes, path: Path) -> str:
    machine = zlib.decompressobj(_GZIP)
    try:
        data = machine.decompress(packed, TABLE_LIMIT_BYTES + 1)
    except zlib.error as error:
        what = f"is no sound gzip file ({error})"
        raise InputError([Issue("bad-gzip", shown(path), what, "Fetch it again, or unpack it first")]) from None
    if len(data) > TABLE_LIMIT_BYTES:
        what = f"unpacks to more than {TABLE_LIMIT_BYTES / 1e6:.0f} MB"
        raise InputError([Issue("too-large", shown(path), what, "Split it, or check that it is the file you meant")])
    if not machine.eof:
        raise InputError([Issue("bad-gzip", shown(path), "ends too early for a gzip file", "Fetch it again")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError([Issue("not-utf8", shown(path), "is not UTF-8 once unpacked", "Save it as UTF-8")]) from None
