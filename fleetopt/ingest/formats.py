"""The profile formats that fleetopt reads, and how a file is told to be one of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fleetopt.documents import shown
from fleetopt.errors import InputError, Issue, did_you_mean
from fleetopt.ingest.benchmarks.aiperf import AiPerf
from fleetopt.ingest.benchmarks.guidellm import GuideLlm
from fleetopt.ingest.benchmarks.sglang_bench import SglangBench
from fleetopt.ingest.benchmarks.vllm_bench import VllmBench
from fleetopt.ingest.profilers.aiconfigurator import AiConfigurator
from fleetopt.ingest.profilers.distserve import DistServe
from fleetopt.ingest.profilers.dynamo import Dynamo
from fleetopt.ingest.profilers.llm_inferno import LlmInferno
from fleetopt.ingest.profilers.splitwise import Splitwise
from fleetopt.ingest.profilers.table import Table
from fleetopt.ingest.reading import Format, Reading, Series, Told

FORMATS: tuple[Format, ...] = (
    VllmBench(),
    SglangBench(),
    GuideLlm(),
    AiPerf(),
    LlmInferno(),
    Dynamo(),
    AiConfigurator(),
    Splitwise(),
    DistServe(),
    Table(),
)
"""Asked in this order; the generic table comes last."""

HEAD_BYTES = 65_536
GZIP_MAGIC = b"\x1f\x8b"


def read_profiles(path: Path, told: Told, name: str | None = None) -> Reading:
    """What a file holds, by the format of that name or else by the first that recognises it.

    Raises:
        InputError: there is no such format, none recognises the file, or the file is malformed.
    """
    found = _format(path, name).read(path, told)
    return replace(found, series=tuple(_estimated(one) for one in found.series)) if told.modelled else found


def _estimated(one: Series) -> Series:
    return replace(one, evidence="modelled") if one.evidence == "measured" else one


def _format(path: Path, name: str | None) -> Format:
    if name is not None:
        found = next((one for one in FORMATS if one.name == name), None)
        if found is None:
            fix = did_you_mean(name, [one.name for one in FORMATS])
            raise InputError([Issue("unknown-format", "--format", f"'{name[:60]}' is no format", fix)])
        return found
    head = head_of(path)
    found = next((one for one in FORMATS if one.recognises(path, head)), None)
    if found is None and head.startswith(GZIP_MAGIC):
        raise InputError([Issue("compressed", shown(path), "is compressed", "Unpack it, with gunzip perhaps")])
    if found is None:
        fix = f"Name its format with --format: {', '.join(one.name for one in FORMATS)}"
        raise InputError([Issue("unknown-format", shown(path), "is in no format that fleetopt knows", fix)])
    return found


def head_of(path: Path) -> bytes:
    """The first bytes of a file; none of a folder, which a format knows by the files in it."""
    try:
        if path.is_dir():
            return b""
        with path.open("rb") as stream:
            return stream.read(HEAD_BYTES)
    except FileNotFoundError:
        raise InputError([Issue("missing-file", shown(path), "does not exist", "Check the path")]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        what = f"cannot be read ({reason})"
        raise InputError([Issue("unreadable", shown(path), what, "Check its name and permissions")]) from None
