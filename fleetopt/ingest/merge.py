"""Merges series of operating points into a model's tables, so that merging them again changes nothing.

A point that is there already stays; one with another value is replaced only where that was asked for. Measured and
modelled points never meet in one profile. What exists keeps its order, its comments and every byte of its line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from fleetopt.catalog.domain import AggregatedPoint, Provenance, Role, ServingConfig
from fleetopt.catalog.models import PROFILE_COLUMNS, PROVENANCE_COLUMNS, read_provenance
from fleetopt.catalog.tails import TAIL_COLUMNS
from fleetopt.documents import Row, shown
from fleetopt.errors import InputError, Issue
from fleetopt.ingest.book import CONFIGS, Book, Place
from fleetopt.ingest.facts import OPTION, SPLITS, complete
from fleetopt.ingest.lengths import levelled
from fleetopt.ingest.names import differences, settled_id
from fleetopt.ingest.points import (
    cells_of,
    is_equal,
    is_sound,
    key_of,
    shown_key,
    shown_values,
    table_of,
    values_of,
)
from fleetopt.ingest.reading import Point, Series
from fleetopt.ingest.sheets import Sheet, figure

Fate: TypeAlias = Literal["added", "replaced", "unchanged"]


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the points of one config in one role."""

    config: ServingConfig
    role: Role
    provenance: Provenance
    added: int = 0
    replaced: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What an import changes in one model's folder: whole new texts by file name, and what to tell about it."""

    book: Book
    texts: dict[str, str]
    tallies: tuple[Tally, ...]
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _New:
    """A point that comes in, with its config, the series it is from and where it stands."""

    point: Point
    config: ServingConfig
    series: Series
    where: str

    @property
    def place(self) -> Place:
        return self.config.name, self.series.role, key_of(self.point)


@dataclass(slots=True)
class _Work:
    """An import under way: tables as they become, what was found, what became of each profile's points."""

    book: Book
    replace: bool
    issues: list[Issue] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    fates: dict[tuple[str, Role, Provenance], dict[Fate, int]] = field(default_factory=dict)


def merge(book: Book, many: Sequence[Series], *, replace_old: bool = False) -> Change:
    """The tables of a model with series added whose facts are complete (`check_facts`).

    Raises:
        InputError: a series contradicts the config it is for, another value is known for an operating point and
            `replace_old` is not set, two series state different values, or evidence would be mixed.
    """
    work = _Work(replace(book, configs=dict(book.configs)), replace_old)
    before = {file: sheet.text for file, sheet in book.sheets.items() if sheet.rows}
    placed = _placed(work, many)
    _stop(work)
    sheets = {CONFIGS: _config_sheet(work, placed)}
    for file in PROFILE_COLUMNS:
        news = [new for new in _distinct(work, placed) if table_of(new.point) == file]
        sheets[file] = _profile_sheet(work, file, news)
    _stop(work)
    texts = {file: sheet.text for file, sheet in sheets.items() if len(sheet.lines) > 2 or file in before}
    changed = {file: text for file, text in texts.items() if text != before.get(file)}
    return Change(work.book, changed, _tallies(work), tuple(dict.fromkeys(work.said)))


def _stop(work: _Work) -> None:
    if work.issues:
        raise InputError(dict.fromkeys(work.issues))


def _placed(work: _Work, many: Sequence[Series]) -> list[_New]:
    """Every point with the config it belongs to. Modelled series choose their ids first."""
    news: list[_New] = []
    completed = sorted(((one, *complete(one)) for one in many), key=lambda item: _order(item[0], item[1]))
    for one, config, said in completed:
        work.said += said
        named = _named(work, config, one)
        news += [_New(point, named, one, where) for point, where in one.placed()]
        bad, where = next(((point, where) for point, where in one.placed() if not is_sound(point)), (None, ""))
        if bad is not None:
            what = f"has a figure out of range ({shown_key(bad)}: {shown_values(bad)})"
            work.issues.append(Issue("bad-value", where, what, "Check its unit, or take the run out"))
    return _one_curve(work, news)


