"""Reads `_hardware/`: GPU types, node types and offers."""

from __future__ import annotations

import re
from pathlib import Path

from fleetopt.catalog.domain import (
    EVIDENCE,
    OFFER_KINDS,
    Evidence,
    GpuType,
    Hardware,
    InputFile,
    NodeType,
    Offer,
    OfferKind,
    Provenance,
    Ratios,
)
from fleetopt.catalog.hypothetical import Hypothesis
from fleetopt.catalog.roots import HARDWARE
from fleetopt.documents import Row, read_table
from fleetopt.errors import InputError, Issue, did_you_mean

_DATE = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?")
_GPU_COLUMNS = ("name", "memory_gib", "memory_bandwidth_gb_s", "power_w", "evidence", "source")
_NODE_COLUMNS = ("name", "gpu_type", "gpus_per_node", "power_w", "evidence", "source")
_HYPOTHETICAL_COLUMNS = ("name", "based_on", "compute", "bandwidth", "memory", "price", "power", "source")
_OFFER_COLUMNS = (
    "name",
    "node_type",
    "kind",
    "provider",
    "region",
    "usd_per_node_h",
    "upfront_usd_per_node",
    "term_months",
    "lead_time_months",
    "price_date",
    "evidence",
    "source",
)


def load_hardware(roots: tuple[Path, ...]) -> tuple[Hardware, list[InputFile]]:
    """All hardware in reach, nearer roots first, and the files it came from.

    Raises:
        InputError: a table is malformed, repeats a name, or refers to hardware that does not exist.
    """
    hardware = Hardware({}, {}, {})
    files: list[InputFile] = []
    node_rows: list[tuple[Row, NodeType]] = []
    offer_rows: list[tuple[Row, Offer]] = []
    for root in roots:
        for row in _rows(root, "gpu_types.csv", _GPU_COLUMNS, files):
            hardware.gpu_types.setdefault(row.text("name"), _gpu_type(row))
        rows = _rows(root, "node_types.csv", _NODE_COLUMNS, files, optional=("rack_units",))
        node_rows += [(row, _node_type(row)) for row in rows]
        offer_rows += [(row, _offer(row)) for row in _rows(root, "offers.csv", _OFFER_COLUMNS, files)]
    hypotheses = _hypotheses(roots, hardware, files)
    for row, node in node_rows:
        _must_exist(row, "gpu_type", node.gpu_type, hardware.gpu_types)
        hardware.node_types.setdefault(node.name, node)
    for row, offer in offer_rows:
        _must_exist(row, "node_type", offer.node_type, hardware.node_types)
        hardware.offers.setdefault(offer.name, offer)
    for hypothesis in hypotheses:
        _carry_over(hypothesis, hardware)
    return hardware, files


def _hypotheses(roots: tuple[Path, ...], hardware: Hardware, files: list[InputFile]) -> list[Hypothesis]:
    """The hypothetical GPU types, which from here on are GPU types like any other."""
    found: dict[str, Hypothesis] = {}
    for root in roots:
        for row in _rows(root, "hypothetical.csv", _HYPOTHETICAL_COLUMNS, files):
            base = hardware.gpu_types.get(row.text("based_on"))
            if base is None or base.hypothesis is not None:
                real = [name for name, gpu in hardware.gpu_types.items() if gpu.hypothesis is None]
                what = f"'{row.text('based_on')[:60]}' is no GPU type that exists"
                raise row.fail("based_on", what, did_you_mean(row.text("based_on"), real))
            if row.text("name") in hardware.gpu_types and row.text("name") not in found:
                raise row.fail("name", f"'{row.text('name')[:60]}' exists", "Give it a name of its own")
            hypothesis = Hypothesis(row.text("name"), base, _ratios(row), row.text("source"))
            found.setdefault(hypothesis.name, hypothesis)
            hardware.gpu_types.setdefault(hypothesis.name, hypothesis.gpu_type())
    return list(found.values())


def _ratios(row: Row) -> Ratios:
    parts = ("compute", "bandwidth", "memory", "price", "power")
    return Ratios(*(row.number(part, least=0.01, most=100.0) for part in parts))


