"""Whole files: plain ones only, up to a size, as bytes or as UTF-8 text with its hash."""

from __future__ import annotations

import difflib
import hashlib
from pathlib import Path
from typing import Literal

from fleetopt.errors import InputError, Issue


def shown(path: Path) -> str:
    """A path as a person would write it: relative to the working folder where it is below it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError, RuntimeError):
        return str(path)


def stands(path: Path, kind: Literal["file", "folder", "anything"]) -> bool:
    """Whether something of a kind is at a path; no for names that no file system takes."""
    checks = {"file": path.is_file, "folder": path.is_dir, "anything": path.exists}
    try:
        return checks[kind]()
    except (OSError, ValueError):
        return False


def read_bytes(path: Path, limit: int) -> bytes:
    """A whole file of at most `limit` bytes.

    Raises:
        InputError: the file is missing, is not a plain file, cannot be read, is empty or too large.
    """
    name = shown(path)
    try:
        if path.is_dir():
            raise InputError([Issue("not-a-file", name, "is a folder", "Name a file")])
        if path.exists() and not path.is_file():
            raise InputError([Issue("not-a-file", name, "is not a plain file", "Name a plain file")])
        size = path.stat().st_size
        if size > limit:
            what = f"is {size / 2**20:.1f} MiB, over the limit of {limit / 2**20:.0f} MiB"
            raise InputError([Issue("too-large", name, what, "Split it, or check that it is the file you meant")])
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError([Issue("missing-file", name, "does not exist", _neighbours(path))]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        fix = "Check its name and permissions"
        raise InputError([Issue("unreadable", name, f"cannot be read ({reason})", fix)]) from None
    if not data.strip():
        raise InputError([Issue("empty-file", name, "is empty", "Fill it in, or take the reference to it out")])
    return data


def read_text(path: Path, limit: int) -> tuple[str, str]:
    """The text of a UTF-8 file and the SHA-256 of its bytes.

    Raises:
        InputError: as `read_bytes`, and for bytes that are no UTF-8 text.
    """
    data = read_bytes(path, limit)
    if b"\x00" in data:
        line = data[: data.index(b"\x00")].count(b"\n") + 1
        where = f"{shown(path)}:{line}"
        raise InputError([Issue("not-text", where, "holds binary data", "Give a UTF-8 text file")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        what = f"is not UTF-8 (byte 0x{data[error.start]:02x})"
        raise InputError([Issue("not-utf8", f"{shown(path)}:{line}", what, "Save the file as UTF-8")]) from None
    return text, hashlib.sha256(data).hexdigest()


def _neighbours(path: Path) -> str:
    """The most similar name beside a missing file, for the fix of its error."""
    try:
        names = [p.name for p in path.parent.iterdir()]
    except OSError:
        return f"There is no folder {shown(path.parent)} either"
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"Did you mean '{close[0]}'?" if close else "Check the path"