def _one_curve(work: _Work, news: Sequence[_New]) -> list[_New]:
    """The points of each config with lengths that differ by next to nothing made one."""
    found = [new for new in news if not isinstance(new.point, AggregatedPoint)]
    for name in dict.fromkeys(new.config.name for new in news):
        mine = [(new, new.point) for new in news if new.config.name == name and isinstance(new.point, AggregatedPoint)]
        old = (point for _, point in work.book.points("aggregated.csv", {name}).values()) if mine else ()
        known = [(p.input_tokens, p.output_tokens) for p in old if isinstance(p, AggregatedPoint)]
        points, said = levelled([point for _, point in mine], known)
        work.said += [f"config {name}: {sentence}" for sentence in said]
        found += [replace(new, point=point) for (new, _), point in zip(mine, points, strict=True)]
    return found


def _order(one: Series, config: ServingConfig) -> tuple[object, ...]:
    rank = ("modelled", "assumed", "measured").index(one.evidence)
    kv = 0.0 if config.max_kv_tokens is None else config.max_kv_tokens
    facts = [str(getattr(config, fact)) for fact in (*OPTION, *SPLITS)]
    return (rank, config.name, *facts, -kv, one.source, one.role, one.where)


def _named(work: _Work, config: ServingConfig, one: Series) -> ServingConfig:
    """The config of the catalog that a series belongs to, which becomes known if it is new."""
    known = work.book.configs
    named = replace(config, name=config.name or settled_id(config, known, one.where))
    old = known.setdefault(named.name, named)
    unlike = differences(named, old)
    if unlike:
        was = ", ".join(f"{fact} {getattr(old, fact)}, not {getattr(named, fact)}" for fact in unlike)
        what = f"is not the config '{named.name}', which has {was}"
        fix = "Leave --config out or give another id; import different configs one at a time"
        work.issues.append(Issue("contradiction", one.where, what, fix))
    kv = named.max_kv_tokens
    if kv is not None and kv != old.max_kv_tokens:
        if old.max_kv_tokens is not None and not work.replace:
            what = f"has max_kv_tokens {figure(kv)}, and '{old.name}' has {figure(old.max_kv_tokens)}"
            fix = "Add --replace if the new figure is right"
            work.issues.append(Issue("other-value", one.where, what, fix))
        known[named.name] = replace(old, max_kv_tokens=kv)
        if named.name in work.book.config_rows:
            work.said.append(f"config {named.name} is given max_kv_tokens {figure(kv)}")
    return known[named.name]


def _config_sheet(work: _Work, placed: Sequence[_New]) -> Sheet:
    sheet, book = work.book.sheets[CONFIGS], work.book
    names = sorted({new.config.name for new in placed})
    for name in names:
        row, kv = book.config_rows.get(name), book.configs[name].max_kv_tokens
        if row is not None and kv != row.optional_number("max_kv_tokens"):
            sheet = sheet.replaced(row, {"max_kv_tokens": "" if kv is None else figure(kv)})
    return sheet.with_rows([_config_cells(book.configs[name]) for name in names if name not in book.config_rows])


def _config_cells(config: ServingConfig) -> dict[str, str]:
    cells = {fact: str(getattr(config, fact)) for fact in (*OPTION, *SPLITS)} | {"config": config.name}
    cells["max_kv_tokens"] = "" if config.max_kv_tokens is None else figure(config.max_kv_tokens)
    return cells | {"evidence": config.provenance.evidence, "source": config.provenance.source}