def _carry_over(hypothesis: Hypothesis, hardware: Hardware) -> None:
    """Adds the nodes and offers of the base, with the hypothetical GPU in them."""
    for node in [one for one in hardware.node_types.values() if one.gpu_type == hypothesis.base.name]:
        made = hypothesis.node_type(node)
        hardware.node_types.setdefault(made.name, made)
        for offer in [one for one in hardware.offers.values() if one.node_type == node.name]:
            carried = hypothesis.offer(offer, node)
            hardware.offers.setdefault(carried.name, carried)


def provenance(row: Row) -> Provenance:
    """The evidence and source columns of a row."""
    evidence: Evidence = row.choice("evidence", EVIDENCE)  # type: ignore[assignment]
    return Provenance(evidence, row.text("source"))


def _rows(
    root: Path, name: str, columns: tuple[str, ...], files: list[InputFile], optional: tuple[str, ...] = ()
) -> list[Row]:
    path = root / HARDWARE / name
    if not path.is_file():
        return []
    rows, digest = read_table(path, columns, optional)
    files.append(InputFile(f"{root.name}/{HARDWARE}/{name}", digest))
    seen: dict[str, int] = {}
    for row in rows:
        first = seen.setdefault(row.text("name"), row.line)
        if first != row.line:
            raise row.fail("name", f"repeats '{row.text('name')}' of line {first}", "Give every row its own name")
    return rows


def _gpu_type(row: Row) -> GpuType:
    return GpuType(
        name=row.text("name"),
        memory_gib=row.number("memory_gib", above=True),
        memory_bandwidth_gb_s=row.number("memory_bandwidth_gb_s", above=True),
        power_w=row.number("power_w", above=True),
        provenance=provenance(row),
    )


def _node_type(row: Row) -> NodeType:
    return NodeType(
        name=row.text("name"),
        gpu_type=row.text("gpu_type"),
        gpus_per_node=row.whole("gpus_per_node", most=1024),
        power_w=row.optional_number("power_w", above=True),
        provenance=provenance(row),
        rack_units=row.optional_number("rack_units", above=True),
    )


def _offer(row: Row) -> Offer:
    kind: OfferKind = row.choice("kind", OFFER_KINDS)  # type: ignore[assignment]
    term = row.whole("term_months", most=240) if row.cells["term_months"] else None
    offer = Offer(
        name=row.text("name"),
        node_type=row.text("node_type"),
        kind=kind,
        provider=row.text("provider"),
        region=row.text("region"),
        usd_per_node_h=row.number("usd_per_node_h", most=1e6),
        upfront_usd_per_node=row.number("upfront_usd_per_node", most=1e9),
        term_months=term,
        lead_time_months=row.whole("lead_time_months", least=0, most=60),
        price_date=_price_date(row),
        provenance=provenance(row),
    )
    problem = offer_problem(offer)
    if problem:
        column, what, fix = problem
        raise row.fail(column, what, fix)
    return offer


def _price_date(row: Row) -> str:
    text = row.text("price_date")
    if text != "unknown" and _DATE.fullmatch(text) is None:
        fix = "Write it like 2025-03-17, 2025-03 or 2025, or 'unknown'"
        raise row.fail("price_date", f"'{text[:40]}' is no date", fix)
    return text


def offer_problem(offer: Offer) -> tuple[str, str, str] | None:
    """What contradicts itself in an offer: (field, what, fix), None where nothing does."""
    if offer.hourly and (offer.term_months is not None or offer.upfront_usd_per_node or offer.lead_time_months):
        what = f"has a term, an upfront price or a lead time, which {offer.kind} nodes do not have"
        return "kind", what, "Make it 'reserved', or take them out"
    if not offer.hourly and offer.term_months is None:
        return "term_months", f"is missing, and a {offer.kind} offer needs one", "Write the months of the term"
    return None


def _must_exist(row: Row, column: str, name: str, known: dict[str, GpuType] | dict[str, NodeType]) -> None:
    if name not in known:
        issue = Issue("unknown-name", row.where(column), f"'{name[:60]}' does not exist", did_you_mean(name, known))
        raise InputError([issue])
