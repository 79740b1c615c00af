"""Arrays of numbers in a NumPy .npz file, read without NumPy's loader: nothing in the file is ever unpickled.

An .npz is a ZIP of .npy members: the magic bytes, a version, the length of a header, the header as a literal dict
of `descr`, `fortran_order` and `shape`, then the raw numbers (NumPy's documented format 1.0 and 2.0).
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fleetopt.documents import read_bytes, shown
from fleetopt.documents.tables import MOST
from fleetopt.errors import InputError, Issue

ZIP_MAGIC = b"PK\x03\x04"
FILE_LIMIT_BYTES = 16 * 1024 * 1024
MEMBER_LIMIT_BYTES = 16 * 1024 * 1024
MEMBER_LIMIT = 64

_MAGIC = b"\x93NUMPY"
_HEADER = re.compile(
    rb"\{'descr': '(?P<type>[<>|=]?[iuf][1248])', 'fortran_order': (?:True|False), "
    rb"'shape': \((?P<size>\d{0,9}),?\), ?\}\s*"
)


def read_npz(path: Path, names: Sequence[str]) -> tuple[dict[str, list[float]], bytes]:
    """The one-dimensional arrays of these names, and the bytes of the file.

    Raises:
        InputError: the file is no .npz, is too large, lacks an array, or holds one that is no list of finite numbers.
    """
    data = read_bytes(path, FILE_LIMIT_BYTES)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()[:MEMBER_LIMIT]}
            return {name: _array(archive, members, name, path) for name in names}, data
    except (
        zipfile.BadZipFile,
        zlib.error,
        OSError,
        EOFError,
        RuntimeError,
        NotImplementedError,
        struct.error,
    ) as error:
        what = f"is no sound .npz file ({str(error)[:60] or type(error).__name__})"
        raise InputError([Issue("bad-npz", shown(path), what, "Copy it again from where it was made")]) from None


def _array(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], name: str, path: Path) -> list[float]:
    where = f"{shown(path)} {name}"
    if name not in members:
        raise InputError([Issue("missing-key", where, "is missing", f"Arrays wanted: {name} among others")])
    with archive.open(members[name]) as stream:
        raw = stream.read(MEMBER_LIMIT_BYTES + 1)
    if len(raw) > MEMBER_LIMIT_BYTES:
        raise InputError(
            [Issue("too-large", where, "is over the limit of 16 MB", "Check that it is the file you meant")]
        )
    values = _numbers(raw)
    if values is None or not np.all(np.isfinite(values)) or np.any(values < 0) or np.any(values > MOST):
        fix = "Save plain arrays of finite numbers, not of objects"
        raise InputError([Issue("bad-value", where, "is no list of finite numbers of at least zero", fix)])
    return [float(value) for value in values]


def _numbers(raw: bytes) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
    """The numbers of an .npy member; None where it holds anything else."""
    if not raw.startswith(_MAGIC) or len(raw) < 12 or raw[6] not in (1, 2):
        return None
    start = 10 if raw[6] == 1 else 12
    length = int.from_bytes(raw[8:start], "little")
    header = _HEADER.fullmatch(raw[start : start + length])
    if header is None or header["type"][-2:] == b"f1":
        return None
    kind = np.dtype(header["type"].decode())
    body = raw[start + length :]
    if len(body) != int(header["size"] or 1) * kind.itemsize:
        return None
    return np.frombuffer(body, kind).astype(np.float64)
