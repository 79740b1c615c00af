"""Offers merged into a catalog folder: the same prices again give the same file, a changed one replaces its row.

Lines that do not change stay as they are, comments too. Everything is written aside, read back as a catalog, and
only then renamed into place.
"""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from fleetopt.catalog.domain import NodeType, Offer
from fleetopt.catalog.hardware import load_hardware
from fleetopt.catalog.roots import HARDWARE
from fleetopt.documents import parse_table, read_text, shown, stands
from fleetopt.documents.tables import TABLE_LIMIT_BYTES
from fleetopt.errors import InputError, Issue, did_you_mean

OFFERS, NODES = "offers.csv", "node_types.csv"
_NO_COLUMN = frozenset({"provenance", "rack_units", "support_usd_per_node_year"})
"""Provenance takes two columns; rack units are an optional one that no price list states; support is a scenario's."""

Cells = dict[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """A field of an offer that was another before."""

    name: str
    field: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Merge:
    """What merging did, or would do: offers by name, node types by name, the files that change.

    `older` are offers whose price is dated before the one that is there; that one stays.
    """

    added: tuple[str, ...]
    changed: tuple[Change, ...]
    same: tuple[str, ...]
    older: tuple[str, ...]
    new_nodes: tuple[str, ...]
    files: tuple[Path, ...]


def merge_offers(
    folder: Path,
    offers: Sequence[Offer],
    nodes: Sequence[NodeType],
    further: tuple[Path, ...],
    *,
    dry_run: bool = False,
) -> Merge:
    """Writes offers, and the node types that neither the folder nor a further root has, into a catalog folder.

    Raises:
        InputError: the folder holds files that cannot be read, a GPU type exists nowhere, or nothing can be written.
    """
    if stands(folder, "anything") and not stands(folder, "folder"):
        raise InputError([Issue("not-a-folder", shown(folder), "is a file", "Name a folder of models")])
    hardware, _ = load_hardware((folder, *further))
    for node in nodes:
        if node.gpu_type not in hardware.gpu_types:
            where, what = f"{shown(folder)}/{HARDWARE}/gpu_types.csv", f"has no GPU type '{node.gpu_type[:60]}'"
            fix = f"Add its memory, bandwidth and power there first. {did_you_mean(node.gpu_type, hardware.gpu_types)}"
            raise InputError([Issue("unknown-name", where, what, fix)])
    new_nodes = [node for node in nodes if node.name not in hardware.node_types]
    home = folder / HARDWARE
    text, merge = _merged(home / OFFERS, {offer.name: _cells(offer) for offer in offers}, _columns(Offer))
    node_text, _ = _merged(home / NODES, {node.name: _cells(node) for node in new_nodes}, _columns(NodeType))
    texts = {name: text for name, text in ((OFFERS, text), (NODES, node_text)) if text is not None}
    if not dry_run:
        _write(folder, texts, further)
    return Merge(*merge, tuple(node.name for node in new_nodes), tuple(home / name for name in texts))


def _columns(kind: type[Offer | NodeType]) -> tuple[str, ...]:
    return (*(field.name for field in fields(kind) if field.name not in _NO_COLUMN), "evidence", "source")


def _cells(item: Offer | NodeType) -> Cells:
    """An item as it stands in its table."""
    own = {field.name: getattr(item, field.name) for field in fields(item) if field.name not in _NO_COLUMN}
    own |= {"evidence": item.provenance.evidence, "source": item.provenance.source}
    return {name: _cell(value) for name, value in own.items()}


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _merged(
    path: Path, items: Mapping[str, Cells], columns: Sequence[str]
) -> tuple[str | None, tuple[tuple[str, ...], tuple[Change, ...], tuple[str, ...], tuple[str, ...]]]:
    """A table with items merged into it, None where it stays; with what was added, changed, the same and older."""
    text = read_text(path, TABLE_LIMIT_BYTES)[0] if stands(path, "anything") else ""
    rows = parse_table(text, path, columns, ("rack_units",)) if text else []
    lines = text.split("\n")
    changes: list[Change] = []
    older: list[str] = []
    order = list(rows[0].cells) if rows else list(columns)
    for row in rows:
        new = items.get(row.cells["name"])
        found = _changes(row.cells, new) if new is not None else []
        if new is not None and found and _is_older(new, row.cells):
            older.append(row.cells["name"])
        elif new is not None and found:
            changes += found
            lines[row.line - 1] = _line([new.get(column, row.cells[column]) for column in order])
    old = {row.cells["name"] for row in rows}
    added = tuple(name for name in items if name not in old)
    changed = {*older, *(change.name for change in changes)}
    same = tuple(name for name in items if name in old and name not in changed)
    kept = "\n".join(lines).rstrip("\n")
    head = [kept] if kept else [_line(order)]
    whole = "\n".join([*head, *(_line([items[name].get(column, "") for column in order]) for name in added)]) + "\n"
    return (whole if added or changes else None), (added, tuple(changes), same, tuple(older))


def _changes(old: Cells, new: Cells) -> list[Change]:
    return [
        Change(new["name"], column, old[column], new[column])
        for column in new
        if old[column] != new[column] and not _equal_numbers(old[column], new[column])
    ]


def _is_older(new: Cells, old: Cells) -> bool:
    """Whether a price is dated before the one that is there, as far as both dates go."""
    dates = [cells.get("price_date", "unknown") for cells in (new, old)]
    length = min(map(len, dates))
    return "unknown" not in dates and dates[0][:length] < dates[1][:length]


def _equal_numbers(old: str, new: str) -> bool:
    try:
        return float(old) == float(new)
    except ValueError:
        return False


def _line(cells: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(list(cells))
    return out.getvalue()


def _write(folder: Path, texts: Mapping[str, str], further: tuple[Path, ...]) -> None:
    """Writes tables aside, reads them back as the catalog they will be, and renames them into place."""
    if not texts:
        return
    home = folder / HARDWARE
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".prices-", dir=folder) as aside:
            trial = Path(aside) / HARDWARE
            trial.mkdir()
            for table in home.glob("*.csv"):
                (trial / table.name).write_bytes(table.read_bytes())
            for name, text in texts.items():
                _put(trial / name, text)
            load_hardware((Path(aside), *further))
            for name in sorted(texts):
                (trial / name).replace(home / name)
    except (OSError, ValueError) as error:
        what = f"cannot be written ({getattr(error, 'strerror', None) or error})"
        raise InputError([Issue("unwritable", shown(home), what, "Check its permissions")]) from None


def _put(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
