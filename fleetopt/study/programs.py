"""What decides, beside the inputs, what a plan is: fleetopt's own code and the solver. Kept runs are known by it."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from fleetopt.optimizer.solve import solver_version

_ROOMS = ("capacity", "catalog", "documents", "optimizer", "plan", "scenario", "study", "verify")


@cache
def fingerprint() -> str:
    """A hash of the parts of fleetopt that decide what a plan is, the same wherever it is installed."""
    package = Path(__file__).resolve().parents[1]
    files = sorted([*package.glob("*.py"), *(path for room in _ROOMS for path in (package / room).rglob("*.py"))])
    digests = (hashlib.sha256(path.read_bytes()).hexdigest() for path in files)
    return sha256_of(
        [(path.relative_to(package).as_posix(), digest) for path, digest in zip(files, digests, strict=True)]
    )


@cache
def solver() -> str:
    """Which solver."""
    return solver_version()


def sha256_of(value: Any) -> str:
    """A hash of a value as JSON."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