def _distinct(work: _Work, placed: Iterable[_New]) -> list[_New]:
    """Every operating point once; two values for one of them are an issue."""
    found: dict[Place, _New] = {}
    for new in placed:
        first = found.setdefault(new.place, new)
        if not is_equal(first.point, new.point):
            what = f"has {shown_values(new.point)} at {shown_key(new.point)}, and {first.where} has"
            fix = "Import one of them; or first the older, then the newer with --replace; or average repeats"
            what = f"{what} {shown_values(first.point)}"
            work.issues.append(Issue("two-values", new.where, what, fix))
    return [found[place] for place in sorted(found)]


def _profile_sheet(work: _Work, file: str, news: Sequence[_New]) -> Sheet:
    """One profile table with the points that are new in it."""
    sheet, book = work.book.sheets[file], work.book
    old = book.points(file, {new.config.name for new in news})
    _check_evidence(work, old, news)
    added: list[dict[str, str]] = []
    sheet = sheet.widened(_columns_needed(sheet, book, news, old))
    for new in news:
        known = old.get(new.place)
        cells = _cells(book, new)
        if known is None:
            added.append(cells)
            _count(work, new, "added")
        elif is_equal(known[1], new.point):
            _count(work, new, "unchanged")
        elif work.replace:
            blank = dict.fromkeys((*TAIL_COLUMNS, *PROVENANCE_COLUMNS), "")
            sheet = sheet.replaced(known[0], blank | cells)
            _count(work, new, "replaced")
        else:
            where = known[0].where()
            what = f"has {shown_values(known[1])} at {shown_key(new.point)}, and {new.where} has"
            fix = "Add --replace to take the new value, or leave the point out"
            work.issues.append(Issue("other-value", where, f"{what} {shown_values(new.point)}", fix))
    return sheet.with_rows(added)


def _cells(book: Book, new: _New) -> dict[str, str]:
    """A row's cells; its provenance only where it is not its config's."""
    cells = cells_of(new.config.name, new.series.role, new.point)
    provenance = book.configs[new.config.name].provenance
    if (new.series.evidence, new.series.source) == (provenance.evidence, provenance.source):
        return cells
    return cells | {"evidence": new.series.evidence, "source": new.series.source}


def _columns_needed(
    sheet: Sheet, book: Book, news: Sequence[_New], old: Mapping[Place, tuple[Row, Point]]
) -> list[str]:
    changed = [new for new in news if new.place not in old or not is_equal(old[new.place][1], new.point)]
    used = {column for new in changed for column in (*_cells(book, new), *values_of(new.point))}
    provenance = PROVENANCE_COLUMNS if used & set(PROVENANCE_COLUMNS) else ()
    return [c for c in (*TAIL_COLUMNS, *provenance) if c in used and c not in sheet.columns]


def _check_evidence(work: _Work, old: Mapping[Place, tuple[Row, Point]], news: Sequence[_New]) -> None:
    """Measured and modelled points never meet in one profile."""
    kinds: dict[tuple[str, Role], tuple[str, str]] = {}
    for (name, role, _), (row, _) in old.items():
        known = read_provenance(work.book.configs[name], row)
        kinds[name, role] = (known.evidence, shown(work.book.folder))
    for new in news:
        kind, where = kinds.setdefault((new.config.name, new.series.role), (new.series.evidence, new.series.where))
        if kind != new.series.evidence:
            what = (
                f"is {new.series.evidence}, and {where} has a {kind} {new.series.role} profile of '{new.config.name}'"
            )
            fix = "Give it a config of its own with --config, or leave --config out"
            work.issues.append(Issue("mixed-evidence", new.series.where, what, fix))


def _count(work: _Work, new: _New, fate: Fate) -> None:
    provenance = Provenance(new.series.evidence, new.series.source)
    counts = work.fates.setdefault((new.config.name, new.series.role, provenance), {})
    counts[fate] = counts.get(fate, 0) + 1


def _tallies(work: _Work) -> tuple[Tally, ...]:
    items = sorted(work.fates.items(), key=lambda item: (item[0][0], item[0][1], item[0][2].source))
    return tuple(Tally(work.book.configs[name], role, source, **counts) for (name, role, source), counts in items)
